/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settle.h"

#include <json-c/json.h>
#include <string.h>

#include "base/log.h"
#include "xml/xml.h"

#include "device-document.h"
#include "hotplug-rules.h"
#include "hotplug.h"
#include "json.h"
#include "monitor.h"
#include "prepare-device.h"
#include "unplug.h"

/* A QEMU that is stopped may be so for long; its answers come in the order of its questions. */
#define PATIENCE_MS (24 * 60 * 60 * 1000)

#define PERIPHERAL "/machine/peripheral"

/* ---- what QEMU has ---- */

/* The names of its devices, a set of strings that owns them. */
static GHashTable *list_names(struct json_object *list)
{
    GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *name = json_string_member(json_object_array_get_idx(list, i), "name");

        if (name)
            g_hash_table_add(names, g_strdup(name));
    }
    return names;
}

static int get_names(struct guest *guest, GHashTable **ret_names, GError **error)
{
    struct json_object *list JSON_AUTO = NULL;
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    int result =
        qmp_execute(qmp, "qom-list", json_build("s:path", PERIPHERAL, NULL), 0, &list, error);
    qmp_unref(qmp);
    if (result < 0)
        return -1;
    if (!json_object_is_type(list, json_type_array)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "QEMU does not list its devices");
        return -1;
    }
    *ret_names = list_names(list);
    return 0;
}

/* ---- devices that were being plugged in ---- */

static void adopt(struct guest *guest, struct job *job, struct domain *live,
                  const struct device *device, bool undo)
{
    const struct xml_schema *schema = device_kind_schema(device->kind);
    struct device copy = *device;
    g_autoptr(GError) error = NULL;

    copy.object = xml_copy_part(schema, device->object, &live->definition.arena);
    copy.info = copy.object;
    if (device_document_add(live, &copy, &error) < 0) {
        log_error("device '%s': %s", device->info->alias, error->message);
        return;
    }
    hotplug_raise(guest, job, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, copy.info->alias);
    if (undo && unplug_ask(guest, copy.info->alias, &error) < 0)
        log_warn("device '%s', which came late, does not leave: %s", copy.info->alias,
                 error->message);
}

static void drop(struct guest *guest, const struct domain *live, const struct device *device)
{
    g_autoptr(GError) error = NULL;
    struct qmp *qmp = guest_get_qmp(guest, &error);
    struct plug *plug PLUG_AUTO = NULL;

    if (qmp && hotplug_build(guest, live, device, true, &plug, &error) == 0)
        plug_withdraw(plug, qmp);
    qmp_unref(qmp);
    prepare_device_undo(guest, live, device);
}

static void settle_plugging(struct guest *guest, struct job *job, struct domain *live,
                            GHashTable *names, bool undo)
{
    DEFINITION_AUTO struct domain *plugging = g_steal_pointer(&guest->plugging);
    unsigned count;

    if (!plugging)
        return;
    g_autofree struct device *devices = domain_list_devices(plugging, &count);
    for (unsigned i = 0; i < count; i++) {
        if (devices[i].info && g_hash_table_contains(names, devices[i].info->alias))
            adopt(guest, job, live, &devices[i], undo);
        else
            drop(guest, live, &devices[i]);
    }
}

/* ---- devices that have gone ---- */

/* One of a pair that QEMU shows only to a guest which knows what to do with it. */
static bool is_hidden(const struct device *device)
{
    const struct net_teaming *teaming =
        device->kind == DEVICE_NET       ? ((const struct domain_net *)device->object)->teaming
        : device->kind == DEVICE_HOSTDEV ? ((const struct domain_hostdev *)device->object)->teaming
                                         : NULL;

    return teaming && teaming->type == NET_TEAMING_TRANSIENT;
}

static bool is_gone(struct guest *guest, const struct domain *live, const struct device *device,
                    GHashTable *names)
{
    struct plug *plug PLUG_AUTO = NULL;

    return device->info && device->info->alias && !is_hidden(device) &&
           hotplug_rules_check_detach(live, device, true, NULL) == 0 &&
           !g_hash_table_contains(names, device->info->alias) &&
           hotplug_build(guest, live, device, true, &plug, NULL) == 0 && plug_has_device(plug);
}

/* One that is just going has left QEMU's tree and still holds its back ends: news of it come. */
static bool drop_gone(struct guest *guest, struct job *job, struct domain *live, GHashTable *names)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);
    bool changed = false;

    /* from the last on, so that the places of those before stay right */
    for (unsigned i = count; i > 0; i--) {
        const struct device *device = &devices[i - 1];

        if (!is_gone(guest, live, device, names) || !unplug_withdraw(guest, live, device))
            continue;
        unplug_finish(guest, job, live, device);
        changed = true;
    }
    return changed;
}

/* ---- both ---- */

int settle_now(struct guest *guest, struct job *job, bool undo, GError **error)
{
    g_autoptr(GHashTable) names = NULL;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    bool changed = guest->plugging != NULL;

    if (get_names(guest, &names, error) < 0)
        return -1;
    object_get_view(&guest->object, &view);
    DEFINITION_AUTO struct domain *live = (struct domain *)definition_copy(view.live);
    settle_plugging(guest, job, live, names, undo);
    if (!drop_gone(guest, job, live, names) && !changed)
        return 0;
    object_publish_live(job, definition_copy(&live->definition));
    return store_save_status(qemu_of(&guest->object)->store, job, error);
}

/* ---- later ---- */

static void follow_answer(struct guest *guest, struct job *job, uint64_t number, const char *text)
{
    g_autoptr(GError) error = NULL;

    if (!guest->plugging || settle_now(guest, job, true, &error) == 0)
        return;
    log_warn("%s", error->message);
    if (error_is(error, VIR_ERR_OPERATION_TIMEOUT))
        settle_later(guest);
}

static void on_answer(struct qmp *qmp, struct json_object *result, const GError *error, void *user)
{
    struct guest *guest = user;

    if (!error)
        monitor_push(guest, follow_answer, 0, NULL);
    object_unref(&guest->object);
}

void settle_later(struct guest *guest)
{
    struct qmp *qmp = guest_get_qmp(guest, NULL);

    if (!qmp)
        return; /* connecting again settles it */
    object_ref(&guest->object);
    qmp_send(qmp, "qom-list", json_build("s:path", PERIPHERAL, NULL), PATIENCE_MS, on_answer,
             guest);
    qmp_unref(qmp);
}

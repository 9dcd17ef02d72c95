/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hotplug.h"

#include <string.h>

#include "base/log.h"
#include "driver/events.h"
#include "protocol/remote.h"

#include "backing-chain.h"
#include "bandwidth.h"
#include "dac.h"
#include "device-document.h"
#include "document.h"
#include "emulator-override.h"
#include "helper.h"
#include "hotplug-rules.h"
#include "media.h"
#include "memory-devices.h"
#include "prepare-device.h"
#include "qmp-commands.h"
#include "settle.h"
#include "tuning.h"

/* ---- events ---- */

void hotplug_raise(struct guest *guest, struct job *job, int id, const char *alias)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct remote_domain_event_callback_device_added_msg added = {.devAlias = (char *)alias};
    struct remote_domain_event_callback_device_removed_msg removed = {
        .msg = {.devAlias = (char *)alias}};
    struct remote_domain_event_callback_device_removal_failed_msg failed = {.devAlias =
                                                                                (char *)alias};
    const void *message = id == VIR_DOMAIN_EVENT_ID_DEVICE_ADDED     ? (const void *)&added
                          : id == VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED ? (const void *)&removed
                                                                     : (const void *)&failed;

    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &added.dom);
    guest_fill_handle(&view, &removed.msg.dom);
    guest_fill_handle(&view, &failed.dom);
    events_raise(qemu_of(&guest->object)->driver, job, EVENT_DOMAIN, id, &guest->object, message);
}

/* ---- one device ---- */

int hotplug_build(struct guest *guest, const struct domain *live, const struct device *device,
                  bool plan, struct plug **ret_plug, GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);
    struct emulator *emulator EMULATOR_AUTO = NULL;
    struct arguments_context context = {.config = dac_config(guest),
                                        .status_folder = qemu->status_folder,
                                        .folder = guest->folder,
                                        .guest = guest,
                                        .monitor_fd = -1,
                                        .session = qemu->driver->daemon->session,
                                        .plan = plan};

    if (probe_get(qemu->probes, live->devices.emulator, &emulator, error) < 0 ||
        emulator_override(live, &emulator, error) < 0)
        return -1;
    context.emulator = emulator;
    return plug_build(live, device, &context, ret_plug, error);
}

static void learn_terminal(struct domain *live, const struct device *device,
                           const struct plug *plug)
{
    struct chardev_source *source = device_chardev_source(device);
    struct arena *arena = &live->definition.arena;

    if (!plug_terminal(plug) || !source || source->type != CHARDEV_PTY)
        return;
    const char *path = arena_strdup(arena, plug_terminal(plug));
    chardev_source_make_end(source, arena)->path = path;
    if (device->kind == DEVICE_CONSOLE)
        source->tty = path;
}

/* What QEMU chose. That it does not tell is no reason to undo. */
static void learn(struct domain *live, const struct device *device, const struct plug *plug,
                  struct qmp *qmp)
{
    g_autoptr(GError) error = NULL;

    learn_terminal(live, device, plug);
    if (device->kind == DEVICE_MEMORY && memory_devices_learn(live, qmp, &error) < 0)
        log_warn("%s: %s", qmp_who(qmp), error->message);
}

static int apply_steps(struct plug *plug, const struct device *device, struct qmp *qmp,
                       GError **error)
{
    const struct domain_disk *disk = device->kind == DEVICE_DISK ? device->object : NULL;

    if (plug_apply_parts(plug, qmp, error) < 0)
        return -1;
    if (disk && backing_chain_confirm_source(&disk->source, qmp, error) < 0) {
        plug_withdraw(plug, qmp);
        return -1;
    }
    return plug_apply_device(plug, qmp, error);
}

static int apply(struct guest *guest, struct domain *live, const struct device *device,
                 GError **error)
{
    struct plug *plug PLUG_AUTO = NULL;
    struct qmp *qmp;

    if (!device->info) /* a lease: nothing of QEMU's */
        return 0;
    if (hotplug_build(guest, live, device, false, &plug, error) < 0 ||
        !(qmp = guest_get_qmp(guest, error)))
        return -1;
    int result = apply_steps(plug, device, qmp, error);
    if (result == 0)
        learn(live, device, plug, qmp);
    qmp_unref(qmp);
    return result;
}

static bool may_still_happen(const GError *error)
{
    return error_is(error, VIR_ERR_OPERATION_TIMEOUT);
}

/* What no word of the command line says, as tuning.h and bandwidth.h have it at the start. */
static int tell_disk(struct qmp *qmp, const struct domain_disk *disk, GError **error)
{
    if (disk->iotune && tuning_limit_disk(qmp, disk, 0, error) < 0)
        return -1;
    return tuning_count_latencies(qmp, disk, error);
}

static int tell_net(struct qmp *qmp, const struct domain_net *net, GError **error)
{
    if (net->link == NET_LINK_DOWN && qmp_set_link(qmp, net->info.alias, false, 0, error) < 0)
        return -1;
    return net->bandwidth ? bandwidth_apply(net, error) : 0;
}

static int tell_settings(struct guest *guest, const struct device *device, GError **error)
{
    struct qmp *qmp = guest_get_qmp(guest, error);
    int result = 0;

    if (!qmp)
        return -1;
    if (device->kind == DEVICE_DISK)
        result = tell_disk(qmp, device->object, error);
    else if (device->kind == DEVICE_NET)
        result = tell_net(qmp, device->object, error);
    qmp_unref(qmp);
    return result;
}

static int record(struct guest *guest, struct job *job, const GArray *devices, guint count,
                  GError **error)
{
    DEFINITION_AUTO struct domain *all = (struct domain *)definition_new(&domain_schema);

    for (guint i = 0; i < count; i++) {
        const struct device *device = &g_array_index(devices, struct device, i);
        domain_add_device(all, device->kind, device->object, NULL);
    }
    definition_auto_unref(&guest->plugging);
    guest->plugging = count ? (struct domain *)definition_copy(&all->definition) : NULL;
    return store_save_status(qemu_of(&guest->object)->store, job, error);
}

/* What an interface really is, and a helper, are recorded before QEMU has the device. */
static int record_prepared(struct guest *guest, struct job *job, const GArray *devices, guint at,
                           GError **error)
{
    const struct device *device = &g_array_index(devices, struct device, at);

    if (device->kind != DEVICE_NET && helper_kind_of(device) == HELPER_NONE)
        return 0;
    return record(guest, job, devices, devices->len, error);
}

/* *ret_came: QEMU has it, or may have it yet, though this failed. */
static int plug_device(struct guest *guest, struct job *job, struct domain *live,
                       const GArray *devices, guint at, bool *ret_came, GError **error)
{
    const struct device *device = &g_array_index(devices, struct device, at);

    if (prepare_device_access(guest, live, device, error) < 0)
        return -1;
    GError *refused = NULL;
    *ret_came = false;
    if (record_prepared(guest, job, devices, at, &refused) == 0 &&
        apply(guest, live, device, &refused) == 0) {
        *ret_came = true;
        if (tell_settings(guest, device, error) == 0)
            return 0;
        return -1;
    }
    /* what may still come keeps what it stands on: settle.h takes that away */
    if (may_still_happen(refused))
        *ret_came = true;
    else
        prepare_device_undo(guest, live, device);
    g_propagate_error(error, refused);
    return -1;
}

/* ---- all that come together ---- */

/* The first count devices are there already, but for the last, of which nobody knows if open. */
static void give_up(struct guest *guest, struct job *job, const GArray *devices, guint count,
                    bool open)
{
    g_autoptr(GError) error = NULL;

    if (record(guest, job, devices, count, &error) < 0)
        log_error("%s", error->message);
    g_clear_error(&error);
    if (open)
        settle_later(guest);
    else if (count && settle_now(guest, job, true, &error) < 0)
        log_error("%s", error->message);
}

static int plug_all(struct guest *guest, struct job *job, struct domain *live,
                    const GArray *devices, GError **error)
{
    if (record(guest, job, devices, devices->len, error) < 0) {
        /* nothing has begun */
        definition_unref(&g_steal_pointer(&guest->plugging)->definition);
        return -1;
    }
    for (guint i = 0; i < devices->len; i++) {
        GError *refused = NULL;
        bool came = false;

        if (plug_device(guest, job, live, devices, i, &came, &refused) == 0)
            continue;
        give_up(guest, job, devices, came ? i + 1 : i, may_still_happen(refused));
        g_propagate_error(error, refused);
        return -1;
    }
    /* from here on the live definition is the record */
    definition_unref(&g_steal_pointer(&guest->plugging)->definition);
    return 0;
}

static int check_quiet(struct guest *guest, GError **error)
{
    if (!guest->plugging)
        return 0;
    settle_later(guest);
    error_set(error, VIR_ERR_OPERATION_TIMEOUT,
              "QEMU has not answered since another device was attached");
    return -1;
}

/* ---- attaching ---- */

static int attach_live(struct change *change, struct device *device, GError **error)
{
    struct guest *guest = guest_of(job_object(change->job));
    struct domain *live = (struct domain *)change->live;
    struct emulator *emulator EMULATOR_AUTO = NULL;
    g_autoptr(GArray) added = NULL;

    if (check_quiet(guest, error) < 0 ||
        probe_get(qemu_of(&guest->object)->probes, live->devices.emulator, &emulator, error) < 0 ||
        hotplug_rules_check_room(live, device, true, error) < 0 ||
        device_document_add(live, device, error) < 0 ||
        device_document_complete_live(live, device, emulator, &added, error) < 0 ||
        prepare_device(guest, live, device, error) < 0 || change_check(change, error) < 0 ||
        plug_all(guest, change->job, live, added, error) < 0)
        return -1;
    change->applied = true;
    if (device->info)
        hotplug_raise(guest, change->job, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, device->info->alias);
    return 0;
}

static int attach_config(struct change *change, struct device *device, GError **error)
{
    struct domain *config = (struct domain *)change->config;

    if (hotplug_rules_check_attach(device, false, error) < 0 ||
        hotplug_rules_check_room(config, device, false, error) < 0 ||
        device_document_add(config, device, error) < 0)
        return -1;
    return document_complete_added(qemu_of(job_object(change->job)), config, device, error);
}

/* An interface whose address is made up has the same one in both definitions. */
static void share_mac(const struct device *config, const struct device *live)
{
    static const uint8_t none[6];
    struct domain_net *net = live->object;

    if (live->kind == DEVICE_NET && config->object && memcmp(net->mac, none, sizeof(none)) == 0)
        memcpy(net->mac, ((const struct domain_net *)config->object)->mac, sizeof(net->mac));
}

static int attach_to_guest(struct change *change, const struct device *config, const char *text,
                           GError **error)
{
    struct domain *live = (struct domain *)change->live;
    struct device device;

    if (device_document_read(live, text, true, &device, error) < 0)
        return -1;
    share_mac(config, &device);
    if (device.kind == DEVICE_DISK && media_is_meant(live, device.object))
        return media_change(change, device.object, false, error);
    if (hotplug_rules_check_attach(&device, true, error) < 0)
        return -1;
    return attach_live(change, &device, error);
}

int hotplug_attach(struct change *change, const char *text, GError **error)
{
    struct device config = {0};

    if (change->config &&
        (device_document_read((struct domain *)change->config, text, false, &config, error) < 0 ||
         attach_config(change, &config, error) < 0))
        return -1;
    if (change->live && attach_to_guest(change, &config, text, error) < 0)
        return -1;
    return change_save(change, error);
}

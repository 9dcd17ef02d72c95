/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unplug.h"

#include <string.h>

#include "base/log.h"

#include "device-document.h"
#include "device-match.h"
#include "document.h"
#include "expectation.h"
#include "hotplug-rules.h"
#include "hotplug.h"
#include "monitor.h"
#include "prepare-device.h"
#include "qmp-commands.h"
#include "settle.h"
#include "vcpus.h"

/* How long others, and so their clients, wait for a guest to let a device go. */
#define GUEST_DEADLINE_MS 5000

/* QEMU tells that a device has gone, and its parts let go of their back ends a moment later: 7.2
 * frees them in another thread, which takes milliseconds, more on a busy host. */
#define RELEASE_US (2 * G_USEC_PER_SEC)
#define RELEASE_STEP_US 2000

/* ---- the end ---- */

/* As often as back ends are in use, until patience_us have passed. */
static bool withdraw(struct guest *guest, const struct domain *live, const struct device *device,
                     int64_t patience_us)
{
    struct plug *plug PLUG_AUTO = NULL;
    g_autoptr(GError) error = NULL;
    struct qmp *qmp = device->info ? guest_get_qmp(guest, &error) : NULL;
    int64_t end_us = g_get_monotonic_time() + patience_us;
    bool whole = !device->info;

    if (qmp && hotplug_build(guest, live, device, true, &plug, &error) == 0)
        while (!(whole = plug_withdraw(plug, qmp)) && g_get_monotonic_time() < end_us)
            g_usleep(RELEASE_STEP_US);
    else if (device->info)
        log_warn("device '%s': %s", device->info->alias, error->message);
    qmp_unref(qmp);
    return whole;
}

bool unplug_withdraw(struct guest *guest, const struct domain *live, const struct device *device)
{
    return withdraw(guest, live, device, 0);
}

void unplug_finish(struct guest *guest, struct job *job, struct domain *live,
                   const struct device *device)
{
    const char *alias = device->info ? device->info->alias : NULL;

    if (!withdraw(guest, live, device, RELEASE_US))
        log_warn("device '%s' has left back ends in QEMU", alias ? alias : "");
    prepare_device_undo(guest, live, device);
    device_document_remove(live, device);
    if (alias)
        hotplug_raise(guest, job, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, alias);
}

/* A disk on USB is a part of its device, and goes after it: news of parts come by themselves. */
static bool goes_in_parts(const struct device *device)
{
    return device->kind == DEVICE_DISK &&
           ((const struct domain_disk *)device->object)->bus == DISK_BUS_USB;
}

/* The device has gone; have its parts too? */
static bool has_gone(struct guest *guest, const struct domain *live, const struct device *device)
{
    return !goes_in_parts(device) || unplug_withdraw(guest, live, device);
}

/* ---- news that nobody waits for ---- */

static void follow_removal(struct guest *guest, struct job *job, uint64_t number, const char *alias)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct device device;

    object_get_view(&guest->object, &view);
    DEFINITION_AUTO struct domain *live = (struct domain *)definition_copy(view.live);
    bool is_device = domain_find_alias(live, alias, &device);
    if (is_device && !has_gone(guest, live, &device))
        return;
    if (is_device)
        unplug_finish(guest, job, live, &device);
    else if (!vcpus_forget(guest, job, live, alias))
        return;
    object_publish_live(job, definition_copy(&live->definition));
    guest_save_status(guest, job);
}

/* A part may also go before its device, which is then found to be there. */
static void follow_part(struct guest *guest, struct job *job, uint64_t number, const char *alias)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GError) error = NULL;
    struct device device;

    object_get_view(&guest->object, &view);
    if (domain_find_alias(view_live(&view), alias, &device) && goes_in_parts(&device) &&
        settle_now(guest, job, false, &error) < 0)
        log_warn("%s", error->message);
}

/* "usb-disk0" of "/machine/peripheral/usb-disk0/usb-disk0.0/legacy[0]"; the caller frees. */
static char *owner_of(const char *path)
{
    static const char stem[] = "/machine/peripheral/";

    if (!path || !g_str_has_prefix(path, stem))
        return NULL;
    return g_strndup(path + strlen(stem), strcspn(path + strlen(stem), "/"));
}

void unplug_event_deleted(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    g_autofree char *vcpu = vcpus_alias_of_part(event->device_deleted.path);
    const char *alias = vcpu ? vcpu : event->device_deleted.device;

    g_autofree char *owner = alias ? NULL : owner_of(event->device_deleted.path);

    if (owner)
        monitor_push(guest, follow_part, 0, owner);
    else if (alias && !expectation_tell(guest, alias, NEWS_GONE))
        monitor_push(guest, follow_removal, 0, alias);
}

void unplug_event_refused(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    const char *alias = event->device_unplug_failed.device;

    if (!alias)
        return;
    expectation_tell(guest, alias, NEWS_REFUSED);
    hotplug_raise(guest, NULL, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, alias);
}

/* ---- asking ---- */

/* A device that QEMU has not is one that has gone, whatever became of the news. */
int unplug_ask(struct guest *guest, const char *alias, GError **error)
{
    g_autoptr(GError) refused = NULL;
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    int result = qmp_device_del(qmp, alias, 0, &refused);
    qmp_unref(qmp);
    if (result == 0)
        return 0;
    if (error_is(refused, VIR_ERR_DEVICE_MISSING)) {
        expectation_tell(guest, alias, NEWS_GONE);
        return 0;
    }
    g_propagate_error(error, g_steal_pointer(&refused));
    return -1;
}

static int ask_and_wait(struct guest *guest, struct job *job, const char *alias,
                        unsigned deadline_ms, enum news *ret_news, GError **error)
{
    struct expectation expectation;

    expectation_begin(&expectation, guest, alias);
    int result = unplug_ask(guest, alias, error);
    enum news news = expectation_end(&expectation, job, result == 0 ? deadline_ms : 0);
    if (news == NEWS_REFUSED && result == 0) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "unplug of device was rejected by the guest");
        return -1;
    }
    *ret_news = news;
    return news == NEWS_GONE ? 0 : result;
}

/* False: there are back ends alone, and nobody to ask. */
static int is_in_guest(struct guest *guest, const struct domain *live, const struct device *device,
                       bool *ret_is, GError **error)
{
    struct plug *plug PLUG_AUTO = NULL;

    if (!device->info) {
        *ret_is = false;
        return 0;
    }
    if (hotplug_build(guest, live, device, true, &plug, error) < 0)
        return -1;
    *ret_is = plug_has_device(plug);
    return 0;
}

static int detach_live(struct change *change, const struct device *device, unsigned deadline_ms,
                       GError **error)
{
    struct guest *guest = guest_of(job_object(change->job));
    struct domain *live = (struct domain *)change->live;
    enum news news = NEWS_GONE;
    bool in_guest;

    if (hotplug_rules_check_detach(live, device, true, error) < 0 ||
        is_in_guest(guest, live, device, &in_guest, error) < 0 ||
        (in_guest &&
         ask_and_wait(guest, change->job, device->info->alias, deadline_ms, &news, error) < 0))
        return -1;
    change->applied = true;
    if (news == NEWS_GONE && has_gone(guest, live, device))
        unplug_finish(guest, change->job, live, device);
    else /* it leaves when the guest lets it go */
        definition_unref(g_steal_pointer(&change->live));
    return 0;
}

/* ---- detaching ---- */

static int detach_config(struct change *change, const struct device *device, GError **error)
{
    struct domain *config = (struct domain *)change->config;

    if (hotplug_rules_check_detach(config, device, false, error) < 0)
        return -1;
    device_document_remove(config, device);
    return document_complete_changed(qemu_of(job_object(change->job)), config, error);
}

static int find_by_text(struct definition *definition, const char *text, bool live,
                        struct device *ret_device, GError **error)
{
    struct domain *domain = (struct domain *)definition;
    struct device document;

    if (device_document_read(domain, text, live, &document, error) < 0 ||
        hotplug_rules_check_detach_kind(&document, live, error) < 0)
        return -1;
    return device_match_find(domain, &document, live, ret_device, error);
}

static int find_by_alias(struct definition *definition, const char *alias, bool live,
                         struct device *ret_device, GError **error)
{
    if (domain_find_alias((struct domain *)definition, alias, ret_device))
        return 0;
    error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_INTERNAL_ERROR, "no device found with alias %s",
                   alias);
    return -1;
}

typedef int finder(struct definition *definition, const char *by, bool live,
                   struct device *ret_device, GError **error);

static int detach(struct change *change, finder *find, const char *by, unsigned deadline_ms,
                  GError **error)
{
    struct device device;

    if (change->config && (find(change->config, by, false, &device, error) < 0 ||
                           detach_config(change, &device, error) < 0))
        return -1;
    if (change->live && (find(change->live, by, true, &device, error) < 0 ||
                         detach_live(change, &device, deadline_ms, error) < 0))
        return -1;
    return change_save(change, error);
}

int unplug_detach(struct change *change, const char *text, GError **error)
{
    return detach(change, find_by_text, text, GUEST_DEADLINE_MS, error);
}

int unplug_detach_alias(struct change *change, const char *alias, GError **error)
{
    return detach(change, find_by_alias, alias, 0, error);
}

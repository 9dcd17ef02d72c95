/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-events.h"

#include <json-c/json.h>
#include <string.h>

#include "driver/events.h"
#include "protocol/qemu.h"
#include "protocol/remote.h"

#include "block-nodes.h"
#include "expectation.h"
#include "guest.h"
#include "io-errors.h"
#include "memory-devices.h"
#include "monitor.h"

/* An event under construction: the view keeps alive what the handle borrows. */
#define EVENT_VIEW(view, guest)                                                                    \
    OBJECT_VIEW_AUTO struct object_view view = {0};                                                \
    object_get_view(&(guest)->object, &view)

static void raise_event(struct guest *guest, int id, const void *message)
{
    events_raise(qemu_of(&guest->object)->driver, NULL, EVENT_DOMAIN, id, &guest->object, message);
}

/* A copy of the live definition to change, and its publication: with the follow-up's job. */
static struct domain *copy_live(struct guest *guest)
{
    EVENT_VIEW(view, guest);

    return view.live ? (struct domain *)definition_copy(view.live) : NULL;
}

static void publish_live(struct guest *guest, struct job *job, struct domain *live)
{
    object_publish_live(job, &live->definition);
    guest_save_status(guest, job);
}

/* "virtio-disk0" of "/machine/peripheral/virtio-disk0/virtio-backend", which g_free() takes. */
static char *alias_of(const char *qom_path)
{
    static const char stem[] = "/machine/peripheral/";

    if (!qom_path)
        return NULL;
    const char *name = g_str_has_prefix(qom_path, stem) ? qom_path + strlen(stem) : qom_path;
    return g_strndup(name, strcspn(name, "/"));
}

static const struct domain_disk *find_disk(const struct domain *domain, const char *alias)
{
    LIST_EACH (disk, &domain->devices.disks)
        if (alias && g_strcmp0(disk->info.alias, alias) == 0)
            return disk;
    return NULL;
}

static bool has_node(const struct domain_disk *disk, const char *node)
{
    g_autofree char *top = block_node_of_disk(disk);

    if (g_strcmp0(top, node) == 0)
        return true;
    for (const struct domain_source *source = &disk->source; source; source = source->backing) {
        g_autofree char *format = block_node_format_name(source);
        g_autofree char *storage = block_node_storage_name(source);

        if (g_str_equal(format, node) || g_str_equal(storage, node))
            return true;
    }
    return false;
}

/* Only newer QEMU says by which device the guest met the error. */
static const struct domain_disk *find_failed_disk(const struct domain *domain,
                                                  const struct qmp_event *event)
{
    g_autofree char *alias = alias_of(event->block_io_error.qom_path);
    const char *node = event->block_io_error.node;

    if (alias)
        return find_disk(domain, alias);
    LIST_EACH (disk, &domain->devices.disks)
        if (node && has_node(disk, node))
            return disk;
    return NULL;
}

void device_event_rtc_change(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    EVENT_VIEW(view, guest);
    struct remote_domain_event_callback_rtc_change_msg message = {
        .msg = {.offset = event->rtc_change.offset}};

    guest_fill_handle(&view, &message.msg.dom);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_RTC_CHANGE, &message);
}

void device_event_watchdog(const struct qmp_event *event, void *user)
{
    static const struct {
        const char *word;
        int action;
    } actions[] = {
        {"none", VIR_DOMAIN_EVENT_WATCHDOG_NONE},
        {"pause", VIR_DOMAIN_EVENT_WATCHDOG_PAUSE},
        {"reset", VIR_DOMAIN_EVENT_WATCHDOG_RESET},
        {"poweroff", VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF},
        {"shutdown", VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN},
        {"debug", VIR_DOMAIN_EVENT_WATCHDOG_DEBUG},
        {"inject-nmi", VIR_DOMAIN_EVENT_WATCHDOG_INJECTNMI},
    };
    struct guest *guest = user;
    EVENT_VIEW(view, guest);
    struct remote_domain_event_callback_watchdog_msg message = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
        if (g_strcmp0(actions[i].word, event->watchdog.action) == 0)
            message.msg.action = actions[i].action;
    if (message.msg.action == VIR_DOMAIN_EVENT_WATCHDOG_PAUSE)
        atomic_store(&guest->pause_reason, VIR_DOMAIN_PAUSED_WATCHDOG);
    guest_fill_handle(&view, &message.msg.dom);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_WATCHDOG, &message);
}

static int io_error_action(const char *word)
{
    if (g_strcmp0(word, "stop") == 0)
        return VIR_DOMAIN_EVENT_IO_ERROR_PAUSE;
    return g_strcmp0(word, "report") == 0 ? VIR_DOMAIN_EVENT_IO_ERROR_REPORT
                                          : VIR_DOMAIN_EVENT_IO_ERROR_NONE;
}

static void save(struct guest *guest, struct job *job, uint64_t number, const char *text)
{
    guest_save_status(guest, job);
}

void device_event_io_error(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    EVENT_VIEW(view, guest);
    const struct domain_disk *disk = view.live ? find_failed_disk(view_live(&view), event) : NULL;
    char *path = (char *)(disk && disk->source.path ? disk->source.path : "");
    char *name = disk ? (char *)disk->info.alias : "";
    int action = io_error_action(event->block_io_error.action);
    struct remote_domain_event_callback_io_error_msg message = {
        .msg = {.srcPath = path, .devAlias = name, .action = action}};
    struct remote_domain_event_callback_io_error_reason_msg with_reason = {
        .msg = {.srcPath = path,
                .devAlias = name,
                .action = action,
                .reason = event->block_io_error.no_space ? "enospc" : ""}};

    if (action == VIR_DOMAIN_EVENT_IO_ERROR_PAUSE)
        atomic_store(&guest->pause_reason, VIR_DOMAIN_PAUSED_IOERROR);
    guest_fill_handle(&view, &message.msg.dom);
    guest_fill_handle(&view, &with_reason.msg.dom);
    /* a guest may make errors as fast as it likes */
    if (disk && io_errors_note(guest, disk, event))
        monitor_push(guest, save, 0, NULL);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_IO_ERROR, &message);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, &with_reason);
}

static void raise_threshold(struct guest *guest, const struct object_view *view, const char *name,
                            const struct domain_source *source, const struct qmp_event *event)
{
    struct remote_domain_event_block_threshold_msg message = {
        .dev = (char *)name,
        .path = (char *)source->path,
        .threshold = event->block_write_threshold.threshold,
        .excess = event->block_write_threshold.excess,
    };

    guest_fill_handle(view, &message.dom);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD, &message);
}

/* The topmost image also has the disk's own name. */
static void raise_thresholds(struct guest *guest, const struct object_view *view,
                             const struct domain_disk *disk, const struct qmp_event *event)
{
    for (const struct domain_source *source = &disk->source; source; source = source->backing) {
        g_autofree char *node = block_node_storage_name(source);
        g_autofree char *name = g_strdup_printf("%s[%u]", disk->target, source->index);

        if (g_strcmp0(node, event->block_write_threshold.node) != 0)
            continue;
        if (source == &disk->source)
            raise_threshold(guest, view, disk->target, source, event);
        raise_threshold(guest, view, name, source, event);
    }
}

void device_event_threshold(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    EVENT_VIEW(view, guest);

    if (view.live)
        LIST_EACH (disk, &view_live(&view)->devices.disks)
            raise_thresholds(guest, &view, disk, event);
}

static void set_balloon(struct guest *guest, struct job *job, uint64_t kib, const char *text)
{
    struct domain *live = copy_live(guest);

    if (!live)
        return;
    /* of modules that grow, QEMU's balloon knows nothing */
    live->current_memory = kib + memory_devices_current(live);
    publish_live(guest, job, live);
}

void device_event_balloon(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    EVENT_VIEW(view, guest);
    struct remote_domain_event_callback_balloon_change_msg message = {
        .msg = {.actual = event->balloon.actual / 1024}};

    guest_fill_handle(&view, &message.msg.dom);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, &message);
    monitor_push(guest, set_balloon, message.msg.actual, NULL);
}

static int address_family(const char *word)
{
    if (g_strcmp0(word, "ipv6") == 0)
        return VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_IPV6;
    return g_strcmp0(word, "unix") == 0 ? VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_UNIX
                                        : VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_IPV4;
}

static struct remote_domain_event_graphics_address
graphics_address(const struct qmp_graphics_end *end)
{
    return (struct remote_domain_event_graphics_address){
        .family = address_family(end->family),
        .node = (char *)(end->host ? end->host : ""),
        .service = (char *)(end->service ? end->service : ""),
    };
}

void device_event_graphics(const struct qmp_event *event, void *user)
{
    static const int phases[] = {
        [QMP_GRAPHICS_CONNECT] = VIR_DOMAIN_EVENT_GRAPHICS_CONNECT,
        [QMP_GRAPHICS_INITIALIZE] = VIR_DOMAIN_EVENT_GRAPHICS_INITIALIZE,
        [QMP_GRAPHICS_DISCONNECT] = VIR_DOMAIN_EVENT_GRAPHICS_DISCONNECT,
    };
    struct guest *guest = user;
    EVENT_VIEW(view, guest);
    struct remote_domain_event_graphics_identity subject[2];
    struct remote_domain_event_callback_graphics_msg message = {
        .msg = {
            .phase = phases[event->graphics.phase],
            .local = graphics_address(&event->graphics.server),
            .remote = graphics_address(&event->graphics.client),
            .authScheme = (char *)(event->graphics.auth ? event->graphics.auth : ""),
            .subject_val = subject,
        }};

    if (event->graphics.x509_dname)
        subject[message.msg.subject_len++] = (struct remote_domain_event_graphics_identity){
            .type = "x509dname", .name = (char *)event->graphics.x509_dname};
    if (event->graphics.sasl_username)
        subject[message.msg.subject_len++] = (struct remote_domain_event_graphics_identity){
            .type = "saslUsername", .name = (char *)event->graphics.sasl_username};
    guest_fill_handle(&view, &message.msg.dom);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_GRAPHICS, &message);
}

static void set_tray(struct guest *guest, struct job *job, uint64_t open, const char *alias)
{
    struct domain *live = copy_live(guest);

    if (!live)
        return;
    struct domain_disk *disk = (struct domain_disk *)find_disk(live, alias);
    if (disk)
        disk->tray = open ? DISK_TRAY_OPEN : DISK_TRAY_CLOSED;
    publish_live(guest, job, live);
}

void device_event_tray(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    EVENT_VIEW(view, guest);
    g_autofree char *alias = alias_of(event->tray.id);
    struct remote_domain_event_callback_tray_change_msg message = {
        .msg = {.devAlias = alias ? alias : "",
                .reason = event->tray.open ? VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN
                                           : VIR_DOMAIN_EVENT_TRAY_CHANGE_CLOSE}};

    guest_fill_handle(&view, &message.msg.dom);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, &message);
    if (alias && event->tray.open)
        expectation_tell(guest, alias, NEWS_OPEN);
    monitor_push(guest, set_tray, event->tray.open, alias);
}

void device_event_memory_failure(const struct qmp_event *event, void *user)
{
    static const char *const actions[] = {"ignore", "inject", "fatal", "reset"};
    struct guest *guest = user;
    EVENT_VIEW(view, guest);
    struct remote_domain_event_memory_failure_msg message = {
        .recipient = g_strcmp0(event->memory_failure.recipient, "guest") == 0
                         ? VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_GUEST
                         : VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_HYPERVISOR,
        .flags = (event->memory_failure.action_required ? VIR_DOMAIN_MEMORY_FAILURE_ACTION_REQUIRED
                                                        : 0) |
                 (event->memory_failure.recursive ? VIR_DOMAIN_MEMORY_FAILURE_RECURSIVE : 0),
    };

    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
        if (g_strcmp0(actions[i], event->memory_failure.action) == 0)
            message.action = (int)i; /* VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_ in this order */
    guest_fill_handle(&view, &message.dom);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE, &message);
}

void device_event_raw(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    EVENT_VIEW(view, guest);

    /* most often nobody does, and their text may be long */
    if (!event_is_wanted(qemu_of(&guest->object)->driver->bus, EVENT_QEMU_MONITOR, 0))
        return;
    const char *details =
        event->data ? json_object_to_json_string_ext(event->data, JSON_C_TO_STRING_PLAIN) : NULL;
    struct qemu_domain_monitor_event_msg message = {
        .event = (char *)event->name,
        .seconds = event->seconds,
        .micros = event->micros,
        .details = (char *)details,
    };

    guest_fill_handle(&view, &message.dom);
    struct event *raised = events_new(qemu_of(&guest->object)->driver, EVENT_QEMU_MONITOR, 0,
                                      &guest->object, event->name, &message);
    if (raised)
        event_post(raised);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/workers.h"
#include "driver/events.h"
#include "protocol/remote.h"

#include "agent-channel.h"
#include "device-events.h"
#include "log-file.h"
#include "memory-devices.h"
#include "qmp-commands.h"
#include "qmp-events.h"
#include "reconnect.h"
#include "rx-filter.h"
#include "stop.h"
#include "unplug.h"

#define FOLLOW_UP_DEADLINE_MS 60000

static struct driver *driver_of(struct guest *guest)
{
    return qemu_of(&guest->object)->driver;
}

static void raise_event(struct guest *guest, int id, const void *message)
{
    events_raise(driver_of(guest), NULL, EVENT_DOMAIN, id, &guest->object, message);
}

/*
 * While one waits for its job, others of the same kind only bring it up to date: a guest that makes
 * its QEMU tell the same thing over and over can't fill our memory.
 */
struct follow_up {
    struct guest *guest; /* a reference */
    monitor_follow_up *function;
    char *text;

    unsigned run;    /* what concerns an earlier QEMU is void; guarded by the guest's lock, */
    uint64_t number; /* as this */
};

/* From here on news make a follow-up of their own. False: its QEMU has gone. */
static bool take_follow_up(struct follow_up *follow_up)
{
    struct guest *guest = follow_up->guest;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    g_queue_remove(&guest->follow_ups, follow_up);
    return follow_up->run == atomic_load(&guest->run) && !guest_has_ended(guest) &&
           guest->process.pid;
}

static void run_follow_up(void *data)
{
    struct follow_up *follow_up = data;
    struct guest *guest = follow_up->guest;
    g_autoptr(GError) error = NULL;
    struct job *job = NULL;

    if (job_begin(&guest->object, JOB_MODIFY, "event of QEMU", FOLLOW_UP_DEADLINE_MS, &job,
                  &error) < 0)
        log_debug("%s", error->message); /* it has gone meanwhile, most likely */
    if (take_follow_up(follow_up) && job && !atomic_load(&qemu_of(&guest->object)->ending))
        follow_up->function(guest, job, follow_up->number, follow_up->text);
    job_end(job);
    object_unref(&guest->object);
    g_free(follow_up->text);
    g_free(follow_up);
}

/* With the guest's lock held. */
static struct follow_up *find_follow_up(struct guest *guest, monitor_follow_up *function,
                                        const char *text)
{
    for (GList *link = guest->follow_ups.head; link; link = link->next) {
        struct follow_up *follow_up = link->data;

        if (follow_up->function == function && g_strcmp0(follow_up->text, text) == 0)
            return follow_up;
    }
    return NULL;
}

void monitor_push(struct guest *guest, monitor_follow_up *function, uint64_t number,
                  const char *text)
{
    g_mutex_lock(&guest->lock);
    struct follow_up *follow_up = find_follow_up(guest, function, text);
    bool waits = follow_up != NULL;
    if (!waits) {
        follow_up = g_new0(struct follow_up, 1);
        *follow_up =
            (struct follow_up){.guest = guest, .function = function, .text = g_strdup(text)};
        object_ref(&guest->object);
        g_queue_push_tail(&guest->follow_ups, follow_up);
    }
    follow_up->run = atomic_load(&guest->run);
    follow_up->number = number;
    g_mutex_unlock(&guest->lock);
    if (!waits)
        workers_push(driver_of(guest)->daemon->workers, run_follow_up, follow_up, true);
}

/* The state was published on the loop; here it reaches the disk. */
static void save_after(struct guest *guest, struct job *job, uint64_t number, const char *text)
{
    guest_save_status(guest, job);
}

/* ---- the end, and what is made of it ---- */

static void restart_in_place(struct guest *guest, struct job *job, uint64_t number,
                             const char *text)
{
    g_autoptr(GError) error = NULL;

    atomic_store(&guest->run_reason, VIR_DOMAIN_RUNNING_BOOTED);
    if (guest_command(job, "system_reset", NULL, &error) < 0 ||
        guest_command(job, "cont", NULL, &error) < 0) {
        log_error("the guest can't be restarted: %s", error->message);
        stop_kill(guest, false, NULL);
    }
}

static void kill_after(struct guest *guest, struct job *job, uint64_t number, const char *text)
{
    g_autoptr(GError) error = NULL;

    if (stop_kill(guest, false, &error) < 0)
        log_error("%s", error->message);
}

static int action_of(struct guest *guest, size_t offset)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(&guest->object, &view);
    return view.live ? *((const uint8_t *)view.live + offset) : LIFECYCLE_NONE;
}

static void on_shutdown(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;

    agent_interrupt(guest);
    if (atomic_load(&guest->end_reason))
        return; /* it is being ended by us */
    bool reboot = atomic_exchange(&guest->fake_reboot, false) ||
                  action_of(guest, offsetof(struct domain, on_poweroff)) == LIFECYCLE_RESTART;
    bool preserve = action_of(guest, offsetof(struct domain, on_poweroff)) == LIFECYCLE_PRESERVE;
    int detail =
        event->shutdown.by_guest ? VIR_DOMAIN_EVENT_SHUTDOWN_GUEST : VIR_DOMAIN_EVENT_SHUTDOWN_HOST;

    if (reboot) {
        monitor_push(guest, restart_in_place, 0, NULL);
        return;
    }
    if (object_notice_state(&guest->object, VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_UNKNOWN))
        guest_raise_lifecycle(guest, NULL, VIR_DOMAIN_EVENT_SHUTDOWN, detail);
    monitor_push(guest, preserve ? save_after : kill_after, 0, NULL);
}

static void on_reset(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct remote_domain_event_callback_reboot_msg message = {0};

    agent_interrupt(guest);
    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &message.msg.dom);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_REBOOT, &message);
}

static void on_panic(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    int action = action_of(guest, offsetof(struct domain, on_crash));

    if (action == LIFECYCLE_PRESERVE_RUNNING) { /* QEMU let it run on */
        guest_raise_lifecycle(guest, NULL, VIR_DOMAIN_EVENT_CRASHED,
                              VIR_DOMAIN_EVENT_CRASHED_PANICKED);
        return;
    }
    if (!object_notice_state(&guest->object, VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED))
        return;
    guest_raise_lifecycle(guest, NULL, VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED);
    if (action == LIFECYCLE_RESTART || action == LIFECYCLE_COREDUMP_RESTART) {
        monitor_push(guest, restart_in_place, 0, NULL);
    } else if (action != LIFECYCLE_PRESERVE) {
        atomic_store(&guest->end_reason, VIR_DOMAIN_SHUTOFF_CRASHED);
        monitor_push(guest, kill_after, 0, NULL);
    } else {
        monitor_push(guest, save_after, 0, NULL);
    }
}

/* ---- pausing and running ---- */

static int suspended_detail(int reason)
{
    switch (reason) {
    case VIR_DOMAIN_PAUSED_IOERROR:
        return VIR_DOMAIN_EVENT_SUSPENDED_IOERROR;
    case VIR_DOMAIN_PAUSED_WATCHDOG:
        return VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG;
    case VIR_DOMAIN_PAUSED_MIGRATION:
        return VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED;
    default:
        return VIR_DOMAIN_EVENT_SUSPENDED_PAUSED;
    }
}

/* QEMU also stops what has shut down or crashed; that is no pause. */
static void on_stop(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    int reason = atomic_exchange(&guest->pause_reason, VIR_DOMAIN_PAUSED_UNKNOWN);
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(&guest->object, &view);
    if (view.state != VIR_DOMAIN_RUNNING ||
        !object_notice_state(&guest->object, VIR_DOMAIN_PAUSED, reason))
        return;
    guest_raise_lifecycle(guest, NULL, VIR_DOMAIN_EVENT_SUSPENDED, suspended_detail(reason));
    monitor_push(guest, save_after, 0, NULL);
}

static void on_resume(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    int reason = atomic_exchange(&guest->run_reason, VIR_DOMAIN_RUNNING_UNPAUSED);
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(&guest->object, &view);
    if (view.state == VIR_DOMAIN_RUNNING ||
        !object_notice_state(&guest->object, VIR_DOMAIN_RUNNING, reason))
        return;
    guest_raise_lifecycle(guest, NULL, VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED);
    monitor_push(guest, save_after, 0, NULL);
}

/* Suspend-to-RAM and -disk, from inside the guest: the messages differ in name alone. */
static void on_suspend(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    bool disk = event->kind == QMP_EVENT_SUSPEND_DISK;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct remote_domain_event_callback_pmsuspend_msg message = {0};

    agent_interrupt(guest);
    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &message.msg.dom);
    if (object_notice_state(&guest->object, VIR_DOMAIN_PMSUSPENDED,
                            disk ? VIR_DOMAIN_PMSUSPENDED_DISK_UNKNOWN
                                 : VIR_DOMAIN_PMSUSPENDED_UNKNOWN))
        guest_raise_lifecycle(guest, NULL, VIR_DOMAIN_EVENT_PMSUSPENDED,
                              disk ? VIR_DOMAIN_EVENT_PMSUSPENDED_DISK
                                   : VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY);
    raise_event(guest, disk ? VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK : VIR_DOMAIN_EVENT_ID_PMSUSPEND,
                &message);
    monitor_push(guest, save_after, 0, NULL);
}

static void on_wakeup(const struct qmp_event *event, void *user)
{
    struct guest *guest = user;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct remote_domain_event_callback_pmwakeup_msg message = {0};

    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &message.msg.dom);
    if (view.state == VIR_DOMAIN_PMSUSPENDED &&
        object_notice_state(&guest->object, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_WAKEUP))
        guest_raise_lifecycle(guest, NULL, VIR_DOMAIN_EVENT_STARTED,
                              VIR_DOMAIN_EVENT_STARTED_WAKEUP);
    raise_event(guest, VIR_DOMAIN_EVENT_ID_PMWAKEUP, &message);
    monitor_push(guest, save_after, 0, NULL);
}

/* ---- the connection ---- */

static const struct qmp_event_handlers handlers = {
    .handle =
        {
            [QMP_EVENT_SHUTDOWN] = on_shutdown,
            [QMP_EVENT_RESET] = on_reset,
            [QMP_EVENT_STOP] = on_stop,
            [QMP_EVENT_RESUME] = on_resume,
            [QMP_EVENT_SUSPEND] = on_suspend,
            [QMP_EVENT_SUSPEND_DISK] = on_suspend,
            [QMP_EVENT_WAKEUP] = on_wakeup,
            [QMP_EVENT_GUEST_PANICKED] = on_panic,
            [QMP_EVENT_RTC_CHANGE] = device_event_rtc_change,
            [QMP_EVENT_WATCHDOG] = device_event_watchdog,
            [QMP_EVENT_BLOCK_IO_ERROR] = device_event_io_error,
            [QMP_EVENT_BALLOON_CHANGE] = device_event_balloon,
            [QMP_EVENT_BLOCK_WRITE_THRESHOLD] = device_event_threshold,
            [QMP_EVENT_GRAPHICS] = device_event_graphics,
            [QMP_EVENT_DEVICE_TRAY_MOVED] = device_event_tray,
            [QMP_EVENT_DEVICE_DELETED] = unplug_event_deleted,
            [QMP_EVENT_DEVICE_UNPLUG_FAILED] = unplug_event_refused,
            [QMP_EVENT_SERIAL_CHANGE] = agent_channel_event,
            [QMP_EVENT_NIC_RX_FILTER_CHANGED] = rx_filter_event,
            [QMP_EVENT_MEMORY_DEVICE_SIZE_CHANGE] = memory_devices_event,
            [QMP_EVENT_MEMORY_FAILURE] = device_event_memory_failure,
        },
    .every = device_event_raw,
};

static void on_event(struct qmp *qmp, const char *name, struct json_object *data, int64_t seconds,
                     unsigned micros, void *user)
{
    g_autoptr(GError) error = NULL;

    if (qmp_event_dispatch(&handlers, name, data, seconds, micros, user, &error) < 0)
        log_warn("%s: %s", qmp_who(qmp), error->message);
}

static void connect_again(struct guest *guest, struct job *job, uint64_t number, const char *reason)
{
    reconnect_lost(guest, job, reason);
}

static void on_closed(struct qmp *qmp, const GError *reason, void *user)
{
    struct guest *guest = user;

    if (!guest_has_ended(guest))
        monitor_push(guest, connect_again, 0, reason->message);
}

static char *last_words(void *user)
{
    struct guest *guest = user;
    g_autofree char *name = object_get_name(&guest->object);

    return log_file_last_words(qemu_of(&guest->object), name, guest->log_start);
}

static void free_user(void *user)
{
    struct guest *guest = user;

    object_unref(&guest->object);
}

int monitor_open(struct guest *guest, const char *name, int fd, unsigned deadline_ms,
                 GError **error)
{
    static const struct qmp_ops ops = {
        .event = on_event, .closed = on_closed, .last_words = last_words, .free_user = free_user};
    g_autofree char *who = g_strdup_printf("guest '%s'", name);
    /* higher than any that a killed daemon gave since the host's start */
    uint64_t first_id = (uint64_t)g_get_monotonic_time();
    struct qmp_settings settings = {.who = who, .deadline_ms = deadline_ms, .first_id = first_id};
    struct qmp *qmp;

    object_ref(&guest->object);
    if (qmp_open(qemu_of(&guest->object)->monitors, fd, &settings, &ops, guest, &qmp, error) < 0)
        return -1;
    guest_set_qmp(guest, qmp);
    return 0;
}

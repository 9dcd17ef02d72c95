/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reconnect.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "driver/events.h"
#include "protocol/remote.h"

#include "counters.h"
#include "dac.h"
#include "display.h"
#include "group-limits.h"
#include "helper.h"
#include "hostdev.h"
#include "io-errors.h"
#include "log-file.h"
#include "memory-devices.h"
#include "monitor.h"
#include "placement.h"
#include "prepare.h"
#include "qmp-commands.h"
#include "rx-filter.h"
#include "settle.h"
#include "start.h"
#include "status.h"
#include "stop.h"
#include "tuning.h"
#include "vcpus.h"

#define MONITOR_DEADLINE_MS 30000
#define RETRY_MS 5000
#define INTERRUPTED_MS 5000
#define EXIT_GRACE_MS 2000

/* Never waits: a QEMU that hangs takes one connection into its queue, and no more. */
static int connect_monitor(const struct guest *guest, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/monitor.sock", guest->folder);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd_take(&fd);
    if (errno == EAGAIN) {
        error_set(error, VIR_ERR_OPERATION_TIMEOUT, "the monitor %s takes no connection",
                  address.sun_path);
        return -1;
    }
    error_set_errno(error, errno, "cannot connect to the monitor %s", address.sun_path);
    return -1;
}

/* ---- at the start, before anything is served ---- */

/* Asks QEMU to end, and waits until it has: a second connection, which it does not accept while it
 * has the first, breaks then. */
static bool quit(struct guest *guest, struct qmp *qmp)
{
    autofd int second = connect_monitor(guest, NULL);
    struct pollfd end = {.fd = second, .events = POLLIN};

    return second >= 0 && qmp_execute(qmp, "quit", NULL, 0, NULL, NULL) == 0 &&
           poll(&end, 1, INTERRUPTED_MS) > 0;
}

/*
 * The old daemon was killed between the two sides of starting a process. If there is a QEMU, nobody
 * knows its pid, but it has the monitor's socket. False: it is there and can't be ended.
 */
static bool end_interrupted(struct guest *guest)
{
    static const struct qmp_ops no_ops = {0};
    struct qmp_settings settings = {.who = "a guest whose start was interrupted",
                                    .deadline_ms = INTERRUPTED_MS,
                                    .first_id = (uint64_t)g_get_monotonic_time()};
    g_autoptr(GError) error = NULL;
    struct qmp *qmp;
    int fd = connect_monitor(guest, &error);

    /* nobody listens, or it ended by itself */
    if (fd < 0 ||
        qmp_open(qemu_of(&guest->object)->monitors, fd, &settings, &no_ops, NULL, &qmp, &error) < 0)
        return !error_is(error, VIR_ERR_OPERATION_TIMEOUT);
    bool ended = quit(guest, qmp);
    qmp_close(qmp);
    return ended;
}

static int open_process(struct guest *guest, const struct guest_status *status, GError **error)
{
    struct process process = PROCESS_INIT;

    if (process_open(status->pid, status->process_time, &process, error) < 0)
        return -1;
    int result = guest_set_process(guest, &process, error);
    process_clear(&process);
    return result;
}

static char **copy_strings(const char *const *items, unsigned count)
{
    char **strings = g_new0(char *, count + 1);

    for (unsigned i = 0; i < count; i++)
        strings[i] = g_strdup(items[i]);
    return strings;
}

/* It is over: the files of the run go, and the status file, which nobody needs any more. */
static int give_up(struct guest *guest, struct job *job, const struct domain *live)
{
    prepare_undo(guest, live);
    store_remove_status(qemu_of(&guest->object)->store, job, NULL);
    return -1;
}

/* What the old daemon was plugging in; settle.h finds out what became of it. */
static struct domain *copy_plugging(const struct guest_status *status)
{
    if (!status->plugging)
        return NULL;
    DEFINITION_AUTO struct domain *all = (struct domain *)definition_new(&domain_schema);
    all->devices = *status->plugging;
    return (struct domain *)definition_copy(&all->definition);
}

static int take_process(struct registry *registry, struct job *job, struct domain *live,
                        const struct guest_status *status, GError **error)
{
    struct guest *guest = guest_of(job_object(job));

    if (status->pid == 0) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "its start was interrupted");
        return end_interrupted(guest) ? give_up(guest, job, live) : -1;
    }
    if (registry_set_id(registry, job, live->id.value, error) < 0)
        return -1;
    if (open_process(guest, status, error) == 0)
        return 0;
    registry_set_id(registry, job, -1, NULL);
    return error_is(*error, VIR_ERR_OPERATION_FAILED) ? give_up(guest, job, live) : -1;
}

static void restore_helpers(struct guest *guest, const struct domain *live,
                            const struct guest_status *status)
{
    LIST_EACH (helper, &status->helpers)
        helper_restore(guest, live->name, helper->kind, helper->device ? helper->device : "",
                       helper->pid, helper->process_time);
}

/* Those that it was given, and those that it was just to get. */
static void mark_devices(struct guest *guest, const struct domain *live)
{
    struct qemu *qemu = qemu_of(&guest->object);

    hostdev_mark_all(qemu, live->name, live);
    if (guest->plugging)
        hostdev_mark_all(qemu, live->name, guest->plugging);
}

int reconnect_restore(struct registry *registry, struct job *job, struct definition *live,
                      void *rest, GError **error)
{
    struct guest *guest = guest_of(job_object(job));
    const struct guest_status *status = rest;

    g_free(guest->folder);
    guest->folder = g_strdup(status->folder);
    dac_adopt(guest, (struct domain *)live);
    guest_set_cgroup(guest, copy_strings(status->cgroup.items, status->cgroup.count));
    restore_helpers(guest, (struct domain *)live, status);
    guest->plugging = copy_plugging(status);
    guest->last_node = status->last_node;
    atomic_store(&guest->taints, status->taints);
    io_errors_load(guest, status->io_errors.items, status->io_errors.count);
    agent_set_timeout(guest, status->agent_timeout);
    mark_devices(guest, (struct domain *)live);
    guest->log_start = log_file_end(qemu_of(&guest->object), ((struct domain *)live)->name);
    int result = take_process(registry, job, (struct domain *)live, status, error);
    if (result == 0) {
        display_mark_ports((struct domain *)live, qemu_of(&guest->object));
        object_publish_active(job, definition_ref(live), ((struct domain *)live)->id.value,
                              status->state, (int)status->reason);
    }
    definition_unref(live);
    definition_unref(rest);
    return result;
}

/* ---- on a worker each ---- */

/* What QEMU's run states mean to us, and the event of one that was missed; the first is for those
 * not here. */
static const struct run_state {
    const char *word;
    int state, reason, event, detail;
} run_states[] = {
    {"paused", VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_UNKNOWN, VIR_DOMAIN_EVENT_SUSPENDED,
     VIR_DOMAIN_EVENT_SUSPENDED_PAUSED},
    {"running", VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_UNKNOWN, VIR_DOMAIN_EVENT_RESUMED,
     VIR_DOMAIN_EVENT_RESUMED_UNPAUSED},
    {"shutdown", VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_UNKNOWN, VIR_DOMAIN_EVENT_SHUTDOWN,
     VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED},
    {"guest-panicked", VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED, VIR_DOMAIN_EVENT_CRASHED,
     VIR_DOMAIN_EVENT_CRASHED_PANICKED},
    {"suspended", VIR_DOMAIN_PMSUSPENDED, VIR_DOMAIN_PMSUSPENDED_UNKNOWN,
     VIR_DOMAIN_EVENT_PMSUSPENDED, VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY},
    {"io-error", VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, VIR_DOMAIN_EVENT_SUSPENDED,
     VIR_DOMAIN_EVENT_SUSPENDED_IOERROR},
    {"watchdog", VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_WATCHDOG, VIR_DOMAIN_EVENT_SUSPENDED,
     VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG},
};

static void notice_state(struct guest *guest, struct job *job, const char *word)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct run_state *now = &run_states[0];

    for (size_t i = 0; i < G_N_ELEMENTS(run_states); i++)
        if (strcmp(run_states[i].word, word) == 0)
            now = &run_states[i];
    object_get_view(&guest->object, &view);
    /* the reason on file is better than none, if the state has not changed meanwhile */
    if (view.state != now->state && object_notice_state(&guest->object, now->state, now->reason))
        guest_raise_lifecycle(guest, job, now->event, now->detail);
}

/* A start that the old daemon did not finish has no client to report to: it is undone. */
static bool was_starting(struct guest *guest, const char *word)
{
    return guest_is_starting(guest) && strcmp(word, "running") != 0;
}

static int catch_up(struct guest *guest, struct job *job, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    struct qmp *qmp = guest_get_qmp(guest, error);
    struct qmp_status status;

    if (!qmp)
        return -1;
    int result = qmp_get_status(qmp, 0, &arena, &status, error);
    qmp_unref(qmp);
    if (result < 0)
        return -1;
    if (was_starting(guest, status.status)) {
        error_set(error, VIR_ERR_OPERATION_ABORTED, "its start was interrupted");
        return -1;
    }
    notice_state(guest, job, status.status);
    if (strcmp(status.status, "shutdown") == 0) {
        atomic_store(&guest->end_reason, VIR_DOMAIN_SHUTOFF_SHUTDOWN);
        return stop_kill(guest, false, error);
    }
    if (settle_now(guest, job, false, error) < 0 || start_learn(guest, job, error) < 0)
        return -1;
    rx_filter_look(guest, NULL);
    return 0;
}

/* ---- out of control ---- */

int64_t reconnect_lost_ms(struct object *object)
{
    int64_t lost = atomic_load(&guest_of(object)->lost);

    return lost ? (g_get_monotonic_time() - lost) / 1000 : -1;
}

static void set_lost(struct guest *guest, struct job *job)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct remote_domain_event_callback_control_error_msg message = {0};
    int64_t in_control = 0;

    if (!atomic_compare_exchange_strong(&guest->lost, &in_control, g_get_monotonic_time()))
        return;
    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &message.msg.dom);
    events_raise(qemu_of(&guest->object)->driver, job, EVENT_DOMAIN,
                 VIR_DOMAIN_EVENT_ID_CONTROL_ERROR, &guest->object, &message);
}

static void set_found(struct guest *guest, const char *name)
{
    if (atomic_exchange(&guest->lost, 0))
        log_info("guest '%s' can be controlled again", name);
}

/* ---- connecting ---- */

/* What was in effect and not yet written down when the old daemon was killed, or the other way
 * round: the live definition holds. A guest runs on whatever of it fails. */
static void restore_settings(struct guest *guest)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GError) error = NULL;
    struct qmp *qmp = guest_get_qmp(guest, NULL);

    object_get_view(&guest->object, &view);
    if (qmp && view.live &&
        (group_limits_restore(guest, view_live(&view), &error) < 0 ||
         placement_apply_all(guest, view_live(&view), &error) < 0 ||
         tuning_restore(qmp, view_live(&view), &error) < 0 ||
         counters_apply(guest, view_live(&view), &error) < 0))
        log_warn("domain '%s': %s", view.name, error->message);
    qmp_unref(qmp);
}

/* A vcpu may have come while nobody waited for it any more, and memory as nobody listened. */
static void learn(struct guest *guest, struct job *job)
{
    g_autoptr(GError) error = NULL;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct qmp *qmp = guest_get_qmp(guest, NULL);

    object_get_view(&guest->object, &view);
    if (qmp && view.live) {
        DEFINITION_AUTO struct domain *live = (struct domain *)definition_copy(view.live);

        if ((live->vcpus.count && vcpus_learn(qmp, live, &error) < 0) ||
            memory_devices_refresh(live, qmp, &error) < 0)
            log_warn("domain '%s': %s", view.name, error->message);
        object_publish_live(job, definition_copy(&live->definition));
    }
    qmp_unref(qmp);
}

static int take_up(struct guest *guest, struct job *job, GError **error)
{
    g_autofree char *name = object_get_name(&guest->object);
    int fd = connect_monitor(guest, error);

    if (fd < 0 || monitor_open(guest, name, fd, MONITOR_DEADLINE_MS, error) < 0 ||
        catch_up(guest, job, error) < 0)
        return -1;
    set_found(guest, name);
    restore_settings(guest);
    learn(guest, job);
    guest_save_status(guest, job);
    return 0;
}

static void reconnect_again(void *data);

/* On the monitors' loop, which has the timers. */
static void on_retry(struct loop_timer *timer, void *data)
{
    struct guest *guest = data;

    guest->retry = NULL;
    loop_timer_remove(timer);
    workers_push(qemu_of(&guest->object)->driver->daemon->workers, reconnect_again, guest, true);
}

static void start_retry(void *data)
{
    struct guest *guest = data;

    if (atomic_load(&qemu_of(&guest->object)->ending)) {
        object_unref(&guest->object);
        return;
    }
    guest->retry = loop_add_timer(qemu_of(&guest->object)->monitors, RETRY_MS, on_retry, guest);
}

static void cancel_retry(void *data)
{
    struct guest *guest = data;

    if (guest->retry) {
        loop_timer_remove(g_steal_pointer(&guest->retry));
        object_unref(&guest->object); /* the timer's */
    }
    object_unref(&guest->object);
}

/* A guest that is out of control may have a timer, and is not in the registry at the end. */
void reconnect_forget(struct guest *guest)
{
    if (atomic_exchange(&guest->lost, 0))
        loop_post(qemu_of(&guest->object)->monitors, cancel_retry, object_ref(&guest->object));
}

/*
 * A QEMU that is alive stays, whatever is wrong: its guest may be fine, and the user can destroy
 * it. It is asked again from time to time, so that it can be managed as soon as it answers. Only a
 * start that nobody waits for any more is ended.
 */
static void reconnect(struct guest *guest, struct job *job)
{
    g_autoptr(GError) error = NULL;

    if (take_up(guest, job, &error) == 0)
        return;
    g_autofree char *name = object_get_name(&guest->object);
    log_error("domain '%s' can't be taken up again: %s", name, error->message);
    guest_set_qmp(guest, NULL);
    /* a QEMU that waits for a helper that is mute has never said anything */
    if (error_is(error, VIR_ERR_OPERATION_ABORTED) || guest_is_starting(guest)) {
        atomic_store(&guest->end_reason, VIR_DOMAIN_SHUTOFF_FAILED);
        stop_kill(guest, false, NULL);
    } else if (!guest_has_ended(guest)) {
        set_lost(guest, job);
        object_ref(&guest->object);
        loop_post(qemu_of(&guest->object)->monitors, start_retry, guest);
    }
}

static void reconnect_first(void *data)
{
    struct job *job = data;

    reconnect(guest_of(job_object(job)), job);
    job_end(job);
}

/* Owns a reference to the guest. */
static void reconnect_again(void *data)
{
    struct guest *guest = data;
    struct job *job;

    if (object_is_active(&guest->object) &&
        job_begin(&guest->object, JOB_MODIFY, "reconnect", MONITOR_DEADLINE_MS, &job, NULL) == 0) {
        if (guest->process.pid && !guest->qmp)
            reconnect(guest, job);
        job_end(job);
    }
    object_unref(&guest->object);
}

/* A QEMU that ends closes its monitor a moment before: most often there is nothing to do. One that
 * is connected again by now, or is to be, is not ours. */
void reconnect_lost(struct guest *guest, struct job *job, const char *reason)
{
    g_autofree char *name = object_get_name(&guest->object);

    if (!guest->qmp || qmp_is_open(guest->qmp) || guest_wait(guest, EXIT_GRACE_MS))
        return;
    log_warn("the monitor of guest '%s' is connected to again: %s", name, reason);
    guest_set_qmp(guest, NULL);
    set_lost(guest, job);
    reconnect(guest, job);
}

void reconnect_all(struct qemu *qemu)
{
    g_autoptr(GPtrArray) guests = registry_list(qemu->domains, registry_filter_active, NULL);

    for (guint i = 0; i < guests->len; i++) {
        g_autoptr(GError) error = NULL;
        struct job *job;

        if (job_begin(guests->pdata[i], JOB_MODIFY, "reconnect", 0, &job, &error) < 0)
            log_error("%s", error->message); /* it has ended already */
        else
            workers_push(qemu->driver->daemon->workers, reconnect_first, job, true);
    }
}

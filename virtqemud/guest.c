/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "driver/events.h"
#include "protocol/remote.h"

#include "counters.h"
#include "dac.h"
#include "helper.h"
#include "stop.h"

void guest_clear(struct object *object)
{
    struct guest *guest = guest_of(object);

    qmp_close(guest->qmp);
    agent_close(guest);
    if (guest->process.pid)
        process_clear(&guest->process);
    g_clear_pointer(&guest->owner, client_unref);
    g_clear_pointer(&guest->consoles, g_hash_table_unref);
    g_clear_pointer(&guest->fd_groups, g_hash_table_unref);
    g_clear_pointer(&guest->io_errors, g_hash_table_unref);
    g_clear_pointer(&guest->helpers, g_ptr_array_unref);
    counters_close(guest);
    dac_forget(guest);
    g_strfreev(guest->cgroup);
    g_free(guest->folder);
    definition_auto_unref(&guest->plugging);
}

struct qmp *guest_get_qmp(struct guest *guest, GError **error)
{
    g_mutex_lock(&guest->lock);
    struct qmp *qmp = guest->qmp ? qmp_ref(guest->qmp) : NULL;
    bool silent = !qmp && guest->process.pid;
    g_mutex_unlock(&guest->lock);

    if (silent) {
        g_autofree char *name = object_get_name(&guest->object);
        error_set(error, VIR_ERR_OPERATION_TIMEOUT, "guest '%s' does not answer on its monitor",
                  name);
    } else if (!qmp) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
    }
    return qmp;
}

void guest_set_qmp(struct guest *guest, struct qmp *qmp)
{
    g_mutex_lock(&guest->lock);
    struct qmp *old = guest->qmp;
    guest->qmp = qmp;
    g_mutex_unlock(&guest->lock);
    qmp_close(old);
}

/*
 * Waits on the monitors' loop for the end of one QEMU. It has a descriptor of its own, because the
 * guest's is closed by whoever clears up first, and then nobody would be told any more.
 */
struct exit_watch {
    struct guest *guest; /* a reference */
    unsigned run;
    int fd;
    struct loop_source *source;
};

static void watch_free(struct exit_watch *watch)
{
    if (watch->guest->watch == watch)
        watch->guest->watch = NULL;
    loop_source_remove(watch->source);
    close(watch->fd);
    object_unref(&watch->guest->object);
    g_free(watch);
}

static void clear_up(void *data)
{
    struct object *object = data;

    stop_after_end(guest_of(object));
    object_unref(object);
}

/* On the monitors' loop: QEMU has gone. Clearing up may block, so a worker does it. */
static void on_process_exit(struct loop_source *source, uint32_t events, void *data)
{
    struct exit_watch *watch = data;
    struct guest *guest = watch->guest;
    struct qemu *qemu = qemu_of(&guest->object);

    if (watch->run > atomic_load(&guest->ended_run))
        atomic_store(&guest->ended_run, watch->run);
    if (!atomic_load(&qemu->ending))
        workers_push(qemu->driver->daemon->workers, clear_up, object_ref(&guest->object), true);
    watch_free(watch);
}

static void start_watch(void *data)
{
    struct exit_watch *watch = data;
    struct qemu *qemu = qemu_of(&watch->guest->object);
    g_autoptr(GError) error = NULL;

    watch->source = loop_add_fd(qemu->monitors, watch->fd, EPOLLIN, on_process_exit, watch, &error);
    if (watch->source && !atomic_load(&qemu->ending)) {
        watch->guest->watch = watch;
        return;
    }
    if (error)
        log_error("the end of a guest will not be noticed: %s", error->message);
    watch_free(watch);
}

static int duplicate_fd(int fd, GError **error)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0)
        error_set_errno(error, errno, "cannot watch a process");
    return copy;
}

int guest_set_process(struct guest *guest, struct process *process, GError **error)
{
    int fd = duplicate_fd(process->fd, error);

    if (fd < 0)
        return -1;
    struct exit_watch *watch = g_new0(struct exit_watch, 1);
    *watch =
        (struct exit_watch){.guest = guest, .run = atomic_fetch_add(&guest->run, 1) + 1, .fd = fd};
    object_ref(&guest->object);
    g_mutex_lock(&guest->lock);
    guest->process = *process;
    g_mutex_unlock(&guest->lock);
    *process = (struct process)PROCESS_INIT;
    guest->process_time = process_start_time(guest->process.pid);
    loop_post(qemu_of(&guest->object)->monitors, start_watch, watch);
    return 0;
}

bool guest_is_starting(struct guest *guest)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(&guest->object, &view);
    return view.state == VIR_DOMAIN_PAUSED && view.reason == VIR_DOMAIN_PAUSED_STARTING_UP;
}

void guest_save_status(struct guest *guest, struct job *job)
{
    g_autoptr(GError) error = NULL;

    if (store_save_status(qemu_of(&guest->object)->store, job, &error) < 0)
        log_error("%s", error->message);
}

bool guest_has_ended(struct guest *guest)
{
    return atomic_load(&guest->ended_run) == atomic_load(&guest->run);
}

void guest_stop_watching(struct guest *guest)
{
    helper_stop_watching(guest);
    if (guest->watch)
        watch_free(guest->watch);
    if (!guest->retry)
        return;
    loop_timer_remove(g_steal_pointer(&guest->retry));
    object_unref(&guest->object); /* the timer's */
}

pid_t guest_pid(struct guest *guest)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    return guest->process.pid;
}

char **guest_get_cgroup(struct guest *guest)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);

    return g_strdupv(guest->cgroup);
}

void guest_set_cgroup(struct guest *guest, char **folders)
{
    g_mutex_lock(&guest->lock);
    char **old = guest->cgroup;
    guest->cgroup = folders;
    g_mutex_unlock(&guest->lock);
    g_strfreev(old);
}

/* A pidfd of our own, so that nobody waits with the lock held. Without a process its pid is 0. */
static int duplicate_process(struct guest *guest, struct process *ret_process, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&guest->lock);
    struct process process = PROCESS_INIT;

    if (guest->process.pid) {
        process.pid = guest->process.pid;
        process.fd = duplicate_fd(guest->process.fd, error);
        if (process.fd < 0)
            return -1;
    }
    *ret_process = process;
    return 0;
}

int guest_signal(struct guest *guest, int signal_number, GError **error)
{
    struct process process;

    if (duplicate_process(guest, &process, error) < 0)
        return -1;
    if (!process.pid)
        return 0;
    int result = process_signal(&process, signal_number, error);
    process_clear(&process);
    return result;
}

bool guest_wait(struct guest *guest, int milliseconds)
{
    struct process process;

    if (duplicate_process(guest, &process, NULL) < 0)
        return false;
    if (!process.pid)
        return true;
    bool ended = process_wait(&process, milliseconds, NULL);
    process_clear(&process);
    return ended;
}

int guest_command(struct job *job, const char *command, struct json_object *arguments,
                  GError **error)
{
    struct qmp *qmp = guest_get_qmp(guest_of(job_object(job)), error);

    if (!qmp)
        return -1;
    int result = qmp_execute(qmp, command, arguments, 0, NULL, error);
    qmp_unref(qmp);
    return result;
}

void guest_fill_handle(const struct object_view *view, struct remote_nonnull_domain *handle)
{
    handle->name = view->name;
    memcpy(handle->uuid, view->uuid, sizeof(handle->uuid));
    handle->id = view->id;
}

void guest_raise_lifecycle(struct guest *guest, struct job *job, int event, int detail)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct remote_domain_event_callback_lifecycle_msg message = {
        .msg = {.event = event, .detail = detail}};

    object_get_view(&guest->object, &view);
    guest_fill_handle(&view, &message.msg.dom);
    events_raise(qemu_of(&guest->object)->driver, job, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                 &guest->object, &message);
}

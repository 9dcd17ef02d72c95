/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/workers.h"
#include "driver/events.h"
#include "protocol/remote.h"

#include "stop.h"

void guest_clear(struct object *object)
{
    struct guest *guest = guest_of(object);

    qmp_close(guest->qmp);
    if (guest->process.pid)
        process_clear(&guest->process);
    g_clear_pointer(&guest->owner, client_unref);
    g_clear_pointer(&guest->consoles, g_hash_table_unref);
    g_strfreev(guest->cgroup);
    g_free(guest->folder);
}

struct qmp *guest_get_qmp(struct guest *guest, GError **error)
{
    g_mutex_lock(&guest->lock);
    struct qmp *qmp = guest->qmp ? qmp_ref(guest->qmp) : NULL;
    g_mutex_unlock(&guest->lock);

    if (!qmp)
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
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

static void clear_up(void *data)
{
    struct object *object = data;

    stop_after_end(guest_of(object));
    object_unref(object);
}

/* On the monitors' loop: QEMU has gone. Clearing up may block, so a worker does it. */
static void on_process_exit(struct loop_source *source, uint32_t events, void *data)
{
    struct guest *guest = data;
    struct workers *workers = qemu_of(&guest->object)->driver->daemon->workers;

    loop_source_remove(source);
    guest->exit_watch = NULL;
    atomic_store(&guest->ended, true);
    /* the watch's reference becomes the worker's */
    workers_push(workers, clear_up, &guest->object, true);
}

static void watch(void *data)
{
    struct guest *guest = data;
    struct loop *monitors = qemu_of(&guest->object)->monitors;
    g_autoptr(GError) error = NULL;

    guest->exit_watch =
        loop_add_fd(monitors, guest->process.fd, EPOLLIN, on_process_exit, guest, &error);
    if (!guest->exit_watch)
        g_error("a guest can't be watched: %s", error->message);
}

void guest_set_process(struct guest *guest, struct process *process)
{
    g_mutex_lock(&guest->lock);
    guest->process = *process;
    g_mutex_unlock(&guest->lock);
    *process = (struct process)PROCESS_INIT;
    guest->process_time = process_start_time(guest->process.pid);
    atomic_store(&guest->ended, false);
    object_ref(&guest->object);
    loop_post(qemu_of(&guest->object)->monitors, watch, guest);
}

pid_t guest_pid(struct guest *guest)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&guest->lock);

    return guest->process.pid;
}

/* A pidfd of our own, so that nobody waits with the lock held. */
static int duplicate_process(struct guest *guest, struct process *ret_process)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&guest->lock);

    if (!guest->process.pid)
        return -1;
    *ret_process = (struct process){.pid = guest->process.pid, .fd = dup(guest->process.fd)};
    return 0;
}

int guest_signal(struct guest *guest, int signal_number, GError **error)
{
    struct process process;

    if (duplicate_process(guest, &process) < 0)
        return 0;
    int result = process_signal(&process, signal_number, error);
    process_clear(&process);
    return result;
}

bool guest_wait(struct guest *guest, int milliseconds)
{
    struct process process;

    if (duplicate_process(guest, &process) < 0)
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

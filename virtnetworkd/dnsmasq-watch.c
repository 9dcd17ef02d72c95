/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dnsmasq-watch.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/process.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "object/job.h"

#include "dnsmasq.h"
#include "vnet.h"

#define STEADY_US (10 * G_USEC_PER_SEC) /* who has run so long gets another chance at once */
#define WAIT_MS 1000
#define DOUBLINGS_MOST 6

/* What is posted to the loop thread, or waits there, has a reference of the network. */
struct watch {
    struct vnet *vnet;
    pid_t pid;
};

static struct loop *loop(void)
{
    return networkd->driver->daemon->loop;
}

/* ---- starting it again ---- */

static int start_again(struct vnet *vnet, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    JOB_AUTO struct job *job = NULL;

    if (job_begin(&vnet->object, JOB_MODIFY, "dnsmasq", JOB_DEADLINE_MS, &job, error) < 0)
        return -1;
    object_get_view(&vnet->object, &view);
    if (!view.live)
        return 0;
    /* one that runs may lack a watch and its leases' file: those could not be had, for a full disk
     */
    bool runs = dnsmasq_pid(view_live(&view)) != 0;
    if (!runs)
        log_warn("network '%s': dnsmasq has ended, and is started again", view.name);
    if (dnsmasq_start(vnet, view_live(&view), error) < 0)
        return -1;
    if (!runs)
        vnet_raise(&vnet->object, job, VIR_NETWORK_EVENT_STARTED);
    return 0;
}

static void restart(void *data)
{
    struct vnet *vnet = data;
    g_autofree char *name = object_get_name(&vnet->object);
    g_autoptr(GError) error = NULL;

    /* of a network that has gone meanwhile there is nothing to say */
    if (start_again(vnet, &error) < 0 && !error_is(error, VIR_ERR_NO_NETWORK)) {
        log_error("network '%s': %s", name, error->message);
        dnsmasq_watch_retry(vnet);
    }
    object_unref(&vnet->object);
}

static void push_restart(struct vnet *vnet)
{
    workers_push(networkd->driver->daemon->workers, restart, vnet, false);
}

static void end_wait(struct loop_timer *timer, void *data)
{
    struct vnet *vnet = data;

    loop_timer_remove(g_steal_pointer(&vnet->dnsmasq_wait));
    push_restart(vnet);
}

static void wait_again(void *data)
{
    struct vnet *vnet = data;
    unsigned failures = vnet->dnsmasq_failures++;

    dnsmasq_watch_drop(vnet);
    if (failures == 0)
        push_restart(vnet);
    else
        vnet->dnsmasq_wait = loop_add_timer(
            loop(), (int64_t)WAIT_MS << MIN(failures - 1, DOUBLINGS_MOST), end_wait, vnet);
}

/* ---- watching ---- */

void dnsmasq_watch_drop(struct vnet *vnet)
{
    if (vnet->dnsmasq_wait) {
        loop_timer_remove(g_steal_pointer(&vnet->dnsmasq_wait));
        object_unref(&vnet->object);
    }
    if (vnet->dnsmasq_watch) {
        loop_source_remove(g_steal_pointer(&vnet->dnsmasq_watch));
        close(vnet->dnsmasq_fd);
        object_unref(&vnet->object);
    }
}

static void note_end(struct loop_source *source, uint32_t events, void *data)
{
    struct vnet *vnet = data;

    if (g_get_monotonic_time() - vnet->dnsmasq_since > STEADY_US)
        vnet->dnsmasq_failures = 0;
    object_ref(&vnet->object);
    wait_again(vnet);
}

static void begin(void *data)
{
    g_autofree struct watch *watch = data;
    struct vnet *vnet = watch->vnet;
    struct process process = PROCESS_INIT;

    dnsmasq_watch_drop(vnet);
    if (process_open(watch->pid, 0, &process, NULL) < 0) { /* it has ended by now */
        wait_again(vnet);
        return;
    }
    vnet->dnsmasq_since = g_get_monotonic_time();
    vnet->dnsmasq_fd = process.fd;
    vnet->dnsmasq_watch = loop_add_fd(loop(), process.fd, EPOLLIN, note_end, vnet, NULL);
    if (!vnet->dnsmasq_watch) {
        process_clear(&process);
        object_unref(&vnet->object);
    }
}

static void end(void *data)
{
    struct vnet *vnet = data;

    dnsmasq_watch_drop(vnet);
    vnet->dnsmasq_failures = 0;
    object_unref(&vnet->object);
}

void dnsmasq_watch_begin(struct vnet *vnet, pid_t pid)
{
    struct watch *watch = g_new(struct watch, 1);

    object_ref(&vnet->object);
    *watch = (struct watch){vnet, pid};
    loop_post(loop(), begin, watch);
}

void dnsmasq_watch_retry(struct vnet *vnet)
{
    object_ref(&vnet->object);
    loop_post(loop(), wait_again, vnet);
}

void dnsmasq_watch_end(struct vnet *vnet)
{
    object_ref(&vnet->object);
    loop_post(loop(), end, vnet);
}

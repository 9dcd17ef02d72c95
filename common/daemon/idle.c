/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"
#include "daemon/life.h"
#include "wire/server.h"

static bool is_busy(struct daemon *daemon)
{
    return atomic_load(&daemon->life->work) > 0 ||
           (daemon->spec->busy && daemon->spec->busy(daemon));
}

/*
 * Nobody is lost: first our files go, so that new clients see no daemon and start one (or wait for
 * systemd to do so, which holds its own sockets); then those who connected before that are taken
 * in, and keep the daemon.
 */
static void leave_if_alone(struct daemon *daemon)
{
    g_autoptr(GError) error = NULL;
    unsigned late = server_withdraw(daemon->server) + server_withdraw(daemon->admin);

    if (late == 0) {
        log_info("no client for %u seconds: ending", daemon->life->idle_seconds);
        daemon_stop_now(daemon);
        return;
    }
    log_debug("%u clients came while ending: staying", late);
    if (sockets_open(&daemon->life->sockets, daemon->server, daemon->admin, &error) < 0)
        log_error("no further clients can come: %s", error->message);
}

static void idle_timeout(struct loop_timer *timer, void *data)
{
    struct daemon *daemon = data;

    if (is_busy(daemon))
        loop_timer_restart(timer, daemon->life->idle_seconds * INT64_C(1000));
    else
        leave_if_alone(daemon);
}

void daemon_idle_check(struct daemon *daemon)
{
    struct daemon_life *life = daemon->life;

    if (life->clients > 0 || !life->idle_seconds || life->stopping)
        loop_timer_stop(life->idle_timer);
    else
        loop_timer_restart(life->idle_timer, life->idle_seconds * INT64_C(1000));
}

void daemon_idle_begin(struct daemon *daemon, unsigned seconds)
{
    daemon->life->idle_seconds = seconds;
    daemon->life->idle_timer = loop_add_timer(daemon->loop, 0, idle_timeout, daemon);
    daemon_idle_check(daemon);
}

void daemon_idle_end(struct daemon *daemon)
{
    loop_timer_remove(daemon->life->idle_timer);
    daemon->life->idle_timer = NULL;
}

void daemon_set_idle_timeout(struct daemon *daemon, unsigned seconds)
{
    daemon->life->idle_seconds = seconds;
    daemon_idle_check(daemon);
}

static void check_posted(void *data)
{
    struct daemon *daemon = data;

    if (daemon->life->idle_timer)
        daemon_idle_check(daemon);
}

void daemon_begin_work(struct daemon *daemon)
{
    atomic_fetch_add(&daemon->life->work, 1);
}

void daemon_end_work(struct daemon *daemon)
{
    /* The time without clients and work begins now. */
    if (atomic_fetch_sub(&daemon->life->work, 1) == 1)
        loop_post(daemon->loop, check_posted, daemon);
}

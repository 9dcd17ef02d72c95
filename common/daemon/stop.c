/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/workers.h"
#include "daemon/life.h"
#include "wire/server.h"

/* How long calls at work may take to end, and clients to read their last replies. */
#define DRAIN_MILLISECONDS 5000
#define FLUSH_MILLISECONDS 2000

/* The replies of ended calls are on their way to the loop, ahead of this. */
static void drained(void *data)
{
    struct daemon *daemon = data;

    server_shutdown(daemon->admin, FLUSH_MILLISECONDS);
    server_shutdown(daemon->server, FLUSH_MILLISECONDS);
    daemon->life->drained = true;
    daemon_stop_check(daemon);
}

/* The loop must go on meanwhile, to send what the calls answer. */
static void *drain(void *data)
{
    struct daemon *daemon = data;

    if (!workers_drain(daemon->workers, DRAIN_MILLISECONDS) ||
        !workers_drain(daemon->patient, DRAIN_MILLISECONDS) ||
        !workers_drain(daemon->admin_workers, DRAIN_MILLISECONDS))
        log_warn("calls are still at work after %d ms: ending without them", DRAIN_MILLISECONDS);
    loop_post(daemon->loop, drained, daemon);
    return NULL;
}

/* Clients that come through systemd's sockets from now on are the next daemon's. */
static void pause_accepting(struct server *server)
{
    struct server_limits limits;

    server_get_limits(server, &limits);
    limits.max_clients = 0;
    server_set_limits(server, &limits);
}

void daemon_stop_begin(struct daemon *daemon)
{
    struct daemon_life *life = daemon->life;

    if (life->stopping)
        return;
    life->stopping = true;
    daemon_idle_check(daemon);
    sd_notify(0, "STOPPING=1");
    server_withdraw(daemon->server);
    server_withdraw(daemon->admin);
    pause_accepting(daemon->server);
    pause_accepting(daemon->admin);
    life->drain = g_thread_new("drain", drain, daemon);
}

void daemon_stop_now(struct daemon *daemon)
{
    daemon->life->stopping = true;
    sd_notify(0, "STOPPING=1");
    server_shutdown(daemon->server, 0);
    server_shutdown(daemon->admin, 0);
    loop_quit(daemon->loop);
}

void daemon_stop_check(struct daemon *daemon)
{
    if (daemon->life->drained && daemon->life->clients == 0)
        loop_quit(daemon->loop);
}

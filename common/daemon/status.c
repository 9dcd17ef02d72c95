/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/status.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/life.h"
#include "protocol/modvirt.h"
#include "wire/server.h"

struct status {
    struct arena arena;
    GArray *items; /* struct modvirt_status_item */
};

void status_add(struct status *status, const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    const struct modvirt_status_item item = {arena_strdup(&status->arena, name),
                                             arena_strdup(&status->arena, value)};
    g_array_append_val(status->items, item);
}

static void add_process(struct status *status, const struct daemon *daemon)
{
    int64_t seconds = loop_now(daemon->loop) - daemon->life->started_at;

    status_add(status, "version", "%s", MODVIRT_VERSION);
    status_add(status, "pid", "%d", getpid());
    status_add(status, "uptime", "%" PRId64, seconds / 1000);
    status_add(status, "activated", "%s", daemon->life->sockets.activated ? "yes" : "no");
}

static void add_clients(struct status *status, struct daemon *daemon)
{
    struct server_limits limits;
    struct server_stats stats;

    server_get_limits(daemon->server, &limits);
    server_get_stats(daemon->server, &stats);
    status_add(status, "clients", "%u", stats.clients);
    status_add(status, "clients.max", "%u", limits.max_clients);
    status_add(status, "clients.anonymous", "%u", stats.anonymous);
    status_add(status, "clients.accepted", "%" PRIu64, stats.accepted);
    status_add(status, "clients.evicted", "%" PRIu64, stats.evicted);
    status_add(status, "clients.accepting", "%s", stats.accepting ? "yes" : "no");
}

static void add_workers(struct status *status, struct daemon *daemon)
{
    struct workers_limits limits;
    struct workers_stats stats;

    workers_get_limits(daemon->workers, &limits);
    workers_get_stats(daemon->workers, &stats);
    status_add(status, "workers.busy", "%u", stats.threads - MIN(stats.idle, stats.threads));
    status_add(status, "workers.max", "%u", limits.maximum);
    status_add(status, "workers.queued", "%u", stats.queued);
}

static void add_troubles(struct status *status, const struct daemon *daemon)
{
    int64_t time;
    g_autofree char *text = log_last_error(&time);

    if (text) {
        status_add(status, "error.last", "%s", text);
        status_add(status, "error.time", "%" PRId64, time);
    }
    for (char **line = daemon->settings.oddities; line && *line; line++)
        status_add(status, "config.ignored", "%s", *line);
}

void status_serve(struct request *request)
{
    struct daemon *daemon = request->daemon;
    struct status status = {.items = g_array_new(FALSE, FALSE, sizeof(struct modvirt_status_item))};
    struct modvirt_daemon_get_status_ret ret;

    add_process(&status, daemon);
    add_clients(&status, daemon);
    add_workers(&status, daemon);
    if (daemon->spec->describe)
        daemon->spec->describe(daemon, &status);
    add_troubles(&status, daemon);
    ret.items_val = (struct modvirt_status_item *)status.items->data;
    ret.items_len = MIN(status.items->len, MODVIRT_STATUS_ITEMS_MAX);
    request_reply(request, &ret, NULL, 0);
    g_array_unref(status.items);
    arena_clear(&status.arena);
}

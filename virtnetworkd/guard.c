/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guard.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "host/firewall-watch.h"
#include "host/netlink-watch.h"
#include "host/nftables.h"

#include "bridges.h"
#include "rules.h"
#include "vnet.h"

/* Whoever changes rules or devices changes many: look once, soon after. */
#define SETTLE_MS 100

static void look_at_rules(void *data)
{
    g_autoptr(GError) error = NULL;
    bool repaired;

    if (rules_repair(&repaired, &error) < 0)
        log_error("rules of networks were changed by another program, and can't be put back: %s",
                  error->message);
    else if (repaired)
        log_warn("rules of networks were changed by another program, and are put back");
    nftables_rest();
}

static bool read_rules(int fd)
{
    static bool touched;

    return firewall_watch_read(fd, &touched, rules_note);
}

static bool read_links(int fd)
{
    return netlink_watch_read_links(fd, bridges_note, NULL);
}

static void look_at_bridges(void *data)
{
    bridges_look();
}

/* What is watched, by descriptors that the kernel writes to; the loop thread's. */
static struct guard {
    const char *what;
    int (*open)(int *ret_fd, GError **error);
    bool (*read)(int fd); /* true: look */
    void (*look)(void *data);
    int fd;
    struct loop_source *source;
    struct loop_timer *timer;
} guards[] = {
    {"rules", firewall_watch_open, read_rules, look_at_rules, .fd = -1},
    {"bridges", netlink_watch_open_links, read_links, look_at_bridges, .fd = -1},
};

static void settled(struct loop_timer *timer, void *data)
{
    const struct guard *guard = data;

    workers_push(networkd->driver->daemon->workers, guard->look, NULL, true);
}

static void changed(struct loop_source *source, uint32_t events, void *data)
{
    const struct guard *guard = data;

    if (guard->read(guard->fd))
        loop_timer_restart(guard->timer, SETTLE_MS);
}

static void begin(struct guard *guard)
{
    struct loop *loop = networkd->driver->daemon->loop;
    g_autoptr(GError) error = NULL;

    if (guard->open(&guard->fd, &error) < 0) {
        log_warn("%s: %s that another program takes away are not put back", error->message,
                 guard->what);
        return;
    }
    /* it fires once for what there is */
    guard->timer = loop_add_timer(loop, SETTLE_MS, settled, guard);
    guard->source = loop_add_fd(loop, guard->fd, EPOLLIN, changed, guard, NULL);
}

static void end(struct guard *guard)
{
    if (guard->fd < 0)
        return;
    if (guard->source)
        loop_source_remove(g_steal_pointer(&guard->source));
    loop_timer_remove(g_steal_pointer(&guard->timer));
    close(guard->fd);
    guard->fd = -1;
}

void guard_begin(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(guards); i++)
        begin(&guards[i]);
}

void guard_end(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(guards); i++)
        end(&guards[i]);
    bridges_end();
}

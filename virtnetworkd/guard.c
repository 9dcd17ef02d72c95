/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guard.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "host/firewall-watch.h"
#include "host/firewall.h"

#include "rules.h"
#include "vnet.h"

/* Whoever changes rules changes many: look once, soon after. */
#define SETTLE_MS 100

static struct {
    int fd;
    struct loop_source *source;
    struct loop_timer *timer;
} guard = {.fd = -1};

static void look(void *data)
{
    g_autoptr(GError) error = NULL;
    bool repaired;

    if (rules_repair(&repaired, &error) < 0)
        log_error("rules of networks were changed by another program, and can't be put back: %s",
                  error->message);
    else if (repaired)
        log_warn("rules of networks were changed by another program, and are put back");
    firewall_rest();
}

static void settled(struct loop_timer *timer, void *data)
{
    workers_push(networkd->driver->daemon->workers, look, NULL, true);
}

static void changed(struct loop_source *source, uint32_t events, void *data)
{
    if (firewall_watch_read(guard.fd))
        loop_timer_restart(guard.timer, SETTLE_MS);
}

void guard_begin(void)
{
    struct loop *loop = networkd->driver->daemon->loop;
    g_autoptr(GError) error = NULL;

    if (firewall_watch_open(&guard.fd, &error) < 0) {
        log_warn("%s: rules that another program takes away are not put back", error->message);
        return;
    }
    guard.timer = loop_add_timer(loop, SETTLE_MS, settled, NULL);
    loop_timer_stop(guard.timer);
    guard.source = loop_add_fd(loop, guard.fd, EPOLLIN, changed, NULL, &error);
}

void guard_end(void)
{
    if (guard.fd < 0)
        return;
    if (guard.source)
        loop_source_remove(g_steal_pointer(&guard.source));
    loop_timer_remove(g_steal_pointer(&guard.timer));
    close(guard.fd);
    guard.fd = -1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/arena.h"
#include "daemon/presence.h"
#include "protocol/modvirt.h"
#include "protocol/remote.h"

struct loop;
struct workers;

/*
 * What the daemons of this host tell of themselves and of their domains, asked of all of them at
 * once. Who does not answer within the deadline is left out: nothing is waited for longer. Not even
 * a daemon that does not answer for a guest: statistics are asked for with the flag that never
 * waits for one.
 */
#define GATHER_MILLISECONDS 4000

struct gathered_daemon {
    struct arena arena; /* of what follows */
    const struct presence_daemon *daemon;
    enum presence presence;
    bool up; /* it told its state; else status and calls are empty */
    struct modvirt_daemon_get_status_ret status;
    struct modvirt_daemon_get_calls_ret calls;
    struct remote_connect_get_all_domain_stats_ret domains; /* of hypervisors */
};

struct gathered {
    struct gathered_daemon daemons[PRESENCE_DAEMONS];
};

/* Asks all daemons, each on one of the workers; links are served by loop, which another thread
 * runs. own is the name of this very process. Blocks up to GATHER_MILLISECONDS. */
void gather_daemons(struct loop *loop, struct workers *workers, bool session, const char *own,
                    struct gathered *ret);

void gathered_clear(struct gathered *gathered);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/firewall.h"
#include "model/network.h"

struct object;

/* The packet filter's view of a network: made of its live definition, borrowing from it. */
struct rules {
    struct firewall_network network;
    bool wanted; /* else nobody filters it: open networks, and bridges of others */
};

void rules_make(const struct network *network, struct rules *ret_rules);
void rules_clear(struct rules *rules);

/* With the network's job: puts its rules there, takes them away; all active networks' at once, but
 * for one that may be NULL, in place of whatever is there. Block for milliseconds; errors are
 * firewall_apply()'s. */
int rules_add(const struct network *network, GError **error);
int rules_remove(const struct network *network, GError **error);
int rules_restore(const struct object *except, GError **error);

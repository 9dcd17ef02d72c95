/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/firewall.h"
#include "model/network.h"

/* The packet filter's view of a network: made of its live definition, borrowing from it. */
struct rules {
    struct firewall_network network;
    bool wanted; /* else nobody filters it: open networks, and bridges of others */
};

/* Pure; rules_clear() frees. */
void rules_make(const struct network *network, struct rules *ret_rules);
void rules_clear(struct rules *rules);

/* A port of the network as it is shown, with the ports of the host that lead to it: borrows from
 * both, its list is in the arena. Pure. */
void rules_find_forwards(const struct network *network, const struct network_port *port,
                         struct arena *arena, struct network_port *ret_shown);

/* With the network's job: puts its rules there, changes them, takes them away. Block for
 * milliseconds; errors are firewall_apply()'s. Definitions are kept by reference. */
int rules_add(const struct network *network, GError **error);
int rules_replace(const struct network *old, const struct network *network, GError **error);
int rules_remove(const struct network *network, GError **error);

/* At the start: puts the rules of these networks (struct network) in place of all that is ours. */
int rules_adopt(const GPtrArray *networks, GError **error);

/* A transaction has touched our tables; 0: one of unknown number. Does not block. */
void rules_note(uint32_t generation);

/* Were all those noted since the last time our own? If not, puts all networks' rules back. */
int rules_repair(bool *ret_repaired, GError **error);

/* At the end: drops what is known of rules; they stay. */
void rules_end(void);

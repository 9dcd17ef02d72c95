/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/* Why does a network not work? One line of cause, or none: for `virtnetworkd --check NETWORK`. */

/* What of a rule set, as nft lists it, stands in the way of a network, in tables that are not ours.
 * NULL: nothing was found. The caller frees. Pure. */
char *diagnose_rules(const char *rules, const struct network *network);

/* The first cause found for a network that runs, or NULL; the caller frees. Looks at the bridge,
 * our own rules, dnsmasq, forwarding, rules of others. Blocks; changes nothing. */
char *diagnose_network(const struct network *network);

/* Prints what was found: the exit code is 0 when all is well, 1 when a cause was found, 2 when
 * nothing can be said. */
int diagnose_main(const char *name);

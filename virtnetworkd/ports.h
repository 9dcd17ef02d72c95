/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/*
 * Guests' interfaces on a network. They live in its live definition, so that who reads sees them as
 * they are at one moment, and the status file has them for the next daemon. All pure, on a
 * definition under construction.
 */

/* Plugs a port in: settles what it has from its group and the network, chooses the device of the
 * host, counts it. keep: with the plug and class that it says it has already. Errors:
 * VIR_ERR_NETWORK_PORT_EXIST; VIR_ERR_INTERNAL_ERROR when no device is free;
 * VIR_ERR_CONFIG_UNSUPPORTED for a group or a kind of port that the network does not have;
 * VIR_ERR_OPERATION_INVALID when more bandwidth is to be guaranteed than there is. */
int ports_add(struct network *network, struct network_port *port, bool keep, GError **error);

/* The one with this uuid; borrowed. NULL and VIR_ERR_NO_NETWORK_PORT: none. */
struct network_port *ports_find(const struct network *network, const uint8_t uuid[16],
                                GError **error);

/* Takes it out. Same error. */
int ports_remove(struct network *network, const uint8_t uuid[16], GError **error);

/* Gives it other limits; a guarantee among them is counted, and gets a class. Same errors. */
int ports_limit(struct network *network, struct network_port *port, struct net_bandwidth *bandwidth,
                GError **error);

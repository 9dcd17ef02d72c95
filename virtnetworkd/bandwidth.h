/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/*
 * Limits of a network, and what its guests are guaranteed of them: on its bridge, by the kernel's
 * traffic control. All block for the program tc; errors are traffic_limit()'s.
 */

/* Limits a bridge that is new, with the guarantees of the ports that there are. */
int bandwidth_limit(const struct network *network, GError **error);

/* Makes the bridge agree with a port that was added, changed, or removed: old is as it was, NULL:
 * it is new; port is as it is, NULL: it is gone. The network is as it is now. */
int bandwidth_follow(const struct network *network, const struct network_port *old,
                     const struct network_port *port, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"

/* Runs the administrator's /etc/libvirt/hooks/network, if there is one, as `network NAME OPERATION
 * SUB -` with the document on its standard input: start begin, started begin, stopped end, updated
 * begin. Blocks until it ends, at most 30 seconds: then it
 * is killed. VIR_ERR_HOOK_SCRIPT_FAILED quotes what it says. */
int hook_run(const struct network *network, const char *operation, const char *sub, GError **error);

/* Same, for what can't be stopped any more: a failure is logged. */
void hook_tell(const struct network *network, const char *operation, const char *sub);

/* The same of a guest's interface on the network, whose document follows the network's. */
int hook_run_port(const struct network *network, const struct network_port *port,
                  const char *operation, GError **error);
void hook_tell_port(const struct network *network, const struct network_port *port,
                    const char *operation);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"
#include "json.h"

/* The host's end of interfaces: -netdev, called "host" + alias, and the devices and descriptors
 * behind it. */

/* Names the host's devices (vnet0) of interfaces that need one and do not say it, and what a switch
 * knows them by. Changes a domain under construction. */
void net_choose_names(struct domain *live);

/* Removes what of an interface's device does not go with QEMU, and runs its <downscript>, whose
 * failure is logged. May be called again. Blocks for the script. */
void netdev_remove(const struct domain_net *net);

/*
 * The object for one interface, the caller's; NULL for one without a back end. Makes or opens the
 * TAP device, unless in a plan: descriptors are then in arguments. Blocks: it may run a script or a
 * helper. Errors: VIR_ERR_CONFIG_UNSUPPORTED names the interface by its alias.
 */
int netdev_build(const struct domain *domain, const struct domain_net *net,
                 const struct arguments_context *context, struct arguments *arguments,
                 struct json_object **ret_netdev, GError **error);

/* Those interfaces for whose client a starting QEMU waits, with their sockets, in words that the
 * caller frees; NULL: none. Pure. */
char *netdev_awaited(const struct domain *live);

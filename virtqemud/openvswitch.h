/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/* Open vSwitch, by its own program ovs-vsctl, which is waited for. A switch remembers its ports,
 * also over a restart of the host: who plugs in takes out first what is left of that name. */

/* True if the interface is on a switch of it. */
bool openvswitch_is_used(const struct domain_net *net);

/* False: its names would mean something else to the program. */
bool openvswitch_can_say(const struct domain_net *net);

/* Plugs the interface's device in, with VLANs and what others know it by. VIR_ERR_OPERATION_FAILED
 * quotes the program; VIR_ERR_SYSTEM_ERROR names its package when it is absent. */
int openvswitch_plug(const struct domain *domain, const struct domain_net *net, GError **error);

/* Takes a device out; one that is in no switch is none. Never fails but for a warning. */
void openvswitch_unplug(const struct domain_net *net);

/* The words of the program, for the first: to be freed by g_ptr_array_unref(). Pure. */
GPtrArray *openvswitch_words(const struct domain *domain, const struct domain_net *net);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/arena.h"

#include "agent-replies.h"

/*
 * The CPUs of a guest as its own kernel has them: it can turn them off and on again by itself,
 * which nobody but its agent can ask for. Errors are those of agent.h.
 */

/* How many are online. VIR_ERR_INTERNAL_ERROR: the agent says what can't be. */
int agent_cpus_count(struct guest *guest, unsigned *ret_count, GError **error);

/* Turns CPUs on or off until count are online: the last are the first to go. For
 * VIR_DOMAIN_VCPU_GUEST, once count has been checked against the live definition. Blocks; needs no
 * job. VIR_ERR_OPERATION_UNSUPPORTED: not so many can be changed. */
int agent_cpus_set_count(struct guest *guest, unsigned count, GError **error);

/* Turns these on or off. VIR_ERR_INVALID_ARG: cpus is no list such as "0-3,^2", or the guest has
 * not all of them; VIR_ERR_OPERATION_UNSUPPORTED: one can't be turned off. */
int agent_cpus_set(struct guest *guest, const char *cpus, bool online, GError **error);

/* Asks for all of them, by number. */
int agent_cpus_get(struct agent_turn *turn, struct arena *arena, struct agent_cpu **ret_cpus,
                   unsigned *ret_count, GError **error);

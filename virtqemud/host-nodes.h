/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * The host's NUMA nodes that a guest about to start is to be on: chosen by the program numad where
 * the document leaves it to the host (placement='auto'), and written into the live definition;
 * those that it names have to be there. VIR_ERR_CONFIG_UNSUPPORTED names the node, or the program
 * that is missing; VIR_ERR_OPERATION_FAILED: it has no advice. Blocks on the program, half a minute
 * at most.
 */
int host_nodes_choose(struct domain *live, GError **error);

/* Whether the host has all of these; NULL: none is asked for. Blocks on the kernel alone. */
int host_nodes_check(const struct cpuset *nodes, GError **error);

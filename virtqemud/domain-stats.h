/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/params.h"

#include "guest.h"

/* One domain's statistics as typed parameters: groups is a mask of VIR_DOMAIN_STATS_; backing: with
 * the images below those of running guests. Reads the published view and the kernel; never waits
 * for QEMU (statistics_refresh() did). */
void domain_stats_add(struct params *params, struct object *object, unsigned groups, bool backing);

/* The groups that exist here. */
#define DOMAIN_STATS_GROUPS                                                                        \
    (VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON |              \
     VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE | VIR_DOMAIN_STATS_BLOCK |                 \
     VIR_DOMAIN_STATS_IOTHREAD | VIR_DOMAIN_STATS_DIRTYRATE | VIR_DOMAIN_STATS_PERF |              \
     VIR_DOMAIN_STATS_MEMORY | VIR_DOMAIN_STATS_VM)

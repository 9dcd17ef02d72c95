/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/params.h"

#include "shares.h"

/* Adds what the monitors of one kind have measured of a running guest, as statistics. Blocks on the
 * kernel alone. */
void share_stats_add(struct params *params, const struct domain *live,
                     enum share_monitor_kind kind);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "facts.h"
#include "guest.h"

/*
 * Numbers of running guests. QEMU is asked for them without waiting in line: all guests at once,
 * and a guest that does not answer in time is not waited for again until it has. Its last known
 * numbers, with their age, stand in.
 */

/* Brings the facts of these objects up to date, as far as groups (VIR_DOMAIN_STATS_) need them and
 * they answer within wait_ms. Inactive ones are passed over. Blocks; not on the loops. */
void statistics_refresh(struct object *const *objects, unsigned count, unsigned groups,
                        unsigned wait_ms);

#define STATISTICS_WAIT_MS 500

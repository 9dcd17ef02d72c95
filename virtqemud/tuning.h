/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "json.h"
#include "qmp.h"

/* What a QEMU that has just started is told by its monitor, because no word of the command line
 * says it: limits of disks and which latencies of theirs to count, links that are down, the
 * balloon's target and its statistics. */

/* Tells all of that; nothing for most guests. Blocks. */
int tuning_apply(struct qmp *qmp, const struct domain *live, GError **error);

/* What QEMU knows the device of a disk by that is limited; the caller's. */
char *tuning_device_of(const struct domain_disk *disk);

/* The arguments of block_set_io_throttle for the limits of a disk, the caller's; NULL: it has none,
 * or is an empty drive. */
struct json_object *tuning_of_disk(const struct domain_disk *disk);

/* Has QEMU limit a disk that is not empty as it says; one that says nothing is limited no more.
 * Blocks, at most deadline_ms (0: the usual). */
int tuning_limit_disk(struct qmp *qmp, const struct domain_disk *disk, unsigned deadline_ms,
                      GError **error);

/* Has QEMU count the latencies of a disk's requests from now on, by the classes of its document;
 * none if it has none. Blocks. */
int tuning_count_latencies(struct qmp *qmp, const struct domain_disk *disk, GError **error);

/* Limits all disks that have a medium. Blocks. */
int tuning_restore(struct qmp *qmp, const struct domain *live, GError **error);

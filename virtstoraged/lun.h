/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "backend.h"

/* Volumes that are LUNs of a SCSI host: of pools of type scsi and iscsi. */

struct lun_address {
    unsigned host, bus, target;
    uint64_t lun;
};

/* HOST:BUS:TARGET:LUN, as the kernel names SCSI devices; false for other names. Pure. */
bool lun_read_address(const char *name, struct lun_address *ret_address);

/* Which table of partitions is it that a disk begins with? STORAGE_FORMAT_ABSENT: none. Pure. */
enum storage_format lun_guess_label(const uint8_t *bytes, size_t size);

/* Tells of all disks of a SCSI host that have a name in the pool's folder, once udev has named
 * them. VIR_ERR_INVALID_ARG: there is no such folder. Blocks on the devices. */
int lun_refresh(struct volumes *volumes, unsigned host, GError **error);

/* backend.measure: what the volumes are together; all is allocated. */
int lun_measure(const struct storage_pool *pool, struct volumes *volumes,
                struct pool_facts *ret_facts, GError **error);

/* LUNs are not made or deleted here. */
extern const struct volume_backend lun_volumes;

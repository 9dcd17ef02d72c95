/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-source.h"
#include "model/storage-volume.h"

struct domain;
struct qemu;

/*
 * Disks that are volumes of storage pools: virtstoraged knows what they are on this host. It is
 * asked whenever a guest starts, or gets the disk; what it said is in the live definition, beside
 * the names of pool and volume, and so is known to a later daemon.
 */

/* All images of all disks. Blocks. Errors: virtstoraged's own, with the disk's name;
 * VIR_ERR_CONFIG_UNSUPPORTED: the pool does not run. */
int volume_source_find_all(struct qemu *qemu, struct domain *live, GError **error);

/* The same for the images of one disk, whose structs are in arena. */
int volume_source_find(struct qemu *qemu, struct domain_source *source, struct arena *arena,
                       GError **error);

/* What a volume is, by its documents; their strings are copied to arena. Pure.
 * VIR_ERR_CONFIG_UNSUPPORTED: QEMU can't use such a volume; VIR_ERR_XML_ERROR: the source asks for
 * what such a pool has not. */
int volume_source_translate(struct domain_source *source, const struct storage_pool *pool,
                            const struct storage_volume *volume, struct arena *arena,
                            GError **error);

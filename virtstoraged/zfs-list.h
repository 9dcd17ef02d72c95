/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/* What zpool and zfs tell with -Hp: lines of words with tabs between, sizes in bytes. All pure. */

struct zfs_sizes {
    uint64_t size, free, allocated;
};

/* Of `zpool get -Hp size,free,allocated POOL`. VIR_ERR_INTERNAL_ERROR: one of them is missing. */
int zfs_list_read_sizes(const char *text, struct zfs_sizes *ret_sizes, GError **error);

struct zfs_volume {
    char *name; /* behind that of the pool */
    uint64_t capacity, reserved;
};

/* Of `zfs list -Hp -t volume -r -o name,volsize,refreservation POOL`: struct zfs_volume of those
 * that are right below the pool; the caller frees. */
GPtrArray *zfs_list_read_volumes(const char *text, const char *pool);

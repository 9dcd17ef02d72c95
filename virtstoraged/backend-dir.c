/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "base/error.h"

#include "backend.h"
#include "folder.h"

/* A folder of the host. */

static int dir_build(const struct storage_pool *pool, unsigned flags, GError **error)
{
    if (flags & (VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE)) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "No source device specified when formatting pool '%s'", pool->name);
        return -1;
    }
    return folder_build(pool, error);
}

const struct backend dir_backend = {
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    .build = dir_build,
    .remove = folder_remove,
    .start = folder_open,
    .refresh = folder_refresh,
    .measure = folder_measure,
    .volumes = &file_volumes,
};

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

static int dir_remove(const struct storage_pool *pool, unsigned flags, GError **error)
{
    if (rmdir(pool->target.path) == 0)
        return 0;
    error_set_errno(error, errno, "failed to remove pool '%s'", pool->target.path);
    return -1;
}

const struct backend dir_backend = {
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    .build = dir_build,
    .remove = dir_remove,
    .start = folder_open,
    .refresh = folder_refresh,
    .measure = folder_measure,
    .volumes = &file_volumes,
};

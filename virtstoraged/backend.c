/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend.h"

#include "base/error.h"

#include "module.h"

static const struct backend *const backends[STORAGE_POOL_TYPES] = {
    [STORAGE_POOL_DIR] = &dir_backend,     [STORAGE_POOL_FS] = &fs_backend,
    [STORAGE_POOL_NETFS] = &netfs_backend, [STORAGE_POOL_LOGICAL] = &logical_backend,
    [STORAGE_POOL_DISK] = &disk_backend,   [STORAGE_POOL_ZFS] = &zfs_backend,
    [STORAGE_POOL_ISCSI] = &iscsi_backend, [STORAGE_POOL_SCSI] = &scsi_backend,
    [STORAGE_POOL_MPATH] = &mpath_backend, [STORAGE_POOL_VSTORAGE] = &vstorage_backend,
};

static bool has_program(const struct backend *backend)
{
    g_autofree char *path = backend->needs ? g_find_program_in_path(backend->needs) : NULL;

    return !backend->needs || path;
}

const struct backend *backend_find(unsigned type, GError **error)
{
    const struct backend *backend = backends[type];

    if (!backend)
        return module_find(type, error);
    if (has_program(backend))
        return backend;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "pools of type '%s' need the program '%s'",
              names_word(&storage_pool_type_names, type), backend->needs);
    return NULL;
}

bool backend_is_present(unsigned type)
{
    return backends[type] ? has_program(backends[type]) : module_is_present(type);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "model/storage-volume.h"

#include "pool.h"
#include "volume-job.h"
#include "volumes.h"

/*
 * One kind of pool is one struct of functions, and one file. All run on workers, and may block;
 * each reports VIR_ERR_SYSTEM_ERROR, or what it says. NULL: this kind can't, which is
 * VIR_ERR_NO_SUPPORT for the client.
 */
struct backend {
    const char *needs;                  /* a program without which it can't be; NULL: none */
    uint64_t build_flags, delete_flags; /* VIR_STORAGE_POOL_BUILD_... that build knows */

    /* Makes what the pool is on, as its document says. flags are of build_flags. */
    int (*build)(const struct storage_pool *pool, unsigned flags, GError **error);

    /* Takes away what build has made; what is not empty stays, and is an error. */
    int (*remove)(const struct storage_pool *pool, unsigned flags, GError **error);

    /* Makes volumes reachable (mount, log in). What is so already is fine: a daemon may have been
     * killed. *ret_volumes is empty, the caller's. */
    int (*start)(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error);

    /* Undoes it. NULL: nothing to undo. */
    int (*stop)(const struct storage_pool *pool, GError **error);

    /* Looks at all volumes, and tells of each: volumes_see(), volumes_found(). Without measure it
     * tells the sizes too. */
    int (*refresh)(const struct storage_pool *pool, struct volumes *volumes,
                   struct pool_facts *ret_facts, GError **error);

    /* Sizes, from the storage. Cheap. NULL: one look at all tells them, and is taken after each
     * change of a volume, which may be one of others too. */
    int (*measure)(const struct storage_pool *pool, struct volumes *volumes,
                   struct pool_facts *ret_facts, GError **error);

    /* <sources> for a document of what to look for (NULL: anything); the caller frees. */
    int (*find_sources)(const struct storage_source *wanted, char **ret_text, GError **error);

    const struct volume_backend *volumes;
};

/* What can be done to the volumes of a pool. */
struct volume_backend {
    /* Fills in what is not said of a volume to be made: key, path, format; refuses what can't be.
     */
    int (*complete)(struct volumes *volumes, struct storage_volume *definition, GError **error);

    /* Makes it - from other (definition and open for reading, or NULL and -1), when cloning - and
     * looks at it: *ret_found and *ret_signature. It is there as a whole or not at all. */
    int (*create)(struct volume_job *job, struct volume *volume,
                  const struct storage_volume *definition, const struct storage_volume *other,
                  int other_fd, unsigned flags, struct storage_volume **ret_found,
                  struct volume_signature *ret_signature, GError **error);

    /* Looks at one volume again; see create. A volume that is gone: VIR_ERR_NO_STORAGE_VOL. */
    int (*look)(struct volume *volume, struct storage_volume **ret_found,
                struct volume_signature *ret_signature, GError **error);

    int (*remove)(struct volume *volume, GError **error);

    /* The same, with all its snapshots. NULL: it has none of its own. */
    int (*remove_with_snapshots)(struct volume *volume, GError **error);

    /* The bytes of a volume, for open() modes O_RDONLY or O_RDWR. The caller closes. NULL: they
     * can't be reached as those of a file, and create makes clones of this pool's volumes alone,
     * with -1 for other_fd. */
    int (*open)(struct volume *volume, int mode, int *ret_fd, GError **error);

    /* capacity in bytes; allocate: take the storage for all of it. */
    int (*resize)(struct volume_job *job, struct volume *volume, uint64_t capacity, bool allocate,
                  GError **error);

    /* Overwrites all of it by an algorithm (VIR_STORAGE_VOL_WIPE_ALG_...). NULL: by its bytes, as
     * open gives them. */
    int (*wipe)(struct volume_job *job, struct volume *volume, unsigned algorithm, GError **error);
};

/* The backend of a type, or NULL with VIR_ERR_INTERNAL_ERROR naming the type, as when a program
 * that it needs is not installed. */
const struct backend *backend_find(unsigned type, GError **error);

/* Is all there that this type needs? */
bool backend_is_present(unsigned type);

/* Volumes that are files of a folder: of dir, fs, netfs. */
extern const struct volume_backend file_volumes;
extern const struct backend dir_backend, fs_backend, netfs_backend, logical_backend, disk_backend,
    iscsi_backend, scsi_backend, mpath_backend, zfs_backend, vstorage_backend;

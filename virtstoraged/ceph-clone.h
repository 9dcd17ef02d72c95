/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ceph-cluster.h"
#include "volume-job.h"

/* New images with the content of others. They are made under a name of ours, and get their own when
 * they are whole. All block. */
struct ceph_clone {
    struct ceph_cluster *cluster;
    struct volume_job *job;
    const char *name;  /* to be */
    uint64_t capacity; /* bytes */
};

/* Of an image of the same pool: above a snapshot of it, which is made and protected unless there
 * is one just as it is; a copy where an image's features don't allow that.
 * VIR_ERR_STORAGE_VOL_EXIST: another client has made one of that name. */
int ceph_clone_image(const struct ceph_clone *clone, const char *origin, GError **error);

/* Of the bytes of a file or device; holes stay holes. */
int ceph_clone_bytes(const struct ceph_clone *clone, int fd, GError **error);

/* Removes what killed daemons have left half made; what somebody has open stays. */
void ceph_clone_clear_up(const struct ceph_cluster *cluster);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <rbd/librbd.h>

#include "model/storage-volume.h"

#include "ceph-cluster.h"

/* Images of a pool of Ceph. All block, at most as long as ceph-cluster.h says. */

/* VIR_ERR_NO_STORAGE_VOL: there is none of that name. */
int ceph_image_open(const struct ceph_cluster *cluster, const char *name, bool writable,
                    rbd_image_t *ret_image, GError **error);
void ceph_image_close(rbd_image_t *image);
#define CEPH_IMAGE_AUTO __attribute__((cleanup(ceph_image_close)))

/* Its document, which the caller owns. With a valid object map, what is allocated is told by that;
 * else all of it. */
int ceph_image_describe(const struct ceph_cluster *cluster, const struct storage_pool *pool,
                        const char *name, struct storage_volume **ret_found, GError **error);

/* Has nobody opened it for writing? VIR_ERR_OPERATION_INVALID names the address of who has. */
int ceph_image_check_unused(const struct ceph_cluster *cluster, const char *name, GError **error);

/* Names of all, but for those under construction when part is false, or of these alone. The caller
 * frees by g_ptr_array_unref(). */
int ceph_image_list(const struct ceph_cluster *cluster, bool part, GPtrArray **ret_names,
                    GError **error);

/* A range of bytes that may have data. */
struct ceph_extent {
    uint64_t offset, length;
};

/* All of them, those of the image below included: an array of struct ceph_extent, which the caller
 * frees. */
int ceph_image_find_data(rbd_image_t image, GArray **ret_extents, GError **error);

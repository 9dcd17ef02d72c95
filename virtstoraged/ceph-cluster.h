/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <rados/librados.h>

#include "model/storage-pool.h"

/* A pool of a Ceph cluster, reached by librados as its document says. One serves all threads. What
 * is asked of a cluster that does not answer ends after half a minute, unless the document has
 * another deadline in its options. */
struct ceph_cluster {
    rados_t rados;
    rados_ioctx_t io; /* NULL: not reached */
};

/* Connects; ceph_cluster_free() ends it. Blocks. VIR_ERR_SYSTEM_ERROR: no monitor answers, lets us
 * in, or knows the pool; errors of credential_get(). */
int ceph_cluster_open(const struct storage_pool *pool, struct ceph_cluster **ret_cluster,
                      GError **error);
void ceph_cluster_free(void *cluster);

/* What a function of Ceph's has returned, below zero, as VIR_ERR_SYSTEM_ERROR; returns -1. */
int ceph_fail(int result, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

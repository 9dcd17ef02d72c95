/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glusterfs/api/glfs.h>

#include "model/storage-pool.h"

/* A volume of a Gluster server, reached by libgfapi: a box of g_atomic_rc_box_new(), as threads
 * that it does not answer to may be left behind. Whatever is asked of a server may hang: see
 * guard.h. */
struct gluster_link {
    struct storage_pool *pool; /* a reference */
    glfs_t *volume;            /* NULL: not reached */
    char *folder;              /* of the pool in the volume: "/" or "/a/b" */
    char *uri;                 /* gluster://HOST/VOLUME/FOLDER, without a slash at the end */
};

/* VIR_ERR_CONFIG_UNSUPPORTED, VIR_ERR_XML_ERROR: the document has no one host, or odd names. */
int gluster_link_new(const struct storage_pool *pool, struct gluster_link **ret_link,
                     GError **error);
void gluster_link_unref(void *link);

/* For guard_run(): connects, and finds the folder. */
int gluster_link_open(void *link, GError **error);
/* For guards: asks for anything. */
void gluster_link_ask(void *link);
/* For both: of the last reference. The end of a link may take its time, and is not waited for. */
void gluster_link_clear(void *link);

/* The path of a name in the folder, which the caller frees. */
char *gluster_link_path(const struct gluster_link *link, const char *name);

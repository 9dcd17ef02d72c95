/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

/* Starts a pool by its definition (taken over): what it is on is built first, as flags of
 * VIR_STORAGE_POOL_CREATE_... say. Blocks. On failure it is as it was, and removed if it is not
 * persistent. */
int start_pool(struct job *job, struct storage_pool *pool, unsigned flags, GError **error);

/* VIR_STORAGE_POOL_BUILD_ flags. Blocks. */
int start_build(const struct storage_pool *pool, unsigned flags, GError **error);

/* Stops it; VIR_ERR_INTERNAL_ERROR while volumes are at work. Blocks. */
int stop_pool(struct job *job, GError **error);

/* Looks at all that is in a pool that runs, without holding up anybody. Blocks. */
int refresh_pool(struct object *object, struct job *job, GError **error);

/* Sizes of the pool, as they are now: published. Without a job: after a volume has changed. */
void refresh_sizes(struct object *object);

/* After store_load(), before anything is served: takes up the pools that ran. Those that do not
 * answer within some seconds are taken up later, and have no volumes until then. */
void start_readopt(void);

/* For driver_autostart(). */
int start_autostart(struct job *job, const struct object_view *view, GError **error);

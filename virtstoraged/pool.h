/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/storage-pool.h"
#include "object/object.h"

#include "storaged.h"
#include "volumes.h"

struct call;
struct remote_nonnull_storage_pool;

/* A storage pool as an object: what a <pool> is when it is registered. */
struct pool {
    struct object object;
    GMutex lock;             /* guards what follows; held for a few instructions */
    struct volumes *volumes; /* NULL: it does not run */
    struct gate *gate;       /* of calls about it; NULL: there was none yet */
};

#define POOL_FREE_EXTENTS 130 /* a table of 128 partitions leaves no more */

/* What a refresh has learned; published as the object's facts. */
struct pool_facts {
    uint64_t capacity, allocation, available; /* bytes */
    bool has_permissions;
    unsigned mode, owner, group; /* of the folder */
    unsigned free_extent_count;  /* of a partitioned disk */
    struct storage_extent free_extents[POOL_FREE_EXTENTS];
};

static inline struct pool *pool_of(struct object *object)
{
    return (struct pool *)object;
}

/* The definitions of a view, as what they are. Borrowed; NULL if there is none. */
static inline const struct storage_pool *view_live(const struct object_view *view)
{
    return (const struct storage_pool *)view->live;
}

static inline const struct storage_pool *view_config(const struct object_view *view)
{
    return (const struct storage_pool *)view->config;
}

/* object_kind.clear */
void pool_clear(struct object *object);

/* The volumes of a pool that runs: a new reference. VIR_ERR_OPERATION_INVALID: it does not. */
struct volumes *pool_get_volumes(struct object *object, GError **error);

/* The gate of calls about it: a new reference. */
struct gate *pool_get_gate(struct object *object);

/* From the start to the stop of a pool; volumes (NULL: none) is taken over. */
void pool_set_volumes(struct object *object, struct volumes *volumes);

/* VIR_STORAGE_POOL_EVENT_DEFINED ...: queued with the job, or posted when job is NULL. */
void pool_raise(struct object *object, struct job *job, int event);
void pool_raise_refresh(struct object *object, struct job *job);

/* The handle of an object for a reply, its name in the call's arena. */
void pool_fill_handle(struct call *call, struct object *object,
                      struct remote_nonnull_storage_pool *ret_handle);

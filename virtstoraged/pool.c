/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <string.h>

#include "base/gate.h"
#include "driver/events.h"
#include "driver/generic.h"
#include "protocol/remote.h"

struct storaged *storaged;

void pool_clear(struct object *object)
{
    pool_set_volumes(object, NULL);
    gate_unref(pool_of(object)->gate);
}

struct gate *pool_get_gate(struct object *object)
{
    struct pool *pool = pool_of(object);
    g_autofree char *name = object_get_name(object);
    g_autofree char *shown = g_strdup_printf("storage pool '%s'", name);

    g_mutex_lock(&pool->lock);
    if (!pool->gate)
        pool->gate = gate_new(shown);
    struct gate *gate = gate_ref(pool->gate);
    g_mutex_unlock(&pool->lock);
    return gate;
}

struct volumes *pool_get_volumes(struct object *object, GError **error)
{
    struct pool *pool = pool_of(object);

    g_mutex_lock(&pool->lock);
    struct volumes *volumes = pool->volumes ? volumes_ref(pool->volumes) : NULL;
    g_mutex_unlock(&pool->lock);
    if (volumes)
        return volumes;
    OBJECT_VIEW_AUTO struct object_view view = {0};
    object_get_view(object, &view);
    error_set(error, VIR_ERR_OPERATION_INVALID,
              view.live ? "storage pool '%s' has not answered since the daemon was started"
                        : "storage pool '%s' is not active",
              view.name);
    return NULL;
}

void pool_set_volumes(struct object *object, struct volumes *volumes)
{
    struct pool *pool = pool_of(object);

    g_mutex_lock(&pool->lock);
    struct volumes *old = g_steal_pointer(&pool->volumes);
    pool->volumes = volumes;
    g_mutex_unlock(&pool->lock);
    if (old)
        volumes_clear(old);
    volumes_unref(old);
}

void pool_raise(struct object *object, struct job *job, int event)
{
    g_autofree char *name = object_get_name(object);
    struct remote_storage_pool_event_lifecycle_msg message = {.pool.name = name, .event = event};

    memcpy(message.pool.uuid, object_uuid(object), sizeof(message.pool.uuid));
    events_raise(storaged->driver, job, EVENT_STORAGE_POOL, VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
                 object, &message);
}

void pool_raise_refresh(struct object *object, struct job *job)
{
    g_autofree char *name = object_get_name(object);
    struct remote_storage_pool_event_refresh_msg message = {.pool.name = name};

    memcpy(message.pool.uuid, object_uuid(object), sizeof(message.pool.uuid));
    events_raise(storaged->driver, job, EVENT_STORAGE_POOL, VIR_STORAGE_POOL_EVENT_ID_REFRESH,
                 object, &message);
}

void pool_fill_handle(struct call *call, struct object *object,
                      struct remote_nonnull_storage_pool *ret_handle)
{
    call_fill_handle(call, object, &ret_handle->name, ret_handle->uuid);
}

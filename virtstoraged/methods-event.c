/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/client.h"
#include "driver/events.h"
#include "driver/generic.h"
#include "protocol/remote-handlers.h"

#include "methods.h"
#include "pool.h"

int connect_storage_pool_event_register_any(
    struct call *call, const struct remote_connect_storage_pool_event_register_any_args *args,
    struct remote_connect_storage_pool_event_register_any_ret *ret, GError **error)
{
    OBJECT_AUTO struct object *object = NULL;

    if (args->pool) {
        object = registry_get(storaged->pools, args->pool->name, args->pool->uuid, error);
        if (!object)
            return -1;
    }
    return events_register(call, EVENT_STORAGE_POOL, args->eventID, false, object, NULL, 0,
                           &ret->callbackID, error);
}

int connect_storage_pool_event_deregister_any(
    struct call *call, const struct remote_connect_storage_pool_event_deregister_any_args *args,
    void *ret, GError **error)
{
    return event_deregister(storaged->driver->bus, call->client, EVENT_STORAGE_POOL,
                            args->callbackID, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, connect_storage_pool_event_register_any), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_storage_pool_event_deregister_any),
     .thread = METHOD_INLINE},
};

const struct driver_methods event_methods = DRIVER_METHODS(rows);

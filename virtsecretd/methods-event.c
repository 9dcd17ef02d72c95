/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/client.h"
#include "driver/events.h"
#include "protocol/remote-handlers.h"

#include "methods.h"
#include "secretd.h"

void event_raise_lifecycle(struct job *job, int event)
{
    struct remote_secret_event_lifecycle_msg message = {.event = event};
    struct arena arena ARENA_AUTO = {0};

    if (secret_fill_handle(job_object(job), &arena, &message.secret, NULL) == 0)
        events_raise(secretd->driver, job, EVENT_SECRET, VIR_SECRET_EVENT_ID_LIFECYCLE,
                     job_object(job), &message);
}

void event_raise_value_changed(struct job *job)
{
    struct remote_secret_event_value_changed_msg message = {0};
    struct arena arena ARENA_AUTO = {0};

    if (secret_fill_handle(job_object(job), &arena, &message.secret, NULL) == 0)
        events_raise(secretd->driver, job, EVENT_SECRET, VIR_SECRET_EVENT_ID_VALUE_CHANGED,
                     job_object(job), &message);
}

int connect_secret_event_register_any(
    struct call *call, const struct remote_connect_secret_event_register_any_args *args,
    struct remote_connect_secret_event_register_any_ret *ret, GError **error)
{
    OBJECT_AUTO struct object *object = NULL;

    if (args->secret) {
        object = registry_get_by_uuid(secretd->secrets, args->secret->uuid, error);
        if (!object)
            return -1;
    }
    return events_register(call, EVENT_SECRET, args->eventID, false, object, NULL, 0,
                           &ret->callbackID, error);
}

int connect_secret_event_deregister_any(
    struct call *call, const struct remote_connect_secret_event_deregister_any_args *args,
    void *ret, GError **error)
{
    return event_deregister(secretd->driver->bus, call->client, EVENT_SECRET, args->callbackID,
                            error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, connect_secret_event_register_any), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_secret_event_deregister_any), .thread = METHOD_INLINE},
};

const struct driver_methods event_methods = DRIVER_METHODS(rows);

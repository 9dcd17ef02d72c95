/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vnet.h"

#include <string.h>

#include "driver/events.h"
#include "driver/generic.h"
#include "protocol/remote.h"

struct networkd *networkd;

void vnet_clear(struct object *object)
{
    /* the watch holds a reference: there is none when the last one goes */
}

void vnet_raise(struct object *object, struct job *job, int event)
{
    g_autofree char *name = object_get_name(object);
    struct remote_network_event_lifecycle_msg message = {.net.name = name, .event = event};

    memcpy(message.net.uuid, object_uuid(object), sizeof(message.net.uuid));
    events_raise(networkd->driver, job, EVENT_NETWORK, VIR_NETWORK_EVENT_ID_LIFECYCLE, object,
                 &message);
}

void vnet_fill_handle(struct call *call, struct object *object,
                      struct remote_nonnull_network *ret_handle)
{
    call_fill_handle(call, object, &ret_handle->name, ret_handle->uuid);
}

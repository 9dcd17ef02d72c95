/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/events.h"
#include "driver/generic.h"
#include "model/metadata.h"
#include "object/change.h"
#include "protocol/remote-handlers.h"

#include "methods.h"
#include "vnet.h"

#define AFFECT (VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG)

int network_get_metadata(struct call *call, const struct remote_network_get_metadata_args *args,
                         struct remote_network_get_metadata_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct definition *network;

    if (metadata_check(args->type, args->uri, NULL, NULL, error) < 0 ||
        call_get_affected(call, args->flags, &view, &network, error) < 0)
        return -1;
    g_autofree char *text =
        metadata_get(METADATA_OF((struct network *)network), args->type, args->uri);
    if (!text) {
        error_set(error, VIR_ERR_NO_NETWORK_METADATA, "Requested metadata element is not present");
        return -1;
    }
    ret->metadata = arena_strdup(&call->arena, text);
    return 0;
}

static void raise_changed(struct call *call, const struct remote_network_set_metadata_args *args)
{
    struct remote_network_event_callback_metadata_change_msg message = {
        .type = args->type,
        .nsuri = args->type == VIR_NETWORK_METADATA_ELEMENT ? args->uri : NULL,
    };

    vnet_fill_handle(call, call->object, &message.net);
    events_raise(networkd->driver, call->job, EVENT_NETWORK, VIR_NETWORK_EVENT_ID_METADATA_CHANGE,
                 call->object, &message);
}

static int set(struct definition *definition, const struct remote_network_set_metadata_args *args,
               GError **error)
{
    return metadata_set(METADATA_OF((struct network *)definition), args->type, args->uri, args->key,
                        args->metadata, error);
}

int network_set_metadata(struct call *call, const struct remote_network_set_metadata_args *args,
                         void *ret, GError **error)
{
    CHANGE_AUTO struct change change = {0};

    if (metadata_check(args->type, args->uri, args->key, args->metadata, error) < 0 ||
        change_begin(&change, networkd->store, call->job, args->flags, error) < 0)
        return -1;
    if (change.live && set(change.live, args, error) < 0)
        return -1;
    if (change.config && set(change.config, args, error) < 0)
        return -1;
    if (change_save(&change, error) < 0)
        return -1;
    raise_changed(call, args);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, network_get_metadata), .flags = AFFECT, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_set_metadata), .flags = AFFECT, .job = true},
};

const struct driver_methods describe_methods = DRIVER_METHODS(rows);

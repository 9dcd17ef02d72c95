/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/client.h"
#include "driver/domains.h"
#include "driver/events.h"
#include "model/metadata.h"
#include "object/change.h"
#include "protocol/remote-handlers.h"

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

int domain_get_metadata(struct call *call, const struct remote_domain_get_metadata_args *args,
                        struct remote_domain_get_metadata_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;

    if (metadata_check(args->type, args->uri, NULL, NULL, error) < 0 ||
        domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    g_autofree char *text =
        metadata_get(METADATA_OF((struct domain *)domain), args->type, args->uri);
    if (!text) {
        error_set(error, VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
        return -1;
    }
    ret->metadata = arena_strdup(&call->arena, text);
    return 0;
}

static void raise_changed(struct call *call, const struct remote_domain_set_metadata_args *args)
{
    struct remote_domain_event_callback_metadata_change_msg message = {
        .type = args->type,
        .nsuri = args->type == VIR_DOMAIN_METADATA_ELEMENT ? args->uri : NULL,
    };

    domain_fill_handle(call, call->object, &message.dom);
    events_raise(call->client->driver, call->job, EVENT_DOMAIN, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                 call->object, &message);
}

static int set(struct definition *definition, const struct remote_domain_set_metadata_args *args,
               GError **error)
{
    return metadata_set(METADATA_OF((struct domain *)definition), args->type, args->uri, args->key,
                        args->metadata, error);
}

int domain_set_metadata(struct call *call, const struct remote_domain_set_metadata_args *args,
                        void *ret, GError **error)
{
    CHANGE_AUTO struct change change = {0};

    if (metadata_check(args->type, args->uri, args->key, args->metadata, error) < 0 ||
        change_begin(&change, call->client->driver->stores[PROTOCOL_OBJECT_DOMAIN], call->job,
                     args->flags, error) < 0)
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
    {.binding = HANDLER(remote, domain_get_metadata), .flags = AFFECT, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_set_metadata), .flags = AFFECT, .job = true},
};

const struct driver_methods domain_describe_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/client.h"
#include "driver/domains.h"
#include "driver/events.h"
#include "model/domain-metadata.h"
#include "object/change.h"
#include "protocol/remote-handlers.h"

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

/* ---- reading ---- */

static int get_text(const struct domain *domain, int type, const char *uri, char **ret_text,
                    GError **error)
{
    const char *text = type == VIR_DOMAIN_METADATA_TITLE ? domain->title : domain->description;

    if (type == VIR_DOMAIN_METADATA_ELEMENT)
        return domain_metadata_get(domain, uri, ret_text, error);
    if (!text) {
        error_set(error, VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
        return -1;
    }
    *ret_text = g_strdup(text);
    return 0;
}

static int check_type(int type, const char *uri, GError **error)
{
    if (type < 0 || type >= VIR_DOMAIN_METADATA_LAST) {
        error_set(error, VIR_ERR_INVALID_ARG, "unknown metadata type %d", type);
        return -1;
    }
    if (type == VIR_DOMAIN_METADATA_ELEMENT && !uri) {
        error_set(error, VIR_ERR_INVALID_ARG, "the namespace URI is missing");
        return -1;
    }
    return 0;
}

int domain_get_metadata(struct call *call, const struct remote_domain_get_metadata_args *args,
                        struct remote_domain_get_metadata_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;
    g_autofree char *text = NULL;

    if (check_type(args->type, args->uri, error) < 0 ||
        domain_get_affected(call, args->flags, &view, &domain, error) < 0 ||
        get_text(domain, args->type, args->uri, &text, error) < 0)
        return -1;
    ret->metadata = arena_strdup(&call->arena, text);
    return 0;
}

/* ---- changing ---- */

static int set_text(struct domain *domain, const struct remote_domain_set_metadata_args *args,
                    GError **error)
{
    /* setting the empty text removes it */
    const char *text = args->metadata && *args->metadata ? args->metadata : NULL;
    char *copy = arena_strdup(&domain->definition.arena, text);

    switch (args->type) {
    case VIR_DOMAIN_METADATA_TITLE:
        domain->title = copy;
        return 0;
    case VIR_DOMAIN_METADATA_DESCRIPTION:
        domain->description = copy;
        return 0;
    default:
        return domain_metadata_set(domain, args->uri, args->key, text, error);
    }
}

static int check_arguments(const struct remote_domain_set_metadata_args *args, GError **error)
{
    bool is_element = args->type == VIR_DOMAIN_METADATA_ELEMENT;

    if (check_type(args->type, args->uri, error) < 0)
        return -1;
    if (is_element && args->metadata && !args->key) {
        error_set(error, VIR_ERR_INVALID_ARG, "the prefix of the namespace is missing");
        return -1;
    }
    if (args->type == VIR_DOMAIN_METADATA_TITLE && args->metadata && strchr(args->metadata, '\n')) {
        error_set(error, VIR_ERR_INVALID_ARG, "metadata title can't contain newlines");
        return -1;
    }
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

int domain_set_metadata(struct call *call, const struct remote_domain_set_metadata_args *args,
                        void *ret, GError **error)
{
    CHANGE_AUTO struct change change = {0};

    if (check_arguments(args, error) < 0 ||
        change_begin(&change, call->client->driver->stores[PROTOCOL_OBJECT_DOMAIN], call->job,
                     args->flags, error) < 0)
        return -1;
    if (change.live && set_text((struct domain *)change.live, args, error) < 0)
        return -1;
    if (change.config && set_text((struct domain *)change.config, args, error) < 0)
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libxml/tree.h>
#include <string.h>

#include "driver/events.h"
#include "driver/generic.h"
#include "object/change.h"
#include "protocol/remote-handlers.h"
#include "xml/raw.h"

#include "methods.h"
#include "vnet.h"

#define AFFECT (VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG)

static int check_type(int type, const char *uri, GError **error)
{
    if (type < 0 || type >= VIR_NETWORK_METADATA_LAST) {
        error_set(error, VIR_ERR_INVALID_ARG, "unknown metadata type %d", type);
        return -1;
    }
    if (type == VIR_NETWORK_METADATA_ELEMENT && !uri) {
        error_set(error, VIR_ERR_INVALID_ARG, "the namespace URI is missing");
        return -1;
    }
    return 0;
}

/* The definition that flags ask to read, borrowed from the view. */
static int get_affected(struct call *call, unsigned flags, struct object_view *ret_view,
                        const struct network **ret_network, GError **error)
{
    unsigned affected;

    if (call_get_view(call, ret_view, error) < 0 ||
        object_check_affect(call->object->kind, ret_view, flags, &affected, error) < 0)
        return -1;
    if (affected == AFFECT) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "flags VIR_NETWORK_UPDATE_AFFECT_LIVE and VIR_NETWORK_UPDATE_AFFECT_CONFIG "
                  "exclude each other");
        return -1;
    }
    *ret_network =
        affected & VIR_NETWORK_UPDATE_AFFECT_LIVE ? view_live(ret_view) : view_config(ret_view);
    return 0;
}

static char *get_text(const struct network *network, int type, const char *uri)
{
    if (type == VIR_NETWORK_METADATA_ELEMENT)
        return raw_find_child(network->metadata, uri);
    return g_strdup(type == VIR_NETWORK_METADATA_TITLE ? network->title : network->description);
}

int network_get_metadata(struct call *call, const struct remote_network_get_metadata_args *args,
                         struct remote_network_get_metadata_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct network *network;

    if (check_type(args->type, args->uri, error) < 0 ||
        get_affected(call, args->flags, &view, &network, error) < 0)
        return -1;
    g_autofree char *text = get_text(network, args->type, args->uri);
    if (!text) {
        error_set(error, VIR_ERR_NO_NETWORK_METADATA, "Requested metadata element is not present");
        return -1;
    }
    ret->metadata = arena_strdup(&call->arena, text);
    return 0;
}

static int check_arguments(const struct remote_network_set_metadata_args *args, GError **error)
{
    bool is_element = args->type == VIR_NETWORK_METADATA_ELEMENT;

    if (check_type(args->type, args->uri, error) < 0)
        return -1;
    if (is_element && args->metadata && !args->key) {
        error_set(error, VIR_ERR_INVALID_ARG, "the prefix of the namespace is missing");
        return -1;
    }
    if (is_element && args->metadata && xmlValidateNCName((const xmlChar *)args->key, 0) != 0) {
        error_set(error, VIR_ERR_XML_ERROR, "'%s' can't be the prefix of a namespace", args->key);
        return -1;
    }
    if (args->type == VIR_NETWORK_METADATA_TITLE && args->metadata &&
        strchr(args->metadata, '\n')) {
        error_set(error, VIR_ERR_INVALID_ARG, "metadata title can't contain newlines");
        return -1;
    }
    return 0;
}

static int set_text(struct network *network, const struct remote_network_set_metadata_args *args,
                    GError **error)
{
    struct arena *arena = &network->definition.arena;
    /* setting the empty text removes it */
    const char *text = args->metadata && *args->metadata ? args->metadata : NULL;
    g_autofree char *changed = NULL;

    if (args->type == VIR_NETWORK_METADATA_TITLE) {
        network->title = arena_strdup(arena, text);
        return 0;
    }
    if (args->type == VIR_NETWORK_METADATA_DESCRIPTION) {
        network->description = arena_strdup(arena, text);
        return 0;
    }
    if (raw_with_child(network->metadata, "metadata", args->key, args->uri, text, &changed, error) <
        0)
        return -1;
    network->metadata = arena_strdup(arena, changed);
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

int network_set_metadata(struct call *call, const struct remote_network_set_metadata_args *args,
                         void *ret, GError **error)
{
    CHANGE_AUTO struct change change = {0};

    if (check_arguments(args, error) < 0 ||
        change_begin(&change, networkd->store, call->job, args->flags, error) < 0)
        return -1;
    if (change.live && set_text((struct network *)change.live, args, error) < 0)
        return -1;
    if (change.config && set_text((struct network *)change.config, args, error) < 0)
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

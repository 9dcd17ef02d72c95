/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/client.h"
#include "driver/domains.h"
#include "driver/events.h"
#include "model/domain-metadata.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

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

/* Text that fits when it comes may be too much to be read again once it has been escaped: then it
 * must not be stored. */
static int check_readable(const struct definition *definition, GError **error)
{
    g_autofree char *text = xml_write(definition, XML_WRITE_SECURE | XML_WRITE_STATUS);
    DEFINITION_AUTO struct definition *read =
        xml_read(definition->schema, text, -1, XML_READ_STATUS, NULL, error);

    return read ? 0 : -1;
}

/* A changed copy of definition, compact; NULL with the error set. */
static struct definition *changed(const struct definition *definition,
                                  const struct remote_domain_set_metadata_args *args,
                                  GError **error)
{
    DEFINITION_AUTO struct domain *copy = (struct domain *)definition_copy(definition);

    if (set_text(copy, args, error) < 0 || check_readable(&copy->definition, error) < 0)
        return NULL;
    return definition_copy(&copy->definition);
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
    struct store *store = call->client->driver->stores[PROTOCOL_OBJECT_DOMAIN];
    OBJECT_VIEW_AUTO struct object_view view = {0};
    DEFINITION_AUTO struct definition *live = NULL;
    DEFINITION_AUTO struct definition *config = NULL;
    unsigned affected;

    object_get_view(call->object, &view);
    if (check_arguments(args, error) < 0 ||
        object_check_affect(call->object->kind, &view, args->flags, &affected, error) < 0)
        return -1;
    if ((affected & VIR_DOMAIN_AFFECT_LIVE) && !(live = changed(view.live, args, error)))
        return -1;
    if ((affected & VIR_DOMAIN_AFFECT_CONFIG) && !(config = changed(view.config, args, error)))
        return -1;
    if (config && store_save(store, call->job, config, error) < 0)
        return -1;
    if (config)
        object_publish_config(call->job, g_steal_pointer(&config));
    raise_changed(call, args);
    if (!live)
        return 0;
    object_publish_live(call->job, g_steal_pointer(&live));
    return store_save_status(store, call->job, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_metadata), .flags = AFFECT, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_set_metadata), .flags = AFFECT, .job = true},
};

const struct driver_methods domain_describe_methods = DRIVER_METHODS(rows);

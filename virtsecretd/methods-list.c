/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/generic.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

#include "methods.h"
#include "secretd.h"

/* ---- lookups ---- */

int secret_lookup_by_uuid(struct call *call, const struct remote_secret_lookup_by_uuid_args *args,
                          struct remote_secret_lookup_by_uuid_ret *ret, GError **error)
{
    struct object *object = registry_get_by_uuid(secretd->secrets, args->uuid, error);

    if (call_found(call, object, error) < 0)
        return -1;
    return secret_fill_handle(object, &call->arena, &ret->secret, error);
}

int secret_lookup_by_usage(struct call *call, const struct remote_secret_lookup_by_usage_args *args,
                           struct remote_secret_lookup_by_usage_ret *ret, GError **error)
{
    struct object *object = secret_get_by_usage(args->usageType, args->usageID, error);

    if (call_found(call, object, error) < 0)
        return -1;
    return secret_fill_handle(object, &call->arena, &ret->secret, error);
}

/* ---- lists ---- */

static bool is_ephemeral(const struct object_view *view)
{
    return secret_of_view(view)->ephemeral;
}

static bool is_kept(const struct object_view *view)
{
    return !secret_of_view(view)->ephemeral;
}

static bool is_private(const struct object_view *view)
{
    return secret_of_view(view)->private;
}

static bool is_public(const struct object_view *view)
{
    return !secret_of_view(view)->private;
}

static const struct list_filter groups[][LIST_GROUP_ROWS] = {
    {{VIR_CONNECT_LIST_SECRETS_EPHEMERAL, is_ephemeral},
     {VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL, is_kept}},
    {{VIR_CONNECT_LIST_SECRETS_PRIVATE, is_private},
     {VIR_CONNECT_LIST_SECRETS_NO_PRIVATE, is_public}},
};
#define ALL_FILTERS                                                                                \
    (VIR_CONNECT_LIST_SECRETS_EPHEMERAL | VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL |                  \
     VIR_CONNECT_LIST_SECRETS_PRIVATE | VIR_CONNECT_LIST_SECRETS_NO_PRIVATE)

static struct list_request request_of(struct call *call, unsigned flags)
{
    static const struct list_filters filters = {groups, G_N_ELEMENTS(groups)};

    return (struct list_request){
        .call = call, .kind = PROTOCOL_OBJECT_SECRET, .filters = &filters, .flags = flags};
}

int connect_list_all_secrets(struct call *call,
                             const struct remote_connect_list_all_secrets_args *args,
                             struct remote_connect_list_all_secrets_ret *ret, GError **error)
{
    struct list_request request = request_of(call, args->flags);

    if (!args->need_results) {
        ret->ret = list_count(&request);
        return 0;
    }
    g_autoptr(GPtrArray) secrets = list_objects(&request);
    ret->secrets_val = arena_array(&call->arena, secrets->len, sizeof(*ret->secrets_val));
    for (guint i = 0; i < secrets->len; i++) /* but for those that have just gone */
        if (secret_fill_handle(secrets->pdata[i], &call->arena, &ret->secrets_val[ret->secrets_len],
                               NULL) == 0)
            ret->secrets_len++;
    ret->ret = ret->secrets_len;
    return 0;
}

int connect_list_secrets(struct call *call, const struct remote_connect_list_secrets_args *args,
                         struct remote_connect_list_secrets_ret *ret, GError **error)
{
    struct list_request request = request_of(call, 0);

    list_names(&request, args->maxuuids, &ret->uuids_val, &ret->uuids_len);
    return 0;
}

int connect_num_of_secrets(struct call *call, const void *args,
                           struct remote_connect_num_of_secrets_ret *ret, GError **error)
{
    struct list_request request = request_of(call, 0);

    ret->num = (int)list_count(&request);
    return 0;
}

/* ---- documents ---- */

int secret_get_xml_desc(struct call *call, const struct remote_secret_get_xml_desc_args *args,
                        struct remote_secret_get_xml_desc_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    g_autofree char *text = xml_write(view.config, XML_WRITE_INACTIVE);
    ret->xml = arena_strdup(&call->arena, text);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, secret_lookup_by_uuid), .finds = true, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, secret_lookup_by_usage), .finds = true, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_all_secrets),
     .flags = ALL_FILTERS,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_secrets), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_num_of_secrets), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, secret_get_xml_desc), .thread = METHOD_INLINE},
};

const struct driver_methods list_methods = DRIVER_METHODS(rows);

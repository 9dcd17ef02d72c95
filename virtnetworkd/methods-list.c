/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/generic.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

#include "methods.h"
#include "vnet.h"

/* ---- lookups ---- */

int network_lookup_by_name(struct call *call, const struct remote_network_lookup_by_name_args *args,
                           struct remote_network_lookup_by_name_ret *ret, GError **error)
{
    if (call_found(call, registry_get_by_name(networkd->networks, args->name, error), error) < 0)
        return -1;
    vnet_fill_handle(call, call->object, &ret->net);
    return 0;
}

int network_lookup_by_uuid(struct call *call, const struct remote_network_lookup_by_uuid_args *args,
                           struct remote_network_lookup_by_uuid_ret *ret, GError **error)
{
    if (call_found(call, registry_get_by_uuid(networkd->networks, args->uuid, error), error) < 0)
        return -1;
    vnet_fill_handle(call, call->object, &ret->net);
    return 0;
}

/* ---- lists ---- */

static const struct list_filter groups[][LIST_GROUP_ROWS] = {
    {{VIR_CONNECT_LIST_NETWORKS_ACTIVE, view_is_active},
     {VIR_CONNECT_LIST_NETWORKS_INACTIVE, view_is_inactive}},
    {{VIR_CONNECT_LIST_NETWORKS_PERSISTENT, view_is_persistent},
     {VIR_CONNECT_LIST_NETWORKS_TRANSIENT, view_is_transient}},
    {{VIR_CONNECT_LIST_NETWORKS_AUTOSTART, view_has_autostart},
     {VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART, view_has_no_autostart}},
};
#define ALL_FILTERS 0x3f

static struct list_request request_of(struct call *call, unsigned flags)
{
    static const struct list_filters filters = {groups, G_N_ELEMENTS(groups)};

    return (struct list_request){
        .call = call, .kind = PROTOCOL_OBJECT_NETWORK, .filters = &filters, .flags = flags};
}

int connect_list_all_networks(struct call *call,
                              const struct remote_connect_list_all_networks_args *args,
                              struct remote_connect_list_all_networks_ret *ret, GError **error)
{
    struct list_request request = request_of(call, args->flags);

    if (!args->need_results) {
        ret->ret = list_count(&request);
        return 0;
    }
    g_autoptr(GPtrArray) networks = list_objects(&request);
    ret->nets_val = arena_array(&call->arena, networks->len, sizeof(*ret->nets_val));
    ret->nets_len = networks->len;
    ret->ret = networks->len;
    for (guint i = 0; i < networks->len; i++)
        vnet_fill_handle(call, networks->pdata[i], &ret->nets_val[i]);
    return 0;
}

int connect_list_networks(struct call *call, const struct remote_connect_list_networks_args *args,
                          struct remote_connect_list_networks_ret *ret, GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_NETWORKS_ACTIVE);

    list_names(&request, args->maxnames, &ret->names_val, &ret->names_len);
    return 0;
}

int connect_list_defined_networks(struct call *call,
                                  const struct remote_connect_list_defined_networks_args *args,
                                  struct remote_connect_list_defined_networks_ret *ret,
                                  GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_NETWORKS_INACTIVE);

    list_names(&request, args->maxnames, &ret->names_val, &ret->names_len);
    return 0;
}

int connect_num_of_networks(struct call *call, const void *args,
                            struct remote_connect_num_of_networks_ret *ret, GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_NETWORKS_ACTIVE);

    ret->num = (int)list_count(&request);
    return 0;
}

int connect_num_of_defined_networks(struct call *call, const void *args,
                                    struct remote_connect_num_of_defined_networks_ret *ret,
                                    GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_NETWORKS_INACTIVE);

    ret->num = (int)list_count(&request);
    return 0;
}

/* ---- what the view tells ---- */

int network_is_active(struct call *call, const struct remote_network_is_active_args *args,
                      struct remote_network_is_active_ret *ret, GError **error)
{
    ret->active = object_is_active(call->object);
    return 0;
}

int network_is_persistent(struct call *call, const struct remote_network_is_persistent_args *args,
                          struct remote_network_is_persistent_ret *ret, GError **error)
{
    ret->persistent = object_is_persistent(call->object);
    return 0;
}

int network_get_autostart(struct call *call, const struct remote_network_get_autostart_args *args,
                          struct remote_network_get_autostart_ret *ret, GError **error)
{
    return call_get_autostart(call, &ret->autostart, error);
}

int network_set_autostart(struct call *call, const struct remote_network_set_autostart_args *args,
                          void *ret, GError **error)
{
    return call_set_autostart(call, PROTOCOL_OBJECT_NETWORK, args->autostart, error);
}

int network_get_xml_desc(struct call *call, const struct remote_network_get_xml_desc_args *args,
                         struct remote_network_get_xml_desc_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    const struct definition *definition =
        object_view_definition(&view, args->flags & VIR_NETWORK_XML_INACTIVE);
    g_autofree char *text = xml_write(definition, definition == view.live ? 0 : XML_WRITE_INACTIVE);
    ret->xml = arena_strdup(&call->arena, text);
    return 0;
}

int network_get_bridge_name(struct call *call,
                            const struct remote_network_get_bridge_name_args *args,
                            struct remote_network_get_bridge_name_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    const struct network *network = (const struct network *)object_view_definition(&view, false);
    if (!network->bridge) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "network '%s' does not have a bridge name.",
                  network->name);
        return -1;
    }
    ret->name = arena_strdup(&call->arena, network->bridge);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, network_lookup_by_name), .finds = true, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_lookup_by_uuid), .finds = true, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_all_networks),
     .flags = ALL_FILTERS,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_networks), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_defined_networks), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_num_of_networks), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_num_of_defined_networks), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_is_active), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_is_persistent), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_get_autostart), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_set_autostart), .job = true},
    {.binding = HANDLER(remote, network_get_xml_desc), .flags = VIR_NETWORK_XML_INACTIVE},
    {.binding = HANDLER(remote, network_get_bridge_name), .thread = METHOD_INLINE},
};

const struct driver_methods list_methods = DRIVER_METHODS(rows);

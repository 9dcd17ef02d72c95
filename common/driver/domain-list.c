/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/client.h"
#include "driver/domains.h"
#include "driver/generic.h"
#include "protocol/remote-handlers.h"

static struct registry *domains_of(struct call *call)
{
    return call_registry(call, PROTOCOL_OBJECT_DOMAIN);
}

static void fill_from_view(struct call *call, const struct object_view *view,
                           struct remote_nonnull_domain *ret_handle)
{
    ret_handle->name = arena_strdup(&call->arena, view->name);
    memcpy(ret_handle->uuid, view->uuid, sizeof(ret_handle->uuid));
    ret_handle->id = view->id;
}

void domain_fill_handle(struct call *call, struct object *object,
                        struct remote_nonnull_domain *ret_handle)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(object, &view);
    fill_from_view(call, &view, ret_handle);
}

/* ---- lookups ---- */

/* The facts' access rule is asked with the object that was found. */
static int reply_found(struct call *call, struct object *object,
                       struct remote_nonnull_domain *ret_handle, GError **error)
{
    if (call_found(call, object, error) < 0)
        return -1;
    domain_fill_handle(call, object, ret_handle);
    return 0;
}

int domain_lookup_by_name(struct call *call, const struct remote_domain_lookup_by_name_args *args,
                          struct remote_domain_lookup_by_name_ret *ret, GError **error)
{
    return reply_found(call, registry_get_by_name(domains_of(call), args->name, error), &ret->dom,
                       error);
}

int domain_lookup_by_uuid(struct call *call, const struct remote_domain_lookup_by_uuid_args *args,
                          struct remote_domain_lookup_by_uuid_ret *ret, GError **error)
{
    return reply_found(call, registry_get_by_uuid(domains_of(call), args->uuid, error), &ret->dom,
                       error);
}

int domain_lookup_by_id(struct call *call, const struct remote_domain_lookup_by_id_args *args,
                        struct remote_domain_lookup_by_id_ret *ret, GError **error)
{
    return reply_found(call, registry_get_by_id(domains_of(call), args->id, error), &ret->dom,
                       error);
}

/* ---- the list with filters ---- */

static bool is_running(const struct object_view *view)
{
    return view->state == VIR_DOMAIN_RUNNING;
}

static bool is_paused(const struct object_view *view)
{
    return view->state == VIR_DOMAIN_PAUSED;
}

static bool is_shut_off(const struct object_view *view)
{
    return view->state == VIR_DOMAIN_SHUTOFF;
}

static bool is_other(const struct object_view *view)
{
    return !is_running(view) && !is_paused(view) && !is_shut_off(view);
}

static bool always(const struct object_view *view)
{
    return true;
}

static bool never(const struct object_view *view)
{
    return false;
}

static const struct list_filter groups[][LIST_GROUP_ROWS] = {
    {{VIR_CONNECT_LIST_DOMAINS_ACTIVE, view_is_active},
     {VIR_CONNECT_LIST_DOMAINS_INACTIVE, view_is_inactive}},
    {{VIR_CONNECT_LIST_DOMAINS_PERSISTENT, view_is_persistent},
     {VIR_CONNECT_LIST_DOMAINS_TRANSIENT, view_is_transient}},
    {{VIR_CONNECT_LIST_DOMAINS_RUNNING, is_running},
     {VIR_CONNECT_LIST_DOMAINS_PAUSED, is_paused},
     {VIR_CONNECT_LIST_DOMAINS_SHUTOFF, is_shut_off},
     {VIR_CONNECT_LIST_DOMAINS_OTHER, is_other}},
    {{VIR_CONNECT_LIST_DOMAINS_AUTOSTART, view_has_autostart},
     {VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART, view_has_no_autostart}},
    /* no domain has these as long as nothing can make them */
    {{VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE, never},
     {VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE, always}},
    {{VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT, never},
     {VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT, always}},
    {{VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT, never},
     {VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT, always}},
};
#define ALL_FILTERS 0xffff

static struct list_request request_of(struct call *call, unsigned flags)
{
    static const struct list_filters filters = {groups, G_N_ELEMENTS(groups)};

    return (struct list_request){
        .call = call, .kind = PROTOCOL_OBJECT_DOMAIN, .filters = &filters, .flags = flags};
}

bool domain_is_listed(struct call *call, struct object *object, unsigned flags)
{
    struct list_request request = request_of(call, flags);

    return list_has(&request, object);
}

int connect_list_all_domains(struct call *call,
                             const struct remote_connect_list_all_domains_args *args,
                             struct remote_connect_list_all_domains_ret *ret, GError **error)
{
    struct list_request request = request_of(call, args->flags);

    if (!args->need_results) {
        ret->ret = list_count(&request);
        return 0;
    }
    g_autoptr(GPtrArray) domains = list_objects(&request);
    ret->domains_val =
        arena_array(&call->arena, domains->len, sizeof(struct remote_nonnull_domain));
    ret->domains_len = domains->len;
    ret->ret = domains->len;
    for (guint i = 0; i < domains->len; i++)
        domain_fill_handle(call, domains->pdata[i], &ret->domains_val[i]);
    return 0;
}

/* ---- the older lists: ids of the active, names of the inactive ---- */

GPtrArray *domain_list(struct call *call, unsigned flags)
{
    struct list_request request = request_of(call, flags);

    return list_objects(&request);
}

static unsigned count(struct call *call, unsigned flags)
{
    struct list_request request = request_of(call, flags);

    return list_count(&request);
}

int connect_list_domains(struct call *call, const struct remote_connect_list_domains_args *args,
                         struct remote_connect_list_domains_ret *ret, GError **error)
{
    g_autoptr(GPtrArray) domains = domain_list(call, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    uint32_t most = args->maxids < 0 ? 0 : (uint32_t)args->maxids;

    ret->ids_val = arena_array(&call->arena, MIN(domains->len, most), sizeof(int));
    for (guint i = 0; i < domains->len && ret->ids_len < most; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};
        object_get_view(domains->pdata[i], &view);
        if (view.id != -1) /* it may have ended since the list was made */
            ret->ids_val[ret->ids_len++] = view.id;
    }
    return 0;
}

int connect_num_of_domains(struct call *call, const void *args,
                           struct remote_connect_num_of_domains_ret *ret, GError **error)
{
    ret->num = (int)count(call, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    return 0;
}

int connect_list_defined_domains(struct call *call,
                                 const struct remote_connect_list_defined_domains_args *args,
                                 struct remote_connect_list_defined_domains_ret *ret,
                                 GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_DOMAINS_INACTIVE);

    list_names(&request, args->maxnames, &ret->names_val, &ret->names_len);
    return 0;
}

int connect_num_of_defined_domains(struct call *call, const void *args,
                                   struct remote_connect_num_of_defined_domains_ret *ret,
                                   GError **error)
{
    ret->num = (int)count(call, VIR_CONNECT_LIST_DOMAINS_INACTIVE);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_lookup_by_name), .finds = true, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_lookup_by_uuid), .finds = true, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_lookup_by_id), .finds = true, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_all_domains), .flags = ALL_FILTERS},
    {.binding = HANDLER(remote, connect_list_domains)},
    {.binding = HANDLER(remote, connect_num_of_domains)},
    {.binding = HANDLER(remote, connect_list_defined_domains)},
    {.binding = HANDLER(remote, connect_num_of_defined_domains)},
};

const struct driver_methods domain_list_methods = DRIVER_METHODS(rows);

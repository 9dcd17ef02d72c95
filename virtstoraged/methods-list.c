/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/generic.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

#include "methods.h"
#include "pool.h"

/* ---- lookups ---- */

int storage_pool_lookup_by_name(struct call *call,
                                const struct remote_storage_pool_lookup_by_name_args *args,
                                struct remote_storage_pool_lookup_by_name_ret *ret, GError **error)
{
    if (call_found(call, registry_get_by_name(storaged->pools, args->name, error), error) < 0)
        return -1;
    pool_fill_handle(call, call->object, &ret->pool);
    return 0;
}

int storage_pool_lookup_by_uuid(struct call *call,
                                const struct remote_storage_pool_lookup_by_uuid_args *args,
                                struct remote_storage_pool_lookup_by_uuid_ret *ret, GError **error)
{
    if (call_found(call, registry_get_by_uuid(storaged->pools, args->uuid, error), error) < 0)
        return -1;
    pool_fill_handle(call, call->object, &ret->pool);
    return 0;
}

int storage_pool_lookup_by_volume(struct call *call,
                                  const struct remote_storage_pool_lookup_by_volume_args *args,
                                  struct remote_storage_pool_lookup_by_volume_ret *ret,
                                  GError **error)
{
    if (call_found(call, registry_get_by_name(storaged->pools, args->vol.pool, error), error) < 0)
        return -1;
    pool_fill_handle(call, call->object, &ret->pool);
    return 0;
}

static bool has_target(struct object *object, const struct object_view *view, void *data)
{
    const struct storage_pool *pool =
        (const struct storage_pool *)object_view_definition(view, false);

    return view->live && g_strcmp0(pool->target.path, data) == 0;
}

int storage_pool_lookup_by_target_path(
    struct call *call, const struct remote_storage_pool_lookup_by_target_path_args *args,
    struct remote_storage_pool_lookup_by_target_path_ret *ret, GError **error)
{
    const char *path = storage_pool_tidy_path(&call->arena, args->path);
    g_autoptr(GPtrArray) pools = registry_list(storaged->pools, has_target, (void *)path);

    if (!pools->len) {
        error_set(error, VIR_ERR_NO_STORAGE_POOL, "no storage pool with matching target path '%s'",
                  args->path);
        return -1;
    }
    if (call_found(call, object_ref(pools->pdata[0]), error) < 0)
        return -1;
    pool_fill_handle(call, call->object, &ret->pool);
    return 0;
}

/* ---- lists ---- */

static unsigned type_of(const struct object_view *view)
{
    return ((const struct storage_pool *)object_view_definition(view, false))->type;
}

#define TYPES(X)                                                                                   \
    X(DIR)                                                                                         \
    X(FS)                                                                                          \
    X(NETFS)                                                                                       \
    X(LOGICAL)                                                                                     \
    X(DISK)                                                                                        \
    X(ISCSI) X(SCSI) X(MPATH) X(RBD) X(SHEEPDOG) X(GLUSTER) X(ZFS) X(VSTORAGE) X(ISCSI_DIRECT)
#define MATCHER(type)                                                                              \
    static bool is_##type(const struct object_view *view)                                          \
    {                                                                                              \
        return type_of(view) == STORAGE_POOL_##type;                                               \
    }
TYPES(MATCHER)

#define FILTER(type) {VIR_CONNECT_LIST_STORAGE_POOLS_##type, is_##type},
static const struct list_filter groups[][LIST_GROUP_ROWS] = {
    {{VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, view_is_active},
     {VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE, view_is_inactive}},
    {{VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT, view_is_persistent},
     {VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT, view_is_transient}},
    {{VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART, view_has_autostart},
     {VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART, view_has_no_autostart}},
    {TYPES(FILTER)},
};
#define ALL_FILTERS 0xfffff

static struct list_request request_of(struct call *call, unsigned flags)
{
    static const struct list_filters filters = {groups, G_N_ELEMENTS(groups)};

    return (struct list_request){
        .call = call, .kind = PROTOCOL_OBJECT_STORAGE_POOL, .filters = &filters, .flags = flags};
}

int connect_list_all_storage_pools(struct call *call,
                                   const struct remote_connect_list_all_storage_pools_args *args,
                                   struct remote_connect_list_all_storage_pools_ret *ret,
                                   GError **error)
{
    struct list_request request = request_of(call, args->flags);

    if (!args->need_results) {
        ret->ret = list_count(&request);
        return 0;
    }
    g_autoptr(GPtrArray) pools = list_objects(&request);
    ret->pools_val = arena_array(&call->arena, pools->len, sizeof(*ret->pools_val));
    ret->pools_len = pools->len;
    ret->ret = pools->len;
    for (guint i = 0; i < pools->len; i++)
        pool_fill_handle(call, pools->pdata[i], &ret->pools_val[i]);
    return 0;
}

int connect_list_storage_pools(struct call *call,
                               const struct remote_connect_list_storage_pools_args *args,
                               struct remote_connect_list_storage_pools_ret *ret, GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE);

    list_names(&request, args->maxnames, &ret->names_val, &ret->names_len);
    return 0;
}

int connect_list_defined_storage_pools(
    struct call *call, const struct remote_connect_list_defined_storage_pools_args *args,
    struct remote_connect_list_defined_storage_pools_ret *ret, GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE);

    list_names(&request, args->maxnames, &ret->names_val, &ret->names_len);
    return 0;
}

int connect_num_of_storage_pools(struct call *call, const void *args,
                                 struct remote_connect_num_of_storage_pools_ret *ret,
                                 GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE);

    ret->num = (int)list_count(&request);
    return 0;
}

int connect_num_of_defined_storage_pools(
    struct call *call, const void *args,
    struct remote_connect_num_of_defined_storage_pools_ret *ret, GError **error)
{
    struct list_request request = request_of(call, VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE);

    ret->num = (int)list_count(&request);
    return 0;
}

/* ---- what the view tells ---- */

int storage_pool_is_active(struct call *call, const struct remote_storage_pool_is_active_args *args,
                           struct remote_storage_pool_is_active_ret *ret, GError **error)
{
    ret->active = object_is_active(call->object);
    return 0;
}

int storage_pool_is_persistent(struct call *call,
                               const struct remote_storage_pool_is_persistent_args *args,
                               struct remote_storage_pool_is_persistent_ret *ret, GError **error)
{
    ret->persistent = object_is_persistent(call->object);
    return 0;
}

int storage_pool_get_autostart(struct call *call,
                               const struct remote_storage_pool_get_autostart_args *args,
                               struct remote_storage_pool_get_autostart_ret *ret, GError **error)
{
    return call_get_autostart(call, &ret->autostart, error);
}

int storage_pool_set_autostart(struct call *call,
                               const struct remote_storage_pool_set_autostart_args *args, void *ret,
                               GError **error)
{
    return call_set_autostart(call, PROTOCOL_OBJECT_STORAGE_POOL, args->autostart, error);
}

int storage_pool_get_info(struct call *call, const struct remote_storage_pool_get_info_args *args,
                          struct remote_storage_pool_get_info_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    const struct pool_facts *facts = view.facts;
    ret->state = view.live ? VIR_STORAGE_POOL_RUNNING : VIR_STORAGE_POOL_INACTIVE;
    if (!facts)
        return 0;
    ret->capacity = facts->capacity;
    ret->allocation = facts->allocation;
    ret->available = facts->available;
    return 0;
}

static void add_free_extents(struct storage_pool *pool, const struct pool_facts *facts)
{
    struct arena *arena = &pool->definition.arena;
    struct storage_device *device = pool->source.devices.items[0];

    for (unsigned i = 0; i < facts->free_extent_count; i++) {
        struct storage_extent *extent = arena_new(arena, struct storage_extent);

        *extent = facts->free_extents[i];
        LIST_APPEND(arena, &device->free_extents, extent);
    }
}

/* What the storage says stands above what the document does. */
static void add_facts(struct storage_pool *pool, const struct pool_facts *facts)
{
    struct arena *arena = &pool->definition.arena;

    pool->capacity = facts->capacity;
    pool->allocation = facts->allocation;
    pool->available = facts->available;
    if (facts->free_extent_count && pool->source.devices.count)
        add_free_extents(pool, facts);
    if (!facts->has_permissions)
        return;
    if (!pool->target.permissions)
        pool->target.permissions = arena_new(arena, struct storage_permissions);
    pool->target.permissions->mode = OPT_UINT(facts->mode);
    pool->target.permissions->owner = OPT_UINT(facts->owner);
    pool->target.permissions->group = OPT_UINT(facts->group);
}

int storage_pool_get_xml_desc(struct call *call,
                              const struct remote_storage_pool_get_xml_desc_args *args,
                              struct remote_storage_pool_get_xml_desc_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    bool inactive = args->flags & VIR_STORAGE_XML_INACTIVE;
    DEFINITION_AUTO struct definition *definition =
        definition_copy(object_view_definition(&view, inactive));
    if (view.facts && !inactive)
        add_facts((struct storage_pool *)definition, view.facts);
    g_autofree char *text = xml_write(definition, view.live && !inactive ? 0 : XML_WRITE_INACTIVE);
    ret->xml = arena_strdup(&call->arena, text);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, storage_pool_lookup_by_name),
     .finds = true,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_lookup_by_uuid),
     .finds = true,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_lookup_by_volume),
     .finds = true,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_lookup_by_target_path),
     .finds = true,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_all_storage_pools),
     .flags = ALL_FILTERS,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_storage_pools), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_list_defined_storage_pools), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_num_of_storage_pools), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_num_of_defined_storage_pools), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_is_active), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_is_persistent), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_get_autostart), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_set_autostart), .job = true},
    {.binding = HANDLER(remote, storage_pool_get_info), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_get_xml_desc), .flags = VIR_STORAGE_XML_INACTIVE},
};

const struct driver_methods list_methods = DRIVER_METHODS(rows);

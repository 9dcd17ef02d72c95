/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/generic.h"
#include "protocol/remote-handlers.h"

#include "document.h"
#include "methods.h"
#include "start.h"

/* ---- definitions ---- */

static int save_definition(struct job *job, struct storage_pool *pool, GError **error)
{
    if (!backend_find(pool->type, error) || document_check_source(pool, error) < 0 ||
        store_save(storaged->store, job, &pool->definition, error) < 0) {
        registry_remove_unused(storaged->pools, job);
        return -1;
    }
    object_publish_config(job, definition_pack(&pool->definition));
    pool_raise(job_object(job), job, VIR_STORAGE_POOL_EVENT_DEFINED);
    return 0;
}

int storage_pool_define_xml(struct call *call,
                            const struct remote_storage_pool_define_xml_args *args,
                            struct remote_storage_pool_define_xml_ret *ret, GError **error)
{
    DEFINITION_AUTO struct storage_pool *pool = NULL;
    JOB_AUTO struct job *job = NULL;

    if (document_read_pool(args->xml, args->flags & VIR_STORAGE_POOL_DEFINE_VALIDATE, &pool,
                           error) < 0 ||
        call_begin(call, PROTOCOL_OBJECT_STORAGE_POOL, &pool->definition, 0, &job, error) < 0 ||
        save_definition(job, pool, error) < 0)
        return -1;
    pool_fill_handle(call, job_object(job), &ret->pool);
    return 0;
}

static int check_inactive(struct call *call, const char *how, GError **error)
{
    g_autofree char *name = object_get_name(call->object);

    if (!object_is_active(call->object))
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID, "storage pool '%s' is %s active", name, how);
    return -1;
}

int storage_pool_undefine(struct call *call, const struct remote_storage_pool_undefine_args *args,
                          void *ret, GError **error)
{
    if (check_inactive(call, "still", error) < 0 ||
        store_remove(storaged->store, call->job, error) < 0)
        return -1;
    pool_raise(call->object, call->job, VIR_STORAGE_POOL_EVENT_UNDEFINED);
    object_publish_autostart(call->job, false);
    object_publish_config(call->job, NULL);
    registry_remove_unused(storaged->pools, call->job);
    return 0;
}

/* ---- life ---- */

#define WITH_BUILD                                                                                 \
    (VIR_STORAGE_POOL_CREATE_WITH_BUILD | VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE |           \
     VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE)

static int check_exclusive(unsigned flags, unsigned one, unsigned other, GError **error)
{
    if ((flags & one) && (flags & other)) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "flags to overwrite and not to overwrite are mutually exclusive");
        return -1;
    }
    return 0;
}

static int check_create_flags(unsigned flags, GError **error)
{
    return check_exclusive(flags, VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE,
                           VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE, error);
}

int storage_pool_create_xml(struct call *call,
                            const struct remote_storage_pool_create_xml_args *args,
                            struct remote_storage_pool_create_xml_ret *ret, GError **error)
{
    DEFINITION_AUTO struct storage_pool *pool = NULL;
    JOB_AUTO struct job *job = NULL;

    if (check_create_flags(args->flags, error) < 0 ||
        document_read_pool(args->xml, false, &pool, error) < 0 ||
        call_begin(call, PROTOCOL_OBJECT_STORAGE_POOL, &pool->definition, REGISTRY_INACTIVE, &job,
                   error) < 0 ||
        start_pool(job, g_steal_pointer(&pool), args->flags & WITH_BUILD, error) < 0)
        return -1;
    pool_fill_handle(call, job_object(job), &ret->pool);
    return 0;
}

int storage_pool_create(struct call *call, const struct remote_storage_pool_create_args *args,
                        void *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (check_inactive(call, "already", error) < 0 || check_create_flags(args->flags, error) < 0 ||
        call_get_view(call, &view, error) < 0)
        return -1;
    return start_pool(call->job, (struct storage_pool *)definition_copy(view.config),
                      args->flags & WITH_BUILD, error);
}

static int check_active(struct call *call, GError **error)
{
    g_autofree char *name = object_get_name(call->object);

    if (object_is_active(call->object))
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID, "storage pool '%s' is not active", name);
    return -1;
}

int storage_pool_destroy(struct call *call, const struct remote_storage_pool_destroy_args *args,
                         void *ret, GError **error)
{
    return check_active(call, error) < 0 ? -1 : stop_pool(call->job, error);
}

int storage_pool_refresh(struct call *call, const struct remote_storage_pool_refresh_args *args,
                         void *ret, GError **error)
{
    return check_active(call, error) < 0 ? -1 : refresh_pool(call->object, call->job, error);
}

int storage_pool_build(struct call *call, const struct remote_storage_pool_build_args *args,
                       void *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (check_inactive(call, "already", error) < 0 ||
        check_exclusive(args->flags, VIR_STORAGE_POOL_BUILD_OVERWRITE,
                        VIR_STORAGE_POOL_BUILD_NO_OVERWRITE, error) < 0 ||
        call_get_view(call, &view, error) < 0 ||
        start_build(view_config(&view), args->flags, error) < 0)
        return -1;
    pool_raise(call->object, call->job, VIR_STORAGE_POOL_EVENT_CREATED);
    return 0;
}

static int remove_storage(const struct storage_pool *pool, unsigned flags, GError **error)
{
    const struct backend *backend = backend_find(pool->type, error);

    if (!backend)
        return -1;
    if (!backend->remove) {
        error_set(error, VIR_ERR_NO_SUPPORT, "pool type '%s' does not support pool deletion",
                  names_word(&storage_pool_type_names, pool->type));
        return -1;
    }
    if (flags & ~backend->delete_flags) {
        error_set(error, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) for pool type '%s'", flags,
                  names_word(&storage_pool_type_names, pool->type));
        return -1;
    }
    return backend->remove(pool, flags, error);
}

int storage_pool_delete(struct call *call, const struct remote_storage_pool_delete_args *args,
                        void *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (check_inactive(call, "still", error) < 0 || call_get_view(call, &view, error) < 0 ||
        remove_storage(view_config(&view), args->flags, error) < 0)
        return -1;
    pool_raise(call->object, call->job, VIR_STORAGE_POOL_EVENT_DELETED);
    return 0;
}

#define BUILD_FLAGS                                                                                \
    (VIR_STORAGE_POOL_BUILD_REPAIR | VIR_STORAGE_POOL_BUILD_RESIZE |                               \
     VIR_STORAGE_POOL_BUILD_NO_OVERWRITE | VIR_STORAGE_POOL_BUILD_OVERWRITE)

static const struct method rows[] = {
    {.binding = HANDLER(remote, storage_pool_define_xml),
     .finds = true,
     .flags = VIR_STORAGE_POOL_DEFINE_VALIDATE},
    {.binding = HANDLER(remote, storage_pool_undefine), .job = true, .state = METHOD_PERSISTENT},
    {.binding = HANDLER(remote, storage_pool_create_xml), .finds = true, .flags = WITH_BUILD},
    {.binding = HANDLER(remote, storage_pool_create), .flags = WITH_BUILD, .job = true},
    {.binding = HANDLER(remote, storage_pool_destroy), .job = true},
    {.binding = HANDLER(remote, storage_pool_refresh), .job = true},
    {.binding = HANDLER(remote, storage_pool_build), .flags = BUILD_FLAGS, .job = true},
    {.binding = HANDLER(remote, storage_pool_delete),
     .flags = VIR_STORAGE_POOL_DELETE_ZEROED,
     .job = true},
};

const struct driver_methods lifecycle_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volume-call.h"

#include "driver/generic.h"
#include "object/access.h"
#include "protocol/remote.h"

#include "guard.h"

void volume_call_clear(struct volume_call *volume_call)
{
    definition_unref((struct definition *)volume_call->pool);
    volumes_unref(volume_call->volumes);
}

struct gate *volume_call_gate(const struct call *call)
{
    const struct protocol_method *facts = call->request->method;

    if (facts->object == PROTOCOL_OBJECT_STORAGE_POOL)
        return call->object ? pool_get_gate(call->object) : NULL;
    if (facts->object != PROTOCOL_OBJECT_STORAGE_VOL)
        return NULL;
    const struct remote_nonnull_storage_vol *handle = protocol_method_object(facts, call->args);
    struct object *pool = registry_get_by_name(storaged->pools, handle->pool, NULL);
    struct gate *gate = pool ? pool_get_gate(pool) : NULL;
    object_unref(pool);
    return gate;
}

int volume_call_begin(struct call *call, struct volume_call *ret_volume_call, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    VOLUMES_AUTO struct volumes *volumes = pool_get_volumes(call->object, error);

    if (!volumes)
        return -1;
    object_get_view(call->object, &view);
    if (!view.live) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "storage pool '%s' is not active", view.name);
        return -1;
    }
    const struct backend *backend = backend_find(view_live(&view)->type, error);
    if (!backend)
        return -1;
    *ret_volume_call = (struct volume_call){
        .backend = backend,
        .pool = (struct storage_pool *)definition_ref(view.live),
        .volumes = g_steal_pointer(&volumes),
    };
    return 0;
}

struct volume *volume_call_get(const struct volume_call *volume_call, const char *name,
                               GError **error)
{
    struct volume *volume = volumes_get_by_name(volume_call->volumes, name);

    if (!volume)
        error_set(error, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
    return volume;
}

int volume_call_may_use(struct call *call, const struct volume *volume, GError **error)
{
    const struct access_subject subject = {
        .object = call->object, .part = volume->name, .key = volume->key};

    return call_check_subject(call, &subject, error);
}

int volume_call_find(struct call *call, const struct remote_nonnull_storage_vol *handle,
                     struct volume_call *ret_volume_call, struct volume **ret_volume,
                     GError **error)
{
    VOLUME_CALL_AUTO struct volume_call volume_call = {0};
    VOLUME_AUTO struct volume *volume = NULL;

    if (volume_call_find_other(call, handle, &volume_call, &volume, error) < 0 ||
        volume_call_may_use(call, volume, error) < 0)
        return -1;
    *ret_volume = g_steal_pointer(&volume);
    *ret_volume_call = volume_call;
    volume_call = (struct volume_call){0};
    return 0;
}

int volume_call_find_other(struct call *call, const struct remote_nonnull_storage_vol *handle,
                           struct volume_call *ret_volume_call, struct volume **ret_volume,
                           GError **error)
{
    VOLUME_CALL_AUTO struct volume_call volume_call = {0};

    call->object = registry_get_by_name(storaged->pools, handle->pool, error);
    if (!call->object || volume_call_begin(call, &volume_call, error) < 0)
        return -1;
    struct volume *volume = volume_call_get(&volume_call, handle->name, error);
    if (!volume)
        return -1;
    *ret_volume = volume;
    *ret_volume_call = volume_call;
    volume_call = (struct volume_call){0};
    return 0;
}

int volume_call_check(const struct volume_call *volume_call, GError **error)
{
    struct volumes *volumes = volume_call->volumes;

    return guard_check(volumes->guard, volumes->path, error);
}

int volume_call_look(const struct volume_call *volume_call, struct volume *volume, GError **error)
{
    struct storage_volume *found;
    struct volume_signature signature;

    if (volume_is_building(volume))
        return 0;
    if (volume_call_check(volume_call, error) < 0 ||
        volume_call->backend->volumes->look(volume, &found, &signature, error) < 0)
        return -1;
    volumes_found(volume->volumes, found, &signature);
    return 0;
}

int volume_call_open(const struct volume_call *volume_call, struct volume *volume, int mode,
                     int *ret_fd, GError **error)
{
    if (volume_call->backend->volumes->open)
        return volume_call_check(volume_call, error) < 0
                   ? -1
                   : volume_call->backend->volumes->open(volume, mode, ret_fd, error);
    error_set(error, VIR_ERR_NO_SUPPORT,
              "the bytes of volumes of pools of type '%s' can't be read or written here",
              names_word(&storage_pool_type_names, volume_call->pool->type));
    return -1;
}

void volume_call_fill(struct call *call, const struct volumes *volumes, const struct volume *volume,
                      struct remote_nonnull_storage_vol *ret_handle)
{
    ret_handle->pool = arena_strdup(&call->arena, volumes->pool);
    ret_handle->name = arena_strdup(&call->arena, volume->name);
    ret_handle->key = arena_strdup(&call->arena, volume->key);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/generic.h"
#include "object/access.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

#include "methods.h"
#include "volume-call.h"

/* ---- lookups ---- */

int storage_vol_lookup_by_name(struct call *call,
                               const struct remote_storage_vol_lookup_by_name_args *args,
                               struct remote_storage_vol_lookup_by_name_ret *ret, GError **error)
{
    VOLUME_CALL_AUTO struct volume_call volume_call = {0};

    if (volume_call_begin(call, &volume_call, error) < 0)
        return -1;
    VOLUME_AUTO struct volume *volume = volume_call_get(&volume_call, args->name, error);
    if (!volume || volume_call_may_use(call, volume, error) < 0)
        return -1;
    volume_call_fill(call, volume_call.volumes, volume, &ret->vol);
    return 0;
}

/* In all pools that run, which are few. */
static int look_up(struct call *call,
                   struct volume *(*find)(struct volumes *volumes, const char *text),
                   const char *text, const char *what,
                   struct remote_nonnull_storage_vol *ret_handle, GError **error)
{
    g_autoptr(GPtrArray) pools = registry_list(storaged->pools, registry_filter_active, NULL);

    for (guint i = 0; i < pools->len; i++) {
        VOLUMES_AUTO struct volumes *volumes = pool_get_volumes(pools->pdata[i], NULL);
        VOLUME_AUTO struct volume *volume = volumes ? find(volumes, text) : NULL;

        if (!volume)
            continue;
        volume_call_fill(call, volumes, volume, ret_handle);
        call->object = object_ref(pools->pdata[i]);
        return volume_call_may_use(call, volume, error);
    }
    error_set(error, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching %s '%s'", what, text);
    return -1;
}

int storage_vol_lookup_by_key(struct call *call,
                              const struct remote_storage_vol_lookup_by_key_args *args,
                              struct remote_storage_vol_lookup_by_key_ret *ret, GError **error)
{
    return look_up(call, volumes_get_by_key, args->key, "key", &ret->vol, error);
}

int storage_vol_lookup_by_path(struct call *call,
                               const struct remote_storage_vol_lookup_by_path_args *args,
                               struct remote_storage_vol_lookup_by_path_ret *ret, GError **error)
{
    /* others are URIs, and names of Ceph's */
    const char *path =
        *args->path == '/' ? storage_pool_tidy_path(&call->arena, args->path) : args->path;

    return look_up(call, volumes_get_by_path, path, "path", &ret->vol, error);
}

/* ---- lists ---- */

static bool may_list(struct call *call, const struct volume *volume)
{
    const struct access_subject subject = {
        .object = call->object, .part = volume->name, .key = volume->key};

    return call_may_list_subject(call, &subject);
}

static GPtrArray *list(struct call *call, GError **error)
{
    VOLUMES_AUTO struct volumes *volumes = pool_get_volumes(call->object, error);

    if (!volumes)
        return NULL;
    GPtrArray *all = volumes_list(volumes);
    for (guint i = all->len; i > 0; i--)
        if (!may_list(call, all->pdata[i - 1]))
            g_ptr_array_remove_index(all, i - 1);
    return all;
}

int storage_pool_num_of_volumes(struct call *call,
                                const struct remote_storage_pool_num_of_volumes_args *args,
                                struct remote_storage_pool_num_of_volumes_ret *ret, GError **error)
{
    g_autoptr(GPtrArray) volumes = list(call, error);

    if (!volumes)
        return -1;
    ret->num = (int)volumes->len;
    return 0;
}

int storage_pool_list_volumes(struct call *call,
                              const struct remote_storage_pool_list_volumes_args *args,
                              struct remote_storage_pool_list_volumes_ret *ret, GError **error)
{
    g_autoptr(GPtrArray) volumes = list(call, error);

    if (!volumes)
        return -1;
    ret->names_len = MIN(volumes->len, (guint)MAX(args->maxnames, 0));
    ret->names_val = arena_array(&call->arena, ret->names_len, sizeof(*ret->names_val));
    for (guint i = 0; i < ret->names_len; i++)
        ret->names_val[i] = arena_strdup(&call->arena, ((struct volume *)volumes->pdata[i])->name);
    return 0;
}

int storage_pool_list_all_volumes(struct call *call,
                                  const struct remote_storage_pool_list_all_volumes_args *args,
                                  struct remote_storage_pool_list_all_volumes_ret *ret,
                                  GError **error)
{
    g_autoptr(GPtrArray) volumes = list(call, error);

    if (!volumes)
        return -1;
    ret->ret = volumes->len;
    if (!args->need_results)
        return 0;
    ret->vols_len = volumes->len;
    ret->vols_val = arena_array(&call->arena, volumes->len, sizeof(*ret->vols_val));
    for (guint i = 0; i < volumes->len; i++) {
        struct volume *volume = volumes->pdata[i];

        volume_call_fill(call, volume->volumes, volume, &ret->vols_val[i]);
    }
    return 0;
}

/* ---- what is known of one ---- */

/* What it is now, borrowed until the volume changes: a new reference. */
static struct storage_volume *
get_definition(struct call *call, const struct remote_nonnull_storage_vol *handle, GError **error)
{
    VOLUME_CALL_AUTO struct volume_call volume_call = {0};
    VOLUME_AUTO struct volume *volume = NULL;

    if (volume_call_find(call, handle, &volume_call, &volume, error) < 0 ||
        volume_call_look(&volume_call, volume, error) < 0)
        return NULL;
    return volume_get_definition(volume);
}

static int get_info(struct call *call, const struct remote_nonnull_storage_vol *handle,
                    unsigned flags, char *ret_type, uint64_t *ret_capacity,
                    uint64_t *ret_allocation, GError **error)
{
    DEFINITION_AUTO struct storage_volume *volume = get_definition(call, handle, error);

    if (!volume)
        return -1;
    *ret_type = (char)(volume->type - STORAGE_VOLUME_FILE);
    *ret_capacity = volume->capacity.value;
    *ret_allocation =
        flags & VIR_STORAGE_VOL_GET_PHYSICAL ? volume->physical.value : volume->allocation.value;
    return 0;
}

int storage_vol_get_info(struct call *call, const struct remote_storage_vol_get_info_args *args,
                         struct remote_storage_vol_get_info_ret *ret, GError **error)
{
    return get_info(call, &args->vol, 0, &ret->type, &ret->capacity, &ret->allocation, error);
}

int storage_vol_get_info_flags(struct call *call,
                               const struct remote_storage_vol_get_info_flags_args *args,
                               struct remote_storage_vol_get_info_flags_ret *ret, GError **error)
{
    return get_info(call, &args->vol, args->flags, &ret->type, &ret->capacity, &ret->allocation,
                    error);
}

int storage_vol_get_xml_desc(struct call *call,
                             const struct remote_storage_vol_get_xml_desc_args *args,
                             struct remote_storage_vol_get_xml_desc_ret *ret, GError **error)
{
    DEFINITION_AUTO struct storage_volume *volume = get_definition(call, &args->vol, error);

    if (!volume)
        return -1;
    DEFINITION_AUTO struct storage_volume *shown =
        (struct storage_volume *)definition_copy(&volume->definition);
    volume_job_fill(shown, args->vol.pool);
    g_autofree char *text = xml_write(&shown->definition, 0);
    ret->xml = arena_strdup(&call->arena, text);
    return 0;
}

int storage_vol_get_path(struct call *call, const struct remote_storage_vol_get_path_args *args,
                         struct remote_storage_vol_get_path_ret *ret, GError **error)
{
    VOLUME_CALL_AUTO struct volume_call volume_call = {0};
    VOLUME_AUTO struct volume *volume = NULL;

    if (volume_call_find(call, &args->vol, &volume_call, &volume, error) < 0)
        return -1;
    ret->name = arena_strdup(&call->arena, volume->path);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, storage_vol_lookup_by_name),
     .finds = true,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_vol_lookup_by_key), .finds = true, .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_vol_lookup_by_path),
     .finds = true,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_num_of_volumes), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, storage_pool_list_volumes)},
    {.binding = HANDLER(remote, storage_pool_list_all_volumes)},
    {.binding = HANDLER(remote, storage_vol_get_info), .finds = true},
    {.binding = HANDLER(remote, storage_vol_get_info_flags),
     .finds = true,
     .flags = VIR_STORAGE_VOL_GET_PHYSICAL},
    {.binding = HANDLER(remote, storage_vol_get_xml_desc), .finds = true},
    {.binding = HANDLER(remote, storage_vol_get_path), .finds = true, .thread = METHOD_INLINE},
};

const struct driver_methods volume_list_methods = DRIVER_METHODS(rows);

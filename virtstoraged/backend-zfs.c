/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"

#include "backend.h"
#include "block.h"
#include "program.h"
#include "zfs-list.h"

/* A pool of ZFS: its volumes (zvols) are the volumes. Each command is a whole one for ZFS. */

#define TOOL_MS (3 * 60 * 1000)
#define NODE_MS 20000

static const char *zpool_of(const struct storage_pool *pool)
{
    return pool->source.name;
}

static int run(const char *const *argv, char **ret_text, GError **error)
{
    struct program program = {.argv = argv, .milliseconds = TOOL_MS};

    return program_run(&program, ret_text, error);
}

#define RUN(ret_text, error, ...) run((const char *const[]){__VA_ARGS__, NULL}, ret_text, error)

/* ---- the pool ---- */

static int zfs_build(const struct storage_pool *pool, unsigned flags, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    if (!pool->source.devices.count) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "pool '%s' does not say which devices it is to be on", pool->name);
        return -1;
    }
    g_ptr_array_add(words, (char *)"zpool");
    g_ptr_array_add(words, (char *)"create");
    g_ptr_array_add(words, (char *)"--");
    g_ptr_array_add(words, (char *)zpool_of(pool));
    LIST_EACH (device, &pool->source.devices)
        g_ptr_array_add(words, (char *)device->path);
    g_ptr_array_add(words, NULL);
    return run((const char *const *)words->pdata, NULL, error);
}

static int zfs_remove(const struct storage_pool *pool, unsigned flags, GError **error)
{
    return RUN(NULL, error, "zpool", "destroy", "--", zpool_of(pool));
}

static int read_sizes(const struct storage_pool *pool, struct zfs_sizes *ret_sizes, GError **error)
{
    g_autofree char *text = NULL;

    if (RUN(&text, error, "zpool", "get", "-Hp", "size,free,allocated", zpool_of(pool)) < 0)
        return -1;
    return zfs_list_read_sizes(text, ret_sizes, error);
}

static int zfs_start(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error)
{
    struct zfs_sizes sizes;

    if (read_sizes(pool, &sizes, error) < 0)
        return -1;
    *ret_volumes = volumes_new(pool, NULL, -1);
    return 0;
}

/* ---- what is there ---- */

/* One whose node the host does not have is shown all the same. */
static struct storage_volume *describe(const struct storage_pool *pool,
                                       const struct zfs_volume *volume)
{
    struct storage_volume *found = (struct storage_volume *)definition_new(&storage_volume_schema);
    struct arena *arena = &found->definition.arena;
    const char *path = arena_printf(arena, "%s/%s", pool->target.path, volume->name);

    if (block_fill(found, path, NULL) < 0)
        found->type = STORAGE_VOLUME_BLOCK;
    found->name = arena_strdup(arena, volume->name);
    found->key = arena_printf(arena, "%s/%s", zpool_of(pool), volume->name);
    found->target.path = path;
    found->capacity = OPT_ULONG(volume->capacity);
    found->allocation = OPT_ULONG(volume->reserved);
    return found;
}

static int list(const struct storage_pool *pool, GPtrArray **ret_volumes, GError **error)
{
    g_autofree char *text = NULL;

    if (RUN(&text, error, "zfs", "list", "-Hp", "-t", "volume", "-r", "-o",
            "name,volsize,refreservation", zpool_of(pool)) < 0)
        return -1;
    *ret_volumes = zfs_list_read_volumes(text, zpool_of(pool));
    return 0;
}

static int zfs_refresh(const struct storage_pool *pool, struct volumes *volumes,
                       struct pool_facts *ret_facts, GError **error)
{
    g_autoptr(GPtrArray) all = NULL;
    struct zfs_sizes sizes;

    if (read_sizes(pool, &sizes, error) < 0 || list(pool, &all, error) < 0)
        return -1;
    for (guint i = 0; i < all->len; i++) {
        struct storage_volume *found = describe(pool, all->pdata[i]);
        struct volume_signature signature = block_signature(found->target.path);

        volumes_found(volumes, found, &signature);
    }
    ret_facts->capacity = sizes.size;
    ret_facts->allocation = sizes.allocated;
    ret_facts->available = sizes.free;
    return 0;
}

/* Sizes are as of the last refresh. */
static int zfs_look(struct volume *volume, struct storage_volume **ret_found,
                    struct volume_signature *ret_signature, GError **error)
{
    DEFINITION_AUTO struct storage_volume *known = volume_get_definition(volume);

    *ret_found = (struct storage_volume *)definition_copy(&known->definition);
    *ret_signature = block_signature(volume->path);
    return 0;
}

/* ---- made and removed ---- */

static int zfs_complete(struct volumes *volumes, struct storage_volume *definition, GError **error)
{
    struct arena *arena = &definition->definition.arena;
    const struct storage_pool *pool = volumes->on;

    if (storage_volume_check_name(definition->name, error) < 0)
        return -1;
    if (!definition->capacity.value) {
        error_set(error, VIR_ERR_NO_SUPPORT, "volume capacity required for this storage pool");
        return -1;
    }
    if (definition->target.encryption || definition->backing) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "volume '%s': volumes of ZFS have neither encryption nor an image below here",
                  definition->name);
        return -1;
    }
    definition->type = STORAGE_VOLUME_BLOCK;
    definition->target.path = arena_printf(arena, "%s/%s", pool->target.path, definition->name);
    definition->key = arena_printf(arena, "%s/%s", zpool_of(pool), definition->name);
    if (!definition->allocation.set)
        definition->allocation = definition->capacity;
    return 0;
}

/* In whole KiB; with less allocation than capacity, that much is reserved. */
static int make(const struct storage_volume *definition, GError **error)
{
    uint64_t capacity = definition->capacity.value, allocation = definition->allocation.value;
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT "K", (capacity + 1023) / 1024);
    g_autofree char *reserved =
        g_strdup_printf("refreservation=%" G_GUINT64_FORMAT "K", (allocation + 1023) / 1024);

    if (allocation >= capacity)
        return RUN(NULL, error, "zfs", "create", "-V", size, "--", definition->key);
    if (!allocation)
        return RUN(NULL, error, "zfs", "create", "-s", "-V", size, "--", definition->key);
    return RUN(NULL, error, "zfs", "create", "-s", "-o", reserved, "-V", size, "--",
               definition->key);
}

static int zfs_create(struct volume_job *job, struct volume *volume,
                      const struct storage_volume *definition, const struct storage_volume *other,
                      int other_fd, unsigned flags, struct storage_volume **ret_found,
                      struct volume_signature *ret_signature, GError **error)
{
    struct zfs_volume made = {.name = volume->name,
                              .capacity = (definition->capacity.value + 1023) / 1024 * 1024,
                              .reserved = definition->allocation.value};

    if (other) {
        error_set(error, VIR_ERR_NO_SUPPORT,
                  "storage pool does not support volume creation from an existing volume");
        return -1;
    }
    if (make(definition, error) < 0 || block_await(definition->target.path, NODE_MS, error) < 0)
        return -1;
    *ret_found = describe(volume->volumes->on, &made);
    *ret_signature = block_signature(definition->target.path);
    return 0;
}

static int zfs_remove_volume(struct volume *volume, GError **error)
{
    return RUN(NULL, error, "zfs", "destroy", "--", volume->key);
}

static const struct volume_backend zfs_volumes = {
    .complete = zfs_complete,
    .create = zfs_create,
    .look = zfs_look,
    .remove = zfs_remove_volume,
    .open = block_open,
};

const struct backend zfs_backend = {
    .needs = "zpool",
    .build = zfs_build,
    .remove = zfs_remove,
    .start = zfs_start,
    .refresh = zfs_refresh,
    .volumes = &zfs_volumes,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "base/file.h"

#include "backend.h"
#include "block.h"
#include "lun.h"

/* The multipath maps of the host: there is one such pool, and it is what multipathd makes. */

#define BLOCKS "/sys/block"
#define IDENTITY "mpath-" /* of a map, by whoever makes them; partitions on one begin otherwise */

static int mpath_start(const struct storage_pool *pool, struct volumes **ret_volumes,
                       GError **error)
{
    *ret_volumes = volumes_new(pool, NULL, -1);
    return 0;
}

/* A word that device mapper tells of a device; NULL: it has none. */
static char *read_word(const char *device, const char *what)
{
    g_autofree char *path = g_strdup_printf(BLOCKS "/%s/dm/%s", device, what);
    char *text = NULL;

    return file_read_optional(path, 4096, &text, NULL, NULL) == 0 && text ? g_strchomp(text) : NULL;
}

static struct storage_volume *look_at(const char *device, const char *path, GError **error)
{
    DEFINITION_AUTO struct storage_volume *volume =
        (struct storage_volume *)definition_new(&storage_volume_schema);

    if (block_fill(volume, path, error) < 0)
        return NULL;
    volume->name = arena_strdup(&volume->definition.arena, device);
    volume->key = volume->target.path;
    return g_steal_pointer(&volume);
}

static void refresh_one(struct volumes *volumes, const char *device)
{
    g_autofree char *identity = read_word(device, "uuid");
    g_autofree char *name = read_word(device, "name");

    if (!identity || !name || !g_str_has_prefix(identity, IDENTITY))
        return;
    g_autofree char *path = g_strdup_printf("/dev/mapper/%s", name);
    struct storage_volume *volume = look_at(device, path, NULL);
    struct volume_signature signature = block_signature(path);
    if (volume)
        volumes_found(volumes, volume, &signature);
}

static int mpath_refresh(const struct storage_pool *pool, struct volumes *volumes,
                         struct pool_facts *ret_facts, GError **error)
{
    g_auto(GStrv) devices = NULL;

    if (file_list(BLOCKS, NULL, &devices, error) < 0)
        return -1;
    for (char **device = devices; *device; device++)
        if (g_str_has_prefix(*device, "dm-"))
            refresh_one(volumes, *device);
    return 0;
}

static int mpath_look(struct volume *volume, struct storage_volume **ret_found,
                      struct volume_signature *ret_signature, GError **error)
{
    struct storage_volume *found = look_at(volume->name, volume->path, error);

    if (!found)
        return -1;
    *ret_found = found;
    *ret_signature = block_signature(volume->path);
    return 0;
}

static const struct volume_backend maps = {
    .look = mpath_look,
    .open = block_open,
};

const struct backend mpath_backend = {
    .start = mpath_start,
    .refresh = mpath_refresh,
    .measure = lun_measure,
    .volumes = &maps,
};

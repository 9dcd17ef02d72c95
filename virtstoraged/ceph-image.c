/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ceph-image.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

#define NAMES_FIRST 256
#define NAMES_MOST 1000000
#define WATCHERS_MOST 64

int ceph_image_open(const struct ceph_cluster *cluster, const char *name, bool writable,
                    rbd_image_t *ret_image, GError **error)
{
    rbd_image_t image;
    int result = writable ? rbd_open(cluster->io, name, &image, NULL)
                          : rbd_open_read_only(cluster->io, name, &image, NULL);

    if (result == -ENOENT) {
        error_set(error, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
        return -1;
    }
    if (result < 0)
        return ceph_fail(result, error, "failed to open the RBD image '%s'", name);
    *ret_image = image;
    return 0;
}

void ceph_image_close(rbd_image_t *image)
{
    if (*image)
        rbd_close(*image);
}

/* ---- what it is ---- */

static int add_length(uint64_t offset, size_t length, int exists, void *data)
{
    uint64_t *sum = data;

    if (exists)
        *sum += length;
    return 0;
}

static bool has_object_map(rbd_image_t image)
{
    uint64_t features, flags;

    return rbd_get_features(image, &features) == 0 && features & RBD_FEATURE_FAST_DIFF &&
           rbd_get_flags(image, &flags) == 0 && !(flags & RBD_FLAG_FAST_DIFF_INVALID);
}

static uint64_t measure(rbd_image_t image, const struct storage_pool *pool, uint64_t size)
{
    uint64_t sum = 0;

    if (pool->refresh_allocation == STORAGE_REFRESH_CAPACITY || !has_object_map(image) ||
        rbd_diff_iterate2(image, NULL, 0, size, 0, 1, add_length, &sum) < 0)
        return size;
    return MIN(sum, size);
}

int ceph_image_describe(const struct ceph_cluster *cluster, const struct storage_pool *pool,
                        const char *name, struct storage_volume **ret_found, GError **error)
{
    rbd_image_t image CEPH_IMAGE_AUTO = NULL;
    uint64_t size;

    if (ceph_image_open(cluster, name, false, &image, error) < 0)
        return -1;
    int result = rbd_get_size(image, &size);
    if (result < 0)
        return ceph_fail(result, error, "failed to stat the RBD image '%s'", name);
    struct storage_volume *found = (struct storage_volume *)definition_new(&storage_volume_schema);
    struct arena *arena = &found->definition.arena;
    found->type = STORAGE_VOLUME_NETWORK;
    found->name = arena_strdup(arena, name);
    found->key = arena_printf(arena, "%s/%s", pool->source.name, name);
    found->target.path = found->key;
    found->target.format = IMAGE_FORMAT_RAW;
    found->capacity = OPT_ULONG(size);
    found->allocation = OPT_ULONG(measure(image, pool, size));
    *ret_found = found;
    return 0;
}

/* ---- who has it ---- */

int ceph_image_check_unused(const struct ceph_cluster *cluster, const char *name, GError **error)
{
    rbd_image_t image CEPH_IMAGE_AUTO = NULL;
    rbd_image_watcher_t watchers[WATCHERS_MOST];
    size_t count = WATCHERS_MOST;

    /* who opens it for reading alone is not among them */
    if (ceph_image_open(cluster, name, false, &image, error) < 0)
        return -1;
    int result = rbd_watchers_list(image, watchers, &count);
    if (result < 0)
        return ceph_fail(result, error, "failed to ask who uses the RBD image '%s'", name);
    if (!count)
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID, "volume '%s' is in use by a client at %s", name,
              watchers[0].addr);
    rbd_watchers_list_cleanup(watchers, count);
    return -1;
}

/* ---- all ---- */

static int list(const struct ceph_cluster *cluster, rbd_image_spec_t **ret_specs, size_t *ret_count,
                GError **error)
{
    size_t room = NAMES_FIRST, count = room;
    rbd_image_spec_t *specs = g_new0(rbd_image_spec_t, room);
    int result = rbd_list2(cluster->io, specs, &count);

    while (result == -ERANGE && count > room && count <= NAMES_MOST) {
        room = count;
        specs = g_renew(rbd_image_spec_t, specs, room);
        result = rbd_list2(cluster->io, specs, &count);
    }
    if (result < 0) {
        g_free(specs);
        return ceph_fail(result, error, "failed to list the RBD images");
    }
    *ret_specs = specs;
    *ret_count = count;
    return 0;
}

int ceph_image_list(const struct ceph_cluster *cluster, bool part, GPtrArray **ret_names,
                    GError **error)
{
    g_autofree rbd_image_spec_t *specs = NULL;
    size_t count = 0;

    if (list(cluster, &specs, &count, error) < 0)
        return -1;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < count; i++)
        if (g_str_has_prefix(specs[i].name, STORAGE_VOLUME_PART) == part)
            g_ptr_array_add(names, g_strdup(specs[i].name));
    rbd_image_spec_list_cleanup(specs, count);
    *ret_names = names;
    return 0;
}

/* ---- data ---- */

static int add_extent(uint64_t offset, size_t length, int exists, void *data)
{
    struct ceph_extent extent = {offset, length};

    if (exists)
        g_array_append_val((GArray *)data, extent);
    return 0;
}

int ceph_image_find_data(rbd_image_t image, GArray **ret_extents, GError **error)
{
    g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(struct ceph_extent));
    uint64_t size;
    int result = rbd_get_size(image, &size);

    if (result == 0)
        result = rbd_diff_iterate2(image, NULL, 0, size, 1, 0, add_extent, extents);
    if (result < 0)
        return ceph_fail(result, error, "failed to find the data of an RBD image");
    *ret_extents = g_steal_pointer(&extents);
    return 0;
}

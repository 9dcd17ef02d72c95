/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/error.h"

#include "backend.h"
#include "ceph-clone.h"
#include "ceph-image.h"
#include "module.h"

/* Images of a pool of Ceph, spoken to by librbd: the kernel knows nothing of them, guests reach
 * them through QEMU. One connection to the cluster lasts as long as the pool runs. */

#define STEP (4 * 1024 * 1024)
#define LOOKERS 16 /* images that are looked at at a time */
#define SNAPSHOTS_MOST 1024
#define SILENT_SECONDS 5 /* an image that can't be looked at for so long is not to blame */

static struct ceph_cluster *cluster_of(const struct volume *volume)
{
    return volume->volumes->link;
}

static int rbd_start(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error)
{
    struct ceph_cluster *cluster;

    if (ceph_cluster_open(pool, &cluster, error) < 0)
        return -1;
    ceph_clone_clear_up(cluster);
    *ret_volumes = volumes_new(pool, NULL, -1);
    (*ret_volumes)->link = cluster;
    (*ret_volumes)->link_free = ceph_cluster_free;
    return 0;
}

static int rbd_measure(const struct storage_pool *pool, struct volumes *volumes,
                       struct pool_facts *ret_facts, GError **error)
{
    const struct ceph_cluster *cluster = volumes->link;
    struct rados_cluster_stat_t all;
    struct rados_pool_stat_t own;
    int result = rados_cluster_stat(cluster->rados, &all);

    if (result == 0)
        result = rados_ioctx_pool_stat(cluster->io, &own);
    if (result < 0)
        return ceph_fail(result, error, "failed to stat the RADOS pool '%s'", pool->source.name);
    ret_facts->capacity = all.kb * 1024;
    ret_facts->available = all.kb_avail * 1024;
    ret_facts->allocation = own.num_bytes;
    return 0;
}

/* ---- looking ---- */

static int rbd_look(struct volume *volume, struct storage_volume **ret_found,
                    struct volume_signature *ret_signature, GError **error)
{
    *ret_signature = (struct volume_signature){0};
    return ceph_image_describe(cluster_of(volume), volume->volumes->on, volume->name, ret_found,
                               error);
}

/* Each image takes several answers of the cluster: many are asked for at a time. */
struct looking {
    struct volumes *volumes;
    gint silent; /* the cluster does not answer */
};

static void look_at_one(void *data, void *user)
{
    static const struct volume_signature signature = {0};
    g_autofree char *name = data;
    g_autoptr(GError) error = NULL;
    struct looking *looking = user;
    struct storage_volume *found;

    if (g_atomic_int_get(&looking->silent) || storage_volume_check_name(name, NULL) < 0)
        return;
    gint64 begun = g_get_monotonic_time();
    if (ceph_image_describe(looking->volumes->link, looking->volumes->on, name, &found, &error) ==
        0)
        volumes_found(looking->volumes, found, &signature);
    else if (g_get_monotonic_time() - begun > SILENT_SECONDS * G_TIME_SPAN_SECOND)
        g_atomic_int_set(&looking->silent, 1);
}

static int rbd_refresh(const struct storage_pool *pool, struct volumes *volumes,
                       struct pool_facts *ret_facts, GError **error)
{
    struct looking looking = {.volumes = volumes};
    g_autoptr(GPtrArray) names = NULL;

    if (ceph_image_list(volumes->link, false, &names, error) < 0)
        return -1;
    GThreadPool *lookers = g_thread_pool_new(look_at_one, &looking, LOOKERS, FALSE, NULL);
    for (guint i = 0; i < names->len; i++)
        g_thread_pool_push(lookers, g_strdup(names->pdata[i]), NULL);
    g_thread_pool_free(lookers, FALSE, TRUE);
    if (!looking.silent)
        return 0;
    return ceph_fail(-ETIMEDOUT, error, "failed to look at the RBD images of '%s'",
                     pool->source.name);
}

/* ---- made ---- */

static int refuse(const struct storage_volume *definition, const char *what, GError **error)
{
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': %s", definition->name, what);
    return -1;
}

static int rbd_complete(struct volumes *volumes, struct storage_volume *definition, GError **error)
{
    struct arena *arena = &definition->definition.arena;

    if (storage_volume_check_name(definition->name, error) < 0)
        return -1;
    if (strchr(definition->name, '@'))
        return refuse(definition, "what is behind '@' would be taken for a snapshot", error);
    if (definition->target.format && definition->target.format != IMAGE_FORMAT_RAW)
        return refuse(definition, "only RAW volumes are supported by this storage pool", error);
    if (definition->target.encryption)
        return refuse(definition, "storage pool does not support encrypted volumes", error);
    if (definition->backing)
        return refuse(definition, "storage pool does not support a <backingStore>: make a clone",
                      error);
    if (!definition->capacity.value) {
        error_set(error, VIR_ERR_NO_SUPPORT, "volume capacity required for this storage pool");
        return -1;
    }
    definition->type = STORAGE_VOLUME_NETWORK;
    definition->key = arena_printf(arena, "%s/%s", volumes->on->source.name, definition->name);
    definition->target.path = definition->key;
    definition->target.format = IMAGE_FORMAT_RAW;
    return 0;
}

static int make(const struct ceph_clone *clone, GError **error)
{
    rbd_image_options_t options;

    rbd_image_options_create(&options);
    int result = rbd_create4(clone->cluster->io, clone->name, clone->capacity, options);
    rbd_image_options_destroy(options);
    if (result == -EEXIST) {
        error_set(error, VIR_ERR_STORAGE_VOL_EXIST, "storage volume '%s' exists already",
                  clone->name);
        return -1;
    }
    return result < 0 ? ceph_fail(result, error, "failed to create volume '%s'", clone->name) : 0;
}

static int rbd_make(struct volume_job *job, struct volume *volume,
                    const struct storage_volume *definition, const struct storage_volume *other,
                    int other_fd, unsigned flags, struct storage_volume **ret_found,
                    struct volume_signature *ret_signature, GError **error)
{
    const struct ceph_clone clone = {
        .cluster = cluster_of(volume),
        .job = job,
        .name = definition->name,
        .capacity = definition->capacity.value,
    };
    int result;

    if (other && other_fd >= 0 && !storage_volume_is_plain(other))
        return refuse(definition, "only RAW volumes can be cloned to this storage pool", error);
    if (!other)
        result = make(&clone, error);
    else if (other_fd < 0)
        result = ceph_clone_image(&clone, other->name, error);
    else
        result = ceph_clone_bytes(&clone, other_fd, error);
    return result < 0 ? -1 : rbd_look(volume, ret_found, ret_signature, error);
}

/* ---- removed ---- */

static int rbd_drop(struct volume *volume, GError **error)
{
    const struct ceph_cluster *cluster = cluster_of(volume);

    if (ceph_image_check_unused(cluster, volume->name, error) < 0)
        return -1;
    int result = rbd_remove(cluster->io, volume->name);
    if (result == -ENOTEMPTY)
        return ceph_fail(result, error,
                         "volume '%s' has snapshots, which can be deleted with it, if nothing was "
                         "cloned from them",
                         volume->name);
    return result < 0 ? ceph_fail(result, error, "failed to remove volume '%s'", volume->name) : 0;
}

static int drop_snapshot(rbd_image_t image, const char *name, GError **error)
{
    int is_protected = 0, result = rbd_snap_is_protected(image, name, &is_protected);

    if (result == 0 && is_protected)
        result = rbd_snap_unprotect(image, name);
    if (result == 0)
        result = rbd_snap_remove(image, name);
    if (result == -EBUSY)
        return ceph_fail(result, error, "another volume is a clone of the RBD snapshot '%s'", name);
    return result < 0 ? ceph_fail(result, error, "failed to remove the RBD snapshot '%s'", name)
                      : 0;
}

static int drop_snapshots(const struct ceph_cluster *cluster, const char *name, GError **error)
{
    g_autofree rbd_snap_info_t *snapshots = g_new0(rbd_snap_info_t, SNAPSHOTS_MOST);
    rbd_image_t image CEPH_IMAGE_AUTO = NULL;
    int most = SNAPSHOTS_MOST, result = 0;

    if (ceph_image_open(cluster, name, true, &image, error) < 0)
        return -1;
    int count = rbd_snap_list(image, snapshots, &most);
    if (count < 0)
        return ceph_fail(count, error, "failed to list the RBD snapshots of volume '%s'", name);
    for (int i = 0; i < count && result == 0; i++)
        result = drop_snapshot(image, snapshots[i].name, error);
    rbd_snap_list_end(snapshots);
    return result;
}

static int rbd_drop_with_snapshots(struct volume *volume, GError **error)
{
    const struct ceph_cluster *cluster = cluster_of(volume);

    if (ceph_image_check_unused(cluster, volume->name, error) < 0 ||
        drop_snapshots(cluster, volume->name, error) < 0)
        return -1;
    return rbd_drop(volume, error);
}

/* ---- changed ---- */

static int rbd_change_size(struct volume_job *job, struct volume *volume, uint64_t capacity,
                           bool allocate, GError **error)
{
    const struct ceph_cluster *cluster = cluster_of(volume);
    DEFINITION_AUTO struct storage_volume *now = volume_get_definition(volume);
    rbd_image_t image CEPH_IMAGE_AUTO = NULL;

    if (allocate) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "volume '%s': Ceph takes storage when it is written to, and not before",
                  volume->name);
        return -1;
    }
    if ((capacity < now->capacity.value &&
         ceph_image_check_unused(cluster, volume->name, error) < 0) ||
        ceph_image_open(cluster, volume->name, true, &image, error) < 0)
        return -1;
    int result = rbd_resize(image, capacity);
    return result < 0 ? ceph_fail(result, error, "failed to resize volume '%s'", volume->name) : 0;
}

/* A discard would leave what is less than its granularity; these zeros give back whole objects. */
static int wipe_extent(struct volume_job *job, rbd_image_t image, const struct ceph_extent *extent,
                       const char *zeros, uint64_t size, GError **error)
{
    uint64_t end = extent->offset + extent->length;

    for (uint64_t offset = extent->offset; offset < end; offset += STEP) {
        size_t length = MIN(STEP, end - offset);

        if (volume_job_step(job, offset, size, error) < 0)
            return -1;
        ssize_t result = zeros ? rbd_write(image, offset, length, zeros)
                               : rbd_write_zeroes(image, offset, length, 0, 0);
        if (result < 0)
            return ceph_fail((int)result, error, "failed to wipe the RBD image");
    }
    return 0;
}

/* zeros: STEP bytes to write; NULL: the storage is given back. */
static int wipe_image(struct volume_job *job, rbd_image_t image, const char *zeros, uint64_t size,
                      GError **error)
{
    g_autoptr(GArray) extents = NULL;

    if (ceph_image_find_data(image, &extents, error) < 0)
        return -1;
    for (guint i = 0; i < extents->len; i++)
        if (wipe_extent(job, image, &g_array_index(extents, struct ceph_extent, i), zeros, size,
                        error) < 0)
            return -1;
    int result = rbd_flush(image);
    return result < 0 ? ceph_fail(result, error, "failed to flush the RBD image") : 0;
}

static int rbd_wipe(struct volume_job *job, struct volume *volume, unsigned algorithm,
                    GError **error)
{
    const struct ceph_cluster *cluster = cluster_of(volume);
    bool trim = algorithm == VIR_STORAGE_VOL_WIPE_ALG_TRIM;
    DEFINITION_AUTO struct storage_volume *now = volume_get_definition(volume);
    rbd_image_t image CEPH_IMAGE_AUTO = NULL;

    if (!trim && algorithm != VIR_STORAGE_VOL_WIPE_ALG_ZERO) {
        error_set(error, VIR_ERR_INVALID_ARG, "unsupported algorithm %u", algorithm);
        return -1;
    }
    if (ceph_image_check_unused(cluster, volume->name, error) < 0 ||
        ceph_image_open(cluster, volume->name, true, &image, error) < 0)
        return -1;
    g_autofree char *zeros = trim ? NULL : g_malloc0(STEP);
    return wipe_image(job, image, zeros, now->capacity.value, error);
}

static const struct volume_backend rbd_volumes = {
    .complete = rbd_complete,
    .create = rbd_make,
    .look = rbd_look,
    .remove = rbd_drop,
    .remove_with_snapshots = rbd_drop_with_snapshots,
    .resize = rbd_change_size,
    .wipe = rbd_wipe,
};

const struct backend storage_module = {
    .start = rbd_start,
    .refresh = rbd_refresh,
    .measure = rbd_measure,
    .volumes = &rbd_volumes,
};

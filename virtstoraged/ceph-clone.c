/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ceph-clone.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#include "bytes.h"
#include "ceph-image.h"

#define STEP (4 * 1024 * 1024)
#define SNAPSHOTS_MOST 1024
#define DIFFERS 1 /* ends a walk through differences */

static char *make_up_name(void)
{
    return g_strdup_printf(STORAGE_VOLUME_PART "%08x%08x", g_random_int(), g_random_int());
}

static int tell(uint64_t done, uint64_t total, void *data)
{
    return volume_job_step(data, done, total, NULL) < 0 ? -ECANCELED : 0;
}

static int resize(const struct ceph_clone *clone, const char *part, GError **error)
{
    rbd_image_t image CEPH_IMAGE_AUTO = NULL;
    uint64_t size;

    if (ceph_image_open(clone->cluster, part, true, &image, error) < 0)
        return -1;
    int result = rbd_get_size(image, &size);
    if (result == 0 && size < clone->capacity)
        result = rbd_resize(image, clone->capacity);
    return result < 0 ? ceph_fail(result, error, "failed to resize the RBD image") : 0;
}

/* The part becomes the volume, or goes. */
static int finish(const struct ceph_clone *clone, const char *part, int made, GError **error)
{
    if (made == 0 && volume_job_check(clone->job, error) == 0) {
        int result = rbd_rename(clone->cluster->io, part, clone->name);

        if (result == 0)
            return 0;
        if (result == -EEXIST)
            error_set(error, VIR_ERR_STORAGE_VOL_EXIST, "storage volume '%s' exists already",
                      clone->name);
        else
            ceph_fail(result, error, "failed to rename the RBD image '%s'", clone->name);
    }
    rbd_remove(clone->cluster->io, part);
    return -1;
}

/* ---- snapshots ---- */

static int see_difference(uint64_t offset, size_t length, int exists, void *data)
{
    return -DIFFERS;
}

static bool is_like_now(rbd_image_t image, const rbd_snap_info_t *snapshot)
{
    uint64_t size;

    return rbd_get_size(image, &size) == 0 && size == snapshot->size &&
           rbd_diff_iterate2(image, snapshot->name, 0, size, 1, 0, see_difference, NULL) == 0;
}

/* The last one, if nothing was written since; else NULL. The caller frees. */
static char *find_snapshot(rbd_image_t image)
{
    g_autofree rbd_snap_info_t *snapshots = g_new0(rbd_snap_info_t, SNAPSHOTS_MOST);
    int most = SNAPSHOTS_MOST, count = rbd_snap_list(image, snapshots, &most);
    char *name = NULL;

    if (count > 0 && is_like_now(image, &snapshots[count - 1]))
        name = g_strdup(snapshots[count - 1].name);
    if (count >= 0)
        rbd_snap_list_end(snapshots);
    return name;
}

/* Clones are above a snapshot that can't be removed while they are there. */
static int take_snapshot(rbd_image_t image, char **ret_name, GError **error)
{
    g_autofree char *name = find_snapshot(image);
    int is_protected = 0, result = 0;

    if (!name) {
        name = g_strdup_printf("modvirt-%" G_GINT64_FORMAT, g_get_real_time() / 1000);
        result = rbd_snap_create(image, name);
    }
    if (result == 0)
        result = rbd_snap_is_protected(image, name, &is_protected);
    if (result == 0 && !is_protected)
        result = rbd_snap_protect(image, name);
    if (result < 0)
        return ceph_fail(result, error, "failed to take the RBD snapshot '%s'", name);
    *ret_name = g_steal_pointer(&name);
    return 0;
}

/* ---- images ---- */

static int clone_above(const struct ceph_clone *clone, rbd_image_t image, const char *origin,
                       const char *part, GError **error)
{
    g_autofree char *snapshot = NULL;
    rbd_image_options_t options;

    if (take_snapshot(image, &snapshot, error) < 0)
        return -1;
    rbd_image_options_create(&options);
    int result =
        rbd_clone3(clone->cluster->io, origin, snapshot, clone->cluster->io, part, options);
    rbd_image_options_destroy(options);
    if (result < 0)
        return ceph_fail(result, error, "failed to clone the RBD image '%s'", origin);
    return 0;
}

static int copy(const struct ceph_clone *clone, rbd_image_t image, const char *origin,
                const char *part, GError **error)
{
    rbd_image_options_t options;

    rbd_image_options_create(&options);
    int result =
        rbd_copy_with_progress3(image, clone->cluster->io, part, options, tell, clone->job);
    rbd_image_options_destroy(options);
    if (result < 0)
        return ceph_fail(result, error, "failed to copy the RBD image '%s'", origin);
    return 0;
}

int ceph_clone_image(const struct ceph_clone *clone, const char *origin, GError **error)
{
    g_autofree char *part = make_up_name();
    rbd_image_t image CEPH_IMAGE_AUTO = NULL;
    uint64_t features = 0;

    if (ceph_image_open(clone->cluster, origin, true, &image, error) < 0)
        return -1;
    rbd_get_features(image, &features);
    int made = features & RBD_FEATURE_LAYERING ? clone_above(clone, image, origin, part, error)
                                               : copy(clone, image, origin, part, error);
    if (made == 0)
        made = resize(clone, part, error);
    return finish(clone, part, made, error);
}

/* ---- bytes ---- */

static int write_range(const struct ceph_clone *clone, rbd_image_t image, int fd, uint64_t start,
                       uint64_t end, GError **error)
{
    g_autofree char *buffer = g_malloc(STEP);

    while (start < end) {
        ssize_t got = pread(fd, buffer, MIN(STEP, end - start), (off_t)start);

        if (got <= 0) {
            error_set_errno(error, got < 0 ? errno : EIO, "cannot read the volume to be cloned");
            return -1;
        }
        ssize_t result = rbd_write(image, start, (size_t)got, buffer);
        if (result < 0)
            return ceph_fail((int)result, error, "failed to write the RBD image '%s'", clone->name);
        start += (uint64_t)got;
        if (volume_job_step(clone->job, start, clone->capacity, error) < 0)
            return -1;
    }
    return 0;
}

static int write_all(const struct ceph_clone *clone, const char *part, int fd, GError **error)
{
    rbd_image_t image CEPH_IMAGE_AUTO = NULL;
    uint64_t size, start, end = 0;

    if (bytes_size(fd, &size, error) < 0 ||
        ceph_image_open(clone->cluster, part, true, &image, error) < 0)
        return -1;
    while (bytes_find_data(fd, end, size, &start, &end))
        if (write_range(clone, image, fd, start, end, error) < 0)
            return -1;
    int result = rbd_flush(image);
    return result < 0 ? ceph_fail(result, error, "failed to flush the RBD image") : 0;
}

int ceph_clone_bytes(const struct ceph_clone *clone, int fd, GError **error)
{
    g_autofree char *part = make_up_name();
    rbd_image_options_t options;

    rbd_image_options_create(&options);
    int result = rbd_create4(clone->cluster->io, part, clone->capacity, options);
    rbd_image_options_destroy(options);
    if (result < 0)
        return ceph_fail(result, error, "failed to create volume '%s'", clone->name);
    return finish(clone, part, write_all(clone, part, fd, error), error);
}

void ceph_clone_clear_up(const struct ceph_cluster *cluster)
{
    g_autoptr(GPtrArray) parts = NULL;

    if (ceph_image_list(cluster, true, &parts, NULL) < 0)
        return;
    for (guint i = 0; i < parts->len; i++)
        rbd_remove(cluster->io, parts->pdata[i]);
}

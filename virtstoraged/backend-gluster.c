/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/error.h"

#include "backend.h"
#include "folder.h"
#include "gluster-image.h"
#include "gluster-list.h"
#include "guard.h"
#include "module.h"
#include "sources.h"

/* Files of a folder of a Gluster volume, spoken to by libgfapi: the kernel knows nothing of them,
 * guests reach them through QEMU. One link lasts as long as the pool runs. Servers hang: see
 * guard.h. */

static int gluster_start(const struct storage_pool *pool, struct volumes **ret_volumes,
                         GError **error)
{
    struct gluster_link *link;

    if (gluster_link_new(pool, &link, error) < 0)
        return -1;
    if (guard_run(NULL, link->uri, gluster_link_open, gluster_link_clear, link, error) < 0) {
        gluster_link_unref(link);
        return -1;
    }
    struct volumes *volumes = volumes_new(pool, link->uri, -1);
    volumes->guard = guard_new_asking(gluster_link_ask, gluster_link_clear, link);
    volumes->link = link;
    volumes->link_free = gluster_link_unref;
    *ret_volumes = volumes;
    return 0;
}

static int gluster_measure(const struct storage_pool *pool, struct volumes *volumes,
                           struct pool_facts *ret_facts, GError **error)
{
    const struct gluster_link *link = volumes->link;
    struct statvfs space;

    if (glfs_statvfs(link->volume, link->folder, &space) < 0) {
        error_set_errno(error, errno, "cannot statvfs path '%s'", link->uri);
        return -1;
    }
    ret_facts->capacity = (uint64_t)space.f_blocks * space.f_frsize;
    ret_facts->available = (uint64_t)space.f_bfree * space.f_frsize;
    ret_facts->allocation = ret_facts->capacity - ret_facts->available;
    return 0;
}

/* ---- looking ---- */

/* What can't be read is not shown, and does not hide the others. */
static void see(struct volumes *volumes, const char *name, const struct stat *about)
{
    struct volume_signature signature = folder_signature(about);
    struct storage_volume *found;
    bool raw;

    if (storage_volume_check_name(name, NULL) < 0 || volumes_see(volumes, name, &signature, &raw))
        return;
    if (gluster_image_describe(volumes->link, volumes, name, about, raw, &found, NULL) == 0 &&
        found)
        volumes_found(volumes, found, &signature);
}

static int gluster_refresh(const struct storage_pool *pool, struct volumes *volumes,
                           struct pool_facts *ret_facts, GError **error)
{
    const struct gluster_link *link = volumes->link;
    glfs_fd_t *listing = glfs_opendir(link->volume, link->folder);
    struct dirent *entry;
    struct stat about;

    if (!listing) {
        error_set_errno(error, errno, "cannot open directory '%s'", link->uri);
        return -1;
    }
    errno = 0;
    while ((entry = glfs_readdirplus(listing, &about))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            see(volumes, entry->d_name, &about);
        errno = 0;
    }
    int why = errno;
    glfs_closedir(listing);
    if (!why)
        return 0;
    error_set_errno(error, why, "cannot read directory '%s'", link->uri);
    return -1;
}

/* ---- one volume ---- */

/* A box, as the thread that asks may be left behind. */
struct visit {
    struct volume *volume; /* a reference */
    struct storage_volume *found;
    struct volume_signature signature;
};

static void visit_clear(void *box)
{
    struct visit *visit = box;

    definition_unref((struct definition *)visit->found);
    volume_unref(visit->volume);
}

static void visit_free(struct visit **visit)
{
    g_atomic_rc_box_release_full(*visit, visit_clear);
}
#define VISIT_AUTO __attribute__((cleanup(visit_free)))

static struct visit *visit_new(struct volume *volume)
{
    struct visit *visit = g_atomic_rc_box_new0(struct visit);

    visit->volume = volume_ref(volume);
    return visit;
}

static int visit_run(struct visit *visit, int (*work)(void *box, GError **error), GError **error)
{
    return guard_run(visit->volume->volumes->guard, visit->volume->path, work, visit_clear, visit,
                     error);
}

static int no_such(const struct volume *volume, GError **error)
{
    error_set(error, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'",
              volume->name);
    return -1;
}

static int visit_look(void *box, GError **error)
{
    struct visit *visit = box;
    const struct volume *volume = visit->volume;
    struct volumes *volumes = volume->volumes;
    const struct gluster_link *link = volumes->link;
    g_autofree char *path = gluster_link_path(link, volume->name);
    struct stat about;
    bool raw;

    if (glfs_lstat(link->volume, path, &about) < 0) {
        if (errno == ENOENT)
            return no_such(volume, error);
        error_set_errno(error, errno, "cannot stat '%s'", volume->path);
        return -1;
    }
    visit->signature = folder_signature(&about);
    volumes_see(volumes, volume->name, &visit->signature, &raw);
    if (gluster_image_describe(link, volumes, volume->name, &about, raw, &visit->found, error) < 0)
        return -1;
    return visit->found ? 0 : no_such(volume, error);
}

static int gluster_look(struct volume *volume, struct storage_volume **ret_found,
                        struct volume_signature *ret_signature, GError **error)
{
    struct visit *visit VISIT_AUTO = visit_new(volume);

    if (visit_run(visit, visit_look, error) < 0)
        return -1;
    *ret_found = g_steal_pointer(&visit->found);
    *ret_signature = visit->signature;
    return 0;
}

static int visit_remove(void *box, GError **error)
{
    const struct visit *visit = box;
    const struct gluster_link *link = visit->volume->volumes->link;
    DEFINITION_AUTO struct storage_volume *known = volume_get_definition(visit->volume);
    g_autofree char *path = gluster_link_path(link, visit->volume->name);
    bool is_folder = known->type == STORAGE_VOLUME_NETDIR;

    if ((is_folder ? glfs_rmdir(link->volume, path) : glfs_unlink(link->volume, path)) == 0 ||
        errno == ENOENT)
        return 0;
    error_set_errno(error, errno, "cannot remove '%s'", visit->volume->path);
    return -1;
}

static int gluster_remove(struct volume *volume, GError **error)
{
    struct visit *visit VISIT_AUTO = visit_new(volume);

    return visit_run(visit, visit_remove, error);
}

/* ---- sources ---- */

static int gluster_find_sources(const struct storage_source *wanted, char **ret_text,
                                GError **error)
{
    g_autoptr(GPtrArray) names = NULL;
    const struct storage_host *host;

    if (sources_get_host(wanted, "gluster", &host, error) < 0)
        return -1;
    if (gluster_list_find(host->name, &names, error) < 0) {
        g_clear_error(error);
        error_set(error, VIR_ERR_OPERATION_FAILED, "no storage pools were found on host '%s'",
                  host->name);
        return -1;
    }
    DEFINITION_AUTO struct storage_sources *sources = sources_new();
    for (guint i = 0; i < names->len; i++) {
        struct storage_source *source = sources_add(sources, host->name, 0);

        source->dir = "/";
        source->name = arena_strdup(&sources->definition.arena, names->pdata[i]);
    }
    *ret_text = sources_text(sources);
    return 0;
}

static const struct volume_backend gluster_volumes = {
    .look = gluster_look,
    .remove = gluster_remove,
};

const struct backend storage_module = {
    .start = gluster_start,
    .refresh = gluster_refresh,
    .measure = gluster_measure,
    .find_sources = gluster_find_sources,
    .volumes = &gluster_volumes,
};

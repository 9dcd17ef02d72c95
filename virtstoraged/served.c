/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "served.h"

#include <sys/statvfs.h>

#include "folder.h"
#include "guard.h"
#include "mount.h"

/* A folder of a pool; a box, as the thread that looks may be left behind. */
struct visit {
    struct storage_pool *pool;
    struct volumes *volumes; /* once opened */
};

static void visit_clear(void *box)
{
    struct visit *visit = box;

    volumes_unref(visit->volumes);
    definition_unref(&visit->pool->definition);
}

static struct visit *visit_new(const struct storage_pool *pool)
{
    struct visit *visit = g_atomic_rc_box_new0(struct visit);

    visit->pool = (struct storage_pool *)definition_ref((struct definition *)pool);
    return visit;
}

static void visit_free(struct visit *visit)
{
    g_atomic_rc_box_release_full(visit, visit_clear);
}

static int visit_open(void *box, GError **error)
{
    struct visit *visit = box;

    return folder_open(visit->pool, &visit->volumes, error);
}

static int visit_look(void *box, GError **error)
{
    struct visit *visit = box;
    struct statvfs space;

    statvfs(visit->pool->target.path, &space);
    return 0;
}

int served_stop(const struct storage_pool *pool, GError **error)
{
    struct visit *visit = visit_new(pool);
    bool answers = guard_run(NULL, pool->target.path, visit_look, visit_clear, visit, NULL) == 0;

    visit_free(visit);
    return answers ? mount_end(pool->target.path, error) : mount_detach(pool->target.path, error);
}

int served_open(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error)
{
    struct visit *visit = visit_new(pool);
    int result = guard_run(NULL, pool->target.path, visit_open, visit_clear, visit, error);

    if (result == 0) {
        *ret_volumes = g_steal_pointer(&visit->volumes);
        (*ret_volumes)->guard = guard_new((*ret_volumes)->folder);
    } else {
        served_stop(pool, NULL);
    }
    visit_free(visit);
    return result;
}

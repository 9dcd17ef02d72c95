/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"

#include "base/error.h"
#include "base/log.h"
#include "base/workers.h"
#include "daemon/daemon.h"

#include "document.h"
#include "guard.h"

#define READOPT_MS 5000

/* ---- refresh ---- */

static void publish_facts(struct object *object, const struct pool_facts *facts)
{
    struct pool_facts *box = g_atomic_rc_box_new(struct pool_facts);

    *box = *facts;
    object_publish_facts(object, box);
}

/* A look at the storage; a box, as the thread that looks may be left behind. */
struct look {
    const struct backend *backend;
    struct volumes *volumes;
    bool at_all; /* volumes; else at sizes alone */
    struct pool_facts facts;
};

static void look_clear(void *box)
{
    volumes_unref(((struct look *)box)->volumes);
}

static int look_now(void *box, GError **error)
{
    struct look *look = box;
    struct volumes *volumes = look->volumes;

    if (look->at_all) {
        volumes_begin_refresh(volumes);
        if (look->backend->refresh(volumes->on, volumes, &look->facts, error) < 0)
            return -1;
        volumes_end_refresh(volumes);
    }
    return look->backend->measure
               ? look->backend->measure(volumes->on, volumes, &look->facts, error)
               : 0;
}

static int look_guarded(struct look *look, GError **error)
{
    struct volumes *volumes = look->volumes;

    if (!volumes->guard)
        return look_now(look, error);
    if (guard_check(volumes->guard, volumes->path, error) < 0)
        return -1;
    return guard_run(volumes->guard, volumes->path, look_now, look_clear, look, error);
}

static int look_at(struct object *object, const struct backend *backend, struct volumes *volumes,
                   bool at_all, GError **error)
{
    struct look *look = g_atomic_rc_box_new0(struct look);

    look->backend = backend;
    look->volumes = volumes_ref(volumes);
    look->at_all = at_all;
    int result = look_guarded(look, error);
    if (result == 0)
        publish_facts(object, &look->facts);
    g_atomic_rc_box_release_full(look, look_clear);
    return result;
}

int refresh_pool(struct object *object, struct job *job, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    VOLUMES_AUTO struct volumes *volumes = pool_get_volumes(object, error);

    if (!volumes)
        return -1;
    object_get_view(object, &view);
    const struct storage_pool *live = view_live(&view);
    const struct backend *backend = backend_find(live->type, error);
    if (!backend || look_at(object, backend, volumes, true, error) < 0)
        return -1;
    pool_raise_refresh(object, job);
    return 0;
}

void refresh_sizes(struct object *object)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    VOLUMES_AUTO struct volumes *volumes = pool_get_volumes(object, NULL);

    object_get_view(object, &view);
    const struct backend *backend = view.live ? backend_find(view_live(&view)->type, NULL) : NULL;
    if (volumes && backend)
        look_at(object, backend, volumes, !backend->measure, NULL);
}

/* ---- start and stop ---- */

int start_build(const struct storage_pool *pool, unsigned flags, GError **error)
{
    const struct backend *backend = backend_find(pool->type, error);

    if (!backend)
        return -1;
    if (!backend->build) /* it is there, as far as this host is asked */
        return 0;
    if (flags & ~backend->build_flags) {
        error_set(error, VIR_ERR_INVALID_ARG, "unsupported flags (0x%x) for pool type '%s'",
                  (unsigned)(flags & ~backend->build_flags),
                  names_word(&storage_pool_type_names, pool->type));
        return -1;
    }
    return backend->build(pool, flags, error);
}

static int build_first(const struct storage_pool *pool, unsigned flags, GError **error)
{
    static const struct {
        unsigned create, build;
    } rows[] = {
        {VIR_STORAGE_POOL_CREATE_WITH_BUILD, VIR_STORAGE_POOL_BUILD_NEW},
        {VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE, VIR_STORAGE_POOL_BUILD_OVERWRITE},
        {VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE, VIR_STORAGE_POOL_BUILD_NO_OVERWRITE},
    };
    unsigned build = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        build |= flags & rows[i].create ? rows[i].build : 0;
    return flags ? start_build(pool, build, error) : 0;
}

static int reach(struct object *object, const struct backend *backend,
                 const struct storage_pool *pool, GError **error)
{
    VOLUMES_AUTO struct volumes *volumes = NULL;

    if (backend->start(pool, &volumes, error) < 0)
        return -1;
    if (look_at(object, backend, volumes, true, error) < 0) {
        /* nothing may be open on what is to go */
        volumes_clear(volumes);
        g_clear_pointer(&volumes, volumes_unref);
        if (backend->stop)
            backend->stop(pool, NULL);
        return -1;
    }
    pool_set_volumes(object, g_steal_pointer(&volumes));
    return 0;
}

static void end(struct job *job, const struct storage_pool *pool)
{
    g_autoptr(GError) error = NULL;

    pool_set_volumes(job_object(job), NULL);
    object_publish_inactive(job, VIR_STORAGE_POOL_INACTIVE, 0);
    if (store_remove_status(storaged->store, job, &error) < 0)
        log_warn("storage pool '%s': %s", pool->name, error->message);
    registry_remove_unused(storaged->pools, job);
}

int start_pool(struct job *job, struct storage_pool *definition, unsigned flags, GError **error)
{
    DEFINITION_AUTO struct storage_pool *pool = definition;
    struct object *object = job_object(job);
    const struct backend *backend = backend_find(pool->type, error);

    if (!backend || document_check_source(pool, error) < 0 || build_first(pool, flags, error) < 0) {
        registry_remove_unused(storaged->pools, job);
        return -1;
    }
    object_publish_active(job, definition_copy(&pool->definition), -1, VIR_STORAGE_POOL_RUNNING, 0);
    if (store_save_status(storaged->store, job, error) < 0 ||
        reach(object, backend, pool, error) < 0) {
        end(job, pool);
        return -1;
    }
    pool_raise(object, job, VIR_STORAGE_POOL_EVENT_STARTED);
    return 0;
}

int stop_pool(struct job *job, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct object *object = job_object(job);

    object_get_view(object, &view);
    VOLUMES_AUTO struct volumes *volumes = pool_get_volumes(object, NULL);
    const struct backend *backend = backend_find(view_live(&view)->type, error);
    if (!backend || (volumes && volumes_close(volumes, error) < 0))
        return -1;
    /* nothing may be open on what is to go */
    pool_set_volumes(object, NULL);
    g_clear_pointer(&volumes, volumes_unref);
    if (backend->stop && backend->stop(view_live(&view), error) < 0) {
        reach(object, backend, view_live(&view), NULL);
        return -1;
    }
    pool_raise(object, job, VIR_STORAGE_POOL_EVENT_STOPPED);
    end(job, view_live(&view));
    return 0;
}

/* ---- after a restart ---- */

static unsigned readoptions; /* pools not yet taken up; loop thread */

static int readopt(struct object *object, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    JOB_AUTO struct job *job = NULL;

    if (job_begin(object, JOB_MODIFY, "restart", JOB_DEADLINE_MS, &job, error) < 0)
        return -1;
    object_get_view(object, &view);
    if (!view.live)
        return 0;
    const struct backend *backend = backend_find(view_live(&view)->type, error);
    if (backend && reach(object, backend, view_live(&view), error) == 0)
        return 0;
    pool_raise(object, job, VIR_STORAGE_POOL_EVENT_STOPPED);
    end(job, view_live(&view));
    return -1;
}

static void readopt_ended(void *data)
{
    readoptions--;
}

static void readopt_one(void *data)
{
    struct object *object = data;
    g_autofree char *name = object_get_name(object);
    g_autoptr(GError) error = NULL;

    if (readopt(object, &error) < 0)
        log_error("storage pool '%s': %s", name, error->message);
    object_unref(object);
    loop_post(storaged->driver->daemon->loop, readopt_ended, NULL);
}

void start_readopt(void)
{
    g_autoptr(GPtrArray) pools = registry_list(storaged->pools, registry_filter_active, NULL);
    const struct daemon *daemon = storaged->driver->daemon;
    gint64 deadline = g_get_monotonic_time() + READOPT_MS * G_TIME_SPAN_MILLISECOND;
    gint64 left = READOPT_MS;

    readoptions = pools->len;
    for (guint i = 0; i < pools->len; i++)
        workers_push(daemon->workers, readopt_one, object_ref(pools->pdata[i]), false);
    /* virtsecretd is asked for passwords by the loop, and nobody else is served yet */
    while (readoptions && left > 0) {
        loop_step(daemon->loop, (int)left);
        left = (deadline - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;
    }
}

int start_autostart(struct job *job, const struct object_view *view, GError **error)
{
    return start_pool(job, (struct storage_pool *)definition_copy(view->config), 0, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/startup.h"

#include <unistd.h>

#include "base/file.h"
#include "object/store-paths.h"

static bool filter_autostart(struct object *object, const struct object_view *view, void *data)
{
    return (view->autostart || view->autostart_once) && !view->live;
}

/* Whatever becomes of it, once it is. */
static int forget_once(struct store *store, struct job *job, GError **error)
{
    if (store_set_autostart_once(store, job, false, error) < 0)
        return -1;
    object_publish_autostart_once(job, false);
    return 0;
}

static int start_one(struct store *store, struct object *object, startup_start start,
                     GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    JOB_AUTO struct job *job = NULL;

    if (job_begin(object, JOB_MODIFY, "autostart", JOB_DEADLINE_MS, &job, error) < 0)
        return -1;
    object_get_view(object, &view);
    if (view.autostart_once && forget_once(store, job, error) < 0)
        return -1;
    /* a client may have been faster */
    return view.live || !view.config ? 0 : start(job, &view, error);
}

static void start_all(struct store *store, struct registry *registry, startup_start start,
                      GPtrArray *notes)
{
    g_autoptr(GPtrArray) objects = registry_list(registry, filter_autostart, NULL);

    for (guint i = 0; i < objects->len; i++) {
        struct object *object = g_ptr_array_index(objects, i);
        g_autoptr(GError) failure = NULL;
        g_autofree char *name = NULL;

        if (start_one(store, object, start, &failure) == 0)
            continue;
        name = object_get_name(object);
        g_ptr_array_add(notes, g_strdup_printf("cannot autostart %s '%s': %s", object->kind->name,
                                               name, failure->message));
    }
}

/* The marker first: a pass that kills the daemon must not be repeated at each of its starts. */
int startup_autostart(struct store *store, struct registry *registry, startup_start start,
                      GPtrArray **ret_notes, GError **error)
{
    g_autofree char *marker = g_strdup_printf("%s/autostarted", store->status_folder);
    bool done = access(marker, F_OK) == 0;

    if (!done && file_replace_volatile(marker, "", 0, 0600, error) < 0)
        return -1;
    *ret_notes = g_ptr_array_new_with_free_func(g_free);
    if (!done)
        start_all(store, registry, start, *ret_notes);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/startup.h"

#include <sys/stat.h>

#include "base/file.h"

static bool filter_autostart(struct object *object, const struct object_view *view, void *data)
{
    return (view->autostart || view->autostart_once) && !view->live;
}

static void start_all(struct registry *registry, startup_start start, void *data, GPtrArray *notes)
{
    g_autoptr(GPtrArray) objects = registry_list(registry, filter_autostart, NULL);

    for (guint i = 0; i < objects->len; i++) {
        struct object *object = g_ptr_array_index(objects, i);
        g_autoptr(GError) failure = NULL;
        g_autofree char *name = NULL;

        if (start(object, data, &failure) == 0)
            continue;
        name = object_get_name(object);
        g_ptr_array_add(notes, g_strdup_printf("cannot autostart %s '%s': %s", object->kind->name,
                                               name, failure->message));
    }
}

/* The marker first: a pass that kills the daemon must not be repeated at each of its starts. */
int startup_autostart(struct registry *registry, const char *marker, startup_start start,
                      void *data, GPtrArray **ret_notes, GError **error)
{
    GPtrArray *notes;
    struct stat status;

    if (marker && stat(marker, &status) == 0) {
        *ret_notes = g_ptr_array_new_with_free_func(g_free);
        return 0;
    }
    if (marker && file_replace_volatile(marker, "", 0, 0600, error) < 0)
        return -1;
    notes = g_ptr_array_new_with_free_func(g_free);
    start_all(registry, start, data, notes);
    *ret_notes = notes;
    return 0;
}

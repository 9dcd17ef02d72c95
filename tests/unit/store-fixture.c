/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <dirent.h>
#include <glib/gstdio.h>
#include <unistd.h>

static int write_status(struct object *object, const struct object_view *view, char **ret_text,
                        GError **error)
{
    const struct thing *thing = (const struct thing *)view->live;

    *ret_text = g_strdup_printf("<status id='%d'>%s\n<thing><name>%s</name>"
                                "<uuid>05050505-0505-0505-0505-050505050505</uuid></thing>"
                                "</status>",
                                view->id, thing->text, thing->name);
    return 0;
}

static int read_status(const char *text, size_t length, struct definition **ret_live,
                       void **ret_rest, GError **error)
{
    const char *part = strstr(text, "<thing>");
    const char *end = strstr(text, "</status>");

    if (!part || !end) {
        error_set(error, VIR_ERR_XML_ERROR, "no thing in it");
        return -1;
    }
    if (object_kind_read(&thing_kind, part, end - part, 0, NULL, ret_live, error) < 0)
        return -1;
    *ret_rest = g_strndup(text, (size_t)(part - text));
    return 0;
}

static int restore(struct registry *registry, struct job *job, struct definition *live, void *rest,
                   GError **error)
{
    g_autofree char *text = rest;
    int id;

    if (sscanf(text, "<status id='%d'>", &id) != 1 ||
        registry_set_id(registry, job, id, error) < 0) {
        definition_unref(live);
        if (!*error)
            error_set(error, VIR_ERR_INTERNAL_ERROR, "no id");
        return -1;
    }
    object_publish_active(job, live, id, VIR_DOMAIN_RUNNING, 0);
    return 0;
}

static const struct store_status status_hooks = {
    .write = write_status,
    .read = read_status,
    .restore = restore,
    .free_rest = g_free,
};

struct world *world_new(const char *root)
{
    struct world *world = g_new0(struct world, 1);

    world->root = root ? g_strdup(root) : g_dir_make_tmp("store-XXXXXX", NULL);
    g_assert_nonnull(world->root);
    world->config = g_build_filename(world->root, "config", NULL);
    world->autostart = g_build_filename(world->config, "autostart", NULL);
    world->status = g_build_filename(world->root, "status", NULL);
    world->registry = registry_new(&thing_kind);
    world->store = store_new(&(struct store_spec){
        .kind = &thing_kind,
        .config_folder = world->config,
        .autostart = true,
        .status_folder = world->status,
        .edit_command = "virsh edit",
        .status = &status_hooks,
    });
    return world;
}

static void remove_all(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);

        remove_all(inner);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}

void world_free(struct world *world)
{
    remove_all(world->root);
    g_clear_pointer(&world->notes, g_ptr_array_unref);
    registry_free(world->registry);
    store_free(world->store);
    g_free(world->root);
    g_free(world->config);
    g_free(world->autostart);
    g_free(world->status);
    g_free(world);
}

void world_load(struct world *world)
{
    g_autoptr(GError) error = NULL;

    registry_free(world->registry);
    world->registry = registry_new(&thing_kind);
    g_clear_pointer(&world->notes, g_ptr_array_unref);
    store_load(world->store, world->registry, 0, &world->notes, &error);
    g_assert_no_error(error);
}

int world_save(struct world *world, const char *name, uint8_t number, const char *text,
               GError **error)
{
    DEFINITION_AUTO struct definition *definition = thing_new(name, number, text);
    JOB_AUTO struct job *job = NULL;

    if (registry_begin(world->registry, definition, 0, "define", 0, &job, error) < 0)
        return -1;
    if (store_save(world->store, job, definition, error) < 0) {
        registry_remove_unused(world->registry, job);
        return -1;
    }
    object_publish_config(job, g_steal_pointer(&definition));
    return 0;
}

static struct job *begin(struct world *world, const char *name)
{
    OBJECT_AUTO struct object *object = registry_get_by_name(world->registry, name, NULL);
    struct job *job = NULL;

    g_assert_nonnull(object);
    g_assert_cmpint(job_begin(object, JOB_MODIFY, "test", 0, &job, NULL), ==, 0);
    return job;
}

int world_undefine(struct world *world, const char *name, GError **error)
{
    JOB_AUTO struct job *job = begin(world, name);

    if (store_remove(world->store, job, error) < 0)
        return -1;
    object_publish_config(job, NULL);
    registry_remove_unused(world->registry, job);
    return 0;
}

int world_rename(struct world *world, const char *name, const char *new_name, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    DEFINITION_AUTO struct definition *definition = NULL;
    JOB_AUTO struct job *job = begin(world, name);
    struct thing *thing;

    object_get_view(job_object(job), &view);
    definition = definition_copy(view.config);
    thing = (struct thing *)definition;
    thing->name = arena_strdup(&definition->arena, new_name);
    if (registry_rename_begin(world->registry, job, new_name, error) < 0)
        return -1;
    if (store_rename(world->store, job, definition, error) < 0) {
        registry_rename_end(world->registry, job, new_name, NULL);
        return -1;
    }
    registry_rename_end(world->registry, job, new_name, g_steal_pointer(&definition));
    return 0;
}

int world_set_autostart(struct world *world, const char *name, bool autostart, GError **error)
{
    JOB_AUTO struct job *job = begin(world, name);

    if (store_set_autostart(world->store, job, autostart, error) < 0)
        return -1;
    object_publish_autostart(job, autostart);
    return 0;
}

void world_define(struct world *world, const char *name, uint8_t number, const char *text,
                  bool autostart)
{
    g_autoptr(GError) error = NULL;

    world_save(world, name, number, text, &error);
    g_assert_no_error(error);
    if (autostart)
        world_set_autostart(world, name, true, &error);
    g_assert_no_error(error);
}

void world_write(struct world *world, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(world->root, name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

bool world_has(struct world *world, const char *name)
{
    g_autofree char *path = g_build_filename(world->root, name, NULL);

    return access(path, F_OK) == 0;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *world_ls(const char *folder)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_strdup(name));
    if (dir)
        g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}

char *world_objects(struct world *world)
{
    g_autoptr(GPtrArray) list = registry_list(world->registry, NULL, NULL);
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};
        const struct thing *thing;

        object_get_view(g_ptr_array_index(list, i), &view);
        thing = (const struct thing *)object_view_definition(&view, true);
        g_string_append_printf(text, "%s%s=%s%s", i ? " " : "", view.name,
                               thing->text ? thing->text : "", view.autostart ? "*" : "");
    }
    return g_string_free(text, FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "object/folder.h"
#include "object/store-paths.h"
#include "xml/xml.h"

/* One pass over a store's folders. */
struct loading {
    struct store *store;
    struct registry *registry;
    unsigned threads;
    GPtrArray *notes;      /* of struct store_note */
    GHashTable *by_name;   /* files of the config folder, "NAME" -> struct folder_file, borrowed */
    GHashTable *autostart; /* names with a link to their file */
    GHashTable *once;      /* the same, for the next start of the host alone */
};

static void note_free(struct store_note *note)
{
    g_free(note->text);
    g_free(note);
}

static void G_GNUC_PRINTF(4, 5)
    add_note(struct loading *loading, bool is_error, const char *path, const char *format, ...)
{
    struct store_note *note = g_new0(struct store_note, 1);
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    note->is_error = is_error;
    note->text = g_strdup_printf("%s: %s", path, text);
    g_ptr_array_add(loading->notes, note);
}

static void note_file(struct loading *loading, const struct folder_file *file)
{
    for (guint i = 0; i < file->warnings->len; i++)
        add_note(loading, false, file->path, "%s",
                 (const char *)g_ptr_array_index(file->warnings, i));
    if (file->error)
        add_note(loading, true, file->path, "not loaded: %s", file->error->message);
}

/* ---- persistent definitions ---- */

static int parse_config(const void *data, const char *text, size_t length, GPtrArray *warnings,
                        struct definition **ret_definition, void **ret_rest, GError **error)
{
    const struct object_kind *kind = data;

    if (object_kind_read(kind, text, (gssize)length, XML_READ_INACTIVE | XML_READ_OWN, warnings,
                         ret_definition, error) < 0)
        return -1;
    if (store_check_name(kind, object_kind_name(kind, *ret_definition), error) == 0)
        return 0;
    definition_unref(g_steal_pointer(ret_definition));
    return -1;
}

/* A rename that was cut short, or a file renamed by hand: the document knows its name. */
static void settle_name(struct loading *loading, struct folder_file *file)
{
    const char *name = object_kind_name(loading->store->kind, file->definition);
    g_autoptr(GError) failure = NULL;

    if (strcmp(name, file->name) == 0)
        return;
    if (g_hash_table_contains(loading->by_name, name)) {
        add_note(loading, true, file->path,
                 "not loaded: it describes '%s', which has a file of its own", name);
        definition_unref(g_steal_pointer(&file->definition));
        return;
    }
    g_hash_table_insert(loading->by_name, (char *)name, file);
    if (store_move(loading->store, file->name, name, &failure) < 0)
        add_note(loading, true, file->path, "it describes '%s' but can't be renamed: %s", name,
                 failure->message);
    else
        add_note(loading, false, file->path, "renamed to '%s.xml' after the name in it", name);
}

static void settle_names(struct loading *loading, GPtrArray *files)
{
    for (guint i = 0; i < files->len; i++) {
        struct folder_file *file = g_ptr_array_index(files, i);

        g_hash_table_insert(loading->by_name, file->name, file);
    }
    for (guint i = 0; i < files->len; i++) {
        struct folder_file *file = g_ptr_array_index(files, i);

        note_file(loading, file);
        if (file->definition)
            settle_name(loading, file);
    }
}

static void adopt_config(struct loading *loading, struct folder_file *file)
{
    const char *name = object_kind_name(loading->store->kind, file->definition);
    bool autostart = g_hash_table_contains(loading->autostart, name);
    bool once = g_hash_table_contains(loading->once, name);
    g_autoptr(GError) failure = NULL;
    JOB_AUTO struct job *job = NULL;

    if (registry_begin(loading->registry, file->definition, REGISTRY_NEW, "loading", 0, &job,
                       &failure) < 0) {
        add_note(loading, true, file->path, "not loaded: %s", failure->message);
        return;
    }
    object_publish_config(job, g_steal_pointer(&file->definition));
    object_publish_autostart(job, autostart);
    object_publish_autostart_once(job, once);
}

/* ---- autostart links ---- */

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;

    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* A link into our folder whose file is gone belongs to an object whose undefine was cut short. */
static void remove_dangling(struct loading *loading, const char *link, const char *config)
{
    g_autofree char *target = g_file_read_link(link, NULL);
    g_autoptr(GError) failure = NULL;

    if (!target || strcmp(target, config) != 0 || access(config, F_OK) == 0) {
        add_note(loading, true, link, "ignored: it is not a link to '%s'", config);
        return;
    }
    if (file_remove(link, &failure) < 0)
        add_note(loading, true, link, "%s", failure->message);
    else
        add_note(loading, false, link, "removed: its file is gone");
}

static int read_links(struct loading *loading, const char *ending, GHashTable *linked,
                      GError **error)
{
    g_auto(GStrv) names = NULL;

    if (!loading->store->autostart_folder)
        return 0;
    if (file_list(loading->store->autostart_folder, ending, &names, error) < 0)
        return -1;
    for (char **file = names; *file; file++) {
        g_autofree char *name = g_strndup(*file, strlen(*file) - strlen(ending));
        g_autofree char *link = store_link_path(loading->store, name, ending);
        g_autofree char *config = store_config_path(loading->store, name);

        if (is_same_file(link, config))
            g_hash_table_add(linked, g_steal_pointer(&name));
        else
            remove_dangling(loading, link, config);
    }
    return 0;
}

static int load_config(struct loading *loading, GError **error)
{
    struct store *store = loading->store;
    g_autoptr(GPtrArray) files = NULL;

    if (folder_read(store->config_folder, loading->threads, parse_config, store->kind, &files,
                    error) < 0)
        return -1;
    settle_names(loading, files);
    if (read_links(loading, STORE_LINK, loading->autostart, error) < 0 ||
        read_links(loading, STORE_LINK_ONCE, loading->once, error) < 0)
        return -1;
    for (guint i = 0; i < files->len; i++) {
        struct folder_file *file = g_ptr_array_index(files, i);

        if (file->definition)
            adopt_config(loading, file);
    }
    return 0;
}

/* ---- status ---- */

static int parse_status(const void *data, const char *text, size_t length, GPtrArray *warnings,
                        struct definition **ret_definition, void **ret_rest, GError **error)
{
    const struct store *store = data;

    return store_status_read(store->status, text, length, ret_definition, ret_rest, error);
}

static void adopt_status(struct loading *loading, struct folder_file *file)
{
    g_autoptr(GError) failure = NULL;
    JOB_AUTO struct job *job = NULL;

    if (registry_begin(loading->registry, file->definition, REGISTRY_INACTIVE, "loading", 0, &job,
                       &failure) < 0) {
        add_note(loading, true, file->path, "not loaded: %s", failure->message);
        return;
    }
    if (store_restore_status(loading->store, loading->registry, job,
                             g_steal_pointer(&file->definition), g_steal_pointer(&file->rest),
                             &failure) == 0)
        return;
    add_note(loading, true, file->path, "%s", failure->message);
    registry_remove_unused(loading->registry, job);
}

static int load_status(struct loading *loading, GError **error)
{
    struct store *store = loading->store;
    g_autoptr(GPtrArray) files = NULL;

    if (!store->status_folder)
        return 0;
    if (folder_read(store->status_folder, loading->threads, parse_status, store, &files, error) < 0)
        return -1;
    for (guint i = 0; i < files->len; i++) {
        struct folder_file *file = g_ptr_array_index(files, i);

        note_file(loading, file);
        if (file->definition)
            adopt_status(loading, file);
        if (file->rest)
            store->status->free_rest(g_steal_pointer(&file->rest));
    }
    return 0;
}

/* ---- all ---- */

/* On a read-only file system they stay, and hurt nobody. */
static void sweep(const struct store *store)
{
    const char *folders[] = {store->config_folder, store->autostart_folder, store->status_folder};

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
        if (folders[i])
            file_sweep(folders[i], NULL);
}

int store_load(struct store *store, struct registry *registry, unsigned threads,
               GPtrArray **ret_notes, GError **error)
{
    struct loading loading = {.store = store, .registry = registry, .threads = threads};
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)note_free);
    g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) autostart = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) once = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    loading.notes = notes;
    loading.by_name = by_name;
    loading.autostart = autostart;
    loading.once = once;
    sweep(store);
    if (load_config(&loading, error) < 0 || load_status(&loading, error) < 0)
        return -1;
    *ret_notes = g_steal_pointer(&notes);
    return 0;
}

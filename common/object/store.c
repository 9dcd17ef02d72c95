/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "object/store-paths.h"
#include "xml/xml.h"

#define FILE_MODE 0600
#define FOLDER_MODE 0700
#define LONGEST_NAME (255 - 4) /* of a file, without ".xml" */

struct store *store_new(const struct store_spec *spec)
{
    struct store *store = g_new0(struct store, 1);

    store->kind = spec->kind;
    store->config_folder = g_strdup(spec->config_folder);
    if (spec->autostart)
        store->autostart_folder = g_strdup_printf("%s/autostart", spec->config_folder);
    store->status_folder = g_strdup(spec->status_folder);
    store->edit_command = g_strdup(spec->edit_command);
    store->status = spec->status;
    return store;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    g_free(store->config_folder);
    g_free(store->autostart_folder);
    g_free(store->status_folder);
    g_free(store->edit_command);
    g_free(store);
}

/* ---- names and paths ---- */

static const char *problem_of(const char *name)
{
    if (!name || !*name)
        return "is empty";
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return "is not the name of a file";
    if (strchr(name, '/'))
        return "cannot contain '/'";
    if (strlen(name) > LONGEST_NAME)
        return "is longer than 251 bytes";
    if (!g_utf8_validate(name, -1, NULL))
        return "is not UTF-8";
    /* so that temporary files can be told from documents */
    if (g_str_has_prefix(name, ".modvirt-"))
        return "cannot begin with '.modvirt-'";
    for (const char *c = name; *c; c++)
        if (g_ascii_iscntrl(*c))
            return "cannot contain control characters";
    return NULL;
}

int store_check_name(const struct object_kind *kind, const char *name, GError **error)
{
    g_autofree char *shown = NULL;
    const char *problem = problem_of(name);

    if (!problem)
        return 0;
    shown = g_strescape(name ? name : "", NULL);
    error_set(error, VIR_ERR_XML_ERROR, "name '%.64s' of the %s %s", shown, kind->name, problem);
    return -1;
}

static char *path_in(const char *folder, const char *name)
{
    return g_strdup_printf("%s/%s.xml", folder, name);
}

char *store_config_path(const struct store *store, const char *name)
{
    return path_in(store->config_folder, name);
}

char *store_link_path(const struct store *store, const char *name, const char *ending)
{
    return g_strdup_printf("%s/%s%s", store->autostart_folder, name, ending);
}

char *store_status_path(const struct store *store, const char *name)
{
    return path_in(store->status_folder, name);
}

/* Folders are made late, so that a read-only file system doesn't keep a daemon from starting. */
static int need_folder(const char *folder, GError **error)
{
    struct stat status;

    if (stat(folder, &status) == 0)
        return 0;
    return file_make_folders(folder, FOLDER_MODE, error);
}

/* ---- persistent definitions ---- */

/* A comment can't hold two hyphens in a row: then the command goes without the name. */
static void append_banner(const struct store *store, const char *name, GString *text)
{
    bool fits = !strstr(name, "--") && !g_str_has_suffix(name, "-");

    g_string_append_printf(text,
                           "<!--\n"
                           "  modvirt keeps this %s here and writes the file anew with every "
                           "change of it.\n"
                           "  Edits by hand are lost then, and not seen before: use\n"
                           "    %s %s\n"
                           "-->\n\n",
                           store->kind->name, store->edit_command, fits ? name : "NAME");
}

static int write_config(const struct store *store, const char *file_name,
                        const struct definition *config, GError **error)
{
    const char *name = object_kind_name(store->kind, config);
    g_autofree char *document = xml_write(config, XML_WRITE_SECURE | XML_WRITE_INACTIVE);
    g_autofree char *path = store_config_path(store, file_name);
    g_autoptr(GString) text = g_string_sized_new(strlen(document) + 512);

    append_banner(store, name, text);
    g_string_append(text, document);
    if (text->len > XML_MAX_TEXT) { /* escaping makes text longer */
        error_set(error, VIR_ERR_XML_ERROR, "the document of %s '%s' is larger than %d bytes",
                  store->kind->name, name, XML_MAX_TEXT);
        return -1;
    }
    if (need_folder(store->config_folder, error) < 0)
        return -1;
    return file_replace(path, text->str, text->len, FILE_MODE, error);
}

static const char *const link_endings[] = {STORE_LINK, STORE_LINK_ONCE};

static int remove_link(const struct store *store, const char *name, const char *ending,
                       GError **error)
{
    g_autofree char *link = store_link_path(store, name, ending);

    return file_remove(link, error);
}

static int remove_links(const struct store *store, const char *name, GError **error)
{
    for (size_t i = 0; store->autostart_folder && i < G_N_ELEMENTS(link_endings); i++)
        if (remove_link(store, name, link_endings[i], error) < 0)
            return -1;
    return 0;
}

int store_save(struct store *store, struct job *job, const struct definition *config,
               GError **error)
{
    g_autofree char *name = object_get_name(job_object(job));

    if (store_check_name(store->kind, name, error) < 0)
        return -1;
    /* a link left from an earlier object of this name must not start the new one */
    if (!object_is_persistent(job_object(job)) && remove_links(store, name, error) < 0)
        return -1;
    return write_config(store, name, config, error);
}

int store_remove(struct store *store, struct job *job, GError **error)
{
    g_autofree char *name = object_get_name(job_object(job));
    g_autofree char *path = store_config_path(store, name);

    if (store_check_name(store->kind, name, error) < 0 || file_remove(path, error) < 0)
        return -1;
    /* it is gone with the file: a link that stays is removed by the next save or load */
    remove_links(store, name, NULL);
    return 0;
}

/* ---- autostart ---- */

static bool has_link(const struct store *store, const char *name, const char *ending)
{
    g_autofree char *path = store_link_path(store, name, ending);
    struct stat status;

    return lstat(path, &status) == 0;
}

static int make_link(const struct store *store, const char *name, const char *ending,
                     GError **error)
{
    g_autofree char *target = store_config_path(store, name);
    g_autofree char *path = store_link_path(store, name, ending);

    if (need_folder(store->autostart_folder, error) < 0)
        return -1;
    return file_symlink(target, path, error);
}

static int set_link(struct store *store, struct job *job, const char *ending, bool present,
                    GError **error)
{
    g_autofree char *name = object_get_name(job_object(job));

    if (!store->autostart_folder) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED, "a %s has no autostart", store->kind->name);
        return -1;
    }
    if (store_check_name(store->kind, name, error) < 0)
        return -1;
    return present ? make_link(store, name, ending, error)
                   : remove_link(store, name, ending, error);
}

int store_set_autostart(struct store *store, struct job *job, bool autostart, GError **error)
{
    return set_link(store, job, STORE_LINK, autostart, error);
}

int store_set_autostart_once(struct store *store, struct job *job, bool autostart, GError **error)
{
    return set_link(store, job, STORE_LINK_ONCE, autostart, error);
}

/* The new name has the links that the old one has, and no others. */
static int copy_links(const struct store *store, const char *old_name, const char *new_name,
                      GError **error)
{
    for (size_t i = 0; store->autostart_folder && i < G_N_ELEMENTS(link_endings); i++) {
        int result = has_link(store, old_name, link_endings[i])
                         ? make_link(store, new_name, link_endings[i], error)
                         : remove_link(store, new_name, link_endings[i], error);

        if (result < 0)
            return -1;
    }
    return 0;
}

/* ---- renaming ---- */

int store_move(const struct store *store, const char *old_name, const char *new_name,
               GError **error)
{
    g_autofree char *old_path = store_config_path(store, old_name);
    g_autofree char *new_path = store_config_path(store, new_name);

    if (copy_links(store, old_name, new_name, error) < 0 ||
        file_rename(old_path, new_path, error) < 0)
        return -1;
    return remove_links(store, old_name, error);
}

/* Back to the old name, whichever step failed. What can't be undone is completed by the next load,
 * so the first error is the one to tell. */
static void undo_rename(const struct store *store, const char *old_name, const char *new_name,
                        const struct definition *old_config)
{
    g_autofree char *old_path = store_config_path(store, old_name);
    g_autofree char *new_path = store_config_path(store, new_name);
    struct stat status;

    for (size_t i = 0; store->autostart_folder && i < G_N_ELEMENTS(link_endings); i++)
        if (has_link(store, new_name, link_endings[i]) &&
            !has_link(store, old_name, link_endings[i]))
            make_link(store, old_name, link_endings[i], NULL);
    if (stat(new_path, &status) == 0 && file_rename(new_path, old_path, NULL) < 0)
        return;
    if (write_config(store, old_name, old_config, NULL) == 0)
        remove_links(store, new_name, NULL);
}

static int check_free(const struct store *store, const char *name, GError **error)
{
    g_autofree char *path = store_config_path(store, name);
    struct stat status;

    if (lstat(path, &status) < 0 && errno == ENOENT)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED, "file '%s' is in the way", path);
    return -1;
}

int store_rename(struct store *store, struct job *job, const struct definition *config,
                 GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const char *new_name = object_kind_name(store->kind, config);

    object_get_view(job_object(job), &view);
    if (store_check_name(store->kind, new_name, error) < 0 ||
        check_free(store, new_name, error) < 0)
        return -1;
    if (write_config(store, view.name, config, error) < 0)
        return -1;
    if (store_move(store, view.name, new_name, error) == 0)
        return 0;
    undo_rename(store, view.name, new_name, view.config);
    return -1;
}

/* ---- status ---- */

int store_save_status(struct store *store, struct job *job, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;

    object_get_view(job_object(job), &view);
    if (store_check_name(store->kind, view.name, error) < 0)
        return -1;
    if (store_write_status(store, job_object(job), &view, &text, error) < 0 ||
        need_folder(store->status_folder, error) < 0)
        return -1;
    path = store_status_path(store, view.name);
    return file_replace_volatile(path, text, strlen(text), FILE_MODE, error);
}

int store_remove_status(struct store *store, struct job *job, GError **error)
{
    g_autofree char *name = object_get_name(job_object(job));
    g_autofree char *path = store_status_path(store, name);

    if (store_check_name(store->kind, name, error) < 0)
        return -1;
    return file_remove(path, error);
}

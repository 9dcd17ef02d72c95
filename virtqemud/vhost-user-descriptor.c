/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vhost-user-descriptor.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"

#include "json.h"

#define LARGEST (64 * 1024)
#define DEPTH 8
#define MEMORY (1024 * 1024)

/* The program of a file of this type; NULL: it has another, or can't be read. */
static char *read_descriptor(const char *path, const char *type)
{
    struct json_object *json JSON_AUTO = NULL;
    g_autofree char *text = NULL;
    size_t length;

    if (file_read_all(path, LARGEST, &text, &length, NULL) < 0 ||
        json_read(text, length, DEPTH, MEMORY, &json, NULL) < 0 ||
        g_strcmp0(json_string_member(json, "type"), type) != 0)
        return NULL;
    const char *binary = json_string_member(json, "binary");
    return binary && access(binary, X_OK) == 0 ? g_strdup(binary) : NULL;
}

static int compare(const void *a, const void *b, void *data)
{
    return strcmp(a, b);
}

/* By name, which tells the order; a later folder's hides an earlier one's. */
static GTree *list_files(void)
{
    g_autofree char *own = g_build_filename(g_get_user_config_dir(), "qemu", "vhost-user", NULL);
    const char *const folders[] = {"/usr/share/qemu/vhost-user", "/etc/qemu/vhost-user", own};
    GTree *files = g_tree_new_full(compare, NULL, g_free, g_free);

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_auto(GStrv) names = NULL;
        if (file_list(folders[i], ".json", &names, NULL) < 0)
            continue;
        for (char **name = names; *name; name++)
            g_tree_replace(files, g_strdup(*name), g_build_filename(folders[i], *name, NULL));
    }
    return files;
}

struct search {
    const char *type;
    char *found;
};

static int look(void *name, void *path, void *data)
{
    struct search *search = data;

    search->found = read_descriptor(path, search->type);
    return search->found != NULL;
}

char *vhost_user_descriptor_find(const char *type)
{
    struct search search = {.type = type};
    GTree *files = list_files();

    g_tree_foreach(files, look, &search);
    g_tree_unref(files);
    return search.found;
}

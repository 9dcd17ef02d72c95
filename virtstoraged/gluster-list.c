/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gluster-list.h"

#include <string.h>

#include "program.h"

#define FIND_MS 60000
#define VOLUMES_MOST 10000
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

GPtrArray *gluster_list_read(const char *text)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    while (*text && names->len < VOLUMES_MOST) {
        size_t line = strcspn(text, "\n");

        /* anything else is a remark */
        if (line && strspn(text, LETTERS) == line)
            g_ptr_array_add(names, g_strndup(text, line));
        text += line + (text[line] == '\n');
    }
    return names;
}

int gluster_list_find(const char *host, GPtrArray **ret_names, GError **error)
{
    g_autofree char *remote = g_strdup_printf("--remote-host=%s", host);
    const char *const argv[] = {
        "gluster", "--mode=script", "--log-file=/dev/null", remote, "volume", "list", NULL};
    struct program program = {.argv = argv, .milliseconds = FIND_MS};
    g_autofree char *text = NULL;

    if (program_run(&program, &text, error) < 0)
        return -1;
    *ret_names = gluster_list_read(text);
    return 0;
}

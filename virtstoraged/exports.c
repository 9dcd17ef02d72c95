/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exports.h"

#include <stdbool.h>
#include <string.h>

#define FOLDERS_MOST 10000

static bool is_line_of_text(const char *word)
{
    for (const char *c = word; *c; c++)
        if (g_ascii_iscntrl(*c))
            return false;
    return g_utf8_validate(word, -1, NULL);
}

GPtrArray *exports_read(const char *text)
{
    GPtrArray *folders = g_ptr_array_new_with_free_func(g_free);

    while (*text && folders->len < FOLDERS_MOST) {
        size_t line = strcspn(text, "\n"), length = strcspn(text, " \t\n");
        g_autofree char *folder = g_strndup(text, length);

        if (*folder == '/' && is_line_of_text(folder))
            g_ptr_array_add(folders, g_steal_pointer(&folder));
        text += line + (text[line] == '\n');
    }
    return folders;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "zfs-list.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

#define LINES_MOST 100000

/* "none" and "-" are nothing. */
static uint64_t read_number(const char *text)
{
    guint64 number;

    return g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, &number, NULL) ? number : 0;
}

/* NAME, PROPERTY, VALUE, SOURCE */
static bool find_value(char **lines, const char *property, uint64_t *ret_value)
{
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, "\t", 4);

        if (g_strv_length(words) < 3 || strcmp(words[1], property) != 0)
            continue;
        *ret_value = read_number(words[2]);
        return true;
    }
    return false;
}

int zfs_list_read_sizes(const char *text, struct zfs_sizes *ret_sizes, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
    struct zfs_sizes sizes;

    if (!find_value(lines, "size", &sizes.size) || !find_value(lines, "free", &sizes.free) ||
        !find_value(lines, "allocated", &sizes.allocated)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "zpool does not tell the sizes of the pool");
        return -1;
    }
    *ret_sizes = sizes;
    return 0;
}

static void volume_free(void *data)
{
    struct zfs_volume *volume = data;

    g_free(volume->name);
    g_free(volume);
}

static void read_volume(GPtrArray *volumes, const char *line, const char *pool)
{
    g_auto(GStrv) words = g_strsplit(line, "\t", 4);
    size_t length = strlen(pool);

    if (g_strv_length(words) < 3 || strncmp(words[0], pool, length) != 0 ||
        words[0][length] != '/' || !words[0][length + 1] || strchr(words[0] + length + 1, '/'))
        return;
    struct zfs_volume *volume = g_new0(struct zfs_volume, 1);
    volume->name = g_strdup(words[0] + length + 1);
    volume->capacity = read_number(words[1]);
    volume->reserved = read_number(words[2]);
    g_ptr_array_add(volumes, volume);
}

GPtrArray *zfs_list_read_volumes(const char *text, const char *pool)
{
    GPtrArray *volumes = g_ptr_array_new_with_free_func(volume_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MOST);

    for (char **line = lines; *line; line++)
        read_volume(volumes, *line, pool);
    return volumes;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io-errors.h"

#include <string.h>

/* A guest has fewer images than this, and each has one error at most. */
#define MOST_ERRORS 4096

/* The image's name in a message begins it, and is the key: "disk='vda', index='1', ". */
static size_t key_length(const char *text)
{
    const char *path = strstr(text, "path='");

    return path ? (size_t)(path - text) : strlen(text);
}

static bool keep(struct guest *guest, char *text)
{
    bool first = false;

    g_mutex_lock(&guest->lock);
    if (!guest->io_errors)
        guest->io_errors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (g_hash_table_size(guest->io_errors) < MOST_ERRORS)
        first = g_hash_table_replace(guest->io_errors, g_strndup(text, key_length(text)), text);
    else
        g_free(text);
    g_mutex_unlock(&guest->lock);
    return first;
}

static char *now(void)
{
    g_autoptr(GDateTime) time = g_date_time_new_now_utc();

    return g_date_time_format(time, "%Y-%m-%d %H:%M:%S.%f+0000");
}

bool io_errors_note(struct guest *guest, const struct domain_disk *disk,
                    const struct qmp_event *event)
{
    g_autofree char *time = now();
    const char *reason = event->block_io_error.reason;

    return keep(guest, g_strdup_printf(
                           "disk='%s', index='%u', path='%s', timestamp='%s', message='%s'",
                           disk->target, disk->source.index,
                           disk->source.path ? disk->source.path : "", time, reason ? reason : ""));
}

/* ---- the status file ---- */

const char **io_errors_save(struct guest *guest, struct arena *arena, unsigned *ret_count)
{
    GHashTableIter at;
    gpointer text;
    unsigned count = 0;

    g_mutex_lock(&guest->lock);
    unsigned size = guest->io_errors ? g_hash_table_size(guest->io_errors) : 0;
    const char **texts = arena_alloc(arena, (size + 1) * sizeof(*texts));
    if (size)
        g_hash_table_iter_init(&at, guest->io_errors);
    while (count < size && g_hash_table_iter_next(&at, NULL, &text))
        texts[count++] = arena_strdup(arena, text);
    g_mutex_unlock(&guest->lock);
    texts[count] = NULL;
    *ret_count = count;
    return texts;
}

void io_errors_load(struct guest *guest, const char *const *texts, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        keep(guest, g_strdup(texts[i]));
}

/* ---- messages ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void io_errors_list(struct guest *guest, GPtrArray *words)
{
    struct arena arena ARENA_AUTO = {0};
    unsigned count;
    const char **texts = io_errors_save(guest, &arena, &count);

    qsort(texts, count, sizeof(*texts), compare_texts);
    for (unsigned i = 0; i < count; i++)
        g_ptr_array_add(words, g_strdup_printf("I/O error: %s", texts[i]));
}

void io_errors_forget(struct guest *guest)
{
    g_mutex_lock(&guest->lock);
    g_clear_pointer(&guest->io_errors, g_hash_table_unref);
    g_mutex_unlock(&guest->lock);
}

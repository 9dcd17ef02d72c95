/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/names.h"

#include <glib.h>
#include <string.h>

#define LONGEST_COMPARED 63

int names_find(const struct names *names, const char *word)
{
    for (unsigned i = 0; i < names->count; i++)
        if (names->words[i] && strcmp(names->words[i], word) == 0)
            return (int)i;
    return -1;
}

const char *names_word(const struct names *names, unsigned value)
{
    return value < names->count ? names->words[value] : NULL;
}

unsigned word_distance(const char *a, const char *b, unsigned limit)
{
    unsigned before[LONGEST_COMPARED + 1], last[LONGEST_COMPARED + 1], row[LONGEST_COMPARED + 1];
    size_t rows = strlen(a), columns = strlen(b);

    if (rows > LONGEST_COMPARED || columns > LONGEST_COMPARED)
        return limit + 1;
    for (size_t j = 0; j <= columns; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= columns; j++) {
            row[j] = MIN(MIN(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        memcpy(before, last, sizeof(last));
        memcpy(last, row, sizeof(row));
    }
    return MIN(last[columns], limit + 1);
}

const char *names_nearest(const struct names *names, const char *word)
{
    const char *nearest = NULL;
    unsigned limit = strlen(word) > 4 ? 2 : 1;

    for (unsigned i = 0; i < names->count; i++) {
        if (!names->words[i])
            continue;
        unsigned distance = word_distance(word, names->words[i], limit);
        if (distance <= limit) {
            nearest = names->words[i];
            limit = distance - 1;
            if (distance <= 1)
                break;
        }
    }
    return nearest;
}

char *names_list(const struct names *names)
{
    GString *list = g_string_new(NULL);

    for (unsigned i = 0; i < names->count; i++)
        if (names->words[i])
            g_string_append_printf(list, "%s%s", list->len ? ", " : "", names->words[i]);
    return g_string_free(list, FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/units.h"

#include <glib.h>
#include <string.h>

#define LETTERS "kmgtpe"

static uint64_t power(uint64_t base, unsigned exponent)
{
    uint64_t result = 1;

    while (exponent--)
        result *= base;
    return result;
}

uint64_t unit_find(const char *word)
{
    if (!*word || !g_ascii_strcasecmp(word, "b") || !g_ascii_strcasecmp(word, "byte") ||
        !g_ascii_strcasecmp(word, "bytes"))
        return UNIT_BYTES;

    const char *letter = strchr(LETTERS, g_ascii_tolower(*word));
    if (!letter)
        return 0;
    unsigned exponent = (unsigned)(letter - LETTERS) + 1;
    if (!word[1] || !g_ascii_strcasecmp(word + 1, "ib"))
        return power(1024, exponent);
    if (!g_ascii_strcasecmp(word + 1, "b"))
        return power(1000, exponent);
    return 0;
}

int unit_convert(uint64_t value, uint64_t from, uint64_t to, uint64_t *ret_value)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(value, from, &bytes))
        return -1;
    *ret_value = bytes / to + (bytes % to != 0);
    return 0;
}

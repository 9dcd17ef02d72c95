/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cpuset.h"

#include <string.h>

#define WORD_BITS 64

struct cpuset *cpuset_new(struct arena *arena, unsigned count)
{
    unsigned words = (MIN(count, CPUSET_MAX) + WORD_BITS - 1) / WORD_BITS;
    struct cpuset *set = arena_alloc(arena, sizeof(*set) + words * sizeof(set->bits[0]));

    set->words = words;
    return set;
}

bool cpuset_has(const struct cpuset *set, unsigned number)
{
    return number / WORD_BITS < set->words &&
           set->bits[number / WORD_BITS] >> number % WORD_BITS & 1;
}

bool cpuset_overlap(const struct cpuset *a, const struct cpuset *b)
{
    for (unsigned i = 0; a && b && i < MIN(a->words, b->words); i++)
        if (a->bits[i] & b->bits[i])
            return true;
    return false;
}

void cpuset_add(struct cpuset *set, unsigned number)
{
    g_return_if_fail(number / WORD_BITS < set->words);
    set->bits[number / WORD_BITS] |= UINT64_C(1) << number % WORD_BITS;
}

static void skip_space(const char **text)
{
    while (g_ascii_isspace(**text))
        (*text)++;
}

static int read_number(const char **text, unsigned *ret_number)
{
    unsigned number = 0;

    if (!g_ascii_isdigit(**text))
        return -1;
    for (; g_ascii_isdigit(**text); (*text)++) {
        number = number * 10 + (unsigned)(**text - '0');
        if (number >= CPUSET_MAX)
            return -1;
    }
    *ret_number = number;
    return 0;
}

struct range {
    unsigned first, last;
    bool remove;
};

/* "3", "0-3" or "^2", with space around; leaves *text at the comma or at the end. */
static int read_range(const char **text, struct range *ret_range)
{
    struct range range = {0};

    skip_space(text);
    if (**text == '^') {
        range.remove = true;
        (*text)++;
    }
    if (read_number(text, &range.first) < 0)
        return -1;
    range.last = range.first;
    skip_space(text);
    if (**text == '-' && !range.remove) {
        (*text)++;
        skip_space(text);
        if (read_number(text, &range.last) < 0 || range.last < range.first)
            return -1;
        skip_space(text);
    }
    if (**text && **text != ',')
        return -1;
    *ret_range = range;
    return 0;
}

/* By whole words: a text of a million full ranges is still cheap. */
static void apply_range(uint64_t *bits, const struct range *range)
{
    for (unsigned word = range->first / WORD_BITS; word <= range->last / WORD_BITS; word++) {
        uint64_t mask = ~UINT64_C(0);

        if (word == range->first / WORD_BITS)
            mask &= ~UINT64_C(0) << range->first % WORD_BITS;
        if (word == range->last / WORD_BITS)
            mask &= ~UINT64_C(0) >> (WORD_BITS - 1 - range->last % WORD_BITS);
        bits[word] = range->remove ? bits[word] & ~mask : bits[word] | mask;
    }
}

static struct cpuset *from_bits(struct arena *arena, const uint64_t *bits, unsigned words)
{
    while (words > 0 && !bits[words - 1])
        words--;

    struct cpuset *set = cpuset_new(arena, words * WORD_BITS);
    if (words)
        memcpy(set->bits, bits, words * sizeof(bits[0]));
    return set;
}

struct cpuset *cpuset_parse(struct arena *arena, const char *text)
{
    uint64_t bits[CPUSET_MAX / WORD_BITS] = {0};

    skip_space(&text);
    while (*text) {
        struct range range;

        if (read_range(&text, &range) < 0)
            return NULL;
        apply_range(bits, &range);
        if (*text && !*++text) /* ends with a comma */
            return NULL;
    }
    return from_bits(arena, bits, G_N_ELEMENTS(bits));
}

struct cpuset *cpuset_from_map(struct arena *arena, const uint8_t *map, size_t length)
{
    uint64_t bits[CPUSET_MAX / WORD_BITS] = {0};

    for (size_t i = 0; i < MIN(length, CPUSET_MAX / 8); i++)
        bits[i / 8] |= (uint64_t)map[i] << i % 8 * 8;
    return from_bits(arena, bits, G_N_ELEMENTS(bits));
}

void cpuset_to_map(const struct cpuset *set, uint8_t *map, size_t length)
{
    memset(map, 0, length);
    for (size_t i = 0; i < MIN(length, (size_t)set->words * 8); i++)
        map[i] = (uint8_t)(set->bits[i / 8] >> i % 8 * 8);
}

int cpuset_next(const struct cpuset *set, unsigned from)
{
    for (unsigned word = from / WORD_BITS; word < set->words; word++) {
        uint64_t bits = set->bits[word];

        if (word == from / WORD_BITS)
            bits &= ~UINT64_C(0) << from % WORD_BITS;
        if (bits)
            return (int)(word * WORD_BITS) + __builtin_ctzll(bits);
    }
    return -1;
}

void cpuset_format(const struct cpuset *set, GString *out)
{
    const char *comma = "";

    for (int first = cpuset_next(set, 0); first >= 0;) {
        int last = first;

        while (cpuset_has(set, (unsigned)last + 1))
            last++;
        g_string_append_printf(out, "%s%d", comma, first);
        if (last > first)
            g_string_append_printf(out, "-%d", last);
        comma = ",";
        first = cpuset_next(set, (unsigned)last + 1);
    }
}

unsigned cpuset_count(const struct cpuset *set)
{
    unsigned count = 0;

    for (unsigned i = 0; i < set->words; i++)
        count += (unsigned)__builtin_popcountll(set->bits[i]);
    return count;
}

bool cpuset_equal(const struct cpuset *a, const struct cpuset *b)
{
    unsigned words = MAX(a->words, b->words);

    for (unsigned i = 0; i < words; i++)
        if ((i < a->words ? a->bits[i] : 0) != (i < b->words ? b->bits[i] : 0))
            return false;
    return true;
}

size_t cpuset_size(const struct cpuset *set)
{
    return sizeof(*set) + set->words * sizeof(set->bits[0]);
}

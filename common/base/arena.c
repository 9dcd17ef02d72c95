/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#define FIRST_BLOCK 1024
#define LARGEST_BLOCK (64 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t size; /* of memory[] */
    size_t used;
    alignas(max_align_t) char memory[];
};

void arena_init(struct arena *arena, size_t first_block)
{
    *arena = (struct arena){.next_block = first_block};
}

void arena_clear(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        g_free(block);
    }
    arena->blocks = NULL;
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks; block; block = block->next)
        explicit_bzero(block->memory, block->used);
    arena_clear(arena);
}

static size_t aligned(size_t used)
{
    return (used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

static struct arena_block *add_block(struct arena *arena, size_t at_least)
{
    size_t size = MAX(arena->next_block ? arena->next_block : FIRST_BLOCK, at_least);
    struct arena_block *block = g_malloc0(sizeof(*block) + size);

    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->next_block = MIN(size * 2, LARGEST_BLOCK);
    return block;
}

/* Strings need no alignment: packing them saves a quarter of a definition's memory. */
static void *take(struct arena *arena, size_t size, bool align)
{
    struct arena_block *block = arena->blocks;
    size_t start = block ? (align ? aligned(block->used) : block->used) : 0;

    if (!block || start > block->size || size > block->size - start) {
        block = add_block(arena, size);
        start = 0;
    }
    block->used = start + size;
    return block->memory + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return take(arena, size, true);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        g_error("arena: %zu elements of %zu bytes", count, size);
    return arena_alloc(arena, total);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = take(arena, length + 1, false);

    memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

void *arena_memdup(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = arena_alloc(arena, size);

    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return arena_strdup(arena, text);
}

size_t arena_footprint(const struct arena *arena)
{
    size_t total = 0;

    for (const struct arena_block *block = arena->blocks; block; block = block->next)
        total += sizeof(*block) + block->size;
    return total;
}

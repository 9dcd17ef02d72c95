/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

/*
 * A bump allocator: many small allocations that live and die together (one parsed document, the
 * arguments and reply of one call). Not thread-safe. Nothing in it is freed on its own.
 */
struct arena {
    struct arena_block *blocks; /* newest first */
    size_t next_block;          /* bytes of the next block */
};

/* Prepares an empty arena; the first block will hold at least first_block bytes (0: a default). */
void arena_init(struct arena *arena, size_t first_block);

/* Frees every allocation; the arena may be used again. */
void arena_clear(struct arena *arena);

/* Same, and what was in it is overwritten first: for secrets. */
void arena_wipe(struct arena *arena);

/* Zeroed memory, aligned for any type; aborts when memory is out, as g_malloc does. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size) G_GNUC_ALLOC_SIZE(2);

/* Zeroed memory for an array of count elements; aborts on overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A copy; text may be NULL, and then so is the result. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
void *arena_memdup(struct arena *arena, const void *bytes, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Bytes taken from the system so far. */
size_t arena_footprint(const struct arena *arena);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

/* struct arena scratch ARENA_AUTO = {0};  a zeroed arena is an empty one */
#define ARENA_AUTO __attribute__((cleanup(arena_clear)))

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/definition.h"

#include <string.h>

#include "xml/schema.h"

struct definition *definition_new(const struct xml_schema *schema)
{
    struct arena arena;
    struct definition *definition;

    arena_init(&arena, 0);
    definition = arena_alloc(&arena, schema->size);
    definition->refs = 1;
    definition->schema = schema;
    definition->arena = arena;
    return definition;
}

struct definition *definition_ref(struct definition *definition)
{
    g_atomic_int_inc(&definition->refs);
    return definition;
}

void definition_unref(struct definition *definition)
{
    if (!definition || !g_atomic_int_dec_and_test(&definition->refs))
        return;

    /* The definition lies in its own arena. Passwords may be anywhere in it; overwriting a few
     * kilobytes costs less than looking for them. */
    struct arena arena = definition->arena;
    arena_wipe(&arena);
}

size_t definition_footprint(const struct definition *definition)
{
    return arena_footprint(&definition->arena);
}

void list_insert(struct arena *arena, void ***items, unsigned *count, unsigned position,
                 const void *item)
{
    void **grown = arena_array(arena, *count + 1, sizeof(*grown));

    g_return_if_fail(position <= *count);
    if (*count) {
        memcpy(grown, *items, position * sizeof(*grown));
        memcpy(grown + position + 1, *items + position, (*count - position) * sizeof(*grown));
    }
    grown[position] = (void *)item;
    *items = grown;
    (*count)++;
}

void list_remove(void **items, unsigned *count, unsigned position)
{
    g_return_if_fail(position < *count);
    memmove(items + position, items + position + 1, (*count - position - 1) * sizeof(*items));
    (*count)--;
}

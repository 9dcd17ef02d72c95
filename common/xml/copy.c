/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "xml/plan.h"
#include "xml/share.h"
#include "xml/xml.h"

/*
 * A deep copy goes over the source twice: first to measure, then to copy into one block of exactly
 * that size, structs in front and, as they need no alignment, strings behind them.
 */
#define STRUCT_ALIGNMENT 8

struct copier {
    char *structs, *strings; /* NULL: measuring only */
    size_t struct_bytes, string_bytes;
    size_t header;      /* bytes of a root that are the caller's to set */
    bool flat;          /* pointers are written as offsets from structs */
    bool secret;        /* met, while measuring */
    unsigned depth;     /* of children and lists, 0: in the root */
    GPtrArray *shared;  /* of each part of the root its shared copy, or NULL; NULL: none is asked */
    unsigned next_part; /* the next one in shared, when copying */
};

static void *take_struct(struct copier *copier, size_t size)
{
    char *taken = copier->structs ? copier->structs + copier->struct_bytes : NULL;

    copier->struct_bytes += (size + STRUCT_ALIGNMENT - 1) & ~(size_t)(STRUCT_ALIGNMENT - 1);
    return taken;
}

static void *take_bytes(struct copier *copier, size_t size)
{
    char *taken = copier->strings ? copier->strings + copier->string_bytes : NULL;

    copier->string_bytes += size;
    return taken;
}

static void set_pointer(const struct copier *copier, void *to, const void *target)
{
    if (to)
        *(const void **)to =
            copier->flat ? (const void *)((const char *)target - copier->structs) : target;
}

static void copy_struct(struct copier *copier, const struct xml_schema *schema, const void *from,
                        void *to);

static void copy_block(struct copier *copier, const struct xml_type *type, const void *from,
                       void *to)
{
    if (!type->payload)
        return;
    const void *block = *(void *const *)from;
    if (!block)
        return;
    size_t size = type->payload(block);
    void *copy = type->payload_unaligned ? take_bytes(copier, size) : take_struct(copier, size);
    if (to)
        set_pointer(copier, to, memcpy(copy, block, size));
}

/* Measuring asks, copying is told the same: in between others may have added to what is shared. */
static void *find_shared(struct copier *copier, const struct xml_schema *schema, const void *child)
{
    if (!copier->shared || copier->depth)
        return NULL;
    if (copier->structs)
        return g_ptr_array_index(copier->shared, copier->next_part++);
    void *shared = xml_share(schema, child);
    g_ptr_array_add(copier->shared, shared);
    return shared;
}

static void copy_child(struct copier *copier, const struct xml_schema *schema, const void *from,
                       void *to)
{
    const void *child = *(void *const *)from;

    if (!child)
        return;
    void *shared = find_shared(copier, schema, child);
    if (shared) {
        set_pointer(copier, to, shared);
        return;
    }
    void *copy = take_struct(copier, schema->size);
    if (to)
        set_pointer(copier, to, memcpy(copy, child, schema->size));
    copier->depth++;
    copy_struct(copier, schema, child, copy);
    copier->depth--;
}

/* schema is NULL for strings. */
static void copy_list(struct copier *copier, const struct xml_schema *schema, const void *from,
                      void *to)
{
    const struct xml_list *list = from;

    if (!list->count) {
        if (to)
            ((struct xml_list *)to)->items = NULL;
        return;
    }
    void **items = take_struct(copier, list->count * sizeof(*items));
    if (to)
        set_pointer(copier, &((struct xml_list *)to)->items, items);
    for (unsigned i = 0; i < list->count; i++) {
        if (schema)
            copy_child(copier, schema, &list->items[i], to ? &items[i] : NULL);
        else
            copy_block(copier, &xml_type_string, &list->items[i], to ? &items[i] : NULL);
    }
}

static void copy_member(struct copier *copier, const struct xml_row *row, const void *from,
                        void *to)
{
    switch ((enum xml_row_kind)row->kind) {
    case XML_KIND_SCALAR:
    case XML_KIND_SIZE:
    case XML_KIND_RAW:
        copy_block(copier, row->type, from, to);
        return;
    case XML_KIND_CHILD:
        copy_child(copier, row->schema, from, to);
        return;
    case XML_KIND_EMBED:
        copy_struct(copier, row->schema, from, to);
        return;
    case XML_KIND_LIST:
        copy_list(copier, row->schema, from, to);
        return;
    case XML_KIND_STRINGS:
        copy_list(copier, NULL, from, to);
        return;
    case XML_KIND_FLAG:
    case XML_KIND_ELEMENT:
    case XML_KIND_HOOK:
        return;
    }
}

static bool is_copied(const struct xml_row *row)
{
    return !(row->flags & (XML_INPUT | XML_OUTPUT));
}

/* A pointer of a row whose condition fails is not ours to follow (it may be another member of a
 * union), and must not lead back into the source. What shares its place is put back. */
static void copy_bytes(const struct xml_schema *schema, const void *from, void *to)
{
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];

        if (is_copied(row) && !xml_row_applies(row, from))
            memset((char *)to + row->offset, 0, row->size);
    }
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];

        if (is_copied(row) && xml_row_applies(row, from))
            memcpy((char *)to + row->offset, (const char *)from + row->offset, row->size);
    }
}

static void note_secret(struct copier *copier, const struct xml_row *row, const void *member)
{
    if (row->flags & XML_SECURE && xml_row_is_set(row, member))
        copier->secret = true;
}

/* to has the bytes of from already; what they point to is copied here, after all bytes: several
 * rows may embed one member, each for a part of it. */
static void copy_struct(struct copier *copier, const struct xml_schema *schema, const void *from,
                        void *to)
{
    if (to)
        copy_bytes(schema, from, to);
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];
        const char *member = (const char *)from + row->offset;

        if (!is_copied(row) || !xml_row_applies(row, from))
            continue;
        note_secret(copier, row, member);
        copy_member(copier, row, member, to ? (char *)to + row->offset : NULL);
    }
}

/* All but the header, where others count references meanwhile. */
static void *copy_root(struct copier *copier, const struct xml_schema *schema, const void *root)
{
    char *copy = take_struct(copier, schema->size);
    size_t header = copier->header;

    memcpy(copy + header, (const char *)root + header, schema->size - header);
    copy_struct(copier, schema, root, copy);
    return copy;
}

static void measure(struct copier *copier, const struct xml_schema *schema, const void *object)
{
    take_struct(copier, schema->size);
    copy_struct(copier, schema, object, NULL);
}

/* Makes room for what was measured in arena (a new one, if own_arena is set) and copies. */
static void *copy_measured(struct copier *copier, const struct xml_schema *schema,
                           const void *object, struct arena *arena, bool own_arena)
{
    size_t struct_bytes = copier->struct_bytes, bytes = struct_bytes + copier->string_bytes;
    if (own_arena)
        arena_init(arena, bytes);
    copier->structs = arena_alloc(arena, bytes);
    copier->strings = copier->structs + struct_bytes;
    copier->struct_bytes = copier->string_bytes = 0;
    return copy_root(copier, schema, object);
}

static void *copy_whole(struct copier *copier, const struct xml_schema *schema, const void *object,
                        struct arena *arena, bool own_arena)
{
    measure(copier, schema, object);
    return copy_measured(copier, schema, object, arena, own_arena);
}

void *xml_copy_part(const struct xml_schema *schema, const void *object, struct arena *arena)
{
    return copy_whole(&(struct copier){0}, schema, object, arena, false);
}

void *xml_copy_flat(const struct xml_schema *schema, const void *part, struct arena *scratch,
                    size_t *ret_size)
{
    struct copier copier = {.flat = true};

    measure(&copier, schema, part);
    if (copier.secret)
        return NULL;
    void *copy = copy_measured(&copier, schema, part, scratch, true);
    *ret_size = copier.struct_bytes + copier.string_bytes;
    return copy;
}

static struct definition *copy_definition(struct copier *copier, const struct xml_schema *schema,
                                          const void *root)
{
    struct arena arena;
    copier->header = sizeof(struct definition);
    struct definition *copy = copy_whole(copier, schema, root, &arena, true);

    *copy = (struct definition){.refs = 1, .schema = schema, .arena = arena};
    return copy;
}

struct definition *definition_copy_part(const struct xml_schema *schema, const void *root)
{
    return copy_definition(&(struct copier){0}, schema, root);
}

struct definition *definition_copy(const struct definition *definition)
{
    return definition_copy_part(definition->schema, definition);
}

struct definition *definition_pack(const struct definition *definition)
{
    g_autoptr(GPtrArray) shared = g_ptr_array_new();

    return copy_definition(&(struct copier){.shared = shared}, definition->schema, definition);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/plan.h"

#include <string.h>

#include "base/bytes.h"

struct xml_plan {
    struct arena arena; /* with all places, items and conditions */
    struct xml_place root;
};

/* What compiling one table carries along. */
struct compiler {
    const struct xml_schema *owner;
    unsigned offset; /* of owner's struct in the outer one */
    const struct xml_condition *conditions;
    unsigned n_conditions;
    struct arena *arena;
    GPtrArray *mistakes;
};

static void add_mistake(struct compiler *compiler, const struct xml_row *row, const char *what)
{
    g_ptr_array_add(compiler->mistakes,
                    g_strdup_printf("%s: row '%s': %s", compiler->owner->name, row->path, what));
}

static const char *find_uri(const struct xml_schema *schema, const char *prefix)
{
    for (const struct xml_namespace *ns = schema->namespaces; ns && ns->prefix; ns++)
        if (strcmp(ns->prefix, prefix) == 0)
            return ns->uri;
    return NULL;
}

/* "qemu:arg" or "arg" into the names of item. */
static void set_name(struct compiler *compiler, struct xml_item *item, const char *word)
{
    const char *colon = strchr(word, ':');

    item->name = g_intern_string(colon ? colon + 1 : word);
    if (!colon)
        return;
    g_autofree char *prefix = g_strndup(word, (gsize)(colon - word));
    item->prefix = g_intern_string(prefix);
    item->uri = find_uri(compiler->owner, prefix);
    if (!item->uri)
        add_mistake(compiler, item->row, "no such prefix in the table's namespaces");
}

static struct xml_item *append_item(struct compiler *compiler, struct xml_place *place,
                                    const struct xml_item *item)
{
    unsigned count = place->count;

    if ((count & (count - 1)) == 0) { /* full: the next power of two */
        struct xml_item *grown =
            arena_array(compiler->arena, MAX(2 * count, 1), sizeof(*place->items));

        if (count)
            memcpy(grown, place->items, count * sizeof(*grown));
        place->items = grown;
    }
    place->items[count] = *item;
    place->count++;
    return &place->items[count];
}

static const struct xml_condition *join_conditions(const struct compiler *compiler,
                                                   const struct xml_row *row, unsigned *ret_count)
{
    unsigned count = compiler->n_conditions;

    *ret_count = count;
    if (!row->when_mask)
        return compiler->conditions;
    struct xml_condition *joined = arena_array(compiler->arena, count + 1, sizeof(*joined));
    if (count)
        memcpy(joined, compiler->conditions, count * sizeof(*joined));
    joined[count] = (struct xml_condition){
        .mask = row->when_mask,
        .offset = (uint16_t)(compiler->offset + row->when_offset),
        .size = row->when_size,
    };
    *ret_count = count + 1;
    return joined;
}

/* The one for all rows of this name; XML_HERE has one to itself, that is there under the row's
 * conditions alone. */
static struct xml_place *child_place(struct compiler *compiler, struct xml_place *place,
                                     const struct xml_row *row, const char *word)
{
    struct xml_item item = {.kind = XML_ITEM_PLACE, .row = row, .owner = compiler->owner};
    unsigned n_conditions = 0;

    set_name(compiler, &item, word);
    if (row->flags & XML_HERE)
        item.conditions = join_conditions(compiler, row, &n_conditions);
    item.n_conditions = (uint8_t)n_conditions;
    for (unsigned i = 0; i < place->count && !n_conditions; i++)
        if (place->items[i].kind == XML_ITEM_PLACE && !place->items[i].n_conditions &&
            place->items[i].name == item.name && place->items[i].uri == item.uri)
            return place->items[i].place;
    item.place = arena_new(compiler->arena, struct xml_place);
    return append_item(compiler, place, &item)->place;
}

static void add_rows(struct compiler *compiler, struct xml_place *place);

static void embed(struct compiler *compiler, struct xml_place *place, const struct xml_row *row)
{
    struct compiler inner = *compiler;
    struct xml_item check = {
        .kind = XML_ITEM_CHECK, .row = row, .owner = compiler->owner, .schema = row->schema};

    inner.owner = row->schema;
    inner.offset += row->offset;
    inner.conditions = join_conditions(compiler, row, &inner.n_conditions);
    add_rows(&inner, place);
    if (!row->schema->check)
        return;
    check.offset = (uint16_t)inner.offset;
    check.conditions = inner.conditions;
    check.n_conditions = (uint8_t)inner.n_conditions;
    append_item(compiler, place, &check);
}

static enum xml_item_kind kind_of(const struct xml_row *row, bool attribute)
{
    switch ((enum xml_row_kind)row->kind) {
    case XML_KIND_FLAG:
    case XML_KIND_ELEMENT:
        return XML_ITEM_PRESENCE;
    case XML_KIND_RAW:
        return XML_ITEM_RAW;
    case XML_KIND_STRINGS:
        return XML_ITEM_STRINGS;
    case XML_KIND_LIST:
        return XML_ITEM_LIST;
    case XML_KIND_CHILD:
        return XML_ITEM_GROUP;
    case XML_KIND_HOOK:
        return XML_ITEM_HOOK;
    case XML_KIND_SCALAR:
    case XML_KIND_SIZE:
    case XML_KIND_EMBED:
        break;
    }
    return attribute ? XML_ITEM_ATTRIBUTE : XML_ITEM_TEXT;
}

/* True if the item names its own element, instead of being inside one that a place names. */
static bool names_element(enum xml_item_kind kind)
{
    return kind == XML_ITEM_LIST || kind == XML_ITEM_STRINGS || kind == XML_ITEM_RAW ||
           kind == XML_ITEM_HOOK;
}

/* The last word of the path makes the item; the words before it have led to place. */
static void add_item(struct compiler *compiler, struct xml_place *place, const struct xml_row *row,
                     const char *word)
{
    bool attribute = word[0] == '@', own = strcmp(word, ".") == 0;
    unsigned n_conditions;
    struct xml_item item = {
        .kind = (uint8_t)kind_of(row, attribute),
        .row = row,
        .owner = compiler->owner,
        .offset = (uint16_t)(compiler->offset + row->offset),
        .schema = row->kind == XML_KIND_LIST || row->kind == XML_KIND_CHILD ? row->schema : NULL,
        .conditions = join_conditions(compiler, row, &n_conditions),
    };

    item.n_conditions = (uint8_t)n_conditions;
    if (attribute)
        item.name = g_intern_string(word + 1);
    else if (names_element(item.kind))
        set_name(compiler, &item, word);
    else if (!own)
        place = child_place(compiler, place, row, word);
    item.optional = own && item.kind == XML_ITEM_GROUP;
    if (attribute && item.kind != XML_ITEM_ATTRIBUTE && item.kind != XML_ITEM_HOOK)
        add_mistake(compiler, row, "this kind of row cannot be an attribute");
    if (own && (names_element(item.kind) || item.kind == XML_ITEM_PRESENCE))
        add_mistake(compiler, row, "this kind of row needs an element of its own");
    place->has_text |= item.kind == XML_ITEM_TEXT;
    place->has_namespaces |= item.kind == XML_ITEM_GROUP && item.schema->namespaces;
    append_item(compiler, place, &item);
}

/* "arg/@value" of a STRINGS row: the attribute belongs to the item, not to a place. */
static void add_strings(struct compiler *compiler, struct xml_place *place,
                        const struct xml_row *row, const char *word, const char *attribute)
{
    add_item(compiler, place, row, word);
    place->items[place->count - 1].attribute = g_intern_string(attribute + 1);
}

static void add_row(struct compiler *compiler, struct xml_place *place, const struct xml_row *row)
{
    g_auto(GStrv) words = g_strsplit(row->path, "/", -1);
    unsigned count = g_strv_length(words);

    if (!count || count > 16) {
        add_mistake(compiler, row, "a path has between 1 and 16 words");
        return;
    }
    for (unsigned i = 0; i + 1 < count; i++) {
        if (words[i][0] == '@' || words[i][0] == '.' || !words[i][0])
            add_mistake(compiler, row, "only the last word may be an attribute or \".\"");
        if (i + 2 == count && row->kind == XML_KIND_STRINGS && words[i + 1][0] == '@') {
            add_strings(compiler, place, row, words[i], words[i + 1]);
            return;
        }
        place = child_place(compiler, place, row, words[i]);
    }
    if (row->kind != XML_KIND_EMBED)
        add_item(compiler, place, row, words[count - 1]);
    else if (strcmp(words[count - 1], ".") == 0)
        embed(compiler, place, row);
    else
        embed(compiler, child_place(compiler, place, row, words[count - 1]), row);
}

static void add_rows(struct compiler *compiler, struct xml_place *place)
{
    for (unsigned i = 0; i < compiler->owner->n_rows; i++)
        if (!(compiler->owner->rows[i].flags & XML_HIDDEN))
            add_row(compiler, place, &compiler->owner->rows[i]);
}

static void add_range(struct xml_place *place, struct arena *arena, struct xml_range range)
{
    struct xml_range *last = place->n_ranges ? &place->ranges[place->n_ranges - 1] : NULL;

    if (last && last->offset + last->size == range.offset) {
        last->size += range.size;
        return;
    }
    struct xml_range *grown = arena_array(arena, place->n_ranges + 1, sizeof(*grown));
    if (place->n_ranges)
        memcpy(grown, place->ranges, place->n_ranges * sizeof(*grown));
    grown[place->n_ranges++] = range;
    place->ranges = grown;
}

/* An opt_ number that is all zero is absent; another type's own opinion is not known here. */
static bool zero_may_be_set(const struct xml_type *type)
{
    return type && type->is_set && type != &xml_type_opt_uint && type != &xml_type_opt_int &&
           type != &xml_type_opt_ulong;
}

static void conclude(struct xml_place *place, struct arena *arena);

static void conclude_child(struct xml_place *place, const struct xml_place *child,
                           struct arena *arena)
{
    place->speaks_absent |= child->speaks_absent;
    place->private &= child->private;
    place->never_quiet |= child->never_quiet;
    for (unsigned i = 0; i < child->n_ranges; i++)
        add_range(place, arena, child->ranges[i]);
}

static void conclude_item(struct xml_place *place, const struct xml_item *item, struct arena *arena)
{
    const struct xml_row *row = item->row;

    place->speaks_absent |= row->fallback || row->flags & XML_REQUIRED ||
                            (row->kind == XML_KIND_ELEMENT && row->flags & XML_EXPECTED);
    place->private &= (row->flags & XML_STATUS) != 0;
    place->once |= (row->flags & XML_ONCE) != 0;
    place->never_quiet |= row->flags & XML_ALWAYS || item->kind == XML_ITEM_HOOK ||
                          (row->kind == XML_KIND_SCALAR && zero_may_be_set(row->type));
    if (row->size && item->kind != XML_ITEM_CHECK)
        add_range(place, arena, (struct xml_range){item->offset, row->size});
}

/* What a place can tell only when all its items are there. */
static void conclude(struct xml_place *place, struct arena *arena)
{
    place->private = place->count > 0;
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];

        if (item->kind != XML_ITEM_PLACE) {
            conclude_item(place, item, arena);
            continue;
        }
        conclude(item->place, arena);
        conclude_child(place, item->place, arena);
    }
}

static struct xml_plan *plan_new(const struct xml_schema *schema, GPtrArray *mistakes)
{
    struct xml_plan *plan = g_new0(struct xml_plan, 1);
    struct compiler compiler = {.owner = schema, .arena = &plan->arena, .mistakes = mistakes};

    add_rows(&compiler, &plan->root);
    conclude(&plan->root, &plan->arena);
    return plan;
}

static void plan_free(struct xml_plan *plan)
{
    arena_clear(&plan->arena);
    g_free(plan);
}

static struct xml_plan *plan_new_or_abort(const struct xml_schema *schema)
{
    g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
    struct xml_plan *plan = plan_new(schema, mistakes);

    if (mistakes->len)
        g_error("xml table %s", (const char *)g_ptr_array_index(mistakes, 0));
    return plan;
}

const struct xml_place *xml_plan_of(const struct xml_schema *schema)
{
    static GMutex mutex;
    struct xml_plan *plan = g_atomic_pointer_get(schema->plan);

    if (plan)
        return &plan->root;
    g_mutex_lock(&mutex);
    plan = *schema->plan;
    if (!plan) {
        plan = plan_new_or_abort(schema);
        g_atomic_pointer_set(schema->plan, plan);
    }
    g_mutex_unlock(&mutex);
    return &plan->root;
}

void xml_plan_lint(const struct xml_schema *schema, GPtrArray *mistakes)
{
    plan_free(plan_new(schema, mistakes));
}

bool xml_place_is_quiet(const struct xml_place *place, const void *object)
{
    if (place->never_quiet)
        return false;
    for (unsigned i = 0; i < place->n_ranges; i++)
        if (!bytes_are_zero((const char *)object + place->ranges[i].offset, place->ranges[i].size))
            return false;
    return true;
}

static bool holds(const void *object, unsigned offset, unsigned size, uint64_t mask)
{
    const char *member = (const char *)object + offset;
    unsigned value = size == 1   ? *(const uint8_t *)member
                     : size == 2 ? *(const uint16_t *)member
                                 : *(const unsigned *)member;

    return value < 64 && mask >> value & 1;
}

bool xml_item_applies(const struct xml_item *item, const void *object)
{
    for (unsigned i = 0; i < item->n_conditions; i++) {
        const struct xml_condition *condition = &item->conditions[i];

        if (!holds(object, condition->offset, condition->size, condition->mask))
            return false;
    }
    return true;
}

bool xml_row_applies(const struct xml_row *row, const void *object)
{
    return !row->when_mask || holds(object, row->when_offset, row->when_size, row->when_mask);
}

bool xml_row_is_set(const struct xml_row *row, const void *member)
{
    switch ((enum xml_row_kind)row->kind) {
    case XML_KIND_SCALAR:
    case XML_KIND_SIZE:
        return xml_type_is_set(row, member);
    case XML_KIND_FLAG:
        return *(const bool *)member;
    case XML_KIND_RAW:
    case XML_KIND_CHILD:
        return *(void *const *)member != NULL;
    case XML_KIND_STRINGS:
    case XML_KIND_LIST:
        return ((const struct xml_list *)member)->count > 0;
    case XML_KIND_EMBED:
    case XML_KIND_ELEMENT:
    case XML_KIND_HOOK:
        break;
    }
    return false;
}

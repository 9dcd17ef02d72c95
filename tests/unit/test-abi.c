/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "model/domain-check.h"
#include "xml/schema.h"

/*
 * What a guest's hardware is, by every row of every table of the domain's document: two guests that
 * differ in one member are of different hardware exactly if its row says so, and the error names
 * the member's place.
 */
enum { DEPTH_MAX = 24 };

/* The way from <domain> to a row: each step but the last leads into the table of the next one. */
struct way {
    struct {
        const struct xml_schema *schema;
        const struct xml_row *row;
    } steps[DEPTH_MAX];
    unsigned count;
};

struct tally {
    unsigned refused, accepted;
};

/* ---- guests ---- */

typedef LIST_OF(void) any_list;

static struct definition *new_domain(void)
{
    return definition_new(&domain_schema);
}

static void *new_struct(struct definition *definition, const struct xml_row *row)
{
    return arena_alloc(&definition->arena, row->schema->size);
}

/* Makes the row's condition hold, and that of the row that it asks about. */
static void make_apply(const struct xml_schema *schema, const struct xml_row *row, char *object)
{
    uint64_t value;

    if (!row->when_mask)
        return;
    for (value = 0; !(row->when_mask & BIT(value));)
        value++;
    memcpy(object + row->when_offset, &value, row->when_size);
    for (const struct xml_row *other = schema->rows; other < row; other++)
        if (other->offset == row->when_offset && other->size == row->when_size)
            return make_apply(schema, other, object);
}

static void add_item(any_list *list, void *item, struct definition *definition)
{
    list->items = arena_array(&definition->arena, 1, sizeof(void *));
    list->items[0] = item;
    list->count = 1;
}

/* What the row's member is made of, that is where the next step begins. */
static char *enter(struct definition *definition, const struct xml_row *row, char *member)
{
    if (row->kind == XML_KIND_EMBED)
        return member;
    char *below = new_struct(definition, row);
    if (row->kind == XML_KIND_LIST)
        add_item((any_list *)member, below, definition);
    else
        memcpy(member, &below, sizeof(below));
    return below;
}

/* The member of the last row, in a guest that has no more than is needed to have it. */
static char *make_way(struct definition *definition, const struct way *way)
{
    char *object = (char *)definition;

    for (unsigned i = 0;; i++) {
        const struct xml_row *row = way->steps[i].row;

        make_apply(way->steps[i].schema, row, object);
        if (i + 1 == way->count)
            return object + row->offset;
        object = enter(definition, row, object + row->offset);
    }
}

/* ---- another value ---- */

static bool is_new(const char *member, const char *before, size_t size)
{
    return memcmp(member, before, size) != 0;
}

/* A word that the member's type knows, and that is not what it has. */
static void change_scalar(struct definition *definition, const struct xml_row *row, char *member)
{
    static const char *const values[] = {
        "1",
        "2",
        "7",
        "yes",
        "on",
        "x",
        "52:54:00:00:00:01",
        "01234567-89ab-cdef-0123-456789abcdef",
    };
    g_autofree char *before = g_memdup2(member, row->size);
    g_autofree char *least = g_strdup_printf("%" PRId64, row->min + (row->min == 0));
    g_autoptr(GString) problem = g_string_new(NULL);

    for (unsigned i = 0; row->type == &xml_type_enum && i < row->names->count; i++)
        if (row->names->words[i] && !is_new(member, before, row->size))
            row->type->parse(row, row->names->words[i], &definition->arena, member, problem);
    row->type->parse(row, least, &definition->arena, member, problem);
    for (unsigned i = 0; i < G_N_ELEMENTS(values) && !is_new(member, before, row->size); i++)
        row->type->parse(row, values[i], &definition->arena, member, problem);
    if (!is_new(member, before, row->size))
        g_error("no value for %s (%s): %s", row->path, row->type->name, problem->str);
}

static void change(struct definition *definition, const struct xml_row *row, char *member)
{
    char *text = arena_strdup(&definition->arena, "x");

    switch ((enum xml_row_kind)row->kind) {
    case XML_KIND_SCALAR:
    case XML_KIND_SIZE:
        return change_scalar(definition, row, member);
    case XML_KIND_FLAG:
        *(bool *)member = true;
        return;
    case XML_KIND_RAW:
        memcpy(member, &text, sizeof(text));
        return;
    case XML_KIND_STRINGS:
        return add_item((any_list *)member, text, definition);
    case XML_KIND_CHILD:
    case XML_KIND_LIST:
        enter(definition, row, member);
        return;
    case XML_KIND_EMBED:
    case XML_KIND_ELEMENT:
    case XML_KIND_HOOK:
        g_assert_not_reached();
    }
}

/* ---- every row ---- */

static char *path_of(const struct way *way)
{
    g_autoptr(GString) path = g_string_new(NULL);

    for (unsigned i = 0; i < way->count; i++) {
        const struct xml_row *row = way->steps[i].row;

        if (strcmp(row->path, ".") != 0)
            g_string_append_printf(path, "%s%s", path->len ? "/" : "", row->path);
        if (g_str_has_suffix(path->str, "/."))
            g_string_truncate(path, path->len - 2);
        if (row->kind == XML_KIND_LIST && i + 1 < way->count)
            g_string_append(path, "[1]");
    }
    return g_string_free(g_steal_pointer(&path), FALSE);
}

/* The guest sees the row's member, and all that it is in. */
static bool is_hardware(const struct way *way)
{
    for (unsigned i = 0; i < way->count; i++)
        if (way->steps[i].row->flags & XML_HOST)
            return false;
    return way->steps[way->count - 1].row->flags & XML_ABI;
}

static void compare(const struct way *way, const struct definition *source,
                    const struct definition *target, struct tally *tally)
{
    const struct xml_row *row = way->steps[way->count - 1].row;
    g_autofree char *path = path_of(way);
    g_autofree char *says =
        g_strdup_printf("Target %s%s (", row->kind == XML_KIND_LIST ? "count of " : "", path);
    g_autoptr(GError) error = NULL;
    int result =
        domain_check_abi((const struct domain *)source, (const struct domain *)target, &error);

    if (result != (is_hardware(way) ? -1 : 0) || (error && !strstr(error->message, says))) {
        g_test_message("%s: %s", path, error ? error->message : "is not refused");
        g_test_fail();
    }
    if (error)
        tally->refused++;
    else
        tally->accepted++;
}

static bool has_value(const struct xml_row *row)
{
    return row->kind != XML_KIND_EMBED && row->kind != XML_KIND_ELEMENT &&
           row->kind != XML_KIND_HOOK && !(row->flags & (XML_INPUT | XML_OUTPUT));
}

static void check_row(const struct way *way, struct tally *tally)
{
    const struct xml_row *row = way->steps[way->count - 1].row;
    DEFINITION_AUTO struct definition *without = new_domain();
    DEFINITION_AUTO struct definition *with = new_domain();

    make_way(without, way);
    change(with, row, make_way(with, way));
    compare(way, without, with, tally);
    compare(way, with, without, tally);
}

static bool is_on_the_way(const struct way *way, const struct xml_schema *schema)
{
    for (unsigned i = 0; i < way->count; i++)
        if (way->steps[i].schema == schema)
            return true;
    return false;
}

static void check_table(const struct way *way, const struct xml_schema *schema, struct tally *tally)
{
    g_assert_cmpuint(way->count, <, DEPTH_MAX);
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];
        struct way further = *way;

        further.steps[further.count].schema = schema;
        further.steps[further.count++].row = row;
        if (has_value(row))
            check_row(&further, tally);
        if ((row->kind == XML_KIND_CHILD || row->kind == XML_KIND_EMBED ||
             row->kind == XML_KIND_LIST) &&
            !is_on_the_way(&further, row->schema))
            check_table(&further, row->schema, tally);
    }
}

static void test_every_row(void)
{
    const struct way way = {};
    struct tally tally = {};

    check_table(&way, &domain_schema, &tally);
    g_test_message("%u differences refused, %u accepted", tally.refused, tally.accepted);
    g_assert_cmpuint(tally.refused, >, 500);
    g_assert_cmpuint(tally.accepted, >, 500);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abi/every-row", test_every_row);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "xml/plan.h"
#include "xml/xml.h"

static bool lists_equal(const struct xml_schema *schema, const struct xml_list *a,
                        const struct xml_list *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (schema ? !xml_equal(schema, a->items[i], b->items[i])
                   : strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static bool children_equal(const struct xml_schema *schema, const void *a, const void *b)
{
    return a && b ? xml_equal(schema, a, b) : a == b;
}

static bool members_equal(const struct xml_row *row, const void *a, const void *b)
{
    switch ((enum xml_row_kind)row->kind) {
    case XML_KIND_SCALAR:
    case XML_KIND_SIZE:
    case XML_KIND_RAW:
        return xml_type_equal(row, a, b);
    case XML_KIND_FLAG:
        return *(const bool *)a == *(const bool *)b;
    case XML_KIND_CHILD:
        return children_equal(row->schema, *(void *const *)a, *(void *const *)b);
    case XML_KIND_EMBED:
        return xml_equal(row->schema, a, b);
    case XML_KIND_LIST:
        return lists_equal(row->schema, a, b);
    case XML_KIND_STRINGS:
        return lists_equal(NULL, a, b);
    case XML_KIND_ELEMENT:
    case XML_KIND_HOOK:
        break;
    }
    return true;
}

/* INPUT and OUTPUT rows show a member that has a row of its own. */
static bool concerns_comparison(const struct xml_row *row, const void *a, const void *b)
{
    return !(row->flags & (XML_INPUT | XML_OUTPUT)) && xml_row_applies(row, a) &&
           xml_row_applies(row, b);
}

bool xml_equal(const struct xml_schema *schema, const void *a, const void *b)
{
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];

        if (concerns_comparison(row, a, b) &&
            !members_equal(row, (const char *)a + row->offset, (const char *)b + row->offset))
            return false;
    }
    return true;
}

/* ---- one that names another ---- */

static bool list_covers(const struct xml_schema *schema, const struct xml_list *pattern,
                        const struct xml_list *object)
{
    if (pattern->count > object->count)
        return false;
    for (unsigned i = 0; i < pattern->count; i++)
        if (schema ? !xml_covers(schema, pattern->items[i], object->items[i])
                   : strcmp(pattern->items[i], object->items[i]) != 0)
            return false;
    return true;
}

static bool member_covers(const struct xml_row *row, const void *pattern, const void *object)
{
    switch ((enum xml_row_kind)row->kind) {
    case XML_KIND_CHILD:
        return *(void *const *)object &&
               xml_covers(row->schema, *(void *const *)pattern, *(void *const *)object);
    case XML_KIND_LIST:
        return list_covers(row->schema, pattern, object);
    case XML_KIND_STRINGS:
        return list_covers(NULL, pattern, object);
    default:
        return members_equal(row, pattern, object);
    }
}

bool xml_covers(const struct xml_schema *schema, const void *pattern, const void *object)
{
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];
        const void *asked = (const char *)pattern + row->offset;
        const void *is = (const char *)object + row->offset;

        if (row->flags & (XML_INPUT | XML_OUTPUT | XML_LIVE | XML_STATUS) ||
            !xml_row_applies(row, pattern))
            continue;
        if (row->kind == XML_KIND_EMBED
                ? !xml_covers(row->schema, asked, is)
                : xml_row_is_set(row, asked) &&
                      (!xml_row_applies(row, object) || !member_covers(row, asked, is)))
            return false;
    }
    return true;
}

/* ---- what differs ---- */

/* A row's path up to the "." or "/." that means the element itself. */
static int length_of(const char *place)
{
    size_t length = strlen(place);

    if (length && place[length - 1] == '.')
        length--;
    return (int)(length && place[length - 1] == '/' ? length - 1 : length);
}

static char *join(const char *place, char *below)
{
    g_autofree char *owned = below;
    int length = length_of(place);

    if (!owned || !length)
        return g_steal_pointer(&owned);
    return *owned ? g_strdup_printf("%.*s/%s", length, place, owned)
                  : g_strndup(place, (gsize)length);
}

static char *member_difference(const struct xml_row *row, const void *is, const void *asked)
{
    if (row->kind == XML_KIND_EMBED)
        return join(row->path, xml_difference(row->schema, is, asked));
    if (row->kind == XML_KIND_CHILD && *(void *const *)is && *(void *const *)asked)
        return join(row->path,
                    xml_difference(row->schema, *(void *const *)is, *(void *const *)asked));
    return members_equal(row, is, asked) ? NULL : g_strndup(row->path, (gsize)length_of(row->path));
}

char *xml_difference(const struct xml_schema *schema, const void *is, const void *asked)
{
    char *difference = NULL;

    for (unsigned i = 0; i < schema->n_rows && !difference; i++) {
        const struct xml_row *row = &schema->rows[i];

        if (concerns_comparison(row, is, asked) && !(row->flags & (XML_LIVE | XML_STATUS)))
            difference = member_difference(row, (const char *)is + row->offset,
                                           (const char *)asked + row->offset);
    }
    return difference;
}

/* ---- ABI ---- */

static int compare_struct(const struct xml_schema *schema, const void *source, const void *target,
                          GString *path, GError **error);

/* "'virtio'", "absent", or "present" for what is no text or a secret: for messages. */
static char *show(const struct xml_row *row, const void *member)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!xml_row_is_set(row, member))
        return g_strdup("absent");
    if ((row->kind != XML_KIND_SCALAR && row->kind != XML_KIND_SIZE) || row->flags & XML_SECURE)
        return g_strdup("present");
    row->type->format(row, member, text);
    return g_strdup_printf("'%s'", text->str);
}

static int differs(const struct xml_row *row, const char *path, const void *source,
                   const void *target, GError **error)
{
    g_autofree char *is = show(row, source), *asked = show(row, target);

    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "Target %s (%s) does not match source (%s)", path,
              asked, is);
    return -1;
}

static int compare_lists(const struct xml_row *row, const struct xml_list *source,
                         const struct xml_list *target, GString *path, GError **error)
{
    size_t length = path->len;

    if (row->flags & XML_ABI && source->count != target->count) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "Target count of %s (%u) does not match source (%u)", path->str, target->count,
                  source->count);
        return -1;
    }
    for (unsigned i = 0; i < MIN(source->count, target->count); i++) {
        g_string_append_printf(path, "[%u]", i + 1);
        if (compare_struct(row->schema, source->items[i], target->items[i], path, error) < 0)
            return -1;
        g_string_truncate(path, length);
    }
    return 0;
}

static void fill_defaults(const struct xml_schema *schema, char *object)
{
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];

        if (!xml_row_applies(row, object))
            continue;
        if (row->kind == XML_KIND_EMBED)
            fill_defaults(row->schema, object + row->offset);
        else if (row->fallback)
            xml_type_set_number(row, object + row->offset, row->fallback);
    }
}

/* What an element that is not there means. */
static char *new_empty(const struct xml_schema *schema)
{
    char *object = g_malloc0(schema->size);

    fill_defaults(schema, object);
    return object;
}

static int compare_children(const struct xml_row *row, const void *source, const void *target,
                            GString *path, GError **error)
{
    const void *is = *(void *const *)source, *asked = *(void *const *)target;
    g_autofree char *absent = NULL;

    if (!is && !asked)
        return 0;
    if (row->flags & XML_ABI && (!is || !asked))
        return differs(row, path->str, source, target, error);
    if (!is || !asked)
        absent = new_empty(row->schema);
    return compare_struct(row->schema, is ? is : absent, asked ? asked : absent, path, error);
}

static int compare_member(const struct xml_row *row, const void *source, const void *target,
                          GString *path, GError **error)
{
    switch ((enum xml_row_kind)row->kind) {
    case XML_KIND_LIST:
        return compare_lists(row, source, target, path, error);
    case XML_KIND_CHILD:
        return compare_children(row, source, target, path, error);
    case XML_KIND_EMBED:
        return compare_struct(row->schema, source, target, path, error);
    default:
        if (row->flags & XML_ABI && !members_equal(row, source, target))
            return differs(row, path->str, source, target, error);
        return 0;
    }
}

static void append_place(GString *path, const char *place)
{
    int length = length_of(place);

    if (length)
        g_string_append_printf(path, "%s%.*s", path->len ? "/" : "", length, place);
}

static int compare_struct(const struct xml_schema *schema, const void *source, const void *target,
                          GString *path, GError **error)
{
    size_t length = path->len;

    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];

        if (row->flags & XML_HOST || !concerns_comparison(row, source, target))
            continue;
        append_place(path, row->path);
        if (compare_member(row, (const char *)source + row->offset,
                           (const char *)target + row->offset, path, error) < 0)
            return -1;
        g_string_truncate(path, length);
    }
    return 0;
}

int xml_compare_abi(const struct xml_schema *schema, const void *source, const void *target,
                    GError **error)
{
    g_autoptr(GString) path = g_string_new(NULL);

    return compare_struct(schema, source, target, path, error);
}

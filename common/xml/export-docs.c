/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "xml/export.h"
#include "xml/plan.h"

static const struct {
    enum xml_flag flag;
    const char *words;
} flag_words[] = {
    {XML_REQUIRED, "required"},
    {XML_NEEDED, "required with its element"},
    {XML_EXPECTED, "required with its element where validated"},
    {XML_ABI, "fixed for a running guest"},
    {XML_SECURE, "secret"},
    {XML_LIVE, "of running objects"},
    {XML_INACTIVE, "of inactive XML"},
    {XML_NOT_MIGRATED, "not migrated"},
    {XML_STATUS, "of status files"},
    {XML_INPUT, "old spelling, read only"},
    {XML_OUTPUT, "written, ignored when read"},
    {XML_BLANK, "absent when empty"},
};

/* Names of sections must differ where tables have the same element. */
static char *title_of(const GPtrArray *schemas, const struct xml_schema *schema)
{
    unsigned same = 0;

    for (unsigned i = 0; i < schemas->len; i++) {
        const struct xml_schema *other = g_ptr_array_index(schemas, i);

        if (other == schema)
            break;
        same += strcmp(other->name, schema->name) == 0;
    }
    return same ? g_strdup_printf("%s %u", schema->name, same + 1) : g_strdup(schema->name);
}

static void append_link(GString *out, const GPtrArray *schemas, const struct xml_schema *schema)
{
    g_autofree char *title = title_of(schemas, schema);
    g_autofree char *anchor = g_ascii_strdown(title, -1);

    g_strdelimit(anchor, " ", '-');
    g_string_append_printf(out, "[%s](#%s)", title, anchor);
}

static void append_words(GString *out, const struct names *names, uint64_t mask)
{
    const char *comma = "";

    for (unsigned i = 0; i < names->count; i++) {
        if (!names->words[i] || (i < 64 && !(mask >> i & 1)))
            continue;
        g_string_append_printf(out, "%s`%s`", comma, names->words[i]);
        comma = ", ";
    }
}

/* As it is written in a document. */
static void append_default(GString *out, const struct xml_row *row)
{
    g_autoptr(GString) word = g_string_new(NULL);
    union {
        uint64_t number;
        struct opt_ulong optional;
    } member = {0}; /* as large as any number's */

    xml_type_set_number(row, &member, row->fallback);
    row->type->format(row, &member, word);
    g_string_append_printf(out, "; default %s", word->str);
}

/* What is asked of it where a document is validated. */
static void append_form(GString *out, const struct xml_row *row)
{
    if (row->form || row->form_min || row->form_max)
        g_string_append(out, "; validated: ");
    if (row->form == &xml_type_enum)
        append_words(out, row->names, UINT64_MAX);
    else if (row->form)
        g_string_append(out, row->form->name);
    if (row->form_min || row->form_max)
        g_string_append_printf(out, "%" PRId64 " to %" PRId64, row->form_min, row->form_max);
}

static void append_scalar(GString *out, const struct xml_row *row)
{
    if (row->type == &xml_type_enum)
        append_words(out, row->names, UINT64_MAX);
    else
        g_string_append(out, row->type->name);
    if (row->kind == XML_KIND_SIZE)
        g_string_append_printf(out, " of %s, or with a `unit`", row->unit);
    if (row->min || row->max)
        g_string_append_printf(out, ", %" PRId64 " to %" PRId64, row->min, row->max);
    append_form(out, row);
    if (row->fallback)
        append_default(out, row);
}

static void append_type(GString *out, const GPtrArray *schemas, const struct xml_row *row)
{
    switch ((enum xml_row_kind)row->kind) {
    case XML_KIND_SCALAR:
    case XML_KIND_SIZE:
        append_scalar(out, row);
        return;
    case XML_KIND_FLAG:
    case XML_KIND_ELEMENT:
        g_string_append(out, "element, there or not");
        return;
    case XML_KIND_RAW:
        g_string_append(out, "any XML");
        return;
    case XML_KIND_STRINGS:
        g_string_append(out, "text, any number of times");
        return;
    case XML_KIND_CHILD:
    case XML_KIND_EMBED:
        append_link(out, schemas, row->schema);
        return;
    case XML_KIND_LIST:
        append_link(out, schemas, row->schema);
        g_string_append(out, ", any number of times");
        return;
    case XML_KIND_HOOK:
        g_string_append(out, "special");
        return;
    }
}

/* "; when @type is `file`, `block`" */
static void append_condition(GString *out, const struct xml_schema *schema,
                             const struct xml_row *row)
{
    for (unsigned i = 0; row->when_mask && i < schema->n_rows; i++) {
        const struct xml_row *other = &schema->rows[i];

        if (other->offset != row->when_offset || other->type != &xml_type_enum)
            continue;
        g_string_append_printf(out, "; when `%s` is ", other->path);
        append_words(out, other->names, row->when_mask);
        return;
    }
}

static void append_row(GString *out, const GPtrArray *schemas, const struct xml_schema *schema,
                       const struct xml_row *row)
{
    g_string_append_printf(out, "| `%s` | ", row->path);
    append_type(out, schemas, row);
    g_string_append_printf(out, " | %s",
                           row->doc                      ? row->doc
                           : row->kind == XML_KIND_EMBED ? row->schema->doc
                                                         : "");
    append_condition(out, schema, row);
    for (size_t i = 0; i < G_N_ELEMENTS(flag_words); i++)
        if (row->flags & flag_words[i].flag)
            g_string_append_printf(out, "; %s", flag_words[i].words);
    g_string_append(out, " |\n");
}

static void append_section(GString *out, const GPtrArray *schemas, const struct xml_schema *schema)
{
    g_autofree char *title = title_of(schemas, schema);

    g_string_append_printf(out, "\n## %s\n\n", title);
    if (schema->doc)
        g_string_append_printf(out, "%s.\n\n", schema->doc);
    g_string_append(out, "| place | value | meaning |\n| --- | --- | --- |\n");
    for (unsigned i = 0; i < schema->n_rows; i++)
        if (!(schema->rows[i].flags & XML_HIDDEN))
            append_row(out, schemas, schema, &schema->rows[i]);
}

char *xml_export_markdown(const struct xml_schema *schema)
{
    g_autoptr(GPtrArray) schemas = g_ptr_array_new();
    GString *out = g_string_new(NULL);

    xml_schema_collect(schema, schemas);
    g_string_append_printf(out, "# The %s document\n", schema->name);
    for (unsigned i = 0; i < schemas->len; i++)
        append_section(out, schemas, g_ptr_array_index(schemas, i));
    return g_string_free(out, FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "xml/plan.h"

/* ---- every table reachable from one ---- */

void xml_schema_collect(const struct xml_schema *schema, GPtrArray *found)
{
    if (g_ptr_array_find(found, schema, NULL))
        return;
    g_ptr_array_add(found, (gpointer)schema);
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *row = &schema->rows[i];

        if (row->kind == XML_KIND_CHILD || row->kind == XML_KIND_EMBED ||
            row->kind == XML_KIND_LIST)
            xml_schema_collect(row->schema, found);
    }
}

void xml_schema_count(const struct xml_schema *schema, unsigned *ret_rows, unsigned *ret_hooks)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    unsigned rows = 0, hooks = 0;

    xml_schema_collect(schema, found);
    for (unsigned i = 0; i < found->len; i++) {
        const struct xml_schema *one = g_ptr_array_index(found, i);

        rows += one->n_rows;
        for (unsigned j = 0; j < one->n_rows; j++)
            hooks += one->rows[j].kind == XML_KIND_HOOK;
    }
    *ret_rows = rows;
    *ret_hooks = hooks;
}

/* ---- mistakes ---- */

static bool has_member(const struct xml_row *row)
{
    return row->kind != XML_KIND_HOOK && row->kind != XML_KIND_ELEMENT;
}

static bool is_scalar(const struct xml_row *row)
{
    return row->kind == XML_KIND_SCALAR || row->kind == XML_KIND_SIZE;
}

static bool is_alias(const struct xml_row *row)
{
    return row->flags & (XML_INPUT | XML_OUTPUT);
}

static const char *find_form_mistake(const struct xml_row *row)
{
    bool ranged = row->form_min || row->form_max;

    if (!is_scalar(row))
        return row->form || ranged ? "FORM and FORM_RANGE are for scalars" : NULL;
    if (row->form && !row->type->payload_unaligned)
        return "FORM is for strings";
    if (row->form && row->form->size > XML_FORM_MOST)
        return "the type of its FORM is too large";
    if (row->form == &xml_type_enum && !row->names)
        return "no WORDS";
    if (row->flags & XML_BLANK && row->type == &xml_type_string && !row->form)
        return "a string with XML_BLANK has a FORM, which refuses the blank";
    if (ranged && (row->type == &xml_type_string || row->type == &xml_type_enum))
        return "FORM_RANGE is for numbers";
    return NULL;
}

static const char *find_type_mistake(const struct xml_row *row)
{
    if (!is_scalar(row))
        return row->fallback || row->min || row->max ? "DEFAULT and RANGE are for scalars" : NULL;
    if (!row->type || !row->type->parse || !row->type->format)
        return "the type cannot read and write";
    if (row->type->size && row->type->size != row->size)
        return "the member has not the size of the type";
    if (row->type == &xml_type_enum && !row->names)
        return "no names";
    if (row->kind == XML_KIND_SIZE && (row->min || row->max))
        return "a size has no RANGE";
    if (row->fallback && row->base &&
        (row->type == &xml_type_yes_no || row->type == &xml_type_on_off))
        return "a bool has no DEFAULT: use a tristate";
    if (row->fallback && row->flags & XML_REQUIRED)
        return "what is required needs no DEFAULT";
    return NULL;
}

static bool has_earlier_discriminator(const struct xml_schema *schema, const struct xml_row *row)
{
    for (const struct xml_row *other = schema->rows; other < row; other++) {
        unsigned end = other->offset + other->size;

        if (has_member(other) && other->offset <= row->when_offset && row->when_offset < end)
            return true;
    }
    return false;
}

static bool has_main_row(const struct xml_schema *schema, const struct xml_row *row)
{
    for (unsigned i = 0; i < schema->n_rows; i++) {
        const struct xml_row *other = &schema->rows[i];

        if (has_member(other) && !is_alias(other) && other->offset == row->offset)
            return true;
    }
    return false;
}

static bool has_twin(const struct xml_schema *schema, const struct xml_row *row)
{
    for (const struct xml_row *other = schema->rows; other < row; other++)
        if (is_scalar(other) && !is_alias(other) && !other->when_mask &&
            !(other->flags & XML_HIDDEN) && strcmp(other->path, row->path) == 0)
            return true;
    return false;
}

static const char *find_mistake(const struct xml_schema *schema, const struct xml_row *row)
{
    bool hidden = row->flags & XML_HIDDEN;

    if (!row->path || !*row->path)
        return "no path";
    if (!hidden && row->kind != XML_KIND_EMBED && !(row->doc && *row->doc))
        return "no doc text";
    if (has_member(row) && row->offset + row->size > schema->size)
        return "the member is not in the table's struct";
    if (row->when_mask && !has_earlier_discriminator(schema, row))
        return "the member of its WHEN has no row before this one";
    if (row->flags & XML_HERE && (!row->when_mask || strchr(row->path, '/')))
        return "XML_HERE is for one element, and has a WHEN";
    if (is_alias(row) && has_member(row) && !has_main_row(schema, row))
        return "XML_INPUT and XML_OUTPUT are for a member that has a row without them";
    if (is_scalar(row) && !hidden && !is_alias(row) && !row->when_mask && has_twin(schema, row))
        return "the path is there twice";
    return find_form_mistake(row) ?: find_type_mistake(row);
}

GPtrArray *xml_schema_lint(const struct xml_schema *schema)
{
    GPtrArray *mistakes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    xml_schema_collect(schema, found);
    for (unsigned i = 0; i < found->len; i++) {
        const struct xml_schema *one = g_ptr_array_index(found, i);
        unsigned before = mistakes->len;

        for (unsigned j = 0; j < one->n_rows; j++) {
            const char *mistake = find_mistake(one, &one->rows[j]);

            if (mistake)
                g_ptr_array_add(mistakes, g_strdup_printf("%s: row '%s': %s", one->name,
                                                          one->rows[j].path ?: "", mistake));
        }
        if (mistakes->len == before)
            xml_plan_lint(one, mistakes);
    }
    return mistakes;
}

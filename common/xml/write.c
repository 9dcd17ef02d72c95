/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "xml/plan.h"
#include "xml/raw.h"
#include "xml/text.h"
#include "xml/xml.h"

#define STEP 2 /* spaces of indentation */
#define MAX_USED 8

/* Namespaces met inside of an element whose table has some; declared on it at the end. */
struct scope {
    const struct xml_item *used[MAX_USED];
    unsigned count;
};

struct writer {
    GString *out;
    GString *scratch; /* text of one scalar, before escaping */
    struct scope *scope;
    unsigned flags; /* enum xml_write_flag */
};

/* An element that is being written: it is kept only if something in it, or about it, is. */
struct element {
    struct writer *writer;
    const char *prefix, *name;
    unsigned indent;
    bool forced; /* kept though empty */
    bool has_text;
    size_t start;   /* of the element, in the output */
    size_t tag_end; /* of its name and attributes */
    size_t name_end;
    bool spread; /* empty, its end tag is in a line of its own */
};

static bool is_chosen(const struct writer *writer, const struct xml_item *item)
{
    unsigned row = item->row->flags, flags = writer->flags;

    return !(row & XML_INPUT) && (!(row & XML_SECURE) || flags & XML_WRITE_SECURE) &&
           (!(row & XML_LIVE) || !(flags & XML_WRITE_INACTIVE)) &&
           (!(row & XML_INACTIVE) || flags & XML_WRITE_INACTIVE) &&
           (!(row & XML_NOT_MIGRATED) || !(flags & XML_WRITE_MIGRATABLE)) &&
           (!(row & XML_STATUS) || flags & XML_WRITE_STATUS);
}

static void use_namespace(struct writer *writer, const struct xml_item *item)
{
    struct scope *scope = writer->scope;

    for (unsigned i = 0; i < scope->count; i++)
        if (scope->used[i]->prefix == item->prefix)
            return;
    if (scope->count < MAX_USED)
        scope->used[scope->count++] = item;
}

/* ---- scalars ---- */

/* The scalar's text in writer->scratch; false when there is none to write. */
static bool format_scalar(struct writer *writer, const struct xml_row *row, const void *member)
{
    bool set = xml_row_is_set(row, member), always = row->flags & XML_ALWAYS;

    if (!set && !always)
        return false;
    if (set && !always && row->fallback &&
        xml_type_get_number(row, member) == (uint64_t)(int64_t)row->fallback)
        return false;
    g_string_truncate(writer->scratch, 0);
    row->type->format(row, member, writer->scratch);
    return set || writer->scratch->len > 0;
}

static void append_attribute(struct writer *writer, const char *name, const char *value)
{
    g_string_append_c(writer->out, ' ');
    g_string_append(writer->out, name);
    g_string_append(writer->out, "='");
    xml_append_attribute_value(writer->out, value);
    g_string_append_c(writer->out, '\'');
}

static void write_attribute(struct writer *writer, const struct xml_item *item, const void *object)
{
    if (!format_scalar(writer, item->row, (const char *)object + item->offset))
        return;
    append_attribute(writer, item->name, writer->scratch->str);
    if (item->row->kind == XML_KIND_SIZE)
        append_attribute(writer, "unit", item->row->unit);
}

static void write_hook(const struct xml_item *item, const void *object, struct writer *writer,
                       unsigned indent)
{
    const struct xml_hook *hook = item->row->hook;
    const char *base = (const char *)object + item->offset;

    if (hook->write && (!hook->is_set || hook->is_set(base)))
        hook->write(base, indent, writer->flags, writer->out);
}

/* ---- start and end of elements ---- */

static struct element begin_element(struct writer *writer, const char *prefix, const char *name,
                                    unsigned indent)
{
    struct element element = {.writer = writer,
                              .prefix = prefix,
                              .name = name,
                              .indent = indent,
                              .start = writer->out->len};

    xml_append_indent(writer->out, indent);
    g_string_append_c(writer->out, '<');
    if (prefix) {
        g_string_append(writer->out, prefix);
        g_string_append_c(writer->out, ':');
    }
    g_string_append(writer->out, name);
    element.name_end = writer->out->len;
    return element;
}

/* After the attributes: content may follow. */
static void begin_content(struct element *element)
{
    element->tag_end = element->writer->out->len;
    element->forced |= element->tag_end > element->name_end;
    g_string_append_c(element->writer->out, '>');
}

/* Before the first child element. */
static void begin_children(struct element *element)
{
    g_string_append_c(element->writer->out, '\n');
}

static void end_tag(struct element *element)
{
    GString *out = element->writer->out;

    g_string_append(out, "</");
    if (element->prefix) {
        g_string_append(out, element->prefix);
        g_string_append_c(out, ':');
    }
    g_string_append(out, element->name);
    g_string_append(out, ">\n");
}

/* Everything in the element has been written: from children_start on are its children. */
static void end_element(struct element *element, size_t children_start)
{
    GString *out = element->writer->out;
    bool has_children = out->len > children_start;

    if (has_children) {
        xml_append_indent(out, element->indent);
        end_tag(element);
    } else if (element->has_text) {
        g_string_truncate(out, children_start - 1); /* without the line end */
        end_tag(element);
    } else if (element->forced && element->spread) {
        xml_append_indent(out, element->indent);
        end_tag(element);
    } else if (element->forced) {
        g_string_truncate(out, element->tag_end);
        g_string_append(out, "/>\n");
    } else {
        g_string_truncate(out, element->start);
    }
}

/* ---- items: first the attributes of an element, then its text, then its children ---- */

static const void *group_of(const struct xml_item *item, const void *object)
{
    return *(void *const *)((const char *)object + item->offset);
}

static void write_attributes(struct element *element, const struct xml_place *place,
                             const void *object)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];

        if (!is_chosen(element->writer, item) || !xml_item_applies(item, object))
            continue;
        if (item->kind == XML_ITEM_ATTRIBUTE)
            write_attribute(element->writer, item, object);
        else if (item->kind == XML_ITEM_HOOK && strchr(item->row->path, '@'))
            write_hook(item, object, element->writer, 0);
        else if (item->kind == XML_ITEM_TEXT && item->row->kind == XML_KIND_SIZE &&
                 format_scalar(element->writer, item->row, (const char *)object + item->offset))
            append_attribute(element->writer, "unit", item->row->unit);
        else if (item->kind == XML_ITEM_GROUP && group_of(item, object))
            write_attributes(element, xml_plan_of(item->schema), group_of(item, object));
    }
}

/* Also finds out whether the element is to be there even when empty. */
static void write_text(struct element *element, const struct xml_place *place, const void *object)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];

        if (!is_chosen(element->writer, item) || !xml_item_applies(item, object))
            continue;
        if (item->kind == XML_ITEM_TEXT) {
            if (!format_scalar(element->writer, item->row, (const char *)object + item->offset))
                continue;
            xml_append_text(element->writer->out, element->writer->scratch->str);
            element->has_text = true;
        } else if (item->kind == XML_ITEM_PRESENCE) {
            element->spread |= (item->row->flags & XML_SPREAD) != 0;
            element->forced |= item->row->kind == XML_KIND_ELEMENT
                                   ? (item->row->flags & XML_ALWAYS) != 0
                                   : *((const bool *)object + item->offset);
        } else if (item->kind == XML_ITEM_GROUP && group_of(item, object)) {
            element->forced |= !item->optional;
            element->spread |= item->schema->spread;
            write_text(element, xml_plan_of(item->schema), group_of(item, object));
        }
    }
}

static void write_children(struct writer *writer, const struct xml_place *place, const void *object,
                           unsigned indent);

static void write_plain_element(struct writer *writer, const char *prefix, const char *name,
                                const struct xml_place *place, const void *object, unsigned indent,
                                bool forced)
{
    struct element element = begin_element(writer, prefix, name, indent);

    element.forced = forced;
    write_attributes(&element, place, object);
    begin_content(&element);
    write_text(&element, place, object);
    begin_children(&element);
    size_t children_start = writer->out->len;
    write_children(writer, place, object, indent + STEP);
    end_element(&element, children_start);
}

/* ---- namespaces ---- */

/* Right behind the start tag's attributes: where the first tag after start ends. */
static size_t find_tag_end(const GString *out, size_t start)
{
    size_t end = start + strcspn(out->str + start, ">");

    return out->str[end - 1] == '/' ? end - 1 : end;
}

static void declare_namespaces(struct writer *writer, const struct scope *scope, size_t start)
{
    g_autoptr(GString) declarations = g_string_new(NULL);

    if (!scope->count || writer->out->len == start)
        return;
    for (unsigned i = 0; i < scope->count; i++)
        g_string_append_printf(declarations, " xmlns:%s='%s'", scope->used[i]->prefix,
                               scope->used[i]->uri);
    g_string_insert_len(writer->out, (gssize)find_tag_end(writer->out, start), declarations->str,
                        (gssize)declarations->len);
}

/* The outermost element, and a document inside of another, declare what is used in them. */
static void write_element(struct writer *writer, const char *prefix, const char *name,
                          const struct xml_place *place, const void *object, unsigned indent,
                          bool forced)
{
    struct scope scope = {.count = 0}, *outer = writer->scope;
    size_t start = writer->out->len;

    if (outer && (!place->has_namespaces || prefix)) {
        write_plain_element(writer, prefix, name, place, object, indent, forced);
        return;
    }
    writer->scope = &scope;
    write_plain_element(writer, prefix, name, place, object, indent, forced);
    declare_namespaces(writer, &scope, start);
    writer->scope = outer;
}

/* An empty element just written gets its end tag in a line of its own, as the ecosystem has it for
 * a few. */
static void spread_empty(struct writer *writer, const char *name, unsigned indent)
{
    GString *out = writer->out;

    if (!g_str_has_suffix(out->str, "/>\n"))
        return;
    g_string_truncate(out, out->len - strlen("/>\n"));
    g_string_append(out, ">\n");
    xml_append_indent(out, indent);
    g_string_append_printf(out, "</%s>\n", name);
}

/* An element with a table of its own. */
static void write_struct(struct writer *writer, const char *prefix, const char *name,
                         const struct xml_schema *schema, const void *object, unsigned indent)
{
    size_t start = writer->out->len;

    write_element(writer, prefix, name, xml_plan_of(schema), object, indent, true);
    if (schema->spread &&
        strchr(writer->out->str + start, '\n') + 1 == writer->out->str + writer->out->len)
        spread_empty(writer, name, indent);
}

/* ---- children ---- */

static void write_string(struct writer *writer, const struct xml_item *item, const char *string,
                         unsigned indent)
{
    struct element element = begin_element(writer, item->prefix, item->name, indent);

    if (item->attribute)
        append_attribute(writer, item->attribute, string);
    begin_content(&element);
    element.forced = true;
    element.has_text = !item->attribute;
    if (!item->attribute)
        xml_append_text(writer->out, string);
    begin_children(&element);
    end_element(&element, writer->out->len);
}

static void write_list(struct writer *writer, const struct xml_item *item, const void *object,
                       unsigned indent)
{
    const struct xml_list *list = (const struct xml_list *)((const char *)object + item->offset);

    for (unsigned i = 0; i < list->count; i++)
        if (item->kind == XML_ITEM_STRINGS)
            write_string(writer, item, list->items[i], indent);
        else
            write_struct(writer, item->prefix, item->name, item->schema, list->items[i], indent);
}

static void write_raw(struct writer *writer, const struct xml_item *item, const void *object,
                      unsigned indent)
{
    const char *raw = *(char *const *)((const char *)object + item->offset);

    if (raw)
        raw_write(raw, indent, writer->out);
}

static void write_child(struct writer *writer, const struct xml_item *item, const void *object,
                        unsigned indent)
{
    switch ((enum xml_item_kind)item->kind) {
    case XML_ITEM_PLACE:
        if (!xml_place_is_quiet(item->place, object))
            write_element(writer, item->prefix, item->name, item->place, object, indent, false);
        return;
    case XML_ITEM_GROUP:
        if (group_of(item, object))
            write_children(writer, xml_plan_of(item->schema), group_of(item, object), indent);
        return;
    case XML_ITEM_LIST:
    case XML_ITEM_STRINGS:
        write_list(writer, item, object, indent);
        return;
    case XML_ITEM_RAW:
        write_raw(writer, item, object, indent);
        return;
    case XML_ITEM_HOOK:
        if (!strchr(item->row->path, '@'))
            write_hook(item, object, writer, indent);
        return;
    case XML_ITEM_ATTRIBUTE:
    case XML_ITEM_TEXT:
    case XML_ITEM_PRESENCE:
    case XML_ITEM_CHECK:
        return;
    }
}

static void write_children(struct writer *writer, const struct xml_place *place, const void *object,
                           unsigned indent)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];
        size_t start = writer->out->len;

        /* A place has the flags of its rows one by one, not those of the row that came first. */
        if (item->kind != XML_ITEM_PLACE && !is_chosen(writer, item))
            continue;
        if (!xml_item_applies(item, object))
            continue;
        write_child(writer, item, object, indent);
        if (item->prefix && writer->out->len > start)
            use_namespace(writer, item);
    }
}

/* ---- documents ---- */

void xml_write_part(const struct xml_schema *schema, const void *object, unsigned flags,
                    unsigned indent, GString *out)
{
    g_autoptr(GString) scratch = g_string_new(NULL);
    struct writer writer = {.out = out, .scratch = scratch, .flags = flags};

    write_struct(&writer, NULL, schema->name, schema, object, indent);
}

char *xml_write(const struct definition *definition, unsigned flags)
{
    GString *out = g_string_sized_new(4096);

    xml_write_part(definition->schema, definition, flags, 0, out);
    return g_string_free(out, FALSE);
}

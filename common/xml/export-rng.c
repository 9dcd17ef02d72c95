/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "xml/export.h"
#include "xml/plan.h"
#include "xml/raw.h"
#include "xml/text.h"

#define ANYTHING "<ref name=\"anything\"/>"
#define UNIT                                                                                       \
    "<data type=\"string\"><param name=\"pattern\">[bB]([yY][tT][eE][sS]?)?|"                      \
    "[kKmMgGtTpPeE]([iI]?[bB])?</param></data>"
#define FOREIGN_ATTRIBUTES "<ref name=\"foreign-attributes\"/>"
#define FOREIGN_ELEMENTS "<ref name=\"foreign-elements\"/>"

/* An attribute or a child element; rows under different conditions may have given it more patterns
 * than one. */
struct part {
    const char *name, *uri;
    GPtrArray *patterns;
    bool required, many;
};

/* What an element may have. */
struct content {
    GPtrArray *attributes, *children; /* struct part */
    GPtrArray *texts;                 /* patterns */
    bool text_required;
};

struct exporter {
    GPtrArray *schemas; /* in the order of their definitions */
    GPtrArray *inlined; /* groups on the way, against endless recursion */
};

/* ---- parts ---- */

static void part_free(void *data)
{
    struct part *part = data;

    g_ptr_array_unref(part->patterns);
    g_free(part);
}

static struct part *get_part(GPtrArray *parts, const char *name, const char *uri)
{
    for (unsigned i = 0; i < parts->len; i++) {
        struct part *part = g_ptr_array_index(parts, i);

        if (strcmp(part->name, name) == 0 && g_strcmp0(part->uri, uri) == 0)
            return part;
    }
    struct part *part = g_new0(struct part, 1);
    *part =
        (struct part){.name = name, .uri = uri, .patterns = g_ptr_array_new_with_free_func(g_free)};
    g_ptr_array_add(parts, part);
    return part;
}

static void add_pattern(GPtrArray *patterns, char *pattern)
{
    if (g_ptr_array_find_with_equal_func(patterns, pattern, g_str_equal, NULL))
        g_free(pattern);
    else
        g_ptr_array_add(patterns, pattern);
}

/* pattern is taken. */
static void add_part(GPtrArray *parts, const char *name, const char *uri, char *pattern,
                     bool required)
{
    struct part *part = get_part(parts, name, uri);

    part->required = required && part->patterns->len == 0;
    add_pattern(part->patterns, pattern);
}

/* ---- scalars ---- */

static char *word_pattern(const struct names *names)
{
    GString *out = g_string_new("<choice>");

    for (unsigned i = 0; i < names->count; i++) {
        if (!names->words[i])
            continue;
        g_string_append(out, "<value>");
        xml_append_text(out, names->words[i]);
        g_string_append(out, "</value>");
    }
    g_string_append(out, "</choice>");
    return g_string_free(out, FALSE);
}

static char *number_pattern(const struct xml_row *row)
{
    bool negative = row->type == &xml_type_signed || row->type == &xml_type_opt_int;

    if (row->base == 16)
        return g_strdup("<data type=\"string\"><param name=\"pattern\">"
                        "\\s*(0x[0-9a-fA-F]+|[0-9]+)\\s*</param></data>");
    if (row->base == 8)
        return g_strdup("<data type=\"string\"><param name=\"pattern\">\\s*[0-7]+\\s*</param>"
                        "</data>");
    const char *type = negative ? "integer" : "nonNegativeInteger";
    bool formed = row->form_min || row->form_max;
    if (!row->min && !row->max && !formed)
        return g_strdup_printf("<data type=\"%s\"/>", type);
    return g_strdup_printf("<data type=\"%s\"><param name=\"minInclusive\">%" PRId64 "</param>"
                           "<param name=\"maxInclusive\">%" PRId64 "</param></data>",
                           type, formed ? row->form_min : row->min,
                           formed ? row->form_max : row->max);
}

static bool is_number(const struct xml_type *type)
{
    return type == &xml_type_unsigned || type == &xml_type_signed || type == &xml_type_opt_uint ||
           type == &xml_type_opt_int || type == &xml_type_opt_ulong;
}

static char *scalar_pattern(const struct xml_row *row)
{
    const struct xml_type *type = row->form ?: row->type;

    if (type == &xml_type_enum)
        return word_pattern(row->names);
    if (is_number(type))
        return number_pattern(row);
    return g_strdup(type->rng ?: "<text/>");
}

/* ---- elements ---- */

static char *place_pattern(struct exporter *exporter, const struct xml_place *place);

static char *reference(struct exporter *exporter, const struct xml_schema *schema)
{
    unsigned index;

    g_ptr_array_find(exporter->schemas, schema, &index);
    return g_strdup_printf("<ref name=\"%s-%u\"/>", schema->name, index);
}

/* True if the element must be there when the one around it is. */
static bool place_is_required(const struct xml_place *place)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];

        if (item->kind == XML_ITEM_PLACE ? place_is_required(item->place)
                                         : item->row->flags & XML_REQUIRED && !item->n_conditions)
            return true;
    }
    return false;
}

/* True if the element itself must be there when the one around it is. */
static bool place_is_expected(const struct xml_place *place)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];

        if (item->kind == XML_ITEM_PRESENCE && item->row->flags & XML_EXPECTED &&
            !item->n_conditions)
            return true;
    }
    return false;
}

static char *strings_pattern(const struct xml_item *item)
{
    return item->attribute
               ? g_strdup_printf("<attribute name=\"%s\"/>" FOREIGN_ATTRIBUTES, item->attribute)
               : g_strdup(FOREIGN_ATTRIBUTES "<text/>");
}

static char *hook_pattern(const struct xml_item *item)
{
    return g_strdup(item->row->hook->rng ?: ANYTHING);
}

static void add_items(struct exporter *exporter, const struct xml_place *place, bool conditional,
                      struct content *content);

static void add_group(struct exporter *exporter, const struct xml_item *item,
                      struct content *content)
{
    if (g_ptr_array_find(exporter->inlined, item->schema, NULL))
        return;
    g_ptr_array_add(exporter->inlined, (gpointer)item->schema);
    add_items(exporter, xml_plan_of(item->schema), true, content);
    g_ptr_array_set_size(exporter->inlined, (int)exporter->inlined->len - 1);
}

static void add_scalar(const struct xml_item *item, bool required, struct content *content)
{
    if (item->row->kind == XML_KIND_SIZE)
        add_part(content->attributes, "unit", NULL, g_strdup(UNIT), false);
    if (item->kind == XML_ITEM_ATTRIBUTE) {
        add_part(content->attributes, item->name, NULL, scalar_pattern(item->row), required);
        return;
    }
    content->text_required = required && content->texts->len == 0;
    add_pattern(content->texts, scalar_pattern(item->row));
}

static void add_repeated(const struct xml_item *item, char *pattern, bool required,
                         struct content *content)
{
    add_part(content->children, item->name, item->uri, pattern, required);
    get_part(content->children, item->name, item->uri)->many = true;
}

static void add_item(struct exporter *exporter, const struct xml_item *item, bool required,
                     struct content *content)
{
    switch ((enum xml_item_kind)item->kind) {
    case XML_ITEM_ATTRIBUTE:
    case XML_ITEM_TEXT:
        add_scalar(item, required, content);
        return;
    case XML_ITEM_PLACE:
        add_part(content->children, item->name, item->uri, place_pattern(exporter, item->place),
                 required && (place_is_required(item->place) || place_is_expected(item->place)));
        return;
    case XML_ITEM_GROUP:
        add_group(exporter, item, content);
        return;
    case XML_ITEM_LIST:
        add_repeated(item, reference(exporter, item->schema), required, content);
        return;
    case XML_ITEM_STRINGS:
        add_repeated(item, strings_pattern(item), required, content);
        return;
    case XML_ITEM_RAW:
        add_part(content->children, item->name, item->uri, g_strdup(ANYTHING), required);
        return;
    case XML_ITEM_HOOK:
        if (strchr(item->row->path, '@'))
            add_part(content->attributes, item->name, NULL, g_strdup("<text/>"), false);
        else
            add_repeated(item, hook_pattern(item), false, content);
        return;
    case XML_ITEM_PRESENCE:
    case XML_ITEM_CHECK:
        return;
    }
}

static void add_items(struct exporter *exporter, const struct xml_place *place, bool conditional,
                      struct content *content)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];
        bool private = item->kind == XML_ITEM_PLACE ? item->place->private
                                                    : (item->row->flags & XML_STATUS) != 0;
        bool required = item->kind == XML_ITEM_PLACE
                            ? !conditional
                            : !conditional && !item->n_conditions &&
                                  item->row->flags & (XML_REQUIRED | XML_NEEDED | XML_EXPECTED);

        if (!private)
            add_item(exporter, item, required, content);
    }
}

/* ---- rendering ---- */

static void append_choice(GString *out, const GPtrArray *patterns)
{
    if (patterns->len > 1)
        g_string_append(out, "<choice>");
    for (unsigned i = 0; i < patterns->len; i++)
        if (patterns->len > 1)
            g_string_append_printf(out, "<group>%s</group>",
                                   (const char *)g_ptr_array_index(patterns, i));
        else
            g_string_append(out, g_ptr_array_index(patterns, i));
    if (patterns->len > 1)
        g_string_append(out, "</choice>");
}

static void append_part(GString *out, const char *kind, const struct part *part)
{
    const char *times = part->many && part->required ? "oneOrMore"
                        : part->many                 ? "zeroOrMore"
                        : part->required             ? NULL
                                                     : "optional";

    if (times)
        g_string_append_printf(out, "<%s>", times);
    g_string_append_printf(out, "<%s name=\"%s\" ns=\"%s\">", kind, part->name, part->uri ?: "");
    append_choice(out, part->patterns);
    g_string_append_printf(out, "</%s>", kind);
    if (times)
        g_string_append_printf(out, "</%s>", times);
}

static void append_text_pattern(GString *out, const struct content *content)
{
    if (!content->texts->len)
        return;
    if (!content->text_required)
        g_string_append(out, "<choice><empty/>");
    append_choice(out, content->texts);
    if (!content->text_required)
        g_string_append(out, "</choice>");
}

/* RELAX NG lets no typed text stand beside elements: there it is just text. */
static void append_children(GString *out, const struct content *content)
{
    g_string_append(out, "<interleave>");
    for (unsigned i = 0; i < content->children->len; i++)
        append_part(out, "element", g_ptr_array_index(content->children, i));
    g_string_append(out, FOREIGN_ELEMENTS);
    if (content->texts->len)
        g_string_append(out, "<text/>");
    g_string_append(out, "</interleave>");
}

static char *render(const struct content *content)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; i < content->attributes->len; i++)
        append_part(out, "attribute", g_ptr_array_index(content->attributes, i));
    g_string_append(out, FOREIGN_ATTRIBUTES);
    if (content->texts->len && !content->children->len)
        append_text_pattern(out, content);
    else
        append_children(out, content);
    return g_string_free(out, FALSE);
}

static char *content_pattern(struct exporter *exporter, const struct xml_place *place)
{
    struct content content = {.attributes = g_ptr_array_new_with_free_func(part_free),
                              .children = g_ptr_array_new_with_free_func(part_free),
                              .texts = g_ptr_array_new_with_free_func(g_free)};

    add_items(exporter, place, false, &content);
    char *pattern = render(&content);
    g_ptr_array_unref(content.attributes);
    g_ptr_array_unref(content.children);
    g_ptr_array_unref(content.texts);
    return pattern;
}

/* A child that is one struct and nothing else is a reference, so that tables may be recursive. */
static char *place_pattern(struct exporter *exporter, const struct xml_place *place)
{
    if (place->count == 1 && place->items[0].kind == XML_ITEM_GROUP)
        return reference(exporter, place->items[0].schema);
    return content_pattern(exporter, place);
}

/* ---- the grammar ---- */

static void append_define(GString *out, struct exporter *exporter, unsigned index)
{
    const struct xml_schema *schema = g_ptr_array_index(exporter->schemas, index);
    g_autofree char *pattern = content_pattern(exporter, xml_plan_of(schema));

    g_string_append_printf(out, "<define name=\"%s-%u\">", schema->name, index);
    g_string_append(out, pattern);
    g_string_append(out, "</define>");
}

/* Elements and attributes of other namespaces may stand anywhere. */
static void append_foreign(GString *out, const GPtrArray *schemas)
{
    g_string_append(out, "<define name=\"anything\"><zeroOrMore><choice>"
                         "<attribute><anyName/></attribute><text/>"
                         "<element><anyName/>" ANYTHING "</element>"
                         "</choice></zeroOrMore></define>"
                         "<define name=\"foreign-attributes\"><zeroOrMore><attribute><anyName>"
                         "<except><nsName ns=\"\"/></except></anyName></attribute></zeroOrMore>"
                         "</define><define name=\"foreign-elements\"><zeroOrMore><element><anyName>"
                         "<except><nsName ns=\"\"/>");
    for (unsigned i = 0; i < schemas->len; i++) {
        const struct xml_schema *schema = g_ptr_array_index(schemas, i);

        for (const struct xml_namespace *ns = schema->namespaces; ns && ns->prefix; ns++)
            g_string_append_printf(out, "<nsName ns=\"%s\"/>", ns->uri);
    }
    g_string_append(out,
                    "</except></anyName>" ANYTHING "</element></zeroOrMore></define></grammar>");
}

static char *format(const char *document)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *raw = raw_parse(document, &error);
    GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

    if (!raw)
        g_error("the exported grammar is not XML: %s", error->message);
    raw_write(raw, 0, out);
    return g_string_free(out, FALSE);
}

char *xml_export_rng(const struct xml_schema *schema)
{
    g_autoptr(GPtrArray) schemas = g_ptr_array_new(), inlined = g_ptr_array_new();
    struct exporter exporter = {.schemas = schemas, .inlined = inlined};
    g_autoptr(GString) out =
        g_string_new("<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\" "
                     "datatypeLibrary=\"http://www.w3.org/2001/XMLSchema-datatypes\">");

    xml_schema_collect(schema, schemas);
    g_string_append_printf(out,
                           "<start><element name=\"%s\" ns=\"\"><ref name=\"%s-0\"/>"
                           "</element></start>",
                           schema->name, schema->name);
    for (unsigned i = 0; i < schemas->len; i++)
        append_define(out, &exporter, i);
    append_foreign(out, schemas);
    return format(out->str);
}

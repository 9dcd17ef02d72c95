/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "xml/at.h"
#include "xml/parse.h"
#include "xml/plan.h"
#include "xml/raw.h"
#include "xml/unknown.h"
#include "xml/xml.h"

static int read_items(struct xml_at *at, const struct xml_place *place, void *object, xmlNode *node,
                      GError **error);

/* ---- text of nodes ---- */

/* Borrowed from the tree where it is in one piece, else put together in *storage. */
static const char *text_of(const xmlNode *pieces, char **storage)
{
    g_autoptr(GString) text = NULL;

    if (!pieces)
        return "";
    if (!pieces->next && pieces->type == XML_TEXT_NODE)
        return (const char *)pieces->content;
    text = g_string_new(NULL);
    for (; pieces; pieces = pieces->next)
        if ((pieces->type == XML_TEXT_NODE || pieces->type == XML_CDATA_SECTION_NODE) &&
            pieces->content)
            g_string_append(text, (const char *)pieces->content);
    *storage = g_string_free(g_steal_pointer(&text), FALSE);
    return *storage;
}

/* Without space around: in *storage if that takes a copy. */
static const char *strip(const char *text, char **storage)
{
    size_t length;

    while (g_ascii_isspace(*text))
        text++;
    length = strlen(text);
    if (!length || !g_ascii_isspace(text[length - 1]))
        return text;
    char *copy = g_strchomp(g_strdup(text));
    g_free(*storage);
    return *storage = copy;
}

/* ---- scalars ---- */

static enum error_code code_of(const struct xml_row *row)
{
    return row->code ? row->code : VIR_ERR_XML_ERROR;
}

static enum error_code wrong_code_of(const struct xml_row *row)
{
    if (row->wrong)
        return row->wrong;
    return row->code || !row->type->wrong ? code_of(row) : row->type->wrong;
}

/* Path of an item relative to the element that it is in: "@bus" or "". */
static char *item_path(const struct xml_item *item)
{
    if (item->kind == XML_ITEM_ATTRIBUTE)
        return g_strdup_printf("@%s", item->name);
    return g_strdup(item->name ? item->name : "");
}

static int fail_item_by(struct xml_at *at, const struct xml_item *item, enum error_code code,
                        const char *text, GError **error)
{
    g_autofree char *path = item_path(item);

    return xml_at_set_error(at, path, code, text, error);
}

static int fail_item(struct xml_at *at, const struct xml_item *item, const char *text,
                     GError **error)
{
    return fail_item_by(at, item, code_of(item->row), text, error);
}

static int missing(struct xml_at *at, const struct xml_item *item, const xmlNode *node,
                   GError **error)
{
    bool attribute = item->kind == XML_ITEM_ATTRIBUTE;
    g_autofree char *hint =
        node && item->name ? xml_misspelling_of(node, item->name, attribute) : g_strdup("");
    g_autofree char *text = g_strdup_printf("is missing%s", hint);

    return fail_item(at, item, text, error);
}

/* node is NULL when the element that would have it is not there. */
static int handle_absent(struct xml_at *at, const struct xml_item *item, void *object,
                         const xmlNode *node, GError **error)
{
    void *member = (char *)object + item->offset;
    unsigned needed = xml_at_validates(at) ? XML_NEEDED | XML_EXPECTED : XML_NEEDED;

    if (at->flags & XML_READ_PATTERN)
        return 0;
    if (item->row->flags & XML_REQUIRED || (node && item->row->flags & needed))
        return xml_row_is_set(item->row, member) ? 0 : missing(at, item, node, error);
    if (item->row->fallback && !xml_row_is_set(item->row, member))
        xml_type_set_number(item->row, member, item->row->fallback);
    return 0;
}

/* The unit beside a size: bytes in one of it. */
static int read_unit(struct xml_at *at, const struct xml_row *row, xmlNode *node,
                     uint64_t *ret_factor, GError **error)
{
    xmlAttr *attribute = xml_find_attribute(node, "unit");
    g_autofree char *storage = NULL;
    const char *word;

    *ret_factor = row->unit_factor;
    if (!attribute)
        return 0;
    xml_mark_used(attribute);
    word = text_of(attribute->children, &storage);
    *ret_factor = unit_find(word);
    if (*ret_factor && (*word || !xml_at_validates(at)))
        return 0;
    return xml_at_fail(at, "@unit", VIR_ERR_INVALID_ARG, error,
                       "'%.80s' is not a unit of size like KiB, MiB, GiB", word);
}

static int read_size(struct xml_at *at, const struct xml_item *item, void *member, xmlNode *node,
                     GError **error)
{
    const struct xml_row *row = item->row;
    uint64_t factor, value = xml_type_get_number(row, member);
    uint64_t most = row->size == sizeof(unsigned) ? UINT32_MAX : UINT64_MAX;

    if (read_unit(at, row, node, &factor, error) < 0)
        return -1;
    if (factor == row->unit_factor)
        return 0;
    if (unit_convert(value, factor, row->unit_factor, &value) < 0 || value > most)
        return fail_item_by(at, item, VIR_ERR_OVERFLOW, "is too large", error);
    xml_type_set_number(row, member, (int64_t)value);
    return 0;
}

/* "0" and the like are the same as absent, unless such a row is written all the same. */
static int handle_zero(struct xml_at *at, const struct xml_item *item, void *object,
                       const char *text, GError **error)
{
    const struct xml_row *row = item->row;
    void *member = (char *)object + item->offset;

    if (row->flags & XML_ALWAYS || xml_row_is_set(row, member))
        return 0;
    if (row->flags & (XML_REQUIRED | XML_NEEDED)) {
        g_autofree char *why = g_strdup_printf("'%.80s' is no value, and one is required", text);

        return fail_item(at, item, why, error);
    }
    if (row->fallback)
        xml_type_set_number(row, member, row->fallback);
    return 0;
}

/* What a validated text must be besides. */
static int check_form(struct xml_at *at, const struct xml_item *item, const char *text,
                      GError **error)
{
    const struct xml_row *row = item->row;
    uint64_t scratch[XML_FORM_MOST / sizeof(uint64_t)];
    g_autoptr(GString) problem = g_string_new(NULL);

    if (!xml_at_validates(at) || !row->form ||
        row->form->parse(row, text, at->arena, scratch, problem) == 0)
        return 0;
    return fail_item(at, item, problem->str, error);
}

static int check_form_range(struct xml_at *at, const struct xml_item *item, const void *member,
                            GError **error)
{
    const struct xml_row *row = item->row;

    if (!xml_at_validates(at) || (!row->form_min && !row->form_max))
        return 0;
    int64_t value = (int64_t)xml_type_get_number(row, member); /* not every member is one */
    if (value >= row->form_min && value <= row->form_max)
        return 0;
    g_autofree char *problem = g_strdup_printf(
        "%" PRId64 " is not between %" PRId64 " and %" PRId64, value, row->form_min, row->form_max);
    return fail_item(at, item, problem, error);
}

static int read_scalar(struct xml_at *at, const struct xml_item *item, void *object,
                       const char *text, xmlNode *node, GError **error)
{
    const struct xml_row *row = item->row;
    void *member = (char *)object + item->offset;
    g_autofree char *storage = NULL;

    if (row->flags & XML_INPUT && xml_row_is_set(row, member))
        return 0;
    if (!row->type->keep_space)
        text = strip(text, &storage);
    g_autoptr(GString) problem = g_string_new(NULL);
    if (check_form(at, item, text, error) < 0)
        return -1;
    if (row->type->parse(row, text, at->arena, member, problem) < 0)
        return fail_item_by(at, item, wrong_code_of(row), problem->str, error);
    if (check_form_range(at, item, member, error) < 0)
        return -1;
    if (row->kind == XML_KIND_SIZE && read_size(at, item, member, node, error) < 0)
        return -1;
    return handle_zero(at, item, object, text, error);
}

static int read_attribute(struct xml_at *at, const struct xml_item *item, void *object,
                          xmlNode *node, GError **error)
{
    xmlAttr *attribute = xml_find_attribute(node, item->name);
    g_autofree char *storage = NULL;

    if (!attribute)
        return handle_absent(at, item, object, node, error);
    xml_mark_used(attribute);
    const char *text = text_of(attribute->children, &storage);
    if (!*text && item->row->flags & XML_BLANK && !xml_at_validates(at))
        return handle_absent(at, item, object, node, error);
    return read_scalar(at, item, object, text, node, error);
}

static bool is_empty(const char *text, bool keep_space)
{
    return keep_space ? !*text : !text[strspn(text, " \t\r\n")];
}

static int read_text(struct xml_at *at, const struct xml_item *item, void *object, xmlNode *node,
                     GError **error)
{
    g_autofree char *storage = NULL;
    const char *text = text_of(node->children, &storage);

    if (is_empty(text, item->row->type->keep_space))
        return handle_absent(at, item, object, node, error);
    return read_scalar(at, item, object, text, node, error);
}

/* ---- elements ---- */

static int check(struct xml_at *at, const struct xml_schema *schema, void *object, GError **error)
{
    return schema->check && !(at->flags & XML_READ_PATTERN) ? schema->check(at, object, error) : 0;
}

static int read_struct(struct xml_at *at, const struct xml_schema *schema, void *object,
                       xmlNode *node, GError **error)
{
    const struct xml_place *place = xml_plan_of(schema);

    if (read_items(at, place, object, node, error) < 0 ||
        xml_report_unknown(at, place, object, node, error) < 0)
        return -1;
    return check(at, schema, object, error);
}

/* Steps into an element for the time of one call. */
#define AT_ELEMENT(at, element, position)                                                          \
    struct xml_step step = {.up = (at)->step,                                                      \
                            .name = (const char *)(element)->name,                                 \
                            .index = (position),                                                   \
                            .node = (element)};                                                    \
    (at)->step = &step

static xmlNode *find_element(const struct xml_item *item, xmlNode *from)
{
    while (from && (xml_is_used(from) || !xml_item_names(item, from)))
        from = from->next;
    return from;
}

/* around is NULL when the element around it is not there either. */
static int handle_absent_element(struct xml_at *at, const struct xml_item *item,
                                 const xmlNode *around, GError **error)
{
    bool expected = item->row->kind == XML_KIND_ELEMENT && item->row->flags & XML_EXPECTED;

    if (!around || !expected || !xml_at_validates(at))
        return 0;
    return xml_at_set_error(at, "", code_of(item->row), "is missing", error);
}

/* DEFAULT and XML_REQUIRED of the rows in an element that is not there. */
static int read_absent_place(struct xml_at *at, const struct xml_item *item, void *object,
                             const xmlNode *around, GError **error)
{
    struct xml_step step = {.up = at->step, .name = item->name, .node = at->step->node};
    int result = 0;

    if (!item->place->speaks_absent)
        return 0;
    at->step = &step;
    for (unsigned i = 0; i < item->place->count && result == 0; i++) {
        const struct xml_item *inner = &item->place->items[i];

        if (!xml_item_applies(inner, object))
            continue;
        if (inner->kind == XML_ITEM_PLACE)
            result = read_absent_place(at, inner, object, NULL, error);
        else if (inner->kind == XML_ITEM_PRESENCE)
            result = handle_absent_element(at, inner, around, error);
        else if (inner->kind != XML_ITEM_CHECK)
            result = handle_absent(at, inner, object, NULL, error);
    }
    at->step = step.up;
    return result;
}

static int read_place(struct xml_at *at, const struct xml_item *item, void *object, xmlNode *node,
                      GError **error)
{
    xmlNode *child = find_element(item, node->children);

    if (!child)
        return read_absent_place(at, item, object, node, error);
    xml_mark_used(child);
    xmlNode *second = item->place->once ? find_element(item, child->next) : NULL;
    AT_ELEMENT(at, second ? second : child, 0);
    int result = second ? xml_at_set_error(at, "", VIR_ERR_XML_ERROR, "is there twice", error)
                        : read_items(at, item->place, object, child, error);
    if (result == 0)
        result = xml_report_unknown(at, item->place, object, child, error);
    at->step = step.up;
    return result;
}

/* True if node has anything that a row of place would read. */
static bool has_any(const struct xml_place *place, const xmlNode *node)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];
        xmlAttr *attribute;

        if (item->kind == XML_ITEM_ATTRIBUTE) {
            attribute = xml_find_attribute(node, item->name);
            if (attribute && !xml_is_used((xmlNode *)attribute))
                return true;
        } else if (item->kind == XML_ITEM_GROUP) {
            if (has_any(xml_plan_of(item->schema), node))
                return true;
        } else if (item->name && find_element(item, node->children)) {
            return true;
        }
    }
    return place->has_text && node->children && node->children->type == XML_TEXT_NODE;
}

static int read_group(struct xml_at *at, const struct xml_item *item, void *object, xmlNode *node,
                      GError **error)
{
    const struct xml_place *place = xml_plan_of(item->schema);
    void **member = (void **)((char *)object + item->offset);

    if (item->optional && !has_any(place, node))
        return handle_absent(at, item, object, node, error);
    if (!*member)
        *member = arena_alloc(at->arena, item->schema->size);
    if (read_items(at, place, *member, node, error) < 0 ||
        check(at, item->schema, *member, error) < 0)
        return -1;
    if (item->optional && bytes_are_zero(*member, item->schema->size))
        *member = NULL; /* its rows were there, but said nothing: a number 0 */
    return 0;
}

/* Makes room for the elements of a list, behind what it has already; returns how many there are. */
static unsigned grow_list(struct xml_at *at, const struct xml_item *item, struct xml_list *list,
                          const xmlNode *node)
{
    unsigned more = 0;

    for (const xmlNode *child = node->children; child; child = child->next)
        more += !xml_is_used(child) && xml_item_names(item, child);
    if (!more)
        return 0;
    void **items = arena_array(at->arena, (size_t)list->count + more, sizeof(*items));
    if (list->count)
        memcpy(items, list->items, list->count * sizeof(*items));
    list->items = items;
    return more;
}

static int read_one_string(struct xml_at *at, const struct xml_item *item, xmlNode *node,
                           void **ret_string, GError **error)
{
    xmlAttr *attribute = item->attribute ? xml_find_attribute(node, item->attribute) : NULL;
    g_autofree char *storage = NULL;
    g_autofree char *path = item->attribute ? g_strdup_printf("@%s", item->attribute) : NULL;

    if (item->attribute && !attribute)
        return xml_at_fail(at, path, code_of(item->row), error, "is missing");
    if (attribute)
        xml_mark_used(attribute);
    *ret_string = arena_strdup(at->arena,
                               text_of(attribute ? attribute->children : node->children, &storage));
    const struct xml_place known = {.has_text = !item->attribute};
    return xml_report_unknown(at, &known, NULL, node, error);
}

static int read_one(struct xml_at *at, const struct xml_item *item, xmlNode *node, void **ret_item,
                    GError **error)
{
    if (item->kind == XML_ITEM_STRINGS)
        return read_one_string(at, item, node, ret_item, error);
    *ret_item = arena_alloc(at->arena, item->schema->size);
    return read_struct(at, item->schema, *ret_item, node, error);
}

static int read_list(struct xml_at *at, const struct xml_item *item, void *object, xmlNode *node,
                     GError **error)
{
    struct xml_list *list = (struct xml_list *)((char *)object + item->offset);
    unsigned more = grow_list(at, item, list, node);
    xmlNode *child = node->children;

    if (!more)
        return handle_absent(at, item, object, node, error);
    for (; more; more--) {
        child = find_element(item, child);
        xml_mark_used(child);
        AT_ELEMENT(at, child, list->count + 1);
        int result = read_one(at, item, child, &list->items[list->count], error);
        at->step = step.up;
        if (result < 0)
            return -1;
        list->count++;
    }
    return 0;
}

static int read_raw(struct xml_at *at, const struct xml_item *item, void *object, xmlNode *node,
                    GError **error)
{
    xmlNode *child = find_element(item, node->children);
    g_autoptr(GString) raw = g_string_new(NULL);

    if (!child)
        return handle_absent(at, item, object, node, error);
    xml_mark_used(child);
    raw_tidy(child);
    raw_read(child, raw);
    *(char **)((char *)object + item->offset) = arena_strndup(at->arena, raw->str, raw->len);
    return 0;
}

static int call_hook(struct xml_at *at, const struct xml_item *item, void *object, xmlNode *node,
                     GError **error)
{
    return item->row->hook->read
               ? item->row->hook->read(at, node, (char *)object + item->offset, error)
               : 0;
}

static int read_hook(struct xml_at *at, const struct xml_item *item, void *object, xmlNode *node,
                     GError **error)
{
    if (strchr(item->row->path, '@')) {
        xmlAttr *attribute = xml_find_attribute(node, item->name);

        if (!attribute)
            return 0;
        xml_mark_used(attribute);
        return call_hook(at, item, object, node, error);
    }
    for (xmlNode *child = find_element(item, node->children); child;
         child = find_element(item, child->next)) {
        xml_mark_used(child);
        AT_ELEMENT(at, child, 0);
        int result = call_hook(at, item, object, child, error);
        at->step = step.up;
        if (result < 0)
            return -1;
    }
    return 0;
}

/* ---- items ---- */

/* What a skipped row would have read is known, but not looked at. */
static void skip_item(const struct xml_item *item, xmlNode *node)
{
    if (item->kind == XML_ITEM_ATTRIBUTE) {
        xmlAttr *attribute = xml_find_attribute(node, item->name);

        if (attribute)
            xml_mark_used(attribute);
    } else if (item->kind == XML_ITEM_GROUP || item->kind == XML_ITEM_TEXT) {
        xml_mark_all_used(node);
    } else if (item->name) {
        for (xmlNode *child = find_element(item, node->children); child;
             child = find_element(item, child->next))
            xml_mark_used(child);
    }
}

static int read_item(struct xml_at *at, const struct xml_item *item, void *object, xmlNode *node,
                     GError **error)
{
    switch ((enum xml_item_kind)item->kind) {
    case XML_ITEM_ATTRIBUTE:
        return read_attribute(at, item, object, node, error);
    case XML_ITEM_TEXT:
        return read_text(at, item, object, node, error);
    case XML_ITEM_PLACE:
        return read_place(at, item, object, node, error);
    case XML_ITEM_PRESENCE:
        if (item->row->kind == XML_KIND_FLAG)
            *(bool *)((char *)object + item->offset) = true;
        return 0;
    case XML_ITEM_GROUP:
        return read_group(at, item, object, node, error);
    case XML_ITEM_LIST:
    case XML_ITEM_STRINGS:
        return read_list(at, item, object, node, error);
    case XML_ITEM_RAW:
        return read_raw(at, item, object, node, error);
    case XML_ITEM_HOOK:
        return read_hook(at, item, object, node, error);
    case XML_ITEM_CHECK:
        return check(at, item->schema, (char *)object + item->offset, error);
    }
    return 0;
}

/* A place has the flags of its rows one by one, not those of the row that came first. */
static unsigned flags_of(const struct xml_item *item)
{
    if (item->kind == XML_ITEM_PLACE)
        return item->place->private ? XML_STATUS : 0;
    return item->kind == XML_ITEM_CHECK ? 0 : item->row->flags;
}

static int read_items(struct xml_at *at, const struct xml_place *place, void *object, xmlNode *node,
                      GError **error)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];
        unsigned flags = flags_of(item);

        if (!xml_item_applies(item, object) ||
            (flags & XML_STATUS && !(at->flags & XML_READ_STATUS)))
            continue;
        if (flags & XML_OUTPUT || (flags & XML_LIVE && at->flags & XML_READ_INACTIVE))
            skip_item(item, node);
        else if (read_item(at, item, object, node, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- documents ---- */

static bool is_root_of(const struct xml_schema *schema, const xmlNode *root)
{
    return !root->ns && strcmp(schema->name, (const char *)root->name) == 0;
}

static int fail_root(const struct xml_schema *const *schemas, unsigned n_schemas,
                     const xmlNode *root, GError **error)
{
    enum error_code code = n_schemas == 1 ? VIR_ERR_XML_ERROR : VIR_ERR_CONFIG_UNSUPPORTED;
    g_autoptr(GString) names = g_string_new(NULL);

    for (unsigned i = 0; i < n_schemas; i++)
        g_string_append_printf(names, "%s<%s>", i ? ", " : "", schemas[i]->name);
    error_set_from(error, VIR_FROM_XML, code,
                   "line %ld: unexpected root element <%.80s>, expecting %s", xmlGetLineNo(root),
                   (const char *)root->name, names->str);
    return -1;
}

static int read_root(struct xml_at *at, const struct xml_schema *schema, void *object,
                     xmlNode *root, GError **error)
{
    AT_ELEMENT(at, root, 0);
    return read_struct(at, schema, object, root, error);
}

int xml_read_part(const struct xml_schema *const *schemas, unsigned n_schemas, const char *text,
                  gssize length, unsigned flags, struct arena *arena, GPtrArray *warnings,
                  const struct xml_schema **ret_schema, void **ret_object, GError **error)
{
    struct xml_at at = {.arena = arena, .flags = flags, .warnings = warnings};
    g_autoptr(xmlDoc) document = xml_parse(text, length, flags & XML_READ_OWN, error);
    unsigned i = 0;

    if (!document)
        return -1;
    xmlNode *root = xmlDocGetRootElement(document);
    while (i < n_schemas && !is_root_of(schemas[i], root))
        i++;
    if (i == n_schemas)
        return fail_root(schemas, n_schemas, root, error);

    void *object = arena_alloc(arena, schemas[i]->size);
    if (read_root(&at, schemas[i], object, root, error) < 0)
        return -1;
    *ret_schema = schemas[i];
    *ret_object = object;
    return 0;
}

struct definition *xml_read(const struct xml_schema *schema, const char *text, gssize length,
                            unsigned flags, GPtrArray *warnings, GError **error)
{
    g_autoptr(xmlDoc) document = xml_parse(text, length, flags & XML_READ_OWN, error);

    if (!document)
        return NULL;
    xmlNode *root = xmlDocGetRootElement(document);
    if (!is_root_of(schema, root)) {
        fail_root(&schema, 1, root, error);
        return NULL;
    }

    DEFINITION_AUTO struct definition *definition = definition_new(schema);
    struct xml_at at = {.arena = &definition->arena, .flags = flags, .warnings = warnings};
    if (read_root(&at, schema, definition, root, error) < 0)
        return NULL;
    return g_steal_pointer(&definition);
}

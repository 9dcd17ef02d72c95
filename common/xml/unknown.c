/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/unknown.h"

#include <string.h>

#include "xml/xml.h"

static char used; /* its address marks */

/* Attributes begin as nodes do: with _private. */
G_STATIC_ASSERT(offsetof(xmlAttr, _private) == offsetof(xmlNode, _private));

static const char *chars(const xmlChar *text)
{
    return (const char *)text;
}

void xml_mark_used(void *node_or_attribute)
{
    ((xmlNode *)node_or_attribute)->_private = &used;
}

void xml_mark_all_used(xmlNode *node)
{
    for (xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        xml_mark_used(attribute);
    for (xmlNode *child = node->children; child; child = child->next)
        xml_mark_used(child);
}

bool xml_is_used(const xmlNode *node)
{
    return node->_private == &used;
}

bool xml_item_names(const struct xml_item *item, const xmlNode *element)
{
    if (element->type != XML_ELEMENT_NODE || strcmp(chars(element->name), item->name) != 0)
        return false;
    if (!item->uri || !element->ns)
        return !item->uri && !element->ns;
    return g_strcmp0(chars(element->ns->href), item->uri) == 0;
}

xmlAttr *xml_find_attribute(const xmlNode *node, const char *name)
{
    for (xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (!attribute->ns && strcmp(chars(attribute->name), name) == 0)
            return attribute;
    return NULL;
}

static bool is_attribute(const struct xml_item *item)
{
    return item->kind == XML_ITEM_ATTRIBUTE;
}

static bool is_element(const struct xml_item *item)
{
    return item->kind == XML_ITEM_PLACE || item->kind == XML_ITEM_LIST ||
           item->kind == XML_ITEM_STRINGS || item->kind == XML_ITEM_RAW ||
           item->kind == XML_ITEM_HOOK;
}

/* The name nearest to word among the attributes or elements that place knows. */
static void find_nearest(const struct xml_place *place, const char *word, bool attribute,
                         unsigned *limit, const char **nearest)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];

        if (item->kind == XML_ITEM_GROUP)
            find_nearest(xml_plan_of(item->schema), word, attribute, limit, nearest);
        if (attribute ? !is_attribute(item) : !is_element(item))
            continue;
        unsigned distance = word_distance(word, item->name, *limit);
        if (distance < *limit) {
            *limit = distance;
            *nearest = item->name;
        }
    }
}

static unsigned distance_limit(const char *word)
{
    return strlen(word) > 4 ? 3 : 2;
}

static char *hint(const char *word)
{
    return word ? g_strdup_printf(" (did you mean '%s'?)", word) : g_strdup("");
}

char *xml_misspelling_of(const xmlNode *node, const char *name, bool attribute)
{
    const xmlNode *one = attribute ? (const xmlNode *)node->properties : node->children;
    unsigned limit = distance_limit(name);

    for (; one; one = one->next)
        if (!xml_is_used(one) && (attribute || one->type == XML_ELEMENT_NODE) &&
            word_distance(name, chars(one->name), limit) < limit)
            return g_strdup_printf(" ('%s' is not known here)", chars(one->name));
    return g_strdup("");
}

static const struct xml_condition *find_failing(const struct xml_item *item, const void *object)
{
    for (unsigned i = 0; i < item->n_conditions; i++) {
        const struct xml_item one = {.n_conditions = 1, .conditions = &item->conditions[i]};

        if (!xml_item_applies(&one, object))
            return one.conditions;
    }
    return NULL;
}

/* "@type is 'pci'", if row is the enum at that offset; else NULL. */
static char *describe_value(const struct xml_row *row, unsigned offset, const void *object)
{
    const char *word;

    if (row->type != &xml_type_enum)
        return NULL;
    word =
        names_word(row->names, (unsigned)xml_type_get_number(row, (const char *)object + offset));
    return g_strdup_printf("%s is %s%s%s", row->path, word ? "'" : "", word ?: "absent",
                           word ? "'" : "");
}

/* The member that excludes an item, found in the same place or in the same table; or NULL. */
static char *describe_condition(const struct xml_place *place, const struct xml_item *item,
                                const void *object)
{
    const struct xml_condition *failing = find_failing(item, object);
    char *found = NULL;

    for (unsigned i = 0; failing && !found && i < place->count; i++)
        if (place->items[i].offset == failing->offset)
            found = describe_value(place->items[i].row, failing->offset, object);
    for (unsigned i = 0; failing && !found && i < item->owner->n_rows; i++)
        if (item->owner->rows[i].offset + item->offset - item->row->offset == failing->offset)
            found = describe_value(&item->owner->rows[i], failing->offset, object);
    return found;
}

static char *explain_item(const struct xml_place *place, const struct xml_item *item,
                          const void *object)
{
    g_autofree char *condition = NULL;

    if (xml_item_applies(item, object) && !(item->row->flags & XML_STATUS))
        return g_strdup("is given more than once");
    condition = describe_condition(place, item, object);
    return condition ? g_strdup_printf("has no meaning while %s", condition)
                     : g_strdup("has no meaning here");
}

/* A known name whose condition fails, or that is there twice; NULL when the name is unknown. */
static char *explain_known(const struct xml_place *place, const void *object, const char *name,
                           bool attribute)
{
    char *text = NULL;

    for (unsigned i = 0; !text && i < place->count; i++) {
        const struct xml_item *item = &place->items[i];
        const void *group;

        if (item->kind == XML_ITEM_GROUP) {
            group = *(void *const *)((const char *)object + item->offset);
            if (group && xml_item_applies(item, object))
                text = explain_known(xml_plan_of(item->schema), group, name, attribute);
        } else if ((attribute ? is_attribute(item) : is_element(item)) &&
                   strcmp(item->name, name) == 0) {
            text = explain_item(place, item, object);
        }
    }
    return text;
}

static char *explain(const struct xml_place *place, const void *object, const char *name,
                     bool attribute)
{
    char *known = explain_known(place, object, name, attribute);
    unsigned limit = distance_limit(name);
    const char *nearest = NULL;

    if (known)
        return known;
    find_nearest(place, name, attribute, &limit, &nearest);
    g_autofree char *suggestion = hint(nearest);
    return g_strdup_printf("unknown %s%s", attribute ? "attribute" : "element", suggestion);
}

static int report(struct xml_at *at, const char *path, const char *text, GError **error)
{
    if (at->flags & XML_READ_VALIDATE)
        return xml_at_set_error(at, path, VIR_ERR_XML_ERROR, text, error);
    xml_at_add_warning(at, path, text);
    return 0;
}

static int report_name(struct xml_at *at, const struct xml_place *place, const void *object,
                       const char *name, bool attribute, GError **error)
{
    if (!(at->flags & XML_READ_VALIDATE) && !xml_at_takes_warnings(at))
        return 0;
    g_autofree char *path = g_strdup_printf("%s%s", attribute ? "@" : "", name);
    g_autofree char *text = explain(place, object, name, attribute);
    return report(at, path, text, error);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static bool has_text(const struct xml_place *place, const void *object);

/* A group that is not there has read nothing: its table alone tells. */
static bool group_has_text(const struct xml_item *item, const void *object)
{
    const struct xml_place *place = xml_plan_of(item->schema);
    const void *group = *(void *const *)((const char *)object + item->offset);

    return group ? has_text(place, group) : place->has_text;
}

/* Text is known where the place or a group in it has a row for it, whose conditions hold. */
static bool has_text(const struct xml_place *place, const void *object)
{
    for (unsigned i = 0; i < place->count; i++) {
        const struct xml_item *item = &place->items[i];

        if ((item->kind == XML_ITEM_TEXT && xml_item_applies(item, object)) ||
            (item->kind == XML_ITEM_GROUP && xml_item_applies(item, object) &&
             group_has_text(item, object)))
            return true;
    }
    return !place->count && place->has_text; /* of one string of many */
}

static bool is_stray_text(const xmlNode *node)
{
    return (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) && node->content &&
           !xml_is_used(node) && !is_blank(chars(node->content));
}

static bool has_stray_text(const struct xml_place *place, const void *object, const xmlNode *node)
{
    for (const xmlNode *child = node->children; child; child = child->next)
        if (is_stray_text(child))
            return !has_text(place, object);
    return false;
}

int xml_report_unknown(struct xml_at *at, const struct xml_place *place, const void *object,
                       xmlNode *node, GError **error)
{
    for (xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (!attribute->ns && !xml_is_used((xmlNode *)attribute) &&
            report_name(at, place, object, chars(attribute->name), true, error) < 0)
            return -1;
    for (xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && !child->ns && !xml_is_used(child) &&
            report_name(at, place, object, chars(child->name), false, error) < 0)
            return -1;
    return has_stray_text(place, object, node)
               ? report(at, "", "text that means nothing here", error)
               : 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/raw.h"

#include <libxml/tree.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "xml/parse.h"
#include "xml/text.h"

#define STEP 2 /* spaces of indentation */

static const char *chars(const xmlChar *text)
{
    return (const char *)text;
}

/* libxml2 leaves an ampersand in a namespace's name as a character reference. */
static char *uri_of(const xmlNs *ns)
{
    g_autoptr(GString) uri = g_string_new(ns->href ? chars(ns->href) : "");

    g_string_replace(uri, "&#38;", "&", 0);
    return g_string_free(g_steal_pointer(&uri), FALSE);
}

static bool has_uri(const xmlNs *ns, const char *uri)
{
    g_autofree char *own = ns ? uri_of(ns) : NULL;

    return g_strcmp0(own, uri) == 0;
}

/* ---- namespaces declared outside of the element ---- */

static bool declared_within(const xmlNs *ns, const xmlNode *node, const xmlNode *top)
{
    for (;; node = node->parent) {
        for (const xmlNs *own = node->nsDef; own; own = own->next)
            if (own == ns)
                return true;
        if (node == top)
            return false;
    }
}

static void note_missing(const xmlNs *ns, const xmlNode *node, const xmlNode *top,
                         GPtrArray *missing)
{
    if (ns && g_strcmp0(chars(ns->prefix), "xml") != 0 && !declared_within(ns, node, top) &&
        !g_ptr_array_find(missing, ns, NULL))
        g_ptr_array_add(missing, (gpointer)ns);
}

static void collect_missing(const xmlNode *node, const xmlNode *top, GPtrArray *missing)
{
    note_missing(node->ns, node, top, missing);
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        note_missing(attribute->ns, node, top, missing);
    for (const xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            collect_missing(child, top, missing);
}

/* ---- element -> raw ---- */

static void append_name(GString *out, const xmlNs *ns, const xmlChar *name)
{
    if (ns && ns->prefix)
        g_string_append_printf(out, "%s:", chars(ns->prefix));
    g_string_append(out, chars(name));
}

static void append_declaration(GString *out, const xmlNs *ns)
{
    g_autofree char *uri = uri_of(ns);

    g_string_append(out, ns->prefix ? " xmlns:" : " xmlns");
    if (ns->prefix)
        g_string_append(out, chars(ns->prefix));
    g_string_append(out, "=\"");
    xml_append_raw_attribute_value(out, uri);
    g_string_append_c(out, '"');
}

static void append_attribute(GString *out, const xmlAttr *attribute)
{
    xmlChar *value = xmlNodeListGetString(attribute->doc, attribute->children, 1);

    g_string_append_c(out, ' ');
    append_name(out, attribute->ns, attribute->name);
    g_string_append(out, "=\"");
    xml_append_raw_attribute_value(out, value ? chars(value) : "");
    g_string_append_c(out, '"');
    xmlFree(value);
}

/* Line ends of content, told apart from those of formatting. */
static void protect_lines(GString *out, size_t from)
{
    for (size_t i = from; i < out->len; i++)
        if (out->str[i] == '\n')
            out->str[i] = RAW_LINE_END;
}

/* Space alone, of which a reader would think that it only indents: it was given as &#32; or so. */
static bool looks_like_indentation(const xmlNode *text)
{
    const xmlNode *first = text->parent->children;
    const char *content = text->content ? chars(text->content) : "";

    return (text->prev || text->next) && (first == text || first->type != XML_TEXT_NODE) &&
           !content[strspn(content, " \t\r\n")];
}

static void append_references(GString *out, const char *text)
{
    for (; *text; text++)
        g_string_append_printf(out, "&#%d;", *text);
}

static void append_element(GString *out, const xmlNode *element, unsigned indent, bool format,
                           const GPtrArray *missing);

static void append_leaf(GString *out, const xmlNode *node)
{
    const char *content = node->content ? chars(node->content) : "";
    size_t start = out->len;

    if (node->type == XML_TEXT_NODE && looks_like_indentation(node))
        append_references(out, content);
    else if (node->type == XML_TEXT_NODE)
        xml_append_raw_text(out, content);
    else if (node->type == XML_CDATA_SECTION_NODE)
        g_string_append_printf(out, "<![CDATA[%s]]>", content);
    else if (node->type == XML_COMMENT_NODE)
        g_string_append_printf(out, "<!--%s-->", content);
    else if (node->type == XML_PI_NODE)
        g_string_append_printf(out, "<?%s %s?>", chars(node->name), content);
    protect_lines(out, start);
}

/* Text among the children makes space significant. */
static bool has_text(const xmlNode *element)
{
    for (const xmlNode *child = element->children; child; child = child->next)
        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
            return true;
    return false;
}

static void append_content(GString *out, const xmlNode *element, unsigned indent, bool format)
{
    format = format && !has_text(element);
    for (const xmlNode *child = element->children; child; child = child->next) {
        if (format) {
            g_string_append_c(out, '\n');
            xml_append_indent(out, indent + STEP);
        }
        if (child->type == XML_ELEMENT_NODE)
            append_element(out, child, indent + STEP, format, NULL);
        else
            append_leaf(out, child);
    }
    if (format) {
        g_string_append_c(out, '\n');
        xml_append_indent(out, indent);
    }
}

static void append_element(GString *out, const xmlNode *element, unsigned indent, bool format,
                           const GPtrArray *missing)
{
    g_string_append_c(out, '<');
    append_name(out, element->ns, element->name);
    for (const xmlNs *ns = element->nsDef; ns; ns = ns->next)
        append_declaration(out, ns);
    for (unsigned i = 0; missing && i < missing->len; i++)
        append_declaration(out, g_ptr_array_index(missing, i));
    for (const xmlAttr *attribute = element->properties; attribute; attribute = attribute->next)
        append_attribute(out, attribute);
    if (!element->children) {
        g_string_append(out, "/>");
        return;
    }
    g_string_append_c(out, '>');
    append_content(out, element, indent, format);
    g_string_append(out, "</");
    append_name(out, element->ns, element->name);
    g_string_append_c(out, '>');
}

static bool is_taken(const xmlNode *element)
{
    g_autofree char *uri = uri_of(element->ns);

    for (const xmlNode *before = element->prev; before; before = before->prev)
        if (before->type == XML_ELEMENT_NODE && has_uri(before->ns, uri))
            return true;
    return false;
}

static void drop(xmlNode *node)
{
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

/* Texts on both sides of it are one then, as they are for who reads what is printed. Returns what
 * comes next. */
static xmlNode *drop_between(xmlNode *node)
{
    xmlNode *before = node->prev, *next = node->next;

    drop(node);
    if (!before || !next || before->type != XML_TEXT_NODE || next->type != XML_TEXT_NODE)
        return next;
    xmlTextMerge(before, next);
    return before->next;
}

void raw_tidy(xmlNode *element)
{
    for (xmlNode *child = element->children, *next; child; child = next) {
        next = child->next;
        if (child->type == XML_ELEMENT_NODE && (!child->ns || is_taken(child)))
            next = drop_between(child);
    }
    while (element->children && !xmlFirstElementChild(element))
        drop(element->children);
}

void raw_read(xmlNode *element, GString *out)
{
    g_autoptr(GPtrArray) missing = g_ptr_array_new();

    collect_missing(element, element, missing);
    append_element(out, element, 0, true, missing);
}

void raw_write(const char *raw, unsigned indent, GString *out)
{
    xml_append_indent(out, indent);
    for (; *raw; raw++) {
        g_string_append_c(out, *raw == RAW_LINE_END ? '\n' : *raw);
        if (*raw == '\n')
            xml_append_indent(out, indent);
    }
    g_string_append_c(out, '\n');
}

/* ---- parts of raw ---- */

static char *string_of(xmlNode *element)
{
    GString *out = g_string_new(NULL);

    raw_read(element, out);
    return g_string_free(out, FALSE);
}

char *raw_parse(const char *text, GError **error)
{
    g_autoptr(xmlDoc) document = xml_parse(text, -1, false, error);

    return document ? string_of(xmlDocGetRootElement(document)) : NULL;
}

static xmlDoc *parse_raw(const char *raw)
{
    g_autoptr(GString) text = g_string_new(NULL);

    raw_write(raw, 0, text);
    return xml_parse(text->str, (gssize)text->len, true, NULL);
}

static xmlNode *find_in_namespace(xmlDoc *document, const char *uri)
{
    xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;

    for (xmlNode *child = root ? root->children : NULL; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && has_uri(child->ns, uri))
            return child;
    return NULL;
}

/* Elements and attributes of the namespace become those of none. */
static void leave_namespace(xmlNode *node, const char *uri)
{
    if (has_uri(node->ns, uri))
        node->ns = NULL;
    for (xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        if (has_uri(attribute->ns, uri))
            attribute->ns = NULL;
    for (xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            leave_namespace(child, uri);
}

static void drop_declaration(xmlNode *node, const char *uri)
{
    for (xmlNs **link = &node->nsDef; *link;) {
        xmlNs *ns = *link;

        if (!has_uri(ns, uri)) {
            link = &ns->next;
            continue;
        }
        *link = ns->next;
        xmlFreeNs(ns);
    }
}

char *raw_find_child(const char *raw, const char *uri)
{
    g_autoptr(xmlDoc) document = raw ? parse_raw(raw) : NULL;
    xmlNode *child = find_in_namespace(document, uri);
    g_autoptr(GString) out = g_string_new(NULL);

    if (!child)
        return NULL;
    leave_namespace(child, uri);
    drop_declaration(child, uri);
    g_autofree char *part = string_of(child);
    raw_write(part, 0, out);
    g_string_truncate(out, out->len - 1); /* the line end */
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* All elements without a namespace enter ns. */
static void enter_namespace(xmlNode *node, xmlNs *ns)
{
    if (!node->ns)
        node->ns = ns;
    for (xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            enter_namespace(child, ns);
}

/* The element's own declaration of uri with this prefix; NULL when the prefix is something else. */
static xmlNs *declare(xmlNode *element, const char *prefix, const char *uri)
{
    for (xmlNs *ns = element->nsDef; ns; ns = ns->next)
        if (g_strcmp0(chars(ns->prefix), prefix) == 0 && has_uri(ns, uri))
            return ns;
    return xmlNewNs(element, (const xmlChar *)uri, (const xmlChar *)prefix);
}

static int add_child(xmlNode *root, const char *prefix, const char *uri, const char *text,
                     GError **error)
{
    g_autoptr(xmlDoc) part = xml_parse(text, -1, false, error);

    if (!part)
        return -1;
    xmlNode *child = xmlDocCopyNode(xmlDocGetRootElement(part), root->doc, 1);
    xmlNs *ns = child ? declare(child, prefix, uri) : NULL;
    if (!ns) {
        xmlFreeNode(child);
        error_set(error, VIR_ERR_INVALID_ARG, "cannot use the namespace prefix '%s'", prefix);
        return -1;
    }
    enter_namespace(child, ns);
    xmlAddChild(root, child);
    return 0;
}

int raw_with_child(const char *raw, const char *name, const char *prefix, const char *uri,
                   const char *document, char **ret_raw, GError **error)
{
    g_autofree char *empty = g_strdup_printf("<%s/>", name);
    g_autoptr(xmlDoc) whole = parse_raw(raw ?: empty);
    xmlNode *root = whole ? xmlDocGetRootElement(whole) : NULL;
    xmlNode *old = find_in_namespace(whole, uri);

    if (!root) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "<%s> is not well-formed", name);
        return -1;
    }
    if (document && add_child(root, prefix, uri, document, error) < 0)
        return -1;
    if (old) {
        xmlUnlinkNode(old);
        xmlFreeNode(old);
    }
    *ret_raw = root->children ? string_of(root) : NULL;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-metadata.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#include "xml/xml.h"

#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

static void free_document(xmlDoc **document)
{
    if (*document)
        xmlFreeDoc(*document);
}
#define DOCUMENT_AUTO __attribute__((cleanup(free_document)))

static xmlDoc *parse(const char *text)
{
    size_t length = strlen(text);
    xmlDoc *document =
        length <= XML_MAX_TEXT ? xmlReadMemory(text, (int)length, NULL, NULL, PARSE_OPTIONS) : NULL;

    /* no document type: nothing in it may define entities */
    if (document && (document->intSubset || !xmlDocGetRootElement(document))) {
        xmlFreeDoc(document);
        return NULL;
    }
    return document;
}

static xmlNode *find_element(xmlNode *metadata, const char *uri)
{
    for (xmlNode *child = metadata->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && child->ns &&
            strcmp((const char *)child->ns->href, uri) == 0)
            return child;
    return NULL;
}

static char *print_node(xmlNode *node)
{
    xmlBuffer *buffer = xmlBufferCreate();

    xmlNodeDump(buffer, node->doc, node, 0, 1);
    char *text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

/* Takes the namespace off the element and everything below that shares it. */
static void strip_namespace(xmlNode *node, const char *uri)
{
    if (node->type == XML_ELEMENT_NODE && node->ns &&
        strcmp((const char *)node->ns->href, uri) == 0)
        node->ns = NULL;
    for (xmlNode *child = node->children; child; child = child->next)
        strip_namespace(child, uri);
}

static void drop_declarations(xmlNode *node)
{
    if (node->nsDef)
        xmlFreeNsList(node->nsDef);
    node->nsDef = NULL;
}

int domain_metadata_get(const struct domain *domain, const char *uri, char **ret_text,
                        GError **error)
{
    DOCUMENT_AUTO xmlDoc *document = domain->metadata ? parse(domain->metadata) : NULL;
    xmlNode *element = document ? find_element(xmlDocGetRootElement(document), uri) : NULL;

    if (!element) {
        error_set(error, VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
        return -1;
    }
    strip_namespace(element, uri);
    drop_declarations(element);
    *ret_text = print_node(element);
    return 0;
}

/* The new element in its namespace, owned by no document. */
static xmlNode *make_element(xmlDoc *target, const char *uri, const char *key, const char *text,
                             GError **error)
{
    DOCUMENT_AUTO xmlDoc *document = parse(text);

    if (!document) {
        error_set(error, VIR_ERR_INVALID_ARG, "metadata is not an XML element");
        return NULL;
    }
    xmlNode *element = xmlDocCopyNode(xmlDocGetRootElement(document), target, 1);
    xmlNs *space = xmlNewNs(element, (const xmlChar *)uri, (const xmlChar *)key);
    if (!space) {
        xmlFreeNode(element);
        error_set(error, VIR_ERR_INVALID_ARG, "'%s' can't be the prefix of a namespace", key);
        return NULL;
    }
    xmlSetNs(element, space);
    return element;
}

static void remove_element(xmlNode *metadata, const char *uri)
{
    xmlNode *element = find_element(metadata, uri);

    if (!element)
        return;
    xmlUnlinkNode(element);
    xmlFreeNode(element);
}

static bool is_empty(const xmlNode *metadata)
{
    for (const xmlNode *child = metadata->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            return false;
    return true;
}

int domain_metadata_set(struct domain *domain, const char *uri, const char *key, const char *text,
                        GError **error)
{
    DOCUMENT_AUTO xmlDoc *document = parse(domain->metadata ? domain->metadata : "<metadata/>");
    xmlNode *metadata = xmlDocGetRootElement(document);
    xmlNode *element = NULL;

    if (text && !(element = make_element(document, uri, key, text, error)))
        return -1;
    remove_element(metadata, uri);
    if (element)
        xmlAddChild(metadata, element);
    g_autofree char *changed = is_empty(metadata) ? NULL : print_node(metadata);
    domain->metadata = arena_strdup(&domain->definition.arena, changed);
    return 0;
}

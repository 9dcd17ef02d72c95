/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/parse.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <string.h>

#include "base/error.h"
#include "xml/xml.h"

#define MAX_ATTRIBUTES 4096 /* of one tag */
#define MAX_NAMESPACES 256  /* declared in one document */
#define LONGEST_DECLARATION 200

/* What the document may still hold, and why parsing was stopped. */
struct budget {
    unsigned nodes, namespaces;
    int depth;
    const char *excess;
    char *message; /* libxml2's first error: those after it only follow from it */
    int line;
};

static void stop(xmlParserCtxt *context, const char *why)
{
    struct budget *budget = context->_private;

    if (!budget->excess)
        budget->excess = why;
    xmlStopParser(context);
}

static void start_element(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                          int n_namespaces, const xmlChar **namespaces, int n_attributes,
                          int n_defaulted, const xmlChar **attributes)
{
    xmlParserCtxt *context = ctx;
    struct budget *budget = context->_private;
    unsigned nodes = 1 + (unsigned)n_attributes;

    if (context->nodeNr >= budget->depth)
        stop(context, "elements are nested too deep");
    else if (nodes > budget->nodes)
        stop(context, "the document has too many elements");
    else if ((unsigned)n_namespaces > budget->namespaces)
        stop(context, "the document declares too many namespaces");
    if (budget->excess)
        return;
    budget->nodes -= nodes;
    budget->namespaces -= (unsigned)n_namespaces;
    xmlSAX2StartElementNs(ctx, name, prefix, uri, n_namespaces, namespaces, n_attributes,
                          n_defaulted, attributes);
}

static void declare_entity(void *ctx, const xmlChar *name, int type, const xmlChar *public_id,
                           const xmlChar *system_id, xmlChar *content)
{
    stop(ctx, "entity declarations are not allowed");
}

static void note_error(void *ctx, xmlError *first)
{
    struct budget *budget = ((xmlParserCtxt *)ctx)->_private;

    if (budget->message || first->level < XML_ERR_ERROR)
        return;
    budget->message = g_strchomp(g_strdup(first->message ?: "not an XML document"));
    budget->line = first->line;
}

static int fail(GError **error, const char *why)
{
    error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR, "%s", why);
    return -1;
}

/* libxml2 compares each attribute of a tag with all before it. What looks like ='...' between two
 * opening brackets is at least the attributes. */
static int check_tags(const char *text, size_t length, GError **error)
{
    unsigned attributes = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '<')
            attributes = 0;
        if (text[i] != '=')
            continue;
        while (i + 1 < length && g_ascii_isspace(text[i + 1]))
            i++;
        if (i + 1 < length && (text[i + 1] == '\'' || text[i + 1] == '"') &&
            ++attributes > MAX_ATTRIBUTES)
            return fail(error, "an element has too many attributes");
    }
    return 0;
}

/* Only encodings in which markup is spelled as in ASCII, or check_tags() would see nothing. */
static bool encoding_is_allowed(const char *name)
{
    static const char *const stems[] = {"utf-8", "us-ascii", "ascii", "iso-8859-", "windows-125"};

    for (size_t i = 0; i < G_N_ELEMENTS(stems); i++)
        if (g_ascii_strncasecmp(name, stems[i], strlen(stems[i])) == 0)
            return true;
    return false;
}

static int check_encoding(const char *text, size_t length, GError **error)
{
    g_autofree char *start = g_strndup(text, MIN(length, LONGEST_DECLARATION));
    const char *end = g_str_has_prefix(start, "<?xml") ? strstr(start, "?>") : NULL;
    const char *word = strstr(start, "encoding");

    if (!end || !word || word > end) {
        if (g_str_has_prefix(start, "<?xml") && !end)
            return fail(error, "the XML declaration is too long or does not end");
        return 0;
    }
    word += strcspn(word, "'\"");
    return *word && encoding_is_allowed(word + 1)
               ? 0
               : fail(error, "the document's encoding is not supported: use UTF-8");
}

static int check_text(const char *text, size_t length, bool own, GError **error)
{
    if (length > (own ? XML_OWN_TEXT : XML_MAX_TEXT))
        return fail(error, "the document is larger than 16 MiB");
    if (memchr(text, '\0', length))
        return fail(error, "the document contains a NUL byte");
    if (check_encoding(text, length, error) < 0)
        return -1;
    return check_tags(text, length, error);
}

static void set_error(const xmlParserCtxt *context, const struct budget *budget, GError **error)
{
    if (budget->excess) {
        error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR, "line %d: %s",
                       context->input ? context->input->line : 0, budget->excess);
        return;
    }
    error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_DETAIL, "line %d: %s", budget->line,
                   budget->message ?: "not an XML document");
}

static xmlDoc *parse(xmlParserCtxt *context, const char *text, size_t length, bool own,
                     GError **error)
{
    struct budget budget = {.nodes = own ? XML_OWN_NODES : XML_MAX_NODES,
                            .namespaces = own ? 2 * MAX_NAMESPACES : MAX_NAMESPACES,
                            .depth = own ? XML_OWN_DEPTH : XML_MAX_DEPTH};

    context->_private = &budget;
    context->sax->startElementNs = start_element;
    context->sax->entityDecl = declare_entity;
    context->sax->unparsedEntityDecl = NULL;
    context->sax->serror = note_error;

    xmlDoc *document = xmlCtxtReadMemory(context, text, (int)length, NULL, NULL,
                                         XML_PARSE_NONET | XML_PARSE_NOBLANKS | XML_PARSE_NOERROR |
                                             XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES);
    if (!document || budget.excess || !xmlDocGetRootElement(document)) {
        set_error(context, &budget, error);
        xmlFreeDoc(document);
        document = NULL;
    }
    g_free(budget.message);
    return document;
}

xmlDoc *xml_parse(const char *text, gssize length, bool own, GError **error)
{
    size_t bytes = length < 0 ? strlen(text) : (size_t)length;

    if (check_text(text, bytes, own, error) < 0)
        return NULL;
    xmlInitParser();
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (!context)
        g_error("xml: out of memory");
    xmlDoc *document = parse(context, text, bytes, own, error);
    xmlFreeParserCtxt(context);
    return document;
}

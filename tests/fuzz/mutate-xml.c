/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

/*
 * Mutations that keep a document well-formed, so that they get past the parser: elements go, are
 * doubled or move elsewhere, and words are exchanged. One in four is left to the fuzzer's own,
 * which also serves what is no document.
 */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct parts {
    GPtrArray *elements; /* but for the root */
    GPtrArray *attributes;
};

static void collect(xmlNode *node, struct parts *parts)
{
    for (; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (node->parent->type == XML_ELEMENT_NODE)
            g_ptr_array_add(parts->elements, node);
        for (xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
            g_ptr_array_add(parts->attributes, attribute);
        collect(node->children, parts);
    }
}

static void *any_of(const GPtrArray *list, GRand *random)
{
    return list->len ? list->pdata[g_rand_int_range(random, 0, (gint32)list->len)] : NULL;
}

static void drop_element(const struct parts *parts, GRand *random)
{
    xmlNode *node = any_of(parts->elements, random);

    if (!node)
        return;
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

/* Next to itself, or into any other. */
static void copy_element(const struct parts *parts, GRand *random)
{
    xmlNode *node = any_of(parts->elements, random), *place = any_of(parts->elements, random);

    if (!node)
        return;
    xmlNode *copy = xmlCopyNode(node, 1);
    if (g_rand_boolean(random))
        xmlAddNextSibling(node, copy);
    else
        xmlAddChild(place, copy);
}

static void drop_attribute(const struct parts *parts, GRand *random)
{
    xmlAttr *attribute = any_of(parts->attributes, random);

    if (attribute)
        xmlRemoveProp(attribute);
}

/* A number at an edge, or what another attribute says. */
static void change_attribute(const struct parts *parts, GRand *random)
{
    static const char *const words[] = {
        "",
        "0",
        "1",
        "-1",
        "31",
        "32",
        "255",
        "256",
        "65535",
        "65536",
        "yes",
        "no",
        "on",
        "off",
        "none",
        "0xffffffff",
        "2147483648",
        "18446744073709551615",
        "pci",
        "usb",
        "scsi",
        "virtio",
        "auto",
        "default",
        "0000:00:1f.7",
        "ua-x",
    };
    xmlAttr *attribute = any_of(parts->attributes, random);
    xmlAttr *other = any_of(parts->attributes, random);

    if (!attribute)
        return;
    xmlChar *value =
        g_rand_boolean(random)
            ? xmlNodeGetContent((xmlNode *)other)
            : xmlStrdup((const xmlChar *)words[g_rand_int_range(random, 0, G_N_ELEMENTS(words))]);
    xmlSetProp(attribute->parent, attribute->name, value);
    xmlFree(value);
}

static void (*const changes[])(const struct parts *parts, GRand *random) = {
    drop_element, copy_element, drop_attribute, change_attribute, change_attribute,
};

static void change(xmlDoc *document, GRand *random)
{
    struct parts parts = {g_ptr_array_new(), g_ptr_array_new()};

    collect(xmlDocGetRootElement(document), &parts);
    changes[g_rand_int_range(random, 0, G_N_ELEMENTS(changes))](&parts, random);
    g_ptr_array_unref(parts.elements);
    g_ptr_array_unref(parts.attributes);
}

/* The size of the text, 0: it has no room. */
static size_t write_document(xmlDoc *document, uint8_t *data, size_t max_size)
{
    xmlChar *text = NULL;
    int length = 0;

    xmlDocDumpMemory(document, &text, &length);
    size_t size = text && (size_t)length <= max_size ? (size_t)length : 0;
    if (size)
        memcpy(data, text, size);
    xmlFree(text);
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    size_t result = 0;

    if (g_rand_int_range(random, 0, 4) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    xmlDoc *document = xmlReadMemory((const char *)data, (int)size, NULL, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!document)
        return LLVMFuzzerMutate(data, size, max_size);
    for (int times = g_rand_int_range(random, 1, 4); times; times--)
        change(document, random);
    result = write_document(document, data, max_size);
    xmlFreeDoc(document);
    return result ? result : LLVMFuzzerMutate(data, size, max_size);
}

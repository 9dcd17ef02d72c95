/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/metadata.h"

#include <libxml/tree.h>
#include <string.h>

#include "base/error.h"
#include "xml/raw.h"

int metadata_check(int type, const char *uri, const char *key, const char *text, GError **error)
{
    bool is_element = type == VIR_DOMAIN_METADATA_ELEMENT;

    if (type < 0 || type >= VIR_DOMAIN_METADATA_LAST)
        error_set(error, VIR_ERR_INVALID_ARG, "unknown metadata type %d", type);
    else if (is_element && !uri)
        error_set(error, VIR_ERR_INVALID_ARG, "the namespace URI is missing");
    else if (is_element && text && !key)
        error_set(error, VIR_ERR_INVALID_ARG, "the prefix of the namespace is missing");
    else if (type == VIR_DOMAIN_METADATA_TITLE && text && strchr(text, '\n'))
        error_set(error, VIR_ERR_INVALID_ARG, "metadata title can't contain newlines");
    else
        return 0;
    return -1;
}

char *metadata_get(const struct metadata *metadata, int type, const char *uri)
{
    if (type == VIR_DOMAIN_METADATA_ELEMENT)
        return raw_find_child(*metadata->elements, uri);
    return g_strdup(type == VIR_DOMAIN_METADATA_TITLE ? *metadata->title : *metadata->description);
}

static int set_element(const struct metadata *metadata, const char *uri, const char *key,
                       const char *text, GError **error)
{
    g_autofree char *changed = NULL;

    if (text && xmlValidateNCName((const xmlChar *)key, 0) != 0) {
        error_set(error, VIR_ERR_XML_ERROR, "'%s' can't be the prefix of a namespace", key);
        return -1;
    }
    if (raw_with_child(*metadata->elements, "metadata", key, uri, text, &changed, error) < 0)
        return -1;
    *metadata->elements = arena_strdup(metadata->arena, changed);
    return 0;
}

int metadata_set(const struct metadata *metadata, int type, const char *uri, const char *key,
                 const char *text, GError **error)
{
    const char *wanted = text && *text ? text : NULL;

    if (type == VIR_DOMAIN_METADATA_ELEMENT)
        return set_element(metadata, uri, key, wanted, error);
    const char **member =
        type == VIR_DOMAIN_METADATA_TITLE ? metadata->title : metadata->description;
    *member = arena_strdup(metadata->arena, wanted);
    return 0;
}

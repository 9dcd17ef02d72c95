/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-metadata.h"

#include <libxml/tree.h>

#include "base/error.h"
#include "xml/raw.h"

int domain_metadata_get(const struct domain *domain, const char *uri, char **ret_text,
                        GError **error)
{
    char *text = raw_find_child(domain->metadata, uri);

    if (!text) {
        error_set(error, VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present");
        return -1;
    }
    *ret_text = text;
    return 0;
}

static int check_prefix(const char *key, GError **error)
{
    if (xmlValidateNCName((const xmlChar *)key, 0) == 0)
        return 0;
    error_set(error, VIR_ERR_XML_ERROR, "'%s' can't be the prefix of a namespace", key);
    return -1;
}

int domain_metadata_set(struct domain *domain, const char *uri, const char *key, const char *text,
                        GError **error)
{
    g_autofree char *changed = NULL;

    if (text && check_prefix(key, error) < 0)
        return -1;
    if (raw_with_child(domain->metadata, "metadata", key, uri, text, &changed, error) < 0)
        return -1;
    domain->metadata = arena_strdup(&domain->definition.arena, changed);
    return 0;
}

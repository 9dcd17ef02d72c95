/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/arena.h"

/*
 * What documents have for people and other programs: a title, a description, and inside <metadata>
 * an element for each namespace URI. Types are VIR_DOMAIN_METADATA_ constants; those of networks
 * are the same numbers.
 */
struct metadata {
    struct arena *arena; /* of the definition */
    const char **title, **description, **elements;
};

/* Of a struct domain or struct network, which is only read, or under construction. */
#define METADATA_OF(document)                                                                      \
    (&(const struct metadata){&(document)->definition.arena, &(document)->title,                   \
                              &(document)->description, &(document)->metadata})

/* Pure. VIR_ERR_INVALID_ARG: no such type, an element without URI, one to set without prefix, a
 * title of several lines. */
int metadata_check(int type, const char *uri, const char *key, const char *text, GError **error);

/* The text, an element's without the prefix it has in the document; NULL: there is none. The caller
 * frees. */
char *metadata_get(const struct metadata *metadata, int type, const char *uri);

/* Puts text in its place: of type element, an element with or without the namespace as that of uri,
 * with prefix key. NULL or empty: takes it out. VIR_ERR_XML_DETAIL or _ERROR for text that is no
 * XML element; VIR_ERR_XML_ERROR for a prefix that can't be one, VIR_ERR_INVALID_ARG for one that
 * text uses for something else. */
int metadata_set(const struct metadata *metadata, int type, const char *uri, const char *key,
                 const char *text, GError **error);

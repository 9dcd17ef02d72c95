/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Elements kept as they are (ROW_RAW): <metadata>, which belongs to other programs. A raw string is
 * the element, indented from column 0, with the namespaces that it needs; line ends inside text are
 * kept as RAW_LINE_END, so that indenting cannot change text. Use these functions, not the string.
 */
#define RAW_LINE_END '\001'

struct _xmlNode;

/* Takes away what belongs to no application: elements without a namespace, the second one of a
 * namespace, and text when nothing else is left. */
void raw_tidy(struct _xmlNode *element);

/* Appends the raw string of an element. */
void raw_read(struct _xmlNode *element, GString *out);

/* Appends the element as lines indented by indent spaces. */
void raw_write(const char *raw, unsigned indent, GString *out);

/* A raw string from a document; NULL and error when it is none. The caller frees. */
char *raw_parse(const char *text, GError **error);

/* The child element of raw in the namespace uri, as a document of its own without that namespace's
 * prefix on what it declares for itself; NULL when there is none. raw may be NULL. The caller
 * frees. */
char *raw_find_child(const char *raw, const char *uri);

/* A raw element named name: raw (or nothing, if NULL) with its child in the namespace uri replaced
 * by document, which gets that namespace with the prefix; document NULL takes the child away. NULL
 * and no error when nothing is left. The caller frees. */
int raw_with_child(const char *raw, const char *name, const char *prefix, const char *uri,
                   const char *document, char **ret_raw, GError **error);

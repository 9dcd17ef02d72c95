/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Writes documents that are only ever written: capabilities. Attributes are pairs of name and value
 * (const char *), ended by NULL; a pair whose value is NULL is left out. */
struct element_writer {
    GString *text;
    unsigned depth;
};

/* <name attributes>, and deeper from here on. */
void element_begin(struct element_writer *writer, const char *name, ...) G_GNUC_NULL_TERMINATED;

/* </name> of what was begun last. */
void element_end(struct element_writer *writer, const char *name);

/* <name attributes/> */
void element_empty(struct element_writer *writer, const char *name, ...) G_GNUC_NULL_TERMINATED;

/* <name attributes>content</name> */
void element_text(struct element_writer *writer, const char *name, const char *content,
                  ...) G_GNUC_NULL_TERMINATED;

/* An empty line, as capabilities have between their parts. */
void element_gap(struct element_writer *writer);

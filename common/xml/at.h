/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/tree.h>

#include "xml/schema.h"

/* Where the reader is: a chain of steps on its stack, from the root element down. */
struct xml_step {
    struct xml_step *up;
    const char *name;
    unsigned index; /* in its list, from 1; 0: not in a list */
    xmlNode *node;
};

struct xml_at {
    struct arena *arena;
    struct xml_step *step; /* innermost */
    GPtrArray *warnings;   /* NULL: nobody listens */
    unsigned flags;        /* enum xml_read_flag */
};

/* xml_at_fail(), and the warning, with a text that is there already; nothing is prefixed to it. */
int xml_at_set_error(struct xml_at *at, const char *path, enum error_code code, const char *text,
                     GError **error);
void xml_at_add_warning(struct xml_at *at, const char *path, const char *text);

/* False once enough warnings were given: a hostile document would have a million. */
bool xml_at_takes_warnings(const struct xml_at *at);

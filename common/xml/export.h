/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/*
 * What else the tables tell. Both depend on nothing but the tables, and are the same each time; the
 * caller frees them.
 */

/* A RELAX NG grammar of the documents that schema reads, a little wider: rows under a condition are
 * optional, and rows of status files are not in it. */
char *xml_export_rng(const struct xml_schema *schema);

/* A reference in Markdown: a section for each table reachable from schema, a line for each row. */
char *xml_export_markdown(const struct xml_schema *schema);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Appends text so that XML reads the same back: markup and quotes as entities, line ends that a
 * parser would change as character references, and without what XML cannot hold (control
 * characters, broken UTF-8).
 */
void xml_append_text(GString *out, const char *text);
void xml_append_attribute_value(GString *out, const char *text);

/* The same as libxml2 spells it in subtrees kept as they are: quotes stay in text, apostrophes
 * everywhere. */
void xml_append_raw_text(GString *out, const char *text);
void xml_append_raw_attribute_value(GString *out, const char *text);

/* Spaces. */
void xml_append_indent(GString *out, unsigned spaces);

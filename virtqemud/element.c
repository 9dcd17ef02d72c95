/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "element.h"

#include <stdarg.h>

#include "xml/text.h"

static void open_tag(struct element_writer *writer, const char *name, va_list *attributes)
{
    const char *attribute;

    xml_append_indent(writer->text, writer->depth * 2);
    g_string_append_printf(writer->text, "<%s", name);
    while ((attribute = va_arg(*attributes, const char *))) {
        const char *value = va_arg(*attributes, const char *);
        if (!value)
            continue;
        g_string_append_printf(writer->text, " %s='", attribute);
        xml_append_attribute_value(writer->text, value);
        g_string_append_c(writer->text, '\'');
    }
}

void element_begin(struct element_writer *writer, const char *name, ...)
{
    va_list attributes;

    va_start(attributes, name);
    open_tag(writer, name, &attributes);
    va_end(attributes);
    g_string_append(writer->text, ">\n");
    writer->depth++;
}

void element_end(struct element_writer *writer, const char *name)
{
    writer->depth--;
    xml_append_indent(writer->text, writer->depth * 2);
    g_string_append_printf(writer->text, "</%s>\n", name);
}

void element_empty(struct element_writer *writer, const char *name, ...)
{
    va_list attributes;

    va_start(attributes, name);
    open_tag(writer, name, &attributes);
    va_end(attributes);
    g_string_append(writer->text, "/>\n");
}

void element_text(struct element_writer *writer, const char *name, const char *content, ...)
{
    va_list attributes;

    va_start(attributes, content);
    open_tag(writer, name, &attributes);
    va_end(attributes);
    g_string_append_c(writer->text, '>');
    xml_append_text(writer->text, content);
    g_string_append_printf(writer->text, "</%s>\n", name);
}

void element_gap(struct element_writer *writer)
{
    g_string_append_c(writer->text, '\n');
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/at.h"

#include <string.h>

#include "xml/xml.h"

#define MAX_WARNINGS 100

static void append_steps(GString *out, const struct xml_step *step)
{
    if (!step || !step->up) /* the root element is not named */
        return;
    append_steps(out, step->up);
    g_string_append_printf(out, "%s%s", out->len ? "/" : "", step->name);
    if (step->index)
        g_string_append_printf(out, "[%u]", step->index);
}

static xmlNode *find_child(xmlNode *node, const char *name, size_t length)
{
    for (xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && strlen((const char *)child->name) == length &&
            memcmp(child->name, name, length) == 0)
            return child;
    return NULL;
}

/* The line of the deepest element that exists on the way along path. */
static long line_of(const struct xml_at *at, const char *path)
{
    xmlNode *node = at->step->node;

    while (*path && *path != '@') {
        size_t length = strcspn(path, "/");
        xmlNode *child = find_child(node, path, length);

        if (!child)
            break;
        node = child;
        path += length + (path[length] == '/');
    }
    return xmlGetLineNo(node);
}

static char *describe(const struct xml_at *at, const char *path, const char *text)
{
    g_autoptr(GString) place = g_string_new(NULL);

    append_steps(place, at->step);
    if (*path)
        g_string_append_printf(place, "%s%s", place->len ? "/" : "", path);
    if (!place->len)
        g_string_append(place, at->step->name);
    return g_strdup_printf("line %ld: %s: %s", line_of(at, path), place->str, text);
}

int xml_at_set_error(struct xml_at *at, const char *path, enum error_code code, const char *text,
                     GError **error)
{
    g_autofree char *message = describe(at, path, text);

    if (at->flags & XML_READ_VALIDATE)
        code = VIR_ERR_XML_INVALID_SCHEMA;
    error_set_from(error, VIR_FROM_XML, code, "%s", message);
    return -1;
}

bool xml_at_takes_warnings(const struct xml_at *at)
{
    return at->warnings && at->warnings->len < MAX_WARNINGS;
}

void xml_at_add_warning(struct xml_at *at, const char *path, const char *text)
{
    if (xml_at_takes_warnings(at))
        g_ptr_array_add(at->warnings, describe(at, path, text));
}

int xml_at_fail(struct xml_at *at, const char *path, enum error_code code, GError **error,
                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return xml_at_set_error(at, path, code, text, error);
}

void xml_at_warn(struct xml_at *at, const char *path, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    xml_at_add_warning(at, path, text);
}

struct arena *xml_at_arena(struct xml_at *at)
{
    return at->arena;
}

bool xml_at_validates(const struct xml_at *at)
{
    return at->flags & XML_READ_VALIDATE;
}

unsigned xml_at_flags(const struct xml_at *at)
{
    return at->flags;
}

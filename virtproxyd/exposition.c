/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exposition.h"

#include <string.h>

struct exposition {
    GHashTable *texts; /* struct family -> GString, owned */
    GPtrArray *order;  /* the same, as they came */
};

static const struct {
    const char *word, *suffix;
} kinds[] = {
    [FAMILY_GAUGE] = {"gauge", ""},
    [FAMILY_COUNTER] = {"counter", "_total"},
    [FAMILY_HISTOGRAM] = {"histogram", ""},
    [FAMILY_INFO] = {"info", "_info"},
};

static void free_text(void *text)
{
    g_string_free(text, TRUE);
}

struct exposition *exposition_new(void)
{
    struct exposition *exposition = g_new(struct exposition, 1);

    exposition->texts = g_hash_table_new(NULL, NULL);
    exposition->order = g_ptr_array_new_with_free_func(free_text);
    return exposition;
}

void exposition_label(GString *labels, const char *name, const char *value)
{
    g_string_append_printf(labels, "%s%s=\"", labels->len ? "," : "", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            g_string_append_c(labels, '\\');
        if (*value == '\n')
            g_string_append(labels, "\\n");
        else
            g_string_append_c(labels, *value);
    }
    g_string_append_c(labels, '"');
}

static GString *text_of(struct exposition *exposition, const struct family *family)
{
    GString *text = g_hash_table_lookup(exposition->texts, family);

    if (text)
        return text;
    text = g_string_new(NULL);
    g_string_printf(text, "# TYPE %s %s\n", family->name, kinds[family->kind].word);
    if (family->unit)
        g_string_append_printf(text, "# UNIT %s %s\n", family->name, family->unit);
    g_string_append_printf(text, "# HELP %s %s\n", family->name, family->help);
    g_hash_table_insert(exposition->texts, (void *)family, text);
    g_ptr_array_add(exposition->order, text);
    return text;
}

G_GNUC_PRINTF(5, 0)
static void add(struct exposition *exposition, const struct family *family, const char *part,
                const char *labels, const char *format, va_list args)
{
    GString *text = text_of(exposition, family);

    g_string_append_printf(text, *labels ? "%s%s{%s} " : "%s%s%s ", family->name, part, labels);
    g_string_append_vprintf(text, format, args);
    g_string_append_c(text, '\n');
}

void exposition_add(struct exposition *exposition, const struct family *family, const char *labels,
                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(exposition, family, kinds[family->kind].suffix, labels, format, args);
    va_end(args);
}

void exposition_add_part(struct exposition *exposition, const struct family *family,
                         const char *part, const char *labels, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(exposition, family, part, labels, format, args);
    va_end(args);
}

char *exposition_end(struct exposition *exposition)
{
    GString *whole = g_string_new(NULL);

    for (guint i = 0; i < exposition->order->len; i++) {
        const GString *text = exposition->order->pdata[i];

        g_string_append_len(whole, text->str, (gssize)text->len);
    }
    g_string_append(whole, "# EOF\n");
    g_hash_table_unref(exposition->texts);
    g_ptr_array_unref(exposition->order);
    g_free(exposition);
    return g_string_free(whole, FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "emulator-evidence.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "json.h"

/* The schema by name, which is how its entries refer to each other. */
struct index {
    const struct emulator_evidence *evidence;
    GHashTable *entries;
};

enum kind { EVENT, PROPERTY, ARGUMENT, RETURN, FEATURE, OPTION };

static const struct row {
    const char *word;
    enum kind kind;
    const char *a;
    const char *b;
} rows[] = {
#define EMULATOR_FLAG(name, word, kind, a, b) {word, kind, a, b},
#include "emulator-flags.h"
#undef EMULATOR_FLAG
};

static bool list_has(struct json_object *list, const char *word)
{
    size_t length = list ? json_object_array_length(list) : 0;

    for (size_t i = 0; i < length; i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), word) == 0)
            return true;
    return false;
}

/* The element of a list of objects whose member key is word. */
static struct json_object *list_find(struct json_object *list, const char *key, const char *word)
{
    size_t length = list ? json_object_array_length(list) : 0;

    for (size_t i = 0; i < length; i++) {
        struct json_object *element = json_object_array_get_idx(list, i);
        if (g_strcmp0(json_string_member(element, key), word) == 0)
            return element;
    }
    return NULL;
}

static struct json_object *entry(const struct index *index, const char *name)
{
    return name ? g_hash_table_lookup(index->entries, name) : NULL;
}

/* What a type is, seen through arrays of it; bounded, because a schema might refer to itself. */
static struct json_object *element_type(const struct index *index, const char *name)
{
    struct json_object *type = entry(index, name);

    for (unsigned depth = 0; depth < 8; depth++) {
        const char *element = json_string_member(type, "element-type");
        if (!element)
            return type;
        type = entry(index, element);
    }
    return NULL;
}

/* One step of a path: the name of the type it leads to; "" for an end that exists. */
static const char *step(struct json_object *type, const char *name)
{
    if (name[0] == '+')
        return json_string_member(list_find(json_array_member(type, "variants"), "case", name + 1),
                                  "type");
    if (name[0] == '=')
        return list_has(json_array_member(type, "values"), name + 1) ? "" : NULL;
    return json_string_member(list_find(json_array_member(type, "members"), "name", name), "type");
}

static bool has_path(const struct index *index, const char *type, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);

    for (char **name = names; *name; name++) {
        type = step(element_type(index, type), *name);
        if (!type)
            return false;
    }
    return true;
}

static bool has_option(const struct index *index, const struct row *row)
{
    struct json_object *option = list_find(index->evidence->options, "option", row->a);

    return option &&
           (!row->b[0] || list_find(json_array_member(option, "parameters"), "name", row->b));
}

static bool has_evidence(const struct index *index, const struct row *row)
{
    struct json_object *subject = entry(index, row->a);

    switch (row->kind) {
    case EVENT:
        return subject;
    case PROPERTY:
        return list_find(g_hash_table_lookup(index->evidence->properties, row->a), "name", row->b);
    case ARGUMENT:
        return subject && has_path(index, json_string_member(subject, "arg-type"), row->b);
    case RETURN:
        return subject && has_path(index, json_string_member(subject, "ret-type"), row->b);
    case FEATURE:
        return list_has(json_array_member(subject, "features"), row->b);
    case OPTION:
        return has_option(index, row);
    }
    return false;
}

GPtrArray *emulator_evidence_types(void)
{
    GPtrArray *types = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].kind == PROPERTY &&
            !g_ptr_array_find_with_equal_func(types, rows[i].a, g_str_equal, NULL))
            g_ptr_array_add(types, (char *)rows[i].a);
    return types;
}

struct json_object *emulator_evidence_flags(const struct emulator_evidence *evidence)
{
    g_autoptr(GHashTable) entries = g_hash_table_new(g_str_hash, g_str_equal);
    struct index index = {evidence, entries};
    g_autoptr(GPtrArray) flags = g_ptr_array_new();
    size_t length = json_object_array_length(evidence->schema);

    for (size_t i = 0; i < length; i++) {
        struct json_object *type = json_object_array_get_idx(evidence->schema, i);
        const char *name = json_string_member(type, "name");
        if (name)
            g_hash_table_insert(entries, (char *)name, type);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (has_evidence(&index, &rows[i]))
            g_ptr_array_add(flags, (char *)rows[i].word);
    return json_words(flags);
}

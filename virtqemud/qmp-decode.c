/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-decode.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "json.h"

static const enum json_type json_types[] = {
    [QMP_FIELD_BOOL] = json_type_boolean,  [QMP_FIELD_INT] = json_type_int,
    [QMP_FIELD_UINT] = json_type_int,      [QMP_FIELD_UNSIGNED] = json_type_int,
    [QMP_FIELD_STRING] = json_type_string, [QMP_FIELD_STRINGS] = json_type_array,
    [QMP_FIELD_WORDS] = json_type_string,  [QMP_FIELD_LIST] = json_type_array,
    [QMP_FIELD_DOUBLE] = json_type_double,
};

static struct json_object *find(struct json_object *json, const char *path)
{
    const char *slash;

    while (json && (slash = strchr(path, '/'))) {
        g_autofree char *name = g_strndup(path, slash - path);
        json = json_member(json, name);
        path = slash + 1;
    }
    return json_member(json, path);
}

static char *copy_string(struct json_object *value, struct arena *arena)
{
    const char *text = json_object_get_string(value);

    return arena ? arena_strdup(arena, text) : (char *)text;
}

/* Entries that are no strings are left out: these are names and addresses for people to read. */
static char **copy_strings(struct json_object *value, struct arena *arena)
{
    size_t length = value ? json_object_array_length(value) : 0;
    char **strings = arena_array(arena, length + 1, sizeof(char *));
    size_t count = 0;

    for (size_t i = 0; i < length; i++) {
        struct json_object *entry = json_object_array_get_idx(value, i);
        if (json_object_is_type(entry, json_type_string))
            strings[count++] = copy_string(entry, arena);
    }
    return strings;
}

static char **copy_words(struct json_object *value, struct arena *arena)
{
    char *rest = value ? copy_string(value, arena) : NULL;
    size_t limit = 1;

    for (const char *c = rest; c && *c; c++)
        limit += *c == ' ';
    char **words = arena_array(arena, limit + 1, sizeof(char *));
    for (size_t count = 0; rest && rest[0];)
        words[count++] = strsep(&rest, " ");
    return words;
}

static int decode_value(const struct qmp_field *field, struct json_object *value, const char *what,
                        struct arena *arena, char *base, GError **error)
{
    void *target = base + field->offset;

    switch (field->type) {
    case QMP_FIELD_BOOL:
        *(bool *)target = json_object_get_boolean(value);
        break;
    case QMP_FIELD_INT:
        *(int64_t *)target = json_object_get_int64(value);
        break;
    case QMP_FIELD_UINT:
        *(uint64_t *)target = json_object_get_uint64(value);
        break;
    case QMP_FIELD_UNSIGNED:
        *(unsigned *)target = MIN(json_object_get_uint64(value), UINT_MAX);
        break;
    case QMP_FIELD_DOUBLE:
        *(double *)target = json_object_get_double(value);
        break;
    case QMP_FIELD_STRING:
        *(char **)target = copy_string(value, arena);
        break;
    case QMP_FIELD_STRINGS:
        *(char ***)target = copy_strings(value, arena);
        break;
    case QMP_FIELD_WORDS:
        *(char ***)target = copy_words(value, arena);
        break;
    case QMP_FIELD_PRESENT:
        *(bool *)target = true;
        break;
    case QMP_FIELD_LIST:
        return qmp_decode_list(field->shape, value, what, arena, target,
                               (unsigned *)(base + field->count_offset), error);
    }
    return 0;
}

static bool is_type(struct json_object *value, enum qmp_field_type type)
{
    return type == QMP_FIELD_PRESENT || json_object_is_type(value, json_types[type]) ||
           (type == QMP_FIELD_DOUBLE && json_object_is_type(value, json_type_int));
}

static int decode_field(const struct qmp_field *field, struct json_object *json, const char *what,
                        struct arena *arena, char *base, GError **error)
{
    struct json_object *value = find(json, field->path);

    if (!value && (field->type == QMP_FIELD_STRINGS || field->type == QMP_FIELD_WORDS))
        *(char ***)(base + field->offset) = copy_strings(NULL, arena);
    if (!value && !field->required)
        return 0;
    if (value && is_type(value, field->type))
        return decode_value(field, value, what, arena, base, error);
    error_set(error, VIR_ERR_INTERNAL_ERROR, "%s has %s '%s'", what,
              value ? "a wrong kind of" : "no", field->path);
    return -1;
}

int qmp_decode_struct(const struct qmp_shape *shape, struct json_object *json, const char *what,
                      struct arena *arena, void *ret, GError **error)
{
    for (unsigned i = 0; i < shape->field_count; i++)
        if (decode_field(&shape->fields[i], json, what, arena, ret, error) < 0)
            return -1;
    return 0;
}

int qmp_decode_list(const struct qmp_shape *shape, struct json_object *json, const char *what,
                    struct arena *arena, void **ret_items, unsigned *ret_count, GError **error)
{
    if (!json_object_is_type(json, json_type_array)) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "%s is not a list", what);
        return -1;
    }
    size_t count = json_object_array_length(json);
    char *items = arena_array(arena, count, shape->size);
    for (size_t i = 0; i < count; i++)
        if (qmp_decode_struct(shape, json_object_array_get_idx(json, i), what, arena,
                              items + i * shape->size, error) < 0)
            return -1;
    *ret_items = items;
    *ret_count = count;
    return 0;
}

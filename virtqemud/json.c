/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "json.h"

void json_clear(struct json_object **json)
{
    json_object_put(g_steal_pointer(json));
}

/* The value of one pair, NULL when it is to be left out; *args moves on. */
static struct json_object *pair_value(char kind, va_list *args)
{
    const char *text;
    bool set;

    switch (kind) {
    case 's':
        return json_object_new_string(va_arg(*args, const char *));
    case 'S':
        text = va_arg(*args, const char *);
        return text ? json_object_new_string(text) : NULL;
    case 'i':
        return json_object_new_int(va_arg(*args, int));
    case 'I':
        return json_object_new_int64(va_arg(*args, int64_t));
    case 'u':
        return json_object_new_uint64(va_arg(*args, unsigned));
    case 'U':
        return json_object_new_uint64(va_arg(*args, uint64_t));
    case 'b':
        return json_object_new_boolean(va_arg(*args, int));
    case 'B':
        set = va_arg(*args, int);
        return set ? json_object_new_boolean(1) : NULL;
    case 'd':
        return json_object_new_double(va_arg(*args, double));
    case 'j':
    case 'J':
        return va_arg(*args, struct json_object *);
    default:
        g_assert_not_reached();
    }
}

static void add_pairs(struct json_object *object, const char *first, va_list *args)
{
    for (const char *pair = first; pair; pair = va_arg(*args, const char *)) {
        g_assert(pair[0] && pair[1] == ':');
        struct json_object *value = pair_value(pair[0], args);
        if (value || pair[0] == 'j')
            json_object_object_add(object, pair + 2, value);
    }
}

struct json_object *json_build(const char *first, ...)
{
    struct json_object *object = json_object_new_object();
    va_list args;

    va_start(args, first);
    add_pairs(object, first, &args);
    va_end(args);
    return object;
}

void json_add(struct json_object *object, const char *first, ...)
{
    va_list args;

    va_start(args, first);
    add_pairs(object, first, &args);
    va_end(args);
}

struct json_object *json_words(GPtrArray *words)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < words->len; i++) {
        if (i > 0)
            g_string_append_c(text, ' ');
        g_string_append(text, g_ptr_array_index(words, i));
    }
    return json_object_new_string_len(text->str, text->len);
}

struct json_object *json_member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    if (!json_object_is_type(object, json_type_object))
        return NULL;
    json_object_object_get_ex(object, name, &value);
    return value;
}

static struct json_object *typed_member(struct json_object *object, const char *name,
                                        enum json_type type)
{
    struct json_object *value = json_member(object, name);

    return value && json_object_is_type(value, type) ? value : NULL;
}

struct json_object *json_object_member(struct json_object *object, const char *name)
{
    return typed_member(object, name, json_type_object);
}

struct json_object *json_array_member(struct json_object *object, const char *name)
{
    return typed_member(object, name, json_type_array);
}

const char *json_string_member(struct json_object *object, const char *name)
{
    struct json_object *value = typed_member(object, name, json_type_string);

    return value ? json_object_get_string(value) : NULL;
}

bool json_bool_member(struct json_object *object, const char *name, bool fallback)
{
    struct json_object *value = typed_member(object, name, json_type_boolean);

    return value ? json_object_get_boolean(value) : fallback;
}

int64_t json_int_member(struct json_object *object, const char *name, int64_t fallback)
{
    struct json_object *value = typed_member(object, name, json_type_int);

    return value ? json_object_get_int64(value) : fallback;
}

/*
 * About what json-c needs for the tree of this text: an empty object there takes 900 bytes, so that
 * a text of brackets grows three hundred times. Counts structure outside strings, nothing else.
 */
static size_t tree_size(const char *text, size_t length)
{
    static const unsigned cost[256] = {['{'] = 900, ['['] = 400, [','] = 80, [':'] = 200};
    size_t size = length;
    bool quoted = false;

    for (size_t i = 0; i < length; i++) {
        unsigned char c = text[i];
        if (c == '"')
            quoted = !quoted;
        else if (!quoted)
            size += cost[c];
        else if (c == '\\')
            i++;
    }
    return size;
}

int json_read(const char *text, size_t length, unsigned depth, size_t memory,
              struct json_object **ret_json, GError **error)
{
    if (length > G_MAXINT || tree_size(text, length) > memory) {
        error_set(error, VIR_ERR_PARSE_FAILED, "JSON text is too large");
        return -1;
    }

    struct json_tokener *tokener = json_tokener_new_ex(depth);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *json JSON_AUTO = json_tokener_parse_ex(tokener, text, length);
    size_t end = json_tokener_get_parse_end(tokener);
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        json = json_tokener_parse_ex(tokener, "", 1); /* the end, as far as it can be one */
    enum json_tokener_error problem = json_tokener_get_error(tokener);
    json_tokener_free(tokener);

    if (problem == json_tokener_continue || problem == json_tokener_error_parse_eof)
        error_set(error, VIR_ERR_PARSE_FAILED, "JSON text ends too early");
    else if (problem != json_tokener_success)
        error_set(error, VIR_ERR_PARSE_FAILED, "JSON text, byte %zu: %s", end + 1,
                  json_tokener_error_desc(problem));
    else if (end != length)
        error_set(error, VIR_ERR_PARSE_FAILED, "JSON text, byte %zu: text after the end", end + 1);
    if (problem != json_tokener_success || end != length)
        return -1;
    *ret_json = g_steal_pointer(&json);
    return 0;
}

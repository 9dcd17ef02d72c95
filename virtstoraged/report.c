/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include <json-c/json.h>
#include <string.h>

#include "base/error.h"

#define LEVELS 12

void report_clear(struct json_object **json)
{
    json_object_put(*json);
}

int report_read(const char *program, const char *text, struct json_object **ret_json,
                GError **error)
{
    size_t length = strlen(text);
    struct json_tokener *tokener = json_tokener_new_ex(LEVELS);

    json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *json =
        length > G_MAXINT ? NULL : json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error problem = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (problem == json_tokener_success && json_object_is_type(json, json_type_object)) {
        *ret_json = json;
        return 0;
    }
    json_object_put(json);
    error_set(error, VIR_ERR_INTERNAL_ERROR, "the report of %s can't be read: %s", program,
              json_tokener_error_desc(problem));
    return -1;
}

static struct json_object *member(struct json_object *object, const char *name, enum json_type type)
{
    struct json_object *found = NULL;

    json_object_object_get_ex(object, name, &found);
    return json_object_is_type(found, type) ? found : NULL;
}

struct json_object *report_object(struct json_object *object, const char *name)
{
    return member(object, name, json_type_object);
}

struct json_object *report_array(struct json_object *object, const char *name)
{
    return member(object, name, json_type_array);
}

const char *report_string(struct json_object *object, const char *name)
{
    struct json_object *found = member(object, name, json_type_string);

    return found ? json_object_get_string(found) : "";
}

uint64_t report_number(struct json_object *object, const char *name)
{
    struct json_object *found = member(object, name, json_type_int);

    if (found)
        return (uint64_t)MAX(json_object_get_int64(found), 0);
    const char *text = report_string(object, name);
    guint64 number = g_ascii_isdigit(*text) ? g_ascii_strtoull(text, NULL, 10) : 0;
    return number > INT64_MAX ? 0 : number;
}

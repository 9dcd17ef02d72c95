/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

struct json_object;

/*
 * What tools report in JSON: numbers there are strings of digits, perhaps with a unit behind
 * ("1048576B"). Pure.
 */

/* program, for messages, said text. *ret_json is the caller's, by report_clear().
 * VIR_ERR_INTERNAL_ERROR when it is no JSON, or has too many levels. */
int report_read(const char *program, const char *text, struct json_object **ret_json,
                GError **error);
void report_clear(struct json_object **json);
#define REPORT_AUTO __attribute__((cleanup(report_clear)))

/* Of an object by name, borrowed; NULL or "" when it has no such member, or of another type. */
struct json_object *report_object(struct json_object *object, const char *name);
struct json_object *report_array(struct json_object *object, const char *name);
const char *report_string(struct json_object *object, const char *name);

/* A number, or a string that begins with one; 0 if it is none or out of range. */
uint64_t report_number(struct json_object *object, const char *name);

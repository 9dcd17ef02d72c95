/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * JSON of json-c, built and read in one line each. Every value built is owned by the caller or by
 * the object it was put into.
 */
struct json_object;

/*
 * An object from pairs of "K:name", value, ended by NULL:
 *   s  const char *, required       S  const char *, left out when NULL
 *   i  int                          I  int64_t               u  unsigned           U  uint64_t
 *   b  bool                         B  bool, left out when false
 *   d  double
 *   j  struct json_object *, taken  J  same, left out when NULL
 *     json_build("s:id", id, "b:on", true, "J:data", data, NULL)
 */
struct json_object *json_build(const char *first, ...) G_GNUC_NULL_TERMINATED;

/* Adds such pairs to an object. */
void json_add(struct json_object *object, const char *first, ...) G_GNUC_NULL_TERMINATED;

/* struct json_object *result JSON_AUTO = NULL;  drops the reference at the end of the block */
void json_clear(struct json_object **json);
#define JSON_AUTO __attribute__((cleanup(json_clear)))

/* A string of the words (char *, borrowed) with spaces between. */
struct json_object *json_words(GPtrArray *words);

/* Member of an object by name, borrowed: NULL when object is NULL, no object, has no such member,
 * or the member has another type. */
struct json_object *json_member(struct json_object *object, const char *name);
struct json_object *json_object_member(struct json_object *object, const char *name);
struct json_object *json_array_member(struct json_object *object, const char *name);
const char *json_string_member(struct json_object *object, const char *name);
bool json_bool_member(struct json_object *object, const char *name, bool fallback);
int64_t json_int_member(struct json_object *object, const char *name, int64_t fallback);

/*
 * Parses one value that must fill text (white space around it aside), at most depth levels deep and
 * at most about memory bytes as a tree: judged before the tree is built. *ret_json is the caller's.
 * VIR_ERR_PARSE_FAILED says what is wrong.
 */
int json_read(const char *text, size_t length, unsigned depth, size_t memory,
              struct json_object **ret_json, GError **error);

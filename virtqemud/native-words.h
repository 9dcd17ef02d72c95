/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "xml/definition.h"

/* A command line taken apart: words, and the lists that are values of options. Pure; any thread. */

#define NATIVE_MAX_TEXT (1024 * 1024)
#define NATIVE_MAX_WORDS 4096

/* As a shell would read it: quotes, continued lines, comments. *ret_words is the caller's
 * (g_strfreev) and not empty. VIR_ERR_INVALID_ARG: bad quoting, too long, or a second command. */
int native_split(const char *text, char ***ret_words, GError **error);

/* NAME=value, as before a command. */
bool native_is_variable(const char *word);

/* One part of an option's value, and whether it has found its place. */
struct native_pair {
    const char *key;
    const char *value;
    bool taken;
};

struct native_list {
    struct native_pair *pairs;
    unsigned count;
};

/* "qcow2,id=a,on" (a comma doubled is a comma) or JSON, whose inner members are "file.driver".
 * first is the key of a first part without one, NULL: as the others, which are "on". Empty if it
 * is JSON that can't be read. All is in arena. */
struct native_list native_list_read(const char *text, const char *first, struct arena *arena);

/* The value, borrowed, or NULL; take: it has found its place. */
const char *native_list_find(const struct native_list *list, const char *key);
const char *native_list_take(struct native_list *list, const char *key);

/* Takes all of these keys (NULL at the end), whatever they say. */
void native_list_ignore(struct native_list *list, ...) G_GNUC_NULL_TERMINATED;

/* The same, if the value is of that kind; else it is not taken, and *ret_... is as it was. True:
 * taken. */
bool native_list_take_bool(struct native_list *list, const char *key, bool *ret_value);
bool native_list_take_tristate(struct native_list *list, const char *key, uint8_t *ret_value);
bool native_list_take_uint(struct native_list *list, const char *key, unsigned *ret_value);

/* Nothing is left (of a list that is not empty). */
bool native_list_done(const struct native_list *list);

/* What is left, as text of an option, in arena; NULL: nothing. */
const char *native_list_rest(const struct native_list *list, struct arena *arena);

/* Decimal, or hexadecimal with 0x; true: *ret_value is set. */
bool native_number(const char *text, uint64_t *ret_value);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "arguments.h"

/*
 * The words of a command line being built. Options of QEMU that take no JSON are lists,
 * "file,id=charserial0,path=/tmp/a": a comma in a value is doubled, so that no value can become
 * another option, whatever it is made of.
 */
struct json_object;

/* Adds a word, or several up to NULL; copies. */
void words_add(struct arguments *arguments, const char *first, ...) G_GNUC_NULL_TERMINATED;

/* Adds the option and the object, which is taken, as JSON. */
void words_add_json(struct arguments *arguments, const char *option, struct json_object *json);

/* Adds the option and the list, which is freed. */
void words_add_option(struct arguments *arguments, const char *option, GString *list);

/* Adds a variable of the environment. */
void words_add_variable(struct arguments *arguments, const char *name, const char *value);

/* Hands a descriptor to the emulator: returns the number it will have there. from is taken. */
int words_add_fd(struct arguments *arguments, int from);

/* The same as a path that the emulator can open: "/dev/fdset/3"; the caller frees. from is taken.
 */
char *words_add_fd_set(struct arguments *arguments, int from);

/* A list that begins with a bare word ("socket"), which must not come from outside: QEMU reads it
 * as name=value if it has a '='. */
GString *option_new(const char *word);

/* ",key=value" with the value's commas doubled; nothing for a NULL value. */
void option_add(GString *list, const char *key, const char *value);
void option_addf(GString *list, const char *key, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* ",key=on" or "off"; option_add_tristate() nothing for one that is absent. */
void option_add_bool(GString *list, const char *key, bool on);
void option_add_tristate(GString *list, const char *key, unsigned tristate);

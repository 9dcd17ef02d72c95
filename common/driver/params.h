/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "protocol/remote.h"

/*
 * Typed parameters: the API's named values. A list under construction grows in the call's arena;
 * what comes in is matched against a table of the fields that a method takes.
 */
struct params {
    struct arena *arena;
    struct remote_typed_param *items;
    uint32_t count;
    uint32_t capacity;
};

/* Adds a value; name is a printf format, so that "block.%u.name" needs no buffer of the caller's.
 * text may be NULL: then nothing is added. */
void params_add_int(struct params *params, int value, const char *name, ...) G_GNUC_PRINTF(3, 4);
void params_add_uint(struct params *params, unsigned value, const char *name, ...)
    G_GNUC_PRINTF(3, 4);
void params_add_long(struct params *params, int64_t value, const char *name, ...)
    G_GNUC_PRINTF(3, 4);
void params_add_ulong(struct params *params, uint64_t value, const char *name, ...)
    G_GNUC_PRINTF(3, 4);
void params_add_double(struct params *params, double value, const char *name, ...)
    G_GNUC_PRINTF(3, 4);
void params_add_bool(struct params *params, bool value, const char *name, ...) G_GNUC_PRINTF(3, 4);
void params_add_string(struct params *params, const char *text, const char *name, ...)
    G_GNUC_PRINTF(3, 4);

/* Adds a value as it came; a string is borrowed. */
void params_add_value(struct params *params, const struct remote_typed_param_value *value,
                      const char *name, ...) G_GNUC_PRINTF(3, 4);

/* The reply of older getters, whose caller asks for the count first, with no room for values: at
 * most room of the values, and how many there are or came. */
void params_reply(const struct params *params, int room, struct remote_typed_param **ret_val,
                  uint32_t *ret_len, int *ret_count);

/* A field of a family of parameters: where its value is in a struct, often that of the document.
 * One table serves the method that asks for them and the one that sets them. */
struct param_row {
    const char *field;
    int type;       /* VIR_TYPED_PARAM_INT ... */
    size_t offset;  /* of int, unsigned, int64_t, uint64_t, double, bool or const char * */
    size_t present; /* of a bool that is set when the field was given; 0: nobody asks */
};

/* Adds the value of each row from the struct, present or not; a NULL string is "". */
void params_add_rows(struct params *params, const struct param_row *rows, size_t count,
                     const void *values);

/* Fills the members of the struct that were given, and leaves the others alone; strings are
 * borrowed from params. VIR_ERR_ARGUMENT_UNSUPPORTED names the field that is unknown,
 * VIR_ERR_INVALID_ARG the one given twice or of the wrong type: then nothing is filled. */
int params_read(const struct remote_typed_param *params, uint32_t count,
                const struct param_row *rows, size_t row_count, void *ret_values, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "protocol/admin.h"

/* Typed parameters of the admin program. */

/* Numbers of a struct of unsigned members, one row each. */
struct admin_param_row {
    const char *name;
    size_t offset;
    bool settable;
};

struct admin_param_table {
    const struct admin_param_row *rows;
    unsigned count;
};

#define ADMIN_PARAM_TABLE(table_rows)                                                              \
    {                                                                                              \
        table_rows, G_N_ELEMENTS(table_rows)                                                       \
    }

/* All rows, in the arena. */
struct admin_typed_param *admin_params_write(const struct admin_param_table *table,
                                             const void *numbers, struct arena *arena,
                                             uint32_t *ret_count);

/* Sets the members that params name. VIR_ERR_ARGUMENT_UNSUPPORTED for a name that can't be set,
 * VIR_ERR_INVALID_ARG for one of the wrong type or named twice; numbers may then be half changed.
 */
int admin_params_read(const struct admin_param_table *table, const struct admin_typed_param *params,
                      uint32_t count, void *numbers, GError **error);

/* A list that grows. */
struct admin_params {
    struct arena *arena;
    struct admin_typed_param *items;
    uint32_t count;
};

/* Add one; name and value are copied, and a value of NULL adds nothing. */
void admin_params_add_bool(struct admin_params *params, const char *name, bool value);
void admin_params_add_int(struct admin_params *params, const char *name, int value);
void admin_params_add_string(struct admin_params *params, const char *name, const char *value);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/admin-params.h"

#include <string.h>

#include "base/error.h"
#include "facts/constants.h"

static const char *const type_names[] = {
    [VIR_TYPED_PARAM_INT] = "int",       [VIR_TYPED_PARAM_UINT] = "uint",
    [VIR_TYPED_PARAM_LLONG] = "llong",   [VIR_TYPED_PARAM_ULLONG] = "ullong",
    [VIR_TYPED_PARAM_DOUBLE] = "double", [VIR_TYPED_PARAM_BOOLEAN] = "boolean",
    [VIR_TYPED_PARAM_STRING] = "string",
};

static unsigned *member(const struct admin_param_row *row, const void *numbers)
{
    return (unsigned *)((char *)numbers + row->offset);
}

struct admin_typed_param *admin_params_write(const struct admin_param_table *table,
                                             const void *numbers, struct arena *arena,
                                             uint32_t *ret_count)
{
    struct admin_typed_param *params = arena_array(arena, table->count, sizeof(*params));

    for (unsigned i = 0; i < table->count; i++) {
        params[i].field = arena_strdup(arena, table->rows[i].name);
        params[i].value.type = VIR_TYPED_PARAM_UINT;
        params[i].value.ui = *member(&table->rows[i], numbers);
    }
    *ret_count = table->count;
    return params;
}

static const struct admin_param_row *find_row(const struct admin_param_table *table,
                                              const char *name)
{
    for (unsigned i = 0; i < table->count; i++)
        if (table->rows[i].settable && g_str_equal(table->rows[i].name, name))
            return &table->rows[i];
    return NULL;
}

static bool is_named_before(const struct admin_typed_param *params, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (g_str_equal(params[i].field, params[index].field))
            return true;
    return false;
}

int admin_params_read(const struct admin_param_table *table, const struct admin_typed_param *params,
                      uint32_t count, void *numbers, GError **error)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct admin_param_row *row = find_row(table, params[i].field);

        if (!row) {
            error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' not supported",
                      params[i].field);
            return -1;
        }
        if (params[i].value.type != VIR_TYPED_PARAM_UINT) {
            error_set(error, VIR_ERR_INVALID_ARG,
                      "invalid type '%s' for parameter '%s', expected 'uint'",
                      type_names[params[i].value.type], row->name);
            return -1;
        }
        if (is_named_before(params, i)) {
            error_set(error, VIR_ERR_INVALID_ARG, "parameter '%s' occurs multiple times",
                      row->name);
            return -1;
        }
        *member(row, numbers) = params[i].value.ui;
    }
    return 0;
}

static struct admin_typed_param_value *add(struct admin_params *params, const char *name, int type)
{
    struct admin_typed_param *grown =
        arena_array(params->arena, params->count + 1, sizeof(*params->items));

    if (params->count)
        memcpy(grown, params->items, params->count * sizeof(*grown));
    params->items = grown;
    grown[params->count].field = arena_strdup(params->arena, name);
    grown[params->count].value.type = type;
    return &grown[params->count++].value;
}

void admin_params_add_bool(struct admin_params *params, const char *name, bool value)
{
    add(params, name, VIR_TYPED_PARAM_BOOLEAN)->b = value;
}

void admin_params_add_int(struct admin_params *params, const char *name, int value)
{
    add(params, name, VIR_TYPED_PARAM_INT)->i = value;
}

void admin_params_add_string(struct admin_params *params, const char *name, const char *value)
{
    if (value)
        add(params, name, VIR_TYPED_PARAM_STRING)->s = arena_strdup(params->arena, value);
}

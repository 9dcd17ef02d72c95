/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/params.h"

#include <string.h>

#include "base/error.h"

#define FIRST_CAPACITY 32

static void grow(struct params *params)
{
    uint32_t capacity = MAX(FIRST_CAPACITY, params->capacity * 2);
    struct remote_typed_param *items =
        arena_array(params->arena, capacity, sizeof(struct remote_typed_param));

    if (params->count)
        memcpy(items, params->items, params->count * sizeof(*items));
    params->items = items;
    params->capacity = capacity;
}

static void G_GNUC_PRINTF(3, 0) add(struct params *params, struct remote_typed_param_value value,
                                    const char *name, va_list args)
{
    char field[VIR_TYPED_PARAM_FIELD_LENGTH];

    if (params->count == params->capacity)
        grow(params);
    g_vsnprintf(field, sizeof(field), name, args);
    params->items[params->count++] =
        (struct remote_typed_param){.field = arena_strdup(params->arena, field), .value = value};
}

/* The seven functions differ only in the member that holds the value. */
#define PARAMS_ADD(suffix, c_type, wire_type, member)                                              \
    void params_add_##suffix(struct params *params, c_type value, const char *name, ...)           \
    {                                                                                              \
        va_list args;                                                                              \
                                                                                                   \
        va_start(args, name);                                                                      \
        add(params, (struct remote_typed_param_value){.type = wire_type, .member = value}, name,   \
            args);                                                                                 \
        va_end(args);                                                                              \
    }

PARAMS_ADD(int, int, VIR_TYPED_PARAM_INT, i)
PARAMS_ADD(uint, unsigned, VIR_TYPED_PARAM_UINT, ui)
PARAMS_ADD(long, int64_t, VIR_TYPED_PARAM_LLONG, l)
PARAMS_ADD(ulong, uint64_t, VIR_TYPED_PARAM_ULLONG, ul)
PARAMS_ADD(double, double, VIR_TYPED_PARAM_DOUBLE, d)
PARAMS_ADD(bool, bool, VIR_TYPED_PARAM_BOOLEAN, b)

void params_add_string(struct params *params, const char *text, const char *name, ...)
{
    va_list args;

    if (!text)
        return;
    va_start(args, name);
    add(params,
        (struct remote_typed_param_value){.type = VIR_TYPED_PARAM_STRING,
                                          .s = arena_strdup(params->arena, text)},
        name, args);
    va_end(args);
}

void params_add_value(struct params *params, const struct remote_typed_param_value *value,
                      const char *name, ...)
{
    va_list args;

    va_start(args, name);
    add(params, *value, name, args);
    va_end(args);
}

void params_reply(const struct params *params, int room, struct remote_typed_param **ret_val,
                  uint32_t *ret_len, int *ret_count)
{
    *ret_count = (int)params->count;
    if (room <= 0)
        return;
    *ret_count = MIN(room, (int)params->count);
    *ret_val = params->items;
    *ret_len = (uint32_t)*ret_count;
}

static void add_row(struct params *params, const struct param_row *row, const void *source)
{
    switch (row->type) {
    case VIR_TYPED_PARAM_INT:
        params_add_int(params, *(const int *)source, "%s", row->field);
        break;
    case VIR_TYPED_PARAM_UINT:
        params_add_uint(params, *(const unsigned *)source, "%s", row->field);
        break;
    case VIR_TYPED_PARAM_LLONG:
        params_add_long(params, *(const int64_t *)source, "%s", row->field);
        break;
    case VIR_TYPED_PARAM_ULLONG:
        params_add_ulong(params, *(const uint64_t *)source, "%s", row->field);
        break;
    case VIR_TYPED_PARAM_DOUBLE:
        params_add_double(params, *(const double *)source, "%s", row->field);
        break;
    case VIR_TYPED_PARAM_BOOLEAN:
        params_add_bool(params, *(const bool *)source, "%s", row->field);
        break;
    case VIR_TYPED_PARAM_STRING:
        params_add_string(params, *(const char *const *)source ? *(const char *const *)source : "",
                          "%s", row->field);
        break;
    }
}

void params_add_rows(struct params *params, const struct param_row *rows, size_t count,
                     const void *values)
{
    for (size_t i = 0; i < count; i++)
        add_row(params, &rows[i], (const char *)values + rows[i].offset);
}

static const struct param_row *find_row(const struct param_row *rows, size_t count,
                                        const char *field)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].field, field) == 0)
            return &rows[i];
    return NULL;
}

static void store(const struct remote_typed_param_value *value, void *target)
{
    switch (value->type) {
    case VIR_TYPED_PARAM_INT:
        *(int *)target = value->i;
        break;
    case VIR_TYPED_PARAM_UINT:
        *(unsigned *)target = value->ui;
        break;
    case VIR_TYPED_PARAM_LLONG:
        *(int64_t *)target = value->l;
        break;
    case VIR_TYPED_PARAM_ULLONG:
        *(uint64_t *)target = value->ul;
        break;
    case VIR_TYPED_PARAM_DOUBLE:
        *(double *)target = value->d;
        break;
    case VIR_TYPED_PARAM_BOOLEAN:
        *(bool *)target = value->b;
        break;
    case VIR_TYPED_PARAM_STRING:
        *(const char **)target = value->s;
        break;
    }
}

static const char *type_word(int type)
{
    static const char *const words[] = {NULL,     "int",    "uint",    "llong",
                                        "ullong", "double", "boolean", "string"};

    return type > 0 && type < (int)G_N_ELEMENTS(words) ? words[type] : "unknown";
}

static bool given_before(const struct remote_typed_param *params, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (strcmp(params[i].field, params[index].field) == 0)
            return true;
    return false;
}

int params_read(const struct remote_typed_param *params, uint32_t count,
                const struct param_row *rows, size_t row_count, void *ret_values, GError **error)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct param_row *row = find_row(rows, row_count, params[i].field);

        if (!row) {
            error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' not supported",
                      params[i].field);
            return -1;
        }
        if (row->type != params[i].value.type) {
            error_set(error, VIR_ERR_INVALID_ARG,
                      "invalid type '%s' for parameter '%s', expected '%s'",
                      type_word(params[i].value.type), params[i].field, type_word(row->type));
            return -1;
        }
        if (given_before(params, i)) {
            error_set(error, VIR_ERR_INVALID_ARG, "parameter '%s' occurs multiple times",
                      params[i].field);
            return -1;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct param_row *row = find_row(rows, row_count, params[i].field);

        store(&params[i].value, (char *)ret_values + row->offset);
        if (row->present)
            *(bool *)((char *)ret_values + row->present) = true;
    }
    return 0;
}

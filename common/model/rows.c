/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/rows.h"

#include <inttypes.h>

static int read_any(const char *text, uint64_t most, uint64_t *ret_value, GString *problem)
{
    bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    bool octal = !hex && text[0] == '0';
    guint64 value;

    if (!g_ascii_string_to_unsigned(hex ? text + 2 : text,
                                    hex     ? 16
                                    : octal ? 8
                                            : 10,
                                    0, most, &value, NULL)) {
        g_string_append_printf(problem, "'%s' is not a whole number up to %" PRIu64, text, most);
        return -1;
    }
    *ret_value = value;
    return 0;
}

static int parse_any(const struct xml_row *row, const char *text, struct arena *arena, void *member,
                     GString *problem)
{
    bool small = row->size == sizeof(unsigned);
    uint64_t value;

    if (read_any(text, small ? UINT32_MAX : UINT64_MAX, &value, problem) < 0)
        return -1;
    if (small)
        *(unsigned *)member = (unsigned)value;
    else
        *(uint64_t *)member = value;
    return 0;
}

static void format_any(const struct xml_row *row, const void *member, GString *out)
{
    g_string_append_printf(out, "%" PRIu64,
                           row->size == sizeof(unsigned) ? *(const unsigned *)member
                                                         : *(const uint64_t *)member);
}

const struct xml_type number_any_type = {
    .name = "whole number, in any base",
    .rng = "<data type='string'><param name='pattern'>(0[xX][0-9a-fA-F]+|[0-9]+)</param></data>",
    .parse = parse_any,
    .format = format_any,
};

static int parse_opt_any(const struct xml_row *row, const char *text, struct arena *arena,
                         void *member, GString *problem)
{
    uint64_t value;

    if (read_any(text, row->max ? (uint64_t)row->max : UINT32_MAX, &value, problem) < 0)
        return -1;
    *(struct opt_uint *)member = OPT_UINT((unsigned)value);
    return 0;
}

static void format_opt_any(const struct xml_row *row, const void *member, GString *out)
{
    g_string_append_printf(out, "%u", ((const struct opt_uint *)member)->value);
}

const struct xml_type opt_number_any_type = {
    .name = "whole number, in any base",
    .rng = "<data type='string'><param name='pattern'>(0[xX][0-9a-fA-F]+|[0-9]+)</param></data>",
    .size = sizeof(struct opt_uint),
    .parse = parse_opt_any,
    .format = format_opt_any,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/rows.h"

#include <inttypes.h>

static int parse_any(const struct xml_row *row, const char *text, struct arena *arena, void *member,
                     GString *problem)
{
    bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    bool octal = !hex && text[0] == '0';
    uint64_t most = row->size == sizeof(unsigned) ? UINT32_MAX : UINT64_MAX;
    guint64 value;

    if (!g_ascii_string_to_unsigned(hex ? text + 2 : text,
                                    hex     ? 16
                                    : octal ? 8
                                            : 10,
                                    0, most, &value, NULL)) {
        g_string_append_printf(problem, "'%s' is not a whole number up to %" PRIu64, text, most);
        return -1;
    }
    if (row->size == sizeof(unsigned))
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

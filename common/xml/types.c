/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml/types.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/mac.h"
#include "base/uuid.h"
#include "xml/schema.h"

#define LONGEST_QUOTED 80

/* The offending text in quotes, shortened when it is huge. */
static void quote(GString *problem, const char *text)
{
    size_t length = strlen(text);

    g_string_append_c(problem, '\'');
    if (length <= LONGEST_QUOTED) {
        g_string_append(problem, text);
    } else {
        const char *end = text + LONGEST_QUOTED;

        while (end > text && ((unsigned char)*end & 0xc0) == 0x80)
            end--;
        g_string_append_len(problem, text, end - text);
        g_string_append(problem, "...");
    }
    g_string_append_c(problem, '\'');
}

static int refuse(GString *problem, const char *text, const char *why)
{
    quote(problem, text);
    g_string_append_c(problem, ' ');
    g_string_append(problem, why);
    return -1;
}

/* ---- whole numbers ---- */

static uint64_t load(const void *member, unsigned size)
{
    switch (size) {
    case 1:
        return *(const uint8_t *)member;
    case 2:
        return *(const uint16_t *)member;
    case 4:
        return *(const uint32_t *)member;
    default:
        return *(const uint64_t *)member;
    }
}

static void store(void *member, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        *(uint8_t *)member = (uint8_t)value;
        return;
    case 2:
        *(uint16_t *)member = (uint16_t)value;
        return;
    case 4:
        *(uint32_t *)member = (uint32_t)value;
        return;
    default:
        *(uint64_t *)member = value;
    }
}

static int64_t load_signed(const void *member, unsigned size)
{
    return size == 4 ? *(const int32_t *)member : *(const int64_t *)member;
}

static int parse_digits(const struct xml_row *row, const char *text, uint64_t *ret_value,
                        GString *problem)
{
    int base = row->base == 16 ? 0 : row->base ?: 10;
    char *end;

    if (!g_ascii_isdigit(*text))
        return refuse(problem, text, "is not a whole number");
    errno = 0;
    uint64_t value = g_ascii_strtoull(text, &end, (guint)base);
    if (*end)
        return refuse(problem, text, "is not a whole number");
    if (errno == ERANGE)
        return refuse(problem, text, "is too large");
    *ret_value = value;
    return 0;
}

static int check_unsigned(const struct xml_row *row, const char *text, uint64_t value,
                          unsigned size, GString *problem)
{
    uint64_t most = size >= 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;

    if ((row->min || row->max) &&
        (value < (uint64_t)MAX(row->min, 0) || value > (uint64_t)row->max)) {
        refuse(problem, text, "");
        g_string_append_printf(problem, "is not between %" PRId64 " and %" PRId64, row->min,
                               row->max);
        return -1;
    }
    return value > most ? refuse(problem, text, "is too large") : 0;
}

static int parse_unsigned_value(const struct xml_row *row, const char *text, unsigned size,
                                uint64_t *ret_value, GString *problem)
{
    uint64_t value;

    if (parse_digits(row, text, &value, problem) < 0 ||
        check_unsigned(row, text, value, size, problem) < 0)
        return -1;
    *ret_value = value;
    return 0;
}

static int parse_unsigned(const struct xml_row *row, const char *text, struct arena *arena,
                          void *member, GString *problem)
{
    uint64_t value;

    if (parse_unsigned_value(row, text, row->size, &value, problem) < 0)
        return -1;
    store(member, row->size, value);
    return 0;
}

static int parse_signed_value(const struct xml_row *row, const char *text, unsigned size,
                              int64_t *ret_value, GString *problem)
{
    uint64_t limit = size == 4 ? INT32_MAX : INT64_MAX, magnitude;
    bool negative = *text == '-';

    if (parse_digits(row, text + negative, &magnitude, problem) < 0) {
        g_string_truncate(problem, 0);
        return refuse(problem, text, "is not a whole number");
    }
    if (magnitude > limit)
        return refuse(problem, text, negative ? "is too small" : "is too large");
    int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if ((row->min || row->max) && (value < row->min || value > row->max)) {
        refuse(problem, text, "");
        g_string_append_printf(problem, "is not between %" PRId64 " and %" PRId64, row->min,
                               row->max);
        return -1;
    }
    *ret_value = value;
    return 0;
}

static int parse_signed(const struct xml_row *row, const char *text, struct arena *arena,
                        void *member, GString *problem)
{
    int64_t value;

    if (parse_signed_value(row, text, row->size, &value, problem) < 0)
        return -1;
    store(member, row->size, (uint64_t)value);
    return 0;
}

/* A document has hundreds of numbers, and printf is slow. */
static void append_digits(GString *out, uint64_t value, unsigned base, unsigned width)
{
    char text[24], *start = text + sizeof(text);
    char *padded = start - MIN(width, sizeof(text));

    do {
        *--start = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (start > padded)
        *--start = '0';
    g_string_append_len(out, start, text + sizeof(text) - start);
}

static void format_number(const struct xml_row *row, uint64_t value, GString *out)
{
    if (row->base == 16)
        g_string_append_len(out, "0x", 2);
    append_digits(out, value, row->base ?: 10,
                  row->width); /* a type of the model may borrow this */
}

static void format_unsigned(const struct xml_row *row, const void *member, GString *out)
{
    format_number(row, load(member, row->size), out);
}

static void format_signed(const struct xml_row *row, const void *member, GString *out)
{
    g_string_append_printf(out, "%" PRId64, load_signed(member, row->size));
}

/* ---- numbers that may be absent ---- */

static int parse_opt_uint(const struct xml_row *row, const char *text, struct arena *arena,
                          void *member, GString *problem)
{
    uint64_t value;

    if (parse_unsigned_value(row, text, sizeof(unsigned), &value, problem) < 0)
        return -1;
    *(struct opt_uint *)member = OPT_UINT((unsigned)value);
    return 0;
}

static int parse_opt_ulong(const struct xml_row *row, const char *text, struct arena *arena,
                           void *member, GString *problem)
{
    uint64_t value;

    if (parse_unsigned_value(row, text, sizeof(uint64_t), &value, problem) < 0)
        return -1;
    *(struct opt_ulong *)member = OPT_ULONG(value);
    return 0;
}

static int parse_opt_int(const struct xml_row *row, const char *text, struct arena *arena,
                         void *member, GString *problem)
{
    int64_t value;

    if (parse_signed_value(row, text, sizeof(int), &value, problem) < 0)
        return -1;
    *(struct opt_int *)member = OPT_INT((int)value);
    return 0;
}

static void format_opt_uint(const struct xml_row *row, const void *member, GString *out)
{
    format_number(row, ((const struct opt_uint *)member)->value, out);
}

static void format_opt_ulong(const struct xml_row *row, const void *member, GString *out)
{
    format_number(row, ((const struct opt_ulong *)member)->value, out);
}

static void format_opt_int(const struct xml_row *row, const void *member, GString *out)
{
    g_string_append_printf(out, "%d", ((const struct opt_int *)member)->value);
}

static bool opt_uint_is_set(const struct xml_row *row, const void *member)
{
    return ((const struct opt_uint *)member)->set;
}

static bool opt_ulong_is_set(const struct xml_row *row, const void *member)
{
    return ((const struct opt_ulong *)member)->set;
}

static bool opt_int_is_set(const struct xml_row *row, const void *member)
{
    return ((const struct opt_int *)member)->set;
}

static bool opt_uint_equal(const struct xml_row *row, const void *a, const void *b)
{
    const struct opt_uint *x = a, *y = b;

    return x->set == y->set && (!x->set || x->value == y->value);
}

static bool opt_ulong_equal(const struct xml_row *row, const void *a, const void *b)
{
    const struct opt_ulong *x = a, *y = b;

    return x->set == y->set && (!x->set || x->value == y->value);
}

static bool opt_int_equal(const struct xml_row *row, const void *a, const void *b)
{
    const struct opt_int *x = a, *y = b;

    return x->set == y->set && (!x->set || x->value == y->value);
}

/* ---- other scalars ---- */

#define DOUBLE_FORMAT "%.15g"

/* The value is what its text says, which has fewer digits than the one that was given. */
static double round_to_text(double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    return g_ascii_strtod(g_ascii_formatd(text, sizeof(text), DOUBLE_FORMAT, value), NULL);
}

static int parse_double(const struct xml_row *row, const char *text, struct arena *arena,
                        void *member, GString *problem)
{
    char *end;
    double value = round_to_text(g_ascii_strtod(text, &end));

    if (end == text || *end || !isfinite(value))
        return refuse(problem, text, "is not a number");
    *(double *)member = value;
    return 0;
}

static void format_double(const struct xml_row *row, const void *member, GString *out)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    g_ascii_formatd(text, sizeof(text), DOUBLE_FORMAT, *(const double *)member);
    g_string_append(out, text);
}

static int parse_string(const struct xml_row *row, const char *text, struct arena *arena,
                        void *member, GString *problem)
{
    *(char **)member = arena_strdup(arena, text);
    return 0;
}

static void format_string(const struct xml_row *row, const void *member, GString *out)
{
    const char *text = *(const char *const *)member;

    if (text)
        g_string_append(out, text);
}

static size_t string_payload(const void *block)
{
    return strlen(block) + 1;
}

static int parse_enum(const struct xml_row *row, const char *text, struct arena *arena,
                      void *member, GString *problem)
{
    int value = names_find(row->names, text);

    if (value >= 0) {
        store(member, row->size, (uint64_t)value);
        return 0;
    }
    g_autofree char *list = names_list(row->names);
    const char *nearest = names_nearest(row->names, text);
    quote(problem, text);
    g_string_append_printf(problem, " is not one of %s", list);
    if (nearest)
        g_string_append_printf(problem, " (did you mean '%s'?)", nearest);
    return -1;
}

static void format_enum(const struct xml_row *row, const void *member, GString *out)
{
    const char *word = names_word(row->names, (unsigned)load(member, row->size));

    if (word)
        g_string_append(out, word);
}

/* A bool member knows only "yes" and absent. */
static int set_tristate(const struct xml_row *row, void *member, bool yes)
{
    if (row->base)
        *(bool *)member = yes;
    else
        *(uint8_t *)member = tristate_of(yes);
    return 0;
}

static void format_tristate(const struct xml_row *row, const void *member, const char *yes,
                            const char *no, GString *out)
{
    uint8_t value = row->base ? tristate_of(*(const bool *)member) : *(const uint8_t *)member;

    if (value != TRISTATE_ABSENT)
        g_string_append(out, value == TRISTATE_YES ? yes : no);
}

static int parse_yes_no(const struct xml_row *row, const char *text, struct arena *arena,
                        void *member, GString *problem)
{
    if (strcmp(text, "yes") && strcmp(text, "no"))
        return refuse(problem, text, "is neither yes nor no");
    return set_tristate(row, member, *text == 'y');
}

static void format_yes_no(const struct xml_row *row, const void *member, GString *out)
{
    format_tristate(row, member, "yes", "no", out);
}

static int parse_on_off(const struct xml_row *row, const char *text, struct arena *arena,
                        void *member, GString *problem)
{
    if (strcmp(text, "on") && strcmp(text, "off"))
        return refuse(problem, text, "is neither on nor off");
    return set_tristate(row, member, text[1] == 'n');
}

static void format_on_off(const struct xml_row *row, const void *member, GString *out)
{
    format_tristate(row, member, "on", "off", out);
}

static int parse_uuid(const struct xml_row *row, const char *text, struct arena *arena,
                      void *member, GString *problem)
{
    if (uuid_parse(text, member) < 0)
        return refuse(problem, text, "is not a UUID");
    return 0;
}

static void format_uuid(const struct xml_row *row, const void *member, GString *out)
{
    char text[UUID_TEXT];

    g_string_append(out, uuid_format(member, text));
}

static int parse_opt_uuid(const struct xml_row *row, const char *text, struct arena *arena,
                          void *member, GString *problem)
{
    struct opt_uuid *uuid = member;

    uuid->set = parse_uuid(row, text, arena, uuid->bytes, problem) == 0;
    return uuid->set ? 0 : -1;
}

static bool opt_uuids_equal(const struct xml_row *row, const void *a, const void *b)
{
    return memcmp(a, b, UUID_BYTES) == 0;
}

static int parse_mac(const struct xml_row *row, const char *text, struct arena *arena, void *member,
                     GString *problem)
{
    if (mac_parse(text, member) < 0)
        return refuse(problem, text, "is not a MAC address like 52:54:00:12:34:56");
    return 0;
}

static void format_mac(const struct xml_row *row, const void *member, GString *out)
{
    char text[MAC_TEXT];

    g_string_append(out, mac_format(member, text));
}

static int parse_cpuset(const struct xml_row *row, const char *text, struct arena *arena,
                        void *member, GString *problem)
{
    struct cpuset *set = cpuset_parse(arena, text);

    if (!set || cpuset_count(set) == 0)
        return refuse(problem, text, "is not a set of numbers like 0-3,^2,5");
    *(struct cpuset **)member = set;
    return 0;
}

static void format_cpuset(const struct xml_row *row, const void *member, GString *out)
{
    const struct cpuset *set = *(struct cpuset *const *)member;

    if (set)
        cpuset_format(set, out);
}

static bool cpusets_equal(const struct xml_row *row, const void *a, const void *b)
{
    const struct cpuset *x = *(struct cpuset *const *)a, *y = *(struct cpuset *const *)b;

    return x && y ? cpuset_equal(x, y) : x == y;
}

static size_t cpuset_payload(const void *block)
{
    return cpuset_size(block);
}

/* ---- the table, and what is common to all ---- */

#define RNG_DATA(type) "<data type=\"" type "\"/>"
#define RNG_PATTERN(regex) "<data type=\"string\"><param name=\"pattern\">" regex "</param></data>"
#define RNG_CHOICE(a, b) "<choice><value>" a "</value><value>" b "</value></choice>"
#define HEX_BYTE "[a-fA-F0-9]{1,2}"

const struct xml_type xml_type_string = {.name = "text",
                                         .size = sizeof(char *),
                                         .parse = parse_string,
                                         .format = format_string,
                                         .payload = string_payload,
                                         .payload_unaligned = true,
                                         .keep_space = true};
const struct xml_type xml_type_unsigned = {
    .name = "whole number", .parse = parse_unsigned, .format = format_unsigned};
const struct xml_type xml_type_signed = {
    .name = "whole number, may be negative", .parse = parse_signed, .format = format_signed};
const struct xml_type xml_type_double = {.name = "number",
                                         .rng = RNG_DATA("double"),
                                         .size = sizeof(double),
                                         .parse = parse_double,
                                         .format = format_double};
const struct xml_type xml_type_opt_uint = {.name = "whole number",
                                           .size = sizeof(struct opt_uint),
                                           .parse = parse_opt_uint,
                                           .format = format_opt_uint,
                                           .is_set = opt_uint_is_set,
                                           .equal = opt_uint_equal};
const struct xml_type xml_type_opt_int = {.name = "whole number, may be negative",
                                          .size = sizeof(struct opt_int),
                                          .parse = parse_opt_int,
                                          .format = format_opt_int,
                                          .is_set = opt_int_is_set,
                                          .equal = opt_int_equal};
const struct xml_type xml_type_opt_ulong = {.name = "whole number",
                                            .size = sizeof(struct opt_ulong),
                                            .parse = parse_opt_ulong,
                                            .format = format_opt_ulong,
                                            .is_set = opt_ulong_is_set,
                                            .equal = opt_ulong_equal};
const struct xml_type xml_type_enum = {.name = "word", .parse = parse_enum, .format = format_enum};
const struct xml_type xml_type_yes_no = {.name = "yes or no",
                                         .rng = RNG_CHOICE("yes", "no"),
                                         .size = 1,
                                         .parse = parse_yes_no,
                                         .format = format_yes_no};
const struct xml_type xml_type_on_off = {.name = "on or off",
                                         .rng = RNG_CHOICE("on", "off"),
                                         .size = 1,
                                         .parse = parse_on_off,
                                         .format = format_on_off};
#define UUID_PATTERN RNG_PATTERN("\\s*[a-fA-F0-9](-*[a-fA-F0-9]){31}\\s*")
const struct xml_type xml_type_uuid = {.name = "UUID",
                                       .rng = UUID_PATTERN,
                                       .size = UUID_BYTES,
                                       .parse = parse_uuid,
                                       .format = format_uuid};
const struct xml_type xml_type_opt_uuid = {.name = "UUID",
                                           .rng = UUID_PATTERN,
                                           .size = sizeof(struct opt_uuid),
                                           .parse = parse_opt_uuid,
                                           .format = format_uuid,
                                           .equal = opt_uuids_equal};
const struct xml_type xml_type_mac = {.name = "MAC address",
                                      .rng = RNG_PATTERN(HEX_BYTE "(:" HEX_BYTE "){5}"),
                                      .size = MAC_BYTES,
                                      .parse = parse_mac,
                                      .format = format_mac};
const struct xml_type xml_type_cpuset = {.name = "set of numbers, like 0-3,^2,5",
                                         .rng = RNG_PATTERN("[0-9,^\\- ]+"),
                                         .size = sizeof(struct cpuset *),
                                         .parse = parse_cpuset,
                                         .format = format_cpuset,
                                         .equal = cpusets_equal,
                                         .payload = cpuset_payload,
                                         .wrong = VIR_ERR_INVALID_ARG};

bool xml_type_is_set(const struct xml_row *row, const void *member)
{
    const char *bytes = member;

    if (row->type->is_set)
        return row->type->is_set(row, member);
    for (unsigned i = 0; i < row->size; i++)
        if (bytes[i])
            return true;
    return false;
}

static bool payloads_equal(const struct xml_type *type, const void *a, const void *b)
{
    if (!a || !b)
        return a == b;
    size_t size = type->payload(a);
    return type->payload(b) == size && memcmp(a, b, size) == 0;
}

bool xml_type_equal(const struct xml_row *row, const void *a, const void *b)
{
    if (row->type->equal)
        return row->type->equal(row, a, b);
    if (row->type->payload)
        return payloads_equal(row->type, *(void *const *)a, *(void *const *)b);
    return memcmp(a, b, row->size) == 0;
}

void xml_type_set_number(const struct xml_row *row, void *member, int64_t value)
{
    if (row->type == &xml_type_opt_uint)
        *(struct opt_uint *)member = OPT_UINT((unsigned)value);
    else if (row->type == &xml_type_opt_int)
        *(struct opt_int *)member = OPT_INT((int)value);
    else if (row->type == &xml_type_opt_ulong)
        *(struct opt_ulong *)member = OPT_ULONG((uint64_t)value);
    else
        store(member, row->size, (uint64_t)value);
}

uint64_t xml_type_get_number(const struct xml_row *row, const void *member)
{
    if (row->type == &xml_type_opt_uint)
        return ((const struct opt_uint *)member)->value;
    if (row->type == &xml_type_opt_int)
        return (uint64_t)((const struct opt_int *)member)->value;
    if (row->type == &xml_type_opt_ulong)
        return ((const struct opt_ulong *)member)->value;
    if (row->type == &xml_type_signed)
        return (uint64_t)load_signed(member, row->size);
    return load(member, row->size);
}

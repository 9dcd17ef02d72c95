/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/codec.h"

#include <endian.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "wire/net-message.h"

#define SCALAR(kind_, c, wire)                                                                     \
    {                                                                                              \
        .kind = kind_, .size = sizeof(c), .wire_min = wire                                         \
    }

const struct codec_type codec_int = SCALAR(CODEC_INT, int, 4);
const struct codec_type codec_uint = SCALAR(CODEC_UINT, unsigned, 4);
const struct codec_type codec_char = SCALAR(CODEC_CHAR, char, 4);
const struct codec_type codec_uchar = SCALAR(CODEC_UCHAR, unsigned char, 4);
const struct codec_type codec_ushort = SCALAR(CODEC_USHORT, unsigned short, 4);
const struct codec_type codec_int64 = SCALAR(CODEC_INT64, int64_t, 8);
const struct codec_type codec_uint64 = SCALAR(CODEC_UINT64, uint64_t, 8);
const struct codec_type codec_double = SCALAR(CODEC_DOUBLE, double, 8);

/* One encoding or decoding. */
struct walk {
    char *at;            /* decoding: the next byte to be read; encoding: to be written */
    size_t left;         /* from there on */
    struct arena *arena; /* decoding: what holds the result */
    size_t measured;     /* measuring: bytes so far */
    char *problem;       /* after a failure */
    GString *path;       /* after a failure: ".dom.name", built from its end while unwinding */
};

/* What can be done with a value of a kind. All are false after a failure, with problem set. */
struct kind_ops {
    bool (*measure)(struct walk *walk, const struct codec_type *type, const char *value);
    bool (*encode)(struct walk *walk, const struct codec_type *type, const char *value);
    bool (*decode)(struct walk *walk, const struct codec_type *type, char *value);
};

static const struct kind_ops *ops_of(const struct codec_type *type);

/* A list in C: see codec.h. Copied in and out, since a T * may not be accessed as a void *. */
struct list {
    const char *val;
    uint32_t len;
};

static struct list load_list(const char *value)
{
    struct list list;

    memcpy(&list.val, value, sizeof(list.val));
    memcpy(&list.len, value + sizeof(list.val), sizeof(list.len));
    return list;
}

static void store_list(char *value, const void *val, uint32_t len)
{
    memcpy(value, &val, sizeof(val));
    memcpy(value + sizeof(val), &len, sizeof(len));
}

static const char *load_pointer(const char *value)
{
    const char *pointer;

    memcpy(&pointer, value, sizeof(pointer));
    return pointer;
}

static void store_pointer(char *value, const void *pointer)
{
    memcpy(value, &pointer, sizeof(pointer));
}

static size_t padded(size_t bytes)
{
    return (bytes + 3) & ~(size_t)3;
}

/* failures */

static bool G_GNUC_PRINTF(2, 3) fail(struct walk *walk, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    walk->problem = g_strdup_vprintf(format, args);
    va_end(args);
    walk->path = g_string_new(NULL);
    return false;
}

static bool fail_end(struct walk *walk)
{
    return fail(walk, "the payload ends too early");
}

static bool fail_limit(struct walk *walk, uint32_t count, uint32_t max)
{
    return fail(walk, "%u is more than the limit of %u", count, max);
}

static bool failed_in_member(struct walk *walk, const struct codec_member *member)
{
    g_string_prepend(walk->path, member->name);
    g_string_prepend_c(walk->path, '.');
    return false;
}

static bool failed_in_element(struct walk *walk, uint32_t index)
{
    char text[16];

    g_snprintf(text, sizeof(text), "[%u]", index);
    g_string_prepend(walk->path, text);
    return false;
}

static int report(struct walk *walk, const char *what, const struct codec_type *type,
                  GError **error)
{
    g_autofree char *problem = walk->problem;

    error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "Unable to %s message payload: %s%s: %s", what,
                   type->name ? type->name : "value", walk->path->str, problem);
    g_string_free(walk->path, TRUE);
    return -1;
}

/* what all consists of */

/* The next count bytes with their padding, to be read or written. NULL: there are fewer. */
static char *next_bytes(struct walk *walk, uint32_t count)
{
    char *bytes = walk->at;

    if (padded(count) > walk->left) {
        fail_end(walk);
        return NULL;
    }
    walk->at += padded(count);
    walk->left -= padded(count);
    return bytes;
}

static bool read_number(struct walk *walk, uint32_t *ret_number)
{
    const char *bytes = next_bytes(walk, sizeof(*ret_number));

    if (!bytes)
        return false;
    memcpy(ret_number, bytes, sizeof(*ret_number));
    *ret_number = be32toh(*ret_number);
    return true;
}

static bool write_number(struct walk *walk, uint32_t number)
{
    char *bytes = next_bytes(walk, sizeof(number));

    number = htobe32(number);
    return bytes && memcpy(bytes, &number, sizeof(number));
}

static bool write_bytes(struct walk *walk, const char *bytes, uint32_t count)
{
    char *to = next_bytes(walk, count);

    if (!to)
        return false;
    if (count)
        memcpy(to, bytes, count);
    memset(to + count, 0, padded(count) - count);
    return true;
}

static bool read_count(struct walk *walk, uint32_t max, uint32_t *ret_count)
{
    if (!read_number(walk, ret_count))
        return false;
    if (*ret_count > max)
        return fail_limit(walk, *ret_count, max);
    return true;
}

/* scalars */

union scalar {
    uint64_t whole;
    uint32_t half;
    uint16_t quarter;
    uint8_t byte;
    char sign; /* char has one where C has it */
};

static uint64_t load_scalar(const struct codec_type *type, const char *value)
{
    union scalar scalar;

    memcpy(&scalar, value, type->size);
    if (type->size == sizeof(scalar.whole))
        return scalar.whole;
    if (type->size == sizeof(scalar.half))
        return scalar.half;
    if (type->size == sizeof(scalar.quarter))
        return scalar.quarter;
    return type->kind == CODEC_CHAR ? (uint32_t)scalar.sign : scalar.byte;
}

static void store_scalar(const struct codec_type *type, uint64_t number, char *value)
{
    union scalar scalar = {.whole = number};

    if (type->size == sizeof(scalar.half))
        scalar.half = (uint32_t)number;
    else if (type->size == sizeof(scalar.quarter))
        scalar.quarter = (uint16_t)number;
    else if (type->size == sizeof(scalar.byte))
        scalar.byte = (uint8_t)number;
    memcpy(value, &scalar, type->size);
}

static bool scalar_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    walk->measured += type->wire_min;
    return true;
}

static bool scalar_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    uint64_t number = load_scalar(type, value);

    return (type->wire_min == 4 || write_number(walk, (uint32_t)(number >> 32))) &&
           write_number(walk, (uint32_t)number);
}

static bool scalar_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t high = 0, low;

    if ((type->wire_min != 4 && !read_number(walk, &high)) || !read_number(walk, &low))
        return false;
    store_scalar(type, (uint64_t)high << 32 | low, value);
    return true;
}

/* packed bytes: strings, opaque data */

static bool write_counted(struct walk *walk, const char *bytes, uint32_t count)
{
    return write_number(walk, count) && write_bytes(walk, bytes, count);
}

static bool string_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    const char *text = load_pointer(value);

    if (!text)
        return fail(walk, "NULL where a string must be");

    size_t length = strnlen(text, (size_t)type->max + 1);
    if (length > type->max)
        return fail(walk, "a string longer than the limit of %u bytes", type->max);
    walk->measured += 4 + padded(length);
    return true;
}

static bool string_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    const char *text = load_pointer(value);

    return write_counted(walk, text, strlen(text));
}

static bool string_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t length;

    if (!read_count(walk, type->max, &length))
        return false;

    const char *text = next_bytes(walk, length);
    if (!text)
        return false;
    /* a name that means one thing to a check and another to its user */
    if (memchr(text, '\0', length))
        return fail(walk, "a string with a NUL byte inside");
    store_pointer(value, arena_strndup(walk->arena, text, length));
    return true;
}

static bool bytes_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    struct list list = load_list(value);

    if (list.len > type->max)
        return fail_limit(walk, list.len, type->max);
    if (list.len && !list.val)
        return fail(walk, "NULL where %u bytes must be", list.len);
    walk->measured += 4 + padded(list.len);
    return true;
}

static bool bytes_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    struct list list = load_list(value);

    return write_counted(walk, list.val, list.len);
}

static bool bytes_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t length;

    if (!read_count(walk, type->max, &length))
        return false;

    const char *bytes = next_bytes(walk, length);
    if (!bytes)
        return false;
    store_list(value, length ? arena_memdup(walk->arena, bytes, length) : NULL, length);
    return true;
}

static bool fixed_bytes_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    return write_bytes(walk, value, type->max);
}

static bool fixed_bytes_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    const char *bytes = next_bytes(walk, type->max);

    return bytes && memcpy(value, bytes, type->max);
}

/* pointers */

static bool read_presence(struct walk *walk, uint32_t *ret_present)
{
    if (!read_number(walk, ret_present))
        return false;
    if (*ret_present > 1)
        return fail(walk, "%u is neither NULL (0) nor a value (1)", *ret_present);
    return true;
}

static bool optional_string_measure(struct walk *walk, const struct codec_type *type,
                                    const char *value)
{
    walk->measured += 4;
    return !load_pointer(value) || string_measure(walk, type, value);
}

static bool optional_string_encode(struct walk *walk, const struct codec_type *type,
                                   const char *value)
{
    bool present = load_pointer(value);

    return write_number(walk, present) && (!present || string_encode(walk, type, value));
}

static bool optional_string_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t present;

    return read_presence(walk, &present) && (!present || string_decode(walk, type, value));
}

static bool pointer_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    const char *target = load_pointer(value);

    walk->measured += 4;
    return !target || ops_of(type->of)->measure(walk, type->of, target);
}

static bool pointer_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    const char *target = load_pointer(value);

    return write_number(walk, target != NULL) &&
           (!target || ops_of(type->of)->encode(walk, type->of, target));
}

static bool pointer_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t present;

    if (!read_presence(walk, &present))
        return false;
    if (!present)
        return true;

    char *target = arena_alloc(walk->arena, type->of->size);
    store_pointer(value, target);
    return ops_of(type->of)->decode(walk, type->of, target);
}

/* arrays */

static bool measure_elements(struct walk *walk, const struct codec_type *of, const char *elements,
                             uint32_t count)
{
    const struct kind_ops *ops = ops_of(of);

    for (uint32_t i = 0; i < count; i++)
        if (!ops->measure(walk, of, elements + (size_t)i * of->size))
            return failed_in_element(walk, i);
    return true;
}

static bool encode_elements(struct walk *walk, const struct codec_type *of, const char *elements,
                            uint32_t count)
{
    const struct kind_ops *ops = ops_of(of);

    for (uint32_t i = 0; i < count; i++)
        if (!ops->encode(walk, of, elements + (size_t)i * of->size))
            return failed_in_element(walk, i);
    return true;
}

static bool decode_elements(struct walk *walk, const struct codec_type *of, char *elements,
                            uint32_t count)
{
    const struct kind_ops *ops = ops_of(of);

    for (uint32_t i = 0; i < count; i++)
        if (!ops->decode(walk, of, elements + (size_t)i * of->size))
            return failed_in_element(walk, i);
    return true;
}

static bool array_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    struct list list = load_list(value);

    if (list.len > type->max)
        return fail_limit(walk, list.len, type->max);
    if (list.len && !list.val)
        return fail(walk, "NULL where %u elements must be", list.len);
    walk->measured += 4;
    return measure_elements(walk, type->of, list.val, list.len);
}

static bool array_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    struct list list = load_list(value);

    return write_number(walk, list.len) && encode_elements(walk, type->of, list.val, list.len);
}

static bool array_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t count;

    if (!read_count(walk, type->max, &count))
        return false;
    /* before anything is allocated: a count that the rest of the payload can't hold */
    if (count > walk->left / type->of->wire_min)
        return fail_end(walk);
    if (!count)
        return true;

    char *elements = arena_array(walk->arena, count, type->of->size);
    store_list(value, elements, count);
    return decode_elements(walk, type->of, elements, count);
}

static bool fixed_array_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    return measure_elements(walk, type->of, value, type->max);
}

static bool fixed_array_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    return encode_elements(walk, type->of, value, type->max);
}

static bool fixed_array_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    return decode_elements(walk, type->of, value, type->max);
}

/* structs and unions */

static bool struct_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    for (const struct codec_member *m = type->members; m < type->members + type->n_members; m++)
        if (!ops_of(m->type)->measure(walk, m->type, value + m->offset))
            return failed_in_member(walk, m);
    return true;
}

static bool struct_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    for (const struct codec_member *m = type->members; m < type->members + type->n_members; m++)
        if (!ops_of(m->type)->encode(walk, m->type, value + m->offset))
            return failed_in_member(walk, m);
    return true;
}

static bool struct_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    for (const struct codec_member *m = type->members; m < type->members + type->n_members; m++)
        if (!ops_of(m->type)->decode(walk, m->type, value + m->offset))
            return failed_in_member(walk, m);
    return true;
}

static const struct codec_member *find_arm(const struct codec_type *type, int discriminant)
{
    for (uint32_t i = 0; i < type->n_members; i++)
        if (type->members[i].arm == discriminant)
            return &type->members[i];
    return NULL;
}

static int load_discriminant(const char *value)
{
    int discriminant;

    memcpy(&discriminant, value, sizeof(discriminant));
    return discriminant;
}

static bool union_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    int discriminant = load_discriminant(value);
    const struct codec_member *arm = find_arm(type, discriminant);

    if (!arm)
        return fail(walk, "there is no type %d", discriminant);
    walk->measured += 4;
    return ops_of(arm->type)->measure(walk, arm->type, value + arm->offset) ||
           failed_in_member(walk, arm);
}

static bool union_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    int discriminant = load_discriminant(value);
    const struct codec_member *arm = find_arm(type, discriminant);

    if (!write_number(walk, (uint32_t)discriminant))
        return false;
    return ops_of(arm->type)->encode(walk, arm->type, value + arm->offset) ||
           failed_in_member(walk, arm);
}

static bool union_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t discriminant;

    if (!read_number(walk, &discriminant))
        return false;

    const struct codec_member *arm = find_arm(type, (int)discriminant);
    if (!arm)
        return fail(walk, "there is no type %d", (int)discriminant);
    memcpy(value, &discriminant, sizeof(discriminant));
    return ops_of(arm->type)->decode(walk, arm->type, value + arm->offset) ||
           failed_in_member(walk, arm);
}

/* indexed by kind */
static const struct kind_ops kinds[] = {
    [CODEC_INT] = {scalar_measure, scalar_encode, scalar_decode},
    [CODEC_UINT] = {scalar_measure, scalar_encode, scalar_decode},
    [CODEC_CHAR] = {scalar_measure, scalar_encode, scalar_decode},
    [CODEC_UCHAR] = {scalar_measure, scalar_encode, scalar_decode},
    [CODEC_USHORT] = {scalar_measure, scalar_encode, scalar_decode},
    [CODEC_INT64] = {scalar_measure, scalar_encode, scalar_decode},
    [CODEC_UINT64] = {scalar_measure, scalar_encode, scalar_decode},
    [CODEC_DOUBLE] = {scalar_measure, scalar_encode, scalar_decode},
    [CODEC_STRING] = {string_measure, string_encode, string_decode},
    [CODEC_STRING_OR_NULL] = {optional_string_measure, optional_string_encode,
                              optional_string_decode},
    [CODEC_BYTES] = {bytes_measure, bytes_encode, bytes_decode},
    [CODEC_FIXED_BYTES] = {scalar_measure, fixed_bytes_encode, fixed_bytes_decode},
    [CODEC_ARRAY] = {array_measure, array_encode, array_decode},
    [CODEC_FIXED_ARRAY] = {fixed_array_measure, fixed_array_encode, fixed_array_decode},
    [CODEC_POINTER] = {pointer_measure, pointer_encode, pointer_decode},
    [CODEC_STRUCT] = {struct_measure, struct_encode, struct_decode},
    [CODEC_UNION] = {union_measure, union_encode, union_decode},
};

static const struct kind_ops *ops_of(const struct codec_type *type)
{
    return &kinds[type->kind];
}

/* the whole payload */

int codec_measure(const struct codec_type *type, const void *value, size_t *ret_bytes,
                  GError **error)
{
    struct walk walk = {0};

    if (type && !ops_of(type)->measure(&walk, type, value))
        return report(&walk, "encode", type, error);
    if (walk.measured > VIR_NET_MESSAGE_PAYLOAD_MAX) {
        error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC,
                       "Unable to encode message payload: %s: %zu bytes are more than the limit "
                       "of %u",
                       type->name ? type->name : "value", walk.measured,
                       VIR_NET_MESSAGE_PAYLOAD_MAX);
        return -1;
    }
    *ret_bytes = walk.measured;
    return 0;
}

/* Measuring first checks every limit and lets the bytes go straight to their place. */
int codec_encode(const struct codec_type *type, const void *value, GByteArray *out, GError **error)
{
    struct walk walk = {0};
    guint start = out->len;
    size_t size;

    if (codec_measure(type, value, &size, error) < 0)
        return -1;
    if (!size)
        return 0;

    g_byte_array_set_size(out, start + size);
    walk.at = (char *)out->data + start;
    walk.left = size;
    if (!ops_of(type)->encode(&walk, type, value)) {
        g_byte_array_set_size(out, start);
        return report(&walk, "encode", type, error);
    }
    return 0;
}

int codec_decode(const struct codec_type *type, const void *bytes, size_t length,
                 struct arena *arena, void *ret_value, GError **error)
{
    /* decoding does not write there; what lies beyond the largest payload is surplus */
    struct walk walk = {
        .at = (char *)bytes, .left = MIN(length, VIR_NET_MESSAGE_PAYLOAD_MAX), .arena = arena};

    if (!type)
        return 0;

    /* decoded aside, so that a failure leaves *ret_value alone */
    char *value = arena_alloc(arena, type->size);
    if (!ops_of(type)->decode(&walk, type, value))
        return report(&walk, "decode", type, error);
    memcpy(ret_value, value, type->size);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/codec.h"

#include <rpc/xdr.h>
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
    XDR xdr;
    const char *bytes;   /* decoding: what xdr reads */
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

/* reading */

static uint32_t bytes_left(struct walk *walk)
{
    return walk->xdr.x_handy;
}

static bool read_count(struct walk *walk, uint32_t max, uint32_t *ret_count)
{
    if (!xdr_u_int(&walk->xdr, ret_count))
        return fail_end(walk);
    if (*ret_count > max)
        return fail_limit(walk, *ret_count, max);
    return true;
}

/* The next count bytes, and past their padding. NULL if there are fewer. */
static const char *read_bytes(struct walk *walk, uint32_t count)
{
    uint32_t position = xdr_getpos(&walk->xdr);

    if (!xdr_setpos(&walk->xdr, position + padded(count)))
        return NULL;
    return walk->bytes + position;
}

/* scalars */

static bool xdr_scalar(XDR *xdr, enum codec_kind kind, void *value)
{
    switch (kind) {
    case CODEC_INT:
        return xdr_int(xdr, value);
    case CODEC_UINT:
        return xdr_u_int(xdr, value);
    case CODEC_CHAR:
        return xdr_char(xdr, value);
    case CODEC_UCHAR:
        return xdr_u_char(xdr, value);
    case CODEC_USHORT:
        return xdr_u_short(xdr, value);
    case CODEC_INT64:
        return xdr_int64_t(xdr, value);
    case CODEC_UINT64:
        return xdr_uint64_t(xdr, value);
    case CODEC_DOUBLE:
        return xdr_double(xdr, value);
    default:
        return false;
    }
}

static bool scalar_measure(struct walk *walk, const struct codec_type *type, const char *value)
{
    walk->measured += type->wire_min;
    return true;
}

/* Encoding reads through value only, but libtirpc has one function for both directions. */
static bool scalar_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    return xdr_scalar(&walk->xdr, type->kind, (void *)value) || fail_end(walk);
}

static bool scalar_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    return xdr_scalar(&walk->xdr, type->kind, value) || fail_end(walk);
}

/* packed bytes: strings, opaque data */

static bool write_bytes(struct walk *walk, const char *bytes, uint32_t count)
{
    return xdr_u_int(&walk->xdr, &count) && xdr_opaque(&walk->xdr, (char *)bytes, count);
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

    return write_bytes(walk, text, strlen(text)) || fail_end(walk);
}

static bool string_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t length;

    if (!read_count(walk, type->max, &length))
        return false;

    const char *text = read_bytes(walk, length);
    if (!text)
        return fail_end(walk);
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

    return write_bytes(walk, list.val, list.len) || fail_end(walk);
}

static bool bytes_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t length;

    if (!read_count(walk, type->max, &length))
        return false;

    const char *bytes = read_bytes(walk, length);
    if (!bytes)
        return fail_end(walk);
    store_list(value, length ? arena_memdup(walk->arena, bytes, length) : NULL, length);
    return true;
}

static bool fixed_bytes_encode(struct walk *walk, const struct codec_type *type, const char *value)
{
    return xdr_opaque(&walk->xdr, (char *)value, type->max) || fail_end(walk);
}

static bool fixed_bytes_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    return xdr_opaque(&walk->xdr, value, type->max) || fail_end(walk);
}

/* pointers */

static bool read_presence(struct walk *walk, uint32_t *ret_present)
{
    if (!xdr_u_int(&walk->xdr, ret_present))
        return fail_end(walk);
    if (*ret_present > 1)
        return fail(walk, "%u is neither NULL (0) nor a value (1)", *ret_present);
    return true;
}

static bool write_presence(struct walk *walk, uint32_t present)
{
    return xdr_u_int(&walk->xdr, &present) || fail_end(walk);
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

    return write_presence(walk, present) && (!present || string_encode(walk, type, value));
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

    return write_presence(walk, target != NULL) &&
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

    if (!xdr_u_int(&walk->xdr, &list.len))
        return fail_end(walk);
    return encode_elements(walk, type->of, list.val, list.len);
}

static bool array_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    uint32_t count;

    if (!read_count(walk, type->max, &count))
        return false;
    /* before anything is allocated: a count that the rest of the payload can't hold */
    if (count > bytes_left(walk) / type->of->wire_min)
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

    if (!xdr_int(&walk->xdr, &discriminant))
        return fail_end(walk);
    return ops_of(arm->type)->encode(walk, arm->type, value + arm->offset) ||
           failed_in_member(walk, arm);
}

static bool union_decode(struct walk *walk, const struct codec_type *type, char *value)
{
    int discriminant;

    if (!xdr_int(&walk->xdr, &discriminant))
        return fail_end(walk);

    const struct codec_member *arm = find_arm(type, discriminant);
    if (!arm)
        return fail(walk, "there is no type %d", discriminant);
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
    xdrmem_create(&walk.xdr, (char *)out->data + start, size, XDR_ENCODE);
    if (!ops_of(type)->encode(&walk, type, value)) {
        g_byte_array_set_size(out, start);
        return report(&walk, "encode", type, error);
    }
    return 0;
}

int codec_decode(const struct codec_type *type, const void *bytes, size_t length,
                 struct arena *arena, void *ret_value, GError **error)
{
    struct walk walk = {.bytes = bytes, .arena = arena};

    if (!type)
        return 0;

    /* decoded aside, so that a failure leaves *ret_value alone */
    char *value = arena_alloc(arena, type->size);
    /* what lies beyond the largest payload is surplus: xdrmem counts in 32 bits */
    xdrmem_create(&walk.xdr, (char *)bytes, MIN(length, VIR_NET_MESSAGE_PAYLOAD_MAX), XDR_DECODE);
    if (!ops_of(type)->decode(&walk, type, value))
        return report(&walk, "decode", type, error);
    memcpy(ret_value, value, type->size);
    return 0;
}

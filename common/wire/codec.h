/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/*
 * XDR by table: a codec_type tells how a C value looks on the wire and which limits it has. The
 * tables are generated from the facts; codec_encode() and codec_decode() walk them. Limits hold in
 * both directions. The tables have no cycles, so the depth of a walk is bounded by their making.
 *
 * A list is two neighbouring members of a struct, T *NAME_val and then uint32_t NAME_len; the value
 * begins at NAME_val, which may be NULL when NAME_len is 0.
 */

enum codec_kind {
    /* scalars: 4 bytes on the wire up to CODEC_USHORT, 8 bytes from CODEC_INT64 */
    CODEC_INT,    /* int, and every enum */
    CODEC_UINT,   /* unsigned int */
    CODEC_CHAR,   /* char */
    CODEC_UCHAR,  /* unsigned char */
    CODEC_USHORT, /* unsigned short */
    CODEC_INT64,  /* int64_t */
    CODEC_UINT64, /* uint64_t */
    CODEC_DOUBLE, /* double */

    CODEC_STRING,         /* char *, never NULL, no NUL inside, at most max bytes */
    CODEC_STRING_OR_NULL, /* char *, may be NULL */
    CODEC_BYTES,          /* a list of char: packed bytes, at most max */
    CODEC_FIXED_BYTES,    /* uint8_t[max]: packed bytes */
    CODEC_ARRAY,          /* a list of at most max elements */
    CODEC_FIXED_ARRAY,    /* T[max] */
    CODEC_POINTER,        /* T *, may be NULL */
    CODEC_STRUCT,         /* the members, in wire order */
    CODEC_UNION,          /* int, then the member whose arm it equals; any other int is refused */
};

struct codec_type;

struct codec_member {
    const char *name;
    const struct codec_type *type;
    uint32_t offset; /* from the start of the struct; of arms: from the start of the union's int */
    int32_t arm;     /* of unions */
};

struct codec_type {
    enum codec_kind kind;
    const char *name;                   /* of structs and unions: for messages */
    uint32_t size;                      /* bytes of the C value */
    uint32_t wire_min;                  /* least bytes on the wire */
    uint32_t max;                       /* bytes or elements */
    const struct codec_type *of;        /* element or pointee */
    const struct codec_member *members; /* of structs and unions */
    uint32_t n_members;
};

extern const struct codec_type codec_int, codec_uint, codec_char, codec_uchar, codec_ushort,
    codec_int64, codec_uint64, codec_double;

/*
 * Bytes that value takes on the wire, or an error as codec_encode() has. A NULL type is nothing:
 * 0 bytes.
 */
int codec_measure(const struct codec_type *type, const void *value, size_t *ret_bytes,
                  GError **error);

/*
 * Appends value to out. Fails with VIR_ERR_RPC and leaves out as it was if value breaks a limit, if
 * a string that must be there is NULL, or if it is larger than the largest payload. A NULL type
 * appends nothing. Never blocks; safe in any thread.
 */
int codec_encode(const struct codec_type *type, const void *value, GByteArray *out, GError **error);

/*
 * Reads one value of type->size bytes from the start of bytes into *ret_value; what it points to is
 * in the arena and copied from bytes. Surplus bytes are ignored. Fails with VIR_ERR_RPC, naming the
 * member, when bytes end too early, a limit is broken or a string holds a NUL: *ret_value is then
 * untouched, the arena may have grown. Takes no more memory than a small multiple of length. A NULL
 * type reads nothing. Never blocks; safe in any thread.
 */
int codec_decode(const struct codec_type *type, const void *bytes, size_t length,
                 struct arena *arena, void *ret_value, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fuzz.h"
#include "protocol/protocol.h"
#include "wire/codec.h"

/*
 * Two bytes choose a program and a procedure; the rest is a payload, read as its args, its ret and
 * its msg. What can be read must be writable, and reading that again must give the same bytes.
 */
static GByteArray *encode(const struct codec_type *type, const void *value)
{
    GByteArray *out = g_byte_array_new();

    if (codec_encode(type, value, out, NULL) < 0)
        FAIL("%s: decoded, but not to be encoded", type->name);
    return out;
}

static void try_type(const struct codec_type *type, const uint8_t *bytes, size_t length)
{
    struct arena arena ARENA_AUTO = {0};
    void *value, *again;

    if (!type)
        return;
    value = arena_alloc(&arena, type->size);
    again = arena_alloc(&arena, type->size);
    if (codec_decode(type, bytes, length, &arena, value, NULL) < 0)
        return;

    g_autoptr(GByteArray) first = encode(type, value);
    if (codec_decode(type, first->data, first->len, &arena, again, NULL) < 0)
        FAIL("%s: encoded, but not to be decoded", type->name);
    g_autoptr(GByteArray) second = encode(type, again);
    if (first->len != second->len || memcmp(first->data, second->data, first->len) != 0)
        FAIL("%s: encodes in two ways", type->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct protocol_program *const programs[] = {&remote_program, &qemu_program,
                                                              &lxc_program, &admin_program};
    const struct protocol_method *method;

    if (size < 2)
        return 0;
    /* 2 bits of program, 10 of procedure */
    method = protocol_method_find(programs[data[0] >> 6], (data[0] & 3) << 8 | data[1]);
    if (!method)
        return 0;
    try_type(method->args, data + 2, size - 2);
    try_type(method->ret, data + 2, size - 2);
    try_type(method->msg, data + 2, size - 2);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/arena.h"
#include "wire/codec.h"

/* Values of any type, made by walking its table: what every struct is tried with. */
enum value_extent {
    VALUE_SMALLEST, /* zeros, empty lists, NULL pointers */
    VALUE_LARGEST,  /* all bits that a number may have, lists and strings of min(max, cap) */
    VALUE_RANDOM,
};

struct value_maker {
    struct arena *arena; /* holds what the values point to */
    GRand *random;
    enum value_extent extent;
    uint32_t cap; /* of elements and bytes, to keep nested lists small */
};

/* Fills *ret, type->size bytes. */
void value_make(const struct value_maker *maker, const struct codec_type *type, void *ret);

/* Equal all the way down? */
bool value_equal(const struct codec_type *type, const void *a, const void *b);

/* Every struct and union of the four programs and of the message errors; the caller frees. */
GPtrArray *value_types(void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether all are zero: a uuid or an address that nobody has said, a struct of nothing. Pure. */
static inline bool bytes_are_zero(const void *bytes, size_t length)
{
    const char *at = bytes;

    for (; length && !*at; at++)
        length--;
    return !length;
}

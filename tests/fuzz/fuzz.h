/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What each target is: any bytes end well, or in FAIL(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not g_error(): fuzzers keep the input of an abort, but not of a trap. */
#define FAIL(...)                                                                                  \
    do {                                                                                           \
        fputs("Bail out! ", stderr);                                                               \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fputc('\n', stderr);                                                                       \
        abort();                                                                                   \
    } while (0)

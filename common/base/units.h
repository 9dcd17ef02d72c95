/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Sizes as the ecosystem spells them: "KiB" and "k" are 1024 bytes, "KB" is 1000, in any case. */
#define UNIT_BYTES UINT64_C(1)
#define UNIT_KIB UINT64_C(1024)
#define UNIT_MIB (UINT64_C(1024) * 1024)
#define UNIT_GIB (UINT64_C(1024) * 1024 * 1024)

/* Bytes in one unit ("b", "bytes", "KB", "K", "KiB", ... "EiB"); 0 when the word is not known. */
uint64_t unit_find(const char *word);

/* value in units of from bytes, turned into units of to bytes and rounded up; -1 on overflow. */
int unit_convert(uint64_t value, uint64_t from, uint64_t to, uint64_t *ret_value);

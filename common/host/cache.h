/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "base/names.h"

/* The host's caches, as the kernel tells them of each CPU. Any thread; blocks on the kernel alone.
 */
enum cache_scope { CACHE_BOTH, CACHE_CODE, CACHE_DATA };
extern const struct names cache_scope_names;

/* One cache, which some CPUs share. */
struct cache_bank {
    unsigned id, level;
    enum cache_scope scope;
    uint64_t size; /* bytes */
    char *cpus;    /* "0-3,8" */
};

/* All of them, by the first CPU that has each: struct cache_bank, the caller's. What has no number
 * is left out; empty where the kernel tells nothing. */
GArray *cache_list(void);

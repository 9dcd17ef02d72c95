/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/*
 * A set of small numbers: CPUs, NUMA nodes. Lives in one block and changes by cpuset_add() alone.
 * All functions are pure; any thread may read a set that nobody changes.
 */
#define CPUSET_MAX 16384 /* numbers are below this */

struct cpuset {
    uint32_t words; /* of bits[] */
    uint32_t spare;
    uint64_t bits[];
};

/* An empty set able to hold numbers below count (at most CPUSET_MAX). */
struct cpuset *cpuset_new(struct arena *arena, unsigned count);

/* From "0-3,^2,5" (or "" for the empty set); NULL when the text is none. No larger than needed. */
struct cpuset *cpuset_parse(struct arena *arena, const char *text);

/* From a bitmap as the wire has it: CPU n is bit n % 8 of byte n / 8. */
struct cpuset *cpuset_from_map(struct arena *arena, const uint8_t *map, size_t length);

/* To such a bitmap of length bytes; numbers beyond it are left out. */
void cpuset_to_map(const struct cpuset *set, uint8_t *map, size_t length);

/* Appends "0-1,3,5" in ascending order with ranges. */
void cpuset_format(const struct cpuset *set, GString *out);

/* Of any number; set is not NULL, as of the functions below that do not say otherwise. */
bool cpuset_has(const struct cpuset *set, unsigned number);

/* Whether a number is in both; either may be NULL, and then has none. */
bool cpuset_overlap(const struct cpuset *a, const struct cpuset *b);

/* Number must be below the count given to cpuset_new(). */
void cpuset_add(struct cpuset *set, unsigned number);

/* How many numbers are in it. */
unsigned cpuset_count(const struct cpuset *set);

/* The smallest member not below from, or -1. */
int cpuset_next(const struct cpuset *set, unsigned from);

/* Whether they have the same numbers, whatever they have room for. */
bool cpuset_equal(const struct cpuset *a, const struct cpuset *b);

/* Bytes of its block. */
size_t cpuset_size(const struct cpuset *set);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The text that says what a group of resctrl gets of each resource: "L3:0=fff;1=00f", a line for
 * each. Pure; any thread.
 */
#define SCHEMATA_NAME 16

struct schemata_entry {
    char resource[SCHEMATA_NAME]; /* "L3", "L3CODE", "MB" */
    unsigned id;                  /* of the cache */
    uint64_t value;               /* of caches (names in L): bits; of others: a number */
};

/* An array of struct schemata_entry, the caller's. VIR_ERR_INTERNAL_ERROR shows the line that is
 * none. */
int schemata_parse(const char *text, GArray **ret_entries, GError **error);

/* As the kernel takes it; the caller frees. */
char *schemata_format(const GArray *entries);

/* Borrowed; NULL: there is none. */
struct schemata_entry *schemata_find(const GArray *entries, const char *resource, unsigned id);

/* The mask of as many bits side by side that are all free: in the smallest place that has room, so
 * that larger ones stay whole. False: there is none. */
bool schemata_choose_bits(uint64_t free_bits, unsigned count, uint64_t *ret_mask);

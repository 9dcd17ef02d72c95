/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * Enum <-> word from one array. Value i is spelled words[i]; value 0 is "not given" and has the
 * word NULL or a default's spelling. Declare beside the enum:
 *     extern const struct names disk_bus_names;
 * define as
 *     NAMES(disk_bus_names, NULL, "ide", "scsi", "virtio");
 */
struct names {
    const char *const *words;
    unsigned count;
};

#define NAMES(variable, ...)                                                                       \
    const struct names variable = {(const char *const[]){__VA_ARGS__},                             \
                                   sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)}

/* The value spelled word, or -1. */
int names_find(const struct names *names, const char *word);

/* The word, or NULL when value is out of range or has no word. Borrowed. */
const char *names_word(const struct names *names, unsigned value);

/* The word nearest to a misspelled one, or NULL when none is near: for "did you mean". Borrowed. */
const char *names_nearest(const struct names *names, const char *word);

/* "ide, scsi, virtio": every word in order; the caller frees. */
char *names_list(const struct names *names);

/* Edits (insert, delete, replace, swap of neighbours) between two words; at most limit + 1. */
unsigned word_distance(const char *a, const char *b, unsigned limit);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

/*
 * A file under construction: it has a name of ours and a lock until it is whole and safe on the
 * disk, and then the name of its volume. Killed in between, it is removed at the next start of its
 * pool.
 */
struct part {
    const struct volumes *volumes;
    char *name; /* NULL: there is none (any more) */
    int fd;     /* read and write */
};

/* With mode and owner as the definition says, from its first moment on. */
int part_begin(struct part *part, const struct volumes *volumes,
               const struct storage_volume *definition, GError **error);

/* Written, it becomes NAME, if there is none. VIR_ERR_STORAGE_VOL_EXIST. */
int part_finish(struct part *part, const char *name, GError **error);

/* Removes what was not finished. */
void part_clear(struct part *part);
#define PART_AUTO __attribute__((cleanup(part_clear)))

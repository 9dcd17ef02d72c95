/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"
#include "qmp-events.h"

/*
 * The last I/O error of each image of a run, for those who ask when the event has long passed. Any
 * thread; does not block.
 */

/* The disk is the one that the event is about. True: the first one of its image. */
bool io_errors_note(struct guest *guest, const struct domain_disk *disk,
                    const struct qmp_event *event);

/* What the status file has of them: a list in the arena, ended by NULL; and taken from there. */
const char **io_errors_save(struct guest *guest, struct arena *arena, unsigned *ret_count);
void io_errors_load(struct guest *guest, const char *const *texts, unsigned count);

/* Appends a message for each to words, which own them. */
void io_errors_list(struct guest *guest, GPtrArray *words);

/* With a new run all are forgotten. */
void io_errors_forget(struct guest *guest);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "qemu.h"

/*
 * NAME.log of a guest: QEMU writes its messages there, and we the command line of each start. The
 * file is opened for appending and inherited, so that it needs nobody to copy.
 */
struct log_file {
    int fd;       /* owned */
    size_t start; /* where this run's text begins */
};

/* Opens it and writes the heading of a run: when, what versions, the exact command. Blocks. */
int log_file_open(struct qemu *qemu, const char *name, const char *versions, const char *command,
                  struct log_file *ret_file, GError **error);

/* What was written from start on, white space at the ends cut, the end of it if it is long; NULL:
 * nothing. The caller frees. */
char *log_file_read(struct qemu *qemu, const char *name, size_t start);

/* The last line of what was written from start on; NULL: nothing. The caller frees. */
char *log_file_last_words(struct qemu *qemu, const char *name, size_t start);

/* Where the log ends now; 0: there is none. */
size_t log_file_end(struct qemu *qemu, const char *name);

/* Appends a line with the time: "shutting down, reason=destroyed". */
void log_file_note(struct qemu *qemu, const char *name, const char *text);

/* Removes the file; one that is absent is no error. */
void log_file_remove(struct qemu *qemu, const char *name);

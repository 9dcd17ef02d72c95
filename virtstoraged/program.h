/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A program of the host, with a deadline. */
struct program {
    const char *const *argv; /* NULL at the end */
    int milliseconds;
    int fine; /* an exit status that is no failure either: nothing found; 0: none */
};

/* Runs it. *ret_text (NULL: not asked for) is its output, for the caller to free. When it fails,
 * what it said is VIR_ERR_INTERNAL_ERROR, as clients know failures of programs;
 * VIR_ERR_OPERATION_TIMEOUT: it was ended. Blocks. */
int program_run(const struct program *program, char **ret_text, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/log.h"

/* One place that log lines go to; private to base/log.c, which serializes changes. */
struct log_output {
    const struct log_output_kind *kind;
    int level;
    int fd;
    char *argument; /* path or syslog name */
};

struct log_line {
    enum log_level level;
    const char *source, *function;
    int number;
    const char *text;     /* the message alone */
    const char *timeless; /* full without the time */
    const char *full;     /* with time, thread and place, ending in a newline */
    size_t length;        /* of full */
};

/* Opens "3:file:/path"; free with log_output_free. VIR_ERR_INVALID_ARG quotes what is wrong. */
int log_output_open(const char *text, struct log_output **ret_output, GError **error);
void log_output_free(struct log_output *output);

/* VIR_ERR_INVALID_ARG for text that log_output_open() would refuse; opens nothing. */
int log_output_check(const char *text, GError **error);

/* Writes one line, if its level is high enough. Lines of several threads may be written at once. */
void log_output_write(const struct log_output *output, const struct log_line *line);

/* Opens a file anew; without effect on other kinds. */
int log_output_reopen(struct log_output *output, GError **error);

/* Reads "3:" at the start of a filter or an output: the level, or 0. *ret_rest follows the colon.
 */
int log_read_level(const char *text, const char **ret_rest);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "daemon/paths.h"

/* The command line: the same options for every daemon, and the same as the incumbent's. */
struct options {
    bool detach;             /* -d */
    bool verbose;            /* -v */
    bool check_tls;          /* --check-tls */
    unsigned idle_timeout;   /* -t, seconds; 0: never */
    const char *config_file; /* -f; NULL: the default. Borrowed from argv */
    const char *pid_file;    /* -p; likewise */
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_DONE, /* --help or --version was answered */
    OPTIONS_BAD,  /* reported on stderr */
};

/* Reads argv; paths are shown by --help. remote: the daemon serves other hosts, and has the options
 * that are about that. */
enum options_result options_read(const char *name, bool remote, const struct paths *paths, int argc,
                                 char **argv, struct options *ret_options);

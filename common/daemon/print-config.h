/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/config.h"

/*
 * A program of the build for each daemon: prints its configuration files as they are shipped, which
 * so can't say anything but what the tables know. The daemon's print-config.c has the list.
 */
struct config_file {
    const char *name;    /* "virtqemud.conf" */
    const char *heading; /* its first lines, without the comment sign */
    const struct config_table *table;
    const struct config_table *more; /* behind it; may be NULL */
};

/* Ends with a name of NULL. */
extern const struct config_file config_files[];

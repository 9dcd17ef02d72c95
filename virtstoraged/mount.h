/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* File systems that are mounted for pools, by the host's own program. */
struct mount_request {
    const char *source; /* a device, or SERVER:FOLDER */
    const char *target; /* a folder */
    const char *type;   /* NULL: as mount finds out */
    const char *const *options;
    unsigned option_count;
    const char *const *argv; /* of a program in place of mount, without options; NULL: mount */
};

/* Mounts it, unless it is so already; nodev, nosuid and noexec always. Blocks, at most some
 * seconds: then the program is ended. VIR_ERR_INTERNAL_ERROR: what mount said;
 * VIR_ERR_OPERATION_FAILED: another source is there. */
int mount_begin(const struct mount_request *request, GError **error);

/* Unmounts target, if something is mounted there. Blocks as above. */
int mount_end(const char *target, GError **error);

/* Takes target out of sight, though its server does not answer: what waits for that fails, and what
 * is open there goes when it is closed. Blocks as above. */
int mount_detach(const char *target, GError **error);

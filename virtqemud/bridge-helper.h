/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A TAP device on a bridge for a user who may not make one: from QEMU's setuid helper, which
 * decides by its own list of bridges. *ret_fd is the caller's. Blocks for a moment. */
int bridge_helper_open(const char *program, const char *bridge, int *ret_fd, GError **error);

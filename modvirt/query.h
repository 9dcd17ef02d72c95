/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/arena.h"
#include "protocol/modvirt.h"

/* Asks the daemon behind an admin socket what it tells of itself; the reply is in the arena. Blocks
 * for a few seconds at most. VIR_ERR_SYSTEM_ERROR, VIR_ERR_RPC, or what the daemon answers. */
int query_status(const char *path, struct arena *arena, struct modvirt_daemon_get_status_ret *ret,
                 GError **error);

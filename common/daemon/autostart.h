/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Daemons of a user's session: no systemd starts them, but whoever needs one first. They end by
 * themselves when nobody has needed them for a while. The environment has a say: VIRTD_PATH is a
 * folder of their programs, LIBVIRT_AUTOSTART=0 forbids it.
 */

/* Whether the daemon's program is here, and may be started so. Any thread. */
bool autostart_can(const char *daemon);

/* Connects to the daemon's socket, in a folder that is made if need be, and starts the daemon when
 * nobody listens there; of several that want it at once one does. Blocks until it accepts clients.
 * A non-blocking socket, or -1. VIR_ERR_SYSTEM_ERROR, VIR_ERR_OPERATION_TIMEOUT. Any thread. */
int autostart_connect(const char *daemon, const char *path, GError **error);

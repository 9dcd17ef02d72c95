/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/netlink.h"

/*
 * Bridges of networks that run, and what is plugged into them: a bridge that another program
 * deletes is made again, with what was plugged in; guests' interfaces get the settings of the
 * bridge's ports that their network says. Any thread.
 */

/* A device has come, changed or gone; does not block. */
void bridges_note(const struct netlink_link *link, bool gone, void *data);

/* Looks at all of them; what is to be made again is left to workers. */
void bridges_look(void);

/* A bridge is to go: nobody puts back what was plugged in. */
void bridges_forget(const char *bridge);

/* At the end: drops what is known; bridges stay. */
void bridges_end(void);

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

/*
 * Deletes a bridge, without putting back what was plugged in. The end blocks until nobody sees the
 * bridge any more, which is about half of the time that the kernel takes: it waits for all
 * processors more than once, and a thread waits for it. A failure is logged. 0: there is none.
 */
unsigned bridges_begin_delete(const char *bridge);
void bridges_end_delete(unsigned index);

/* At the end: drops what is known; bridges stay. Waits for those that are being deleted. */
void bridges_end(void);

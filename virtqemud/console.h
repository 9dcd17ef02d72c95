/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "guest.h"

struct stream;

/*
 * Consoles and channels: a stream of a client on a character device of a running guest. One client
 * at a time has a device, so that two don't get half of its output each; a terminal is also locked
 * against other programs ("tty-lock.h").
 */

/* Joins the stream with the device that alias names (NULL: the first console or serial port). flags
 * are VIR_DOMAIN_CONSOLE_: FORCE takes it from another client, SAFE refuses what can't be locked.
 * Errors: VIR_ERR_INTERNAL_ERROR when there is no such device or it can't be opened from here;
 * VIR_ERR_OPERATION_FAILED when it is in use; VIR_ERR_SYSTEM_ERROR. */
int console_open(struct guest *guest, const char *alias, unsigned flags, struct stream *stream,
                 GError **error);

/* Same for a channel, by its alias or target name (NULL: the first). */
int console_open_channel(struct guest *guest, const char *name, bool force, struct stream *stream,
                         GError **error);

/* When QEMU has ended: nobody has a device any more, though clients may not have closed yet. */
void console_release_all(struct guest *guest);

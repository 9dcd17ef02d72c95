/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * -d: the command returns when the daemon, in the background, accepts clients: 0, or 1 after the
 * daemon has written on the common stderr why it can't.
 */

/* Goes on in a process of its own session; the calling one waits, and exits as said above. Before
 * there are threads. *ret_fd is for detach_end(). */
int detach_begin(int *ret_fd, GError **error);

/* Lets the waiting process end well, after closing the terminal: 0, 1, 2 become /dev/null. */
void detach_end(int fd);

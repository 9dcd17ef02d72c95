/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Lock files of terminals as serial programs and other hypervisors' daemons use them: a file
 * /var/lock/LCK.. and the terminal's name, with the number of the process that has it. One whose
 * process is dead means nothing. Any thread; nothing blocks for long.
 */

/* Marks the terminal ("/dev/pts/3") as in use by this process; also when it is so already. Errors:
 * VIR_ERR_OPERATION_FAILED when another process has it, VIR_ERR_SYSTEM_ERROR when there can't be a
 * file. */
int tty_lock_take(const char *terminal, GError **error);

/* Removes the file if it is this process's. */
void tty_lock_release(const char *terminal);

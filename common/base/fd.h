/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * File descriptors. Everything the project opens is close-on-exec from birth (O_CLOEXEC,
 * SOCK_CLOEXEC); these are for descriptors that come from elsewhere. Any thread.
 */

/* autofd int fd = open(...);  closed at the end of the scope unless taken; -1 is "none". */
#define autofd __attribute__((cleanup(fd_clear)))

/* Closes *fd unless it is negative, and sets it to -1. Keeps errno. */
void fd_clear(int *fd);

/* Hands the descriptor over: the variable becomes -1. */
int fd_take(int *fd);

/* Switch one flag of the descriptor. Never block. */
int fd_set_nonblock(int fd, bool enable, GError **error);
int fd_set_cloexec(int fd, bool enable, GError **error);

/* A close-on-exec duplicate owned by the caller, or -1. */
int fd_duplicate(int fd, GError **error);

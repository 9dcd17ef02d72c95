/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* A listening unix socket, and the file by which clients find it. */
struct listener {
    int fd;       /* non-blocking */
    char *path;   /* of our own file; NULL: the socket was made by someone else */
    dev_t device; /* of the file as we made it: a later one at the path is not ours to remove */
    ino_t inode;
};

/*
 * Creates the file with exactly this mode, and group unless it is -1. A file that a dead process
 * left is replaced; VIR_ERR_OPERATION_FAILED if somebody answers there or it is no socket.
 */
int listener_open(const char *path, mode_t mode, gid_t group, unsigned backlog,
                  struct listener *ret, GError **error);

/* Takes a listening socket (on failure too). VIR_ERR_INVALID_ARG if it is none. */
int listener_adopt(int fd, struct listener *ret, GError **error);

/* Nobody finds or reaches it any more, as if no daemon ran; who waits in its backlog can still be
 * accepted. */
void listener_withdraw(struct listener *listener);

/* Unlinks the file if it is ours, closes the socket. */
void listener_close(struct listener *listener);

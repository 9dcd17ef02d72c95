/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

/* A listening socket; and the file by which clients find it, if it is a unix socket. */
struct listener {
    int fd;       /* non-blocking */
    bool own;     /* made by us, not by someone else */
    char *path;   /* of our own file; NULL: there is none */
    dev_t device; /* of the file as we made it: a later one at the path is not ours to remove */
    ino_t inode;
};

/*
 * Creates the file with exactly this mode, and group unless it is -1. A file that a dead process
 * left is replaced; VIR_ERR_OPERATION_FAILED if somebody answers there or it is no socket.
 */
int listener_open(const char *path, mode_t mode, gid_t group, unsigned backlog,
                  struct listener *ret, GError **error);

/* Listens at a TCP address. VIR_ERR_SYSTEM_ERROR names shown and the cause. */
int listener_open_tcp(const struct sockaddr *address, socklen_t length, const char *shown,
                      unsigned backlog, struct listener *ret, GError **error);

/* Takes a listening socket (on failure too). VIR_ERR_INVALID_ARG if it is none. */
int listener_adopt(int fd, struct listener *ret, GError **error);

/* Nobody finds or reaches it any more, as if no daemon ran; who waits in the backlog of a unix
 * socket can still be accepted, who waits in that of a TCP socket is dropped. */
void listener_withdraw(struct listener *listener);

/* Unlinks the file if it is ours, closes the socket. */
void listener_close(struct listener *listener);

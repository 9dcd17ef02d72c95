/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "arguments.h"
#include "guest.h"

/*
 * Descriptors that clients associate with a guest in named groups, for images of its disks
 * (<source fdgroup=''/>). A group is there as long as the connection that brought it; what QEMU has
 * got of it stays QEMU's.
 */

/* A group as QEMU opens it. */
struct fd_group_set {
    char *path;    /* "/dev/fdset/3" */
    bool readable; /* one is open for reading alone */
    bool writable; /* one is open for reading and writing */
};

/* Keeps fds (int, taken) under a name, in place of those that had it. VIR_ERR_OPERATION_INVALID:
 * there are too many. Any thread. */
int fd_group_associate(struct guest *guest, struct client *client, const char *name, GArray *fds,
                       GError **error);

/* Closes what a client that has gone had brought, of all guests. Any thread. */
void fd_group_client_gone(struct client *client);

/* Before QEMU is started: a lock that the last one took is on the open file, which we have kept. */
void fd_group_unlock(struct guest *guest);

/* Adds the groups of a disk's images to the words, as sets that bear the disk's alias:
 * *ret_sets is a table of struct fd_group_set by name, the caller's. VIR_ERR_INVALID_ARG names a
 * group that is not there. */
int fd_group_add_sets(const struct domain_disk *disk, const struct arguments_context *context,
                      struct arguments *arguments, GHashTable **ret_sets, GError **error);

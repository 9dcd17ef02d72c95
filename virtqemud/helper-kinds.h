/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "helper.h"

/* What differs between helpers: one row a kind. */

/* One being started. */
struct helper_launch {
    struct guest *run;
    struct qemu *qemu;
    const struct domain *domain;
    const struct device *device; /* NULL: of all devices */
    const char *program;         /* path, found */
    const char *socket;
    const char *pid_file; /* of one that goes into the background */
    GPtrArray *argv;      /* filled in by build(), owns its words */
    int fds[4];           /* that a foreground one inherits beside its socket; owned */
    unsigned fd_count;    /* of them */
    bool set_user;
    uid_t uid;
    gid_t gid;
};

/* The number at which a helper finds the socket that it gets; behind it are the fds of build(). */
#define HELPER_SOCKET_FD 3

/* For build(): takes fd; the number at which the helper finds it. */
int helper_launch_add_fd(struct helper_launch *launch, int fd);

struct helper_kind_row {
    const char *program; /* looked up in PATH unless it has a '/' */
    const char *package; /* of Debian, in the words of "install ..." */
    const char *folder;  /* of its sockets, below the status folder; NULL: the run's */
    const char *suffix;  /* of the socket */
    bool background; /* forks once it is ready; else it gets a socket that listens already ... */
    bool connected;  /* ... or one that is connected to QEMU */

    /* The program that the document or qemu.conf names, NULL: program above. The caller frees. */
    char *(*find)(const struct helper_launch *launch);
    /* Fills in argv and whose process it is; prepares what the program needs. Blocks. */
    int (*build)(struct helper_launch *launch, GError **error);
    /* Removes what build() made beside the socket; NULL: nothing. */
    void (*clean)(const char *socket);
};

/* NULL for HELPER_NONE. */
const struct helper_kind_row *helper_kind_row(enum helper_kind kind);

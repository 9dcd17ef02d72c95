/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Which daemons are there, by the files they leave. Nobody is connected to, as that would start who
 * waits for clients. Blocks on local files alone; any thread.
 */
enum presence {
    PRESENCE_ABSENT,  /* no socket, no process */
    PRESENCE_WAITING, /* whoever connects starts it */
    PRESENCE_RUNNING, /* a process; whether it answers is to be asked */
    PRESENCE_DEAD,    /* sockets that nobody listens on any more */
};

/* Its sockets begin with the stem. */
struct presence_daemon {
    const char *name, *stem;
};

#define PRESENCE_DAEMONS 13
extern const struct presence_daemon presence_daemons[PRESENCE_DAEMONS];

/* The three sockets that a daemon may have, by the end of their paths. */
#define PRESENCE_SOCKETS 3
extern const char *const presence_suffixes[PRESENCE_SOCKETS];

/* runtime is the folder of sockets, pid_file the daemon's. */
enum presence presence_look(const struct presence_daemon *daemon, const char *runtime,
                            const char *pid_file);

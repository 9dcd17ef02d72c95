/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/loop.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "daemon/sockets.h"

/* What daemon.c, stop.c and idle.c share of a daemon. Loop thread, except work. */
struct daemon_life {
    struct options options;
    struct sockets sockets;
    int pid_fd;
    int detach_fd; /* for detach_end(); -1: done or not wanted */

    int64_t started_at; /* by loop_now() */
    unsigned clients;
    atomic_uint work; /* daemon_begin_work() */
    unsigned idle_seconds;
    struct loop_timer *idle_timer;

    bool started; /* spec->start has succeeded */
    bool stopping;
    bool hurried;   /* asked twice: wait for nothing */
    bool drained;   /* calls at work have ended, or had their time */
    GThread *drain; /* waits for calls at work; joined at the end */
    struct loop_signal *signals[4];
    struct retired *retired; /* settings from before the last reload, and so on */
};

/* idle.c: has the daemon end some time after the last client. */
void daemon_idle_begin(struct daemon *daemon, unsigned seconds);
void daemon_idle_end(struct daemon *daemon);

/* A client came or went: look again. */
void daemon_idle_check(struct daemon *daemon);

/* stop.c: begins the orderly end; does nothing the second time. */
void daemon_stop_begin(struct daemon *daemon);

/* Ends the loop without waiting; for when no client is there and nothing is at work. */
void daemon_stop_now(struct daemon *daemon);

/* A client went: ends the loop when it was the last one to wait for. */
void daemon_stop_check(struct daemon *daemon);

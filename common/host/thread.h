/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/cpuset.h"

/*
 * The threads of a process that isn't ours: which there are, where they may run and how they are
 * scheduled. Read from the kernel, so that nobody has to answer. Any thread; nothing blocks. Errors
 * are VIR_ERR_SYSTEM_ERROR; a thread that has ended is none.
 */
struct thread_info {
    pid_t id;
    char name[16]; /* as it called itself */
};

/* An array of struct thread_info, the caller's. */
int thread_list(pid_t process, GArray **ret_threads, GError **error);

/* cpus NULL: all that the host has. */
int thread_set_cpus(pid_t thread, const struct cpuset *cpus, GError **error);

/* policy: SCHED_FIFO and so on. */
int thread_set_scheduler(pid_t thread, int policy, int priority, GError **error);

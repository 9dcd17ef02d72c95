/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * In the unified hierarchy a group has only the controllers that the one above hands down, and one
 * that hands any down has no processes. So a daemon whose groups are to have them goes into a group
 * of its own beside theirs.
 */
#define CGROUP_OWN_LEAF "daemon"

/* Hands all controllers that the daemon's group has down to those that it will make; without a
 * unified hierarchy nothing happens. Idempotent; once at the start, while there is one thread or
 * many. VIR_ERR_OPERATION_UNSUPPORTED says why that is for others to do; VIR_ERR_SYSTEM_ERROR. */
int cgroup_hand_down(GError **error);

/* The same for the group of this folder, where process pid is; managed: by systemd, which could not
 * start the daemon again in a group that has none but groups. For tests. */
int cgroup_hand_down_at(const char *folder, pid_t pid, bool managed, GError **error);

/* Hands all that a group without processes has down, as far as the kernel lets it: what is not
 * there says so when it is wanted. Any thread. */
void cgroup_hand_down_from(const char *folder);

/* The folder of the group that the groups of a process in this folder are made in; the caller
 * frees. Pure. */
char *cgroup_base_of(const char *folder);

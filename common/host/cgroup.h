/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Control groups below the one that the daemon itself is in, whether the host has the unified
 * hierarchy, the old ones, or both. A group is the list of its folders, one for each hierarchy.
 * Any thread; blocks on the kernel alone.
 */

/* The folder of the daemon's own group in the unified hierarchy; the caller frees. NULL: there is
 * no such hierarchy. */
char *cgroup_unified_folder(void);

/* Makes the group name in the unified hierarchy and in those of the given old controllers (NULL:
 * the usual ones); *ret_folders is the caller's, ended by NULL, and may be empty where the host
 * lets nobody make groups. VIR_ERR_SYSTEM_ERROR names the folder. */
int cgroup_make(const char *name, const char *const *controllers, char ***ret_folders,
                GError **error);

/* The same in a scope of systemd's that process pid alone is in (host/scope.h): CGROUP_SCOPE_LEAF
 * in it, which gets all its controllers, and where the process goes; name is for hierarchies that
 * systemd leaves alone. */
#define CGROUP_SCOPE_LEAF "libvirt"
int cgroup_make_in_scope(pid_t pid, const char *scope, const char *name,
                         const char *const *controllers, char ***ret_folders, GError **error);

/* Moves a process, with all its threads, into the group; one that has ended is no error.
 * VIR_ERR_SYSTEM_ERROR names the folder. */
int cgroup_enter(const char *const *folders, pid_t pid, GError **error);

/* The group's files for a process that enters it before its program begins (process_spec.cgroups),
 * NULL at the end; the caller frees. */
char **cgroup_entries(const char *const *folders);

/* Kills all processes of the group, which is one that nobody enters any more. NULL is ok. */
void cgroup_kill(const char *const *folders);

/* Removes the group once its processes have gone; what is left of it is logged by nobody and goes
 * with the host's next start. NULL is ok. */
void cgroup_remove(const char *const *folders);

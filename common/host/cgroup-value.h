/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Values of a control group by what they mean, whichever hierarchy has them and however that spells
 * them. A group is the list of its folders, as cgroup_make() gives it; NULL is one that has none.
 *
 * VIR_ERR_OPERATION_INVALID names the controller that none of the folders has;
 * VIR_ERR_SYSTEM_ERROR names the file that the kernel would not take a value in. Any thread; blocks
 * on the kernel alone.
 */
#define CGROUP_UNLIMITED UINT64_MAX

enum cgroup_value {
    CGROUP_CPU_SHARES, /* the unified hierarchy has weights, which differ in range */
    CGROUP_CPU_PERIOD, /* microseconds, as the next */
    CGROUP_CPU_QUOTA,
    CGROUP_MEMORY_HARD, /* KiB, as the next two */
    CGROUP_MEMORY_SOFT,
    CGROUP_MEMORY_SWAP, /* with the memory, but without in the unified hierarchy */
    CGROUP_BLKIO_WEIGHT,
    CGROUP_VALUES
};
int cgroup_set(const char *const *folders, enum cgroup_value value, uint64_t number,
               GError **error);
int cgroup_get(const char *const *folders, enum cgroup_value value, uint64_t *ret_number,
               GError **error);

/* What one block device, named by its path, gets; 0 takes the limit away. */
enum cgroup_device_value {
    CGROUP_DEVICE_WEIGHT,
    CGROUP_DEVICE_READ_BYTES, /* a second, as the next three */
    CGROUP_DEVICE_WRITE_BYTES,
    CGROUP_DEVICE_READ_IOPS,
    CGROUP_DEVICE_WRITE_IOPS,
};
int cgroup_set_device(const char *const *folders, enum cgroup_device_value value, const char *path,
                      uint64_t number, GError **error);

/* The host's NUMA nodes that the group's memory may be in, "0-1,3". */
int cgroup_set_nodes(const char *const *folders, const char *nodes, GError **error);

/* The text of a file ("cpuacct.usage") of whichever folder has it; the caller frees. */
char *cgroup_read_text(const char *const *folders, const char *file);

/*
 * A part of a group with a share of the CPUs of its own, for some threads of its process. It goes
 * with the group. *ret_folders is the caller's: of the one folder that has the CPUs.
 */
int cgroup_make_part(const char *const *folders, const char *name, char ***ret_folders,
                     GError **error);

/* Moves a thread of the group's process into a part; one that has ended is no error. */
int cgroup_enter_thread(const char *const *folders, pid_t thread, GError **error);

/* From now on the group's part of this name counts a thread's time on each CPU, where the hierarchy
 * keeps such an account; else nothing is done. */
int cgroup_account_thread(const char *const *folders, const char *name, pid_t thread,
                          GError **error);

/* Nanoseconds on each CPU, of a part or (name NULL) the whole group; the caller frees. NULL: there
 * is no such account. */
uint64_t *cgroup_read_percpu(const char *const *folders, const char *name, unsigned *ret_count);

/* Nanoseconds that the group used; false: there is no account, *ret_ns is untouched. */
bool cgroup_read_cpu_time(const char *const *folders, uint64_t *ret_ns);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resource-limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "host/cgroup.h"

#include "group-limits.h"
#include "guest-scope.h"
#include "hostdev.h"
#include "launch-security.h"

#define KIB 1024
#define DEVICE_MEMORY ((rlim_t)1024 * 1024 * KIB) /* what devices map beside the guest's memory */

static void add(struct resource_limits *limits, int resource, rlim_t value)
{
    limits->values[limits->count++] = (struct process_limit){
        .resource = resource, .value = {.rlim_cur = value, .rlim_max = value}};
}

/* Of a process, 0: of ours, whose threads have all the same. */
static bool has_capability(pid_t pid, unsigned number)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, pid};
    struct __user_cap_data_struct data[2] = {0};

    return syscall(SYS_capget, &header, data) == 0 &&
           data[number / 32].permitted >> (number % 32) & 1;
}

/* What must stay in memory counts against a limit that is low by default. What the document does
 * not ask for is raised if we may: else the limit of our own may do, or QEMU says that it does not.
 */
static void add_locked_memory(struct resource_limits *limits, const struct domain *live)
{
    const struct memory_tune *tune = live->memory_tune;
    bool locked = live->memory_backing && live->memory_backing->locked;

    if (!locked && !hostdev_locks_memory(live) && !launch_security_locks_memory(live))
        return;
    if (tune && tune->hard_limit.set)
        add(limits, RLIMIT_MEMLOCK, (rlim_t)tune->hard_limit.value * KIB);
    else if (locked)
        add(limits, RLIMIT_MEMLOCK, RLIM_INFINITY);
    else if (has_capability(0, CAP_SYS_RESOURCE))
        add(limits, RLIMIT_MEMLOCK, (rlim_t)live->memory * KIB + DEVICE_MEMORY);
}

/* ---- rights ---- */

static bool wants_raw_io(const struct domain *live)
{
    LIST_EACH (disk, &live->devices.disks)
        if (disk->rawio == TRISTATE_YES)
            return true;
    LIST_EACH (hostdev, &live->devices.hostdevs)
        if (hostdev->rawio == TRISTATE_YES)
            return true;
    return false;
}

/* Root keeps its rights anyway, and anybody else the one that is asked for. */
static int keep_raw_io(const struct domain *live, struct process_spec *spec, GError **error)
{
    if (!wants_raw_io(live))
        return 0;
    if (!has_capability(0, CAP_SYS_RAWIO)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "rawio='yes' wants CAP_SYS_RAWIO, which this daemon has not itself");
        return -1;
    }
    if (spec->set_user && spec->uid != 0) {
        spec->limit_capabilities = true;
        spec->capabilities = UINT64_C(1) << CAP_SYS_RAWIO;
    }
    return 0;
}

int resource_limits_apply(struct resource_limits *limits, const struct qemu_config *config,
                          const struct domain *live, struct process_spec *spec, GError **error)
{
    if (config->max_processes)
        add(limits, RLIMIT_NPROC, config->max_processes);
    if (config->max_files)
        add(limits, RLIMIT_NOFILE, config->max_files);
    if (config->max_core)
        add(limits, RLIMIT_CORE, (rlim_t)config->core_limit);
    add_locked_memory(limits, live);
    spec->limits = limits->values;
    spec->limit_count = limits->count;
    return keep_raw_io(live, spec, error);
}

int resource_limits_check_device(struct guest *guest, const struct device *device, GError **error)
{
    const struct domain_disk *disk = device->kind == DEVICE_DISK ? device->object : NULL;
    const struct domain_hostdev *hostdev = device->kind == DEVICE_HOSTDEV ? device->object : NULL;
    pid_t pid = guest_pid(guest);
    bool raw = (disk && disk->rawio == TRISTATE_YES) || (hostdev && hostdev->rawio == TRISTATE_YES);

    if (!raw || !pid || has_capability(pid, CAP_SYS_RAWIO))
        return 0;
    error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
              "rawio='yes' wants CAP_SYS_RAWIO, which QEMU has only if the guest was started with "
              "such a device");
    return -1;
}

int resource_limits_lock_memory(struct guest *guest, const struct domain *live, GError **error)
{
    struct resource_limits limits = {0};
    pid_t pid = guest_pid(guest);

    add_locked_memory(&limits, live);
    if (!limits.count || !pid)
        return 0;
    if (prlimit(pid, RLIMIT_MEMLOCK, &limits.values[0].value, NULL) == 0)
        return 0;
    error_set_errno(error, errno, "cannot raise the limit of locked memory of process %d", pid);
    return -1;
}

/* ---- groups ---- */

#define APPID_FILE "/sys/class/fc/fc_udev_device/appid_store"

/* The number of the folder in the unified hierarchy is the kernel's for the group; 0: none. */
static ino_t group_number(char *const *folders)
{
    struct statfs system;
    struct stat folder;

    for (; *folders; folders++)
        if (statfs(*folders, &system) == 0 && system.f_type == CGROUP2_SUPER_MAGIC &&
            stat(*folders, &folder) == 0)
            return folder.st_ino;
    return 0;
}

/* What the group writes to disks of Fibre Channel bears the name of the document. */
static int name_frames(char *const *folders, const struct domain *live, GError **error)
{
    const char *name = live->resource ? live->resource->fibrechannel_appid : NULL;

    ino_t number = name ? group_number(folders) : 0;

    if (!name)
        return 0;
    if (!number) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "resource/fibrechannel/@appid: the guest has no group in the unified hierarchy");
        return -1;
    }
    g_autofree char *text = g_strdup_printf("%llX:%s", (long long)number, name);
    autofd int fd = open(APPID_FILE, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        return 0;
    error_set_errno(error, errno, "resource/fibrechannel/@appid: cannot write %s", APPID_FILE);
    return -1;
}

int resource_limits_make_group(struct guest *guest, const struct domain *live, GError **error)
{
    const struct qemu_config *config = &qemu_of(&guest->object)->config;
    const char *run = strrchr(guest->folder, '/') + 1; /* "domain-1-name" */
    g_autofree char *name = g_strdup_printf("qemu-%s", run + strlen("domain-"));
    g_autoptr(GError) refused = NULL;
    char **folders = NULL;

    if (guest_scope_make(guest, live, &folders, &refused) < 0)
        log_warn("%s: its control group is one of the daemon's own: %s", live->name,
                 refused->message);
    if (!folders &&
        cgroup_make(name, (const char *const *)config->cgroup_controllers, &folders, error) < 0)
        return -1;
    guest_set_cgroup(guest, folders);
    if (name_frames(folders, live, error) < 0)
        return -1;
    return group_limits_apply_all(guest, live, error);
}

int resource_limits_enter_group(struct guest *guest, const struct domain *live, GError **error)
{
    if (cgroup_enter((const char *const *)guest->cgroup, guest_pid(guest), error) < 0)
        return -1;
    guest_scope_hand_over(guest, live);
    return 0;
}

void resource_limits_remove_group(struct guest *guest)
{
    guest_scope_release(guest);
    cgroup_remove((const char *const *)guest->cgroup);
    guest_set_cgroup(guest, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resource-limits.h"

#include <string.h>

#include "host/cgroup.h"

#include "group-limits.h"

static void add(struct resource_limits *limits, int resource, rlim_t value)
{
    limits->values[limits->count++] = (struct process_limit){
        .resource = resource, .value = {.rlim_cur = value, .rlim_max = value}};
}

void resource_limits_apply(struct resource_limits *limits, const struct qemu_config *config,
                           struct process_spec *spec)
{
    if (config->max_processes)
        add(limits, RLIMIT_NPROC, config->max_processes);
    if (config->max_files)
        add(limits, RLIMIT_NOFILE, config->max_files);
    if (config->max_core)
        add(limits, RLIMIT_CORE, (rlim_t)config->core_limit);
    spec->limits = limits->values;
    spec->limit_count = limits->count;
}

int resource_limits_enter_group(struct guest *guest, const struct domain *live, GError **error)
{
    const struct qemu_config *config = &qemu_of(&guest->object)->config;
    const char *run = strrchr(guest->folder, '/') + 1; /* "domain-1-name" */
    g_autofree char *name = g_strdup_printf("qemu-%s", run + strlen("domain-"));

    char **folders = NULL;

    if (cgroup_make(name, (const char *const *)config->cgroup_controllers, &folders, error) < 0)
        return -1;
    guest_set_cgroup(guest, folders);
    if (group_limits_apply_all(guest, live, error) < 0)
        return -1;
    return cgroup_enter((const char *const *)guest->cgroup, guest_pid(guest), error);
}

void resource_limits_remove_group(struct guest *guest)
{
    cgroup_remove((const char *const *)guest->cgroup);
    guest_set_cgroup(guest, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resource-limits.h"

#include <unistd.h>

static void add(struct limits *limits, int resource, rlim_t value)
{
    limits->values[limits->count++] = (struct process_limit){
        .resource = resource, .value = {.rlim_cur = value, .rlim_max = value}};
}

int limits_apply(struct limits *limits, struct guest *guest, const struct domain *live,
                 struct process_spec *spec, GError **error)
{
    const struct qemu_config *config = &qemu_of(&guest->object)->config;

    if (config->max_processes)
        add(limits, RLIMIT_NPROC, config->max_processes);
    if (config->max_files)
        add(limits, RLIMIT_NOFILE, config->max_files);
    if (config->max_core)
        add(limits, RLIMIT_CORE, (rlim_t)config->core_limit);
    spec->limits = limits->values;
    spec->limit_count = limits->count;
    return 0;
}

void limits_clear(struct limits *limits)
{
    if (limits->cgroup_procs >= 0)
        close(limits->cgroup_procs);
}

void limits_remove(struct guest *guest)
{
}

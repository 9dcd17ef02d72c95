/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "group-limits.h"

#include "base/log.h"
#include "host/cgroup-value.h"

/* ---- memory ---- */

static const struct {
    enum cgroup_value value;
    size_t offset; /* of struct opt_ulong */
} memory_rows[] = {
    {CGROUP_MEMORY_SOFT, offsetof(struct memory_tune, soft_limit)},
    {CGROUP_MEMORY_HARD, offsetof(struct memory_tune, hard_limit)},
    {CGROUP_MEMORY_SWAP, offsetof(struct memory_tune, swap_hard_limit)},
};

static int set_memory(const char *const *folders, size_t row, const struct memory_tune *live,
                      const struct memory_tune *given, GError **error)
{
    const struct opt_ulong *wanted =
        (const struct opt_ulong *)((const char *)given + memory_rows[row].offset);
    const struct opt_ulong *limit =
        live ? (const struct opt_ulong *)((const char *)live + memory_rows[row].offset) : NULL;

    if (!wanted->set)
        return 0;
    return cgroup_set(folders, memory_rows[row].value,
                      limit && limit->set ? limit->value : CGROUP_UNLIMITED, error);
}

/* The limit of memory can't be above that of memory and swap at any moment: when they grow, that
 * one goes first. */
static bool grows(const char *const *folders, const struct memory_tune *live)
{
    uint64_t now;

    if (cgroup_get(folders, CGROUP_MEMORY_SWAP, &now, NULL) < 0)
        return false;
    return now != CGROUP_UNLIMITED &&
           (!live || !live->swap_hard_limit.set || live->swap_hard_limit.value > now);
}

int group_limits_apply_memory(struct guest *guest, const struct memory_tune *live,
                              const struct memory_tune *given, GError **error)
{
    g_auto(GStrv) group = guest_get_cgroup(guest);
    const char *const *folders = (const char *const *)group;
    bool backwards = grows(folders, live);

    for (size_t i = 0; i < G_N_ELEMENTS(memory_rows); i++) {
        size_t row = backwards ? G_N_ELEMENTS(memory_rows) - 1 - i : i;

        if (set_memory(folders, row, live, given, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- CPUs: the whole guest; its threads are placement.c's ---- */

int group_limits_apply_cpu(struct guest *guest, const struct cpu_tune *live,
                           const struct cpu_tune *given, GError **error)
{
    static const struct cpu_tune none;
    g_auto(GStrv) group = guest_get_cgroup(guest);
    const char *const *folders = (const char *const *)group;
    const struct cpu_tune *tune = live ? live : &none;

    if (given->shares && tune->shares &&
        cgroup_set(folders, CGROUP_CPU_SHARES, tune->shares, error) < 0)
        return -1;
    if (given->global_period && tune->global_period &&
        cgroup_set(folders, CGROUP_CPU_PERIOD, tune->global_period, error) < 0)
        return -1;
    if (!given->global_quota)
        return 0;
    return cgroup_set(folders, CGROUP_CPU_QUOTA,
                      tune->global_quota > 0 ? (uint64_t)tune->global_quota : CGROUP_UNLIMITED,
                      error);
}

/* ---- block devices ---- */

const struct blkio_row blkio_rows[BLKIO_ROWS] = {
    [CGROUP_DEVICE_WEIGHT] = {VIR_DOMAIN_BLKIO_DEVICE_WEIGHT, offsetof(struct blkio_device, weight),
                              false},
    [CGROUP_DEVICE_READ_BYTES] = {VIR_DOMAIN_BLKIO_DEVICE_READ_BPS,
                                  offsetof(struct blkio_device, read_bytes_sec), true},
    [CGROUP_DEVICE_WRITE_BYTES] = {VIR_DOMAIN_BLKIO_DEVICE_WRITE_BPS,
                                   offsetof(struct blkio_device, write_bytes_sec), true},
    [CGROUP_DEVICE_READ_IOPS] = {VIR_DOMAIN_BLKIO_DEVICE_READ_IOPS,
                                 offsetof(struct blkio_device, read_iops_sec), false},
    [CGROUP_DEVICE_WRITE_IOPS] = {VIR_DOMAIN_BLKIO_DEVICE_WRITE_IOPS,
                                  offsetof(struct blkio_device, write_iops_sec), false},
};

uint64_t blkio_row_get(const struct blkio_row *row, const struct blkio_device *device)
{
    const char *member = (const char *)device + row->offset;

    return row->wide ? *(const uint64_t *)member : *(const unsigned *)member;
}

void blkio_row_set(const struct blkio_row *row, struct blkio_device *device, uint64_t value)
{
    char *member = (char *)device + row->offset;

    if (row->wide)
        *(uint64_t *)member = value;
    else
        *(unsigned *)member = (unsigned)value;
}

struct blkio_device *blkio_find_device(const struct blkio_tune *tune, const char *path)
{
    if (tune)
        LIST_EACH (device, &tune->devices)
            if (g_strcmp0(device->path, path) == 0)
                return device;
    return NULL;
}

/* An old value that there was none of is taken away by 0, but nobody has to say so. */
static int set_device(const char *const *folders, const struct blkio_device *live,
                      const struct blkio_device *given, bool all, GError **error)
{
    for (size_t i = 0; i < BLKIO_ROWS; i++) {
        uint64_t value = live ? blkio_row_get(&blkio_rows[i], live) : 0;

        if ((all ? value : blkio_row_get(&blkio_rows[i], given)) &&
            cgroup_set_device(folders, (enum cgroup_device_value)i, given->path, value, error) < 0)
            return -1;
    }
    return 0;
}

int group_limits_apply_blkio(struct guest *guest, const struct blkio_tune *live,
                             const struct blkio_tune *given, GError **error)
{
    g_auto(GStrv) group = guest_get_cgroup(guest);
    const char *const *folders = (const char *const *)group;

    if (given->weight && live && live->weight &&
        cgroup_set(folders, CGROUP_BLKIO_WEIGHT, live->weight, error) < 0)
        return -1;
    LIST_EACH (device, &given->devices)
        if (set_device(folders, blkio_find_device(live, device->path), device, live == given,
                       error) < 0)
            return -1;
    return 0;
}

/* ---- NUMA nodes ---- */

int group_limits_apply_nodes(struct guest *guest, const struct domain *live, GError **error)
{
    const struct numa_tune *tune = live->numa_tune;
    g_auto(GStrv) group = guest_get_cgroup(guest);
    g_autoptr(GString) nodes = g_string_new(NULL);

    if (!tune || !tune->memory || !tune->memory->nodeset)
        return 0;
    cpuset_format(tune->memory->nodeset, nodes);
    return cgroup_set_nodes((const char *const *)group, nodes->str, error);
}

/* In other modes memory is bound where it is allocated, and the group would be stricter. */
static bool binds_nodes(const struct domain *live)
{
    return live->numa_tune && live->numa_tune->memory &&
           live->numa_tune->memory->mode == NUMA_MODE_RESTRICTIVE;
}

int group_limits_apply_all(struct guest *guest, const struct domain *live, GError **error)
{
    if (live->memory_tune &&
        group_limits_apply_memory(guest, live->memory_tune, live->memory_tune, error) < 0)
        return -1;
    if (live->cpu_tune && group_limits_apply_cpu(guest, live->cpu_tune, live->cpu_tune, error) < 0)
        return -1;
    if (live->blkio_tune &&
        group_limits_apply_blkio(guest, live->blkio_tune, live->blkio_tune, error) < 0)
        return -1;
    return binds_nodes(live) ? group_limits_apply_nodes(guest, live, error) : 0;
}

int group_limits_restore(struct guest *guest, const struct domain *live, GError **error)
{
    static const struct memory_tune all_memory = {
        .hard_limit.set = true, .soft_limit.set = true, .swap_hard_limit.set = true};
    static const struct cpu_tune all_cpu = {.shares = 1, .global_period = 1, .global_quota = 1};
    g_autoptr(GError) missing = NULL;

    if (group_limits_apply_memory(guest, live->memory_tune, &all_memory, &missing) < 0 ||
        group_limits_apply_cpu(guest, live->cpu_tune, &all_cpu, &missing) < 0)
        log_debug("%s", missing->message);
    return group_limits_apply_all(guest, live, error);
}

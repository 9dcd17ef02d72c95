/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-stats.h"

#include <sys/stat.h>

#include "facts.h"
#include "usage.h"

static void add_state(struct params *params, struct guest *guest, const struct object_view *view)
{
    params_add_int(params, view->state, VIR_DOMAIN_STATS_STATE_STATE);
    params_add_int(params, view->reason, VIR_DOMAIN_STATS_STATE_REASON);
}

static void add_cpu(struct params *params, struct guest *guest, const struct object_view *view)
{
    struct process_times times;

    if (!view->live || !usage_read_process(guest, &times))
        return;
    params_add_ulong(params, times.user_ns + times.system_ns, VIR_DOMAIN_STATS_CPU_TIME);
    params_add_ulong(params, times.user_ns, VIR_DOMAIN_STATS_CPU_USER);
    params_add_ulong(params, times.system_ns, VIR_DOMAIN_STATS_CPU_SYSTEM);
}

static void add_balloon(struct params *params, struct guest *guest, const struct object_view *view)
{
    const struct guest_facts *facts = view_facts(view);
    const struct domain *domain = view_current(view);
    uint64_t current = facts && facts->has_balloon ? facts->balloon / 1024 : domain->current_memory;

    if (view->live)
        params_add_ulong(params, current, VIR_DOMAIN_STATS_BALLOON_CURRENT);
    params_add_ulong(params, domain->memory, VIR_DOMAIN_STATS_BALLOON_MAXIMUM);
    if (view->live)
        params_add_ulong(params, usage_read_rss(guest), VIR_DOMAIN_STATS_BALLOON_RSS);
}

static void add_vcpu(struct params *params, struct guest *guest, unsigned index, int64_t thread_id)
{
    struct process_times times;
    uint64_t wait_ns;

    if (!usage_read_vcpu(guest, thread_id, &times, &wait_ns))
        return;
    params_add_int(params, VIR_VCPU_RUNNING,
                   VIR_DOMAIN_STATS_VCPU_PREFIX "%u" VIR_DOMAIN_STATS_VCPU_SUFFIX_STATE, index);
    params_add_ulong(params, times.user_ns + times.system_ns,
                     VIR_DOMAIN_STATS_VCPU_PREFIX "%u" VIR_DOMAIN_STATS_VCPU_SUFFIX_TIME, index);
    params_add_ulong(params, 0, VIR_DOMAIN_STATS_VCPU_PREFIX "%u" VIR_DOMAIN_STATS_VCPU_SUFFIX_WAIT,
                     index);
    params_add_ulong(params, wait_ns,
                     VIR_DOMAIN_STATS_VCPU_PREFIX "%u" VIR_DOMAIN_STATS_VCPU_SUFFIX_DELAY, index);
}

static void add_vcpus(struct params *params, struct guest *guest, const struct object_view *view)
{
    const struct domain *domain = view_current(view);
    const struct guest_facts *facts = view_facts(view);

    params_add_uint(params, domain_vcpus(domain), VIR_DOMAIN_STATS_VCPU_CURRENT);
    params_add_uint(params, domain->max_vcpus, VIR_DOMAIN_STATS_VCPU_MAXIMUM);
    for (unsigned i = 0; facts && i < facts->vcpu_count; i++)
        add_vcpu(params, guest, i, facts->vcpus[i].thread_id);
}

/* What the guest receives, its tap on the host sends: the two directions change places. */
static void add_interface(struct params *params, unsigned index, const char *name)
{
    struct interface_counters counters;
    const struct {
        const char *suffix;
        const uint64_t *value;
    } rows[] = {
        {VIR_DOMAIN_STATS_NET_SUFFIX_RX_BYTES, &counters.tx_bytes},
        {VIR_DOMAIN_STATS_NET_SUFFIX_RX_PKTS, &counters.tx_packets},
        {VIR_DOMAIN_STATS_NET_SUFFIX_RX_ERRS, &counters.tx_errors},
        {VIR_DOMAIN_STATS_NET_SUFFIX_RX_DROP, &counters.tx_dropped},
        {VIR_DOMAIN_STATS_NET_SUFFIX_TX_BYTES, &counters.rx_bytes},
        {VIR_DOMAIN_STATS_NET_SUFFIX_TX_PKTS, &counters.rx_packets},
        {VIR_DOMAIN_STATS_NET_SUFFIX_TX_ERRS, &counters.rx_errors},
        {VIR_DOMAIN_STATS_NET_SUFFIX_TX_DROP, &counters.rx_dropped},
    };

    params_add_string(params, name,
                      VIR_DOMAIN_STATS_NET_PREFIX "%u" VIR_DOMAIN_STATS_NET_SUFFIX_NAME, index);
    if (usage_read_interface(name, &counters, NULL) < 0)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        params_add_ulong(params, *rows[i].value, VIR_DOMAIN_STATS_NET_PREFIX "%u%s", index,
                         rows[i].suffix);
}

static void add_interfaces(struct params *params, struct guest *guest,
                           const struct object_view *view)
{
    const struct domain *live = view_live(view);
    unsigned index = 0;

    if (!live)
        return;
    params_add_uint(params, live->devices.nets.count, VIR_DOMAIN_STATS_NET_COUNT);
    LIST_EACH (net, &live->devices.nets) {
        if (net->target)
            add_interface(params, index, net->target);
        index++;
    }
}

static void add_disk_counters(struct params *params, unsigned index,
                              const struct qmp_block_stats *stats)
{
    const struct {
        const char *suffix;
        uint64_t value;
    } rows[] = {
        {VIR_DOMAIN_STATS_BLOCK_SUFFIX_RD_REQS, stats->read_operations},
        {VIR_DOMAIN_STATS_BLOCK_SUFFIX_RD_BYTES, stats->read_bytes},
        {VIR_DOMAIN_STATS_BLOCK_SUFFIX_RD_TIMES, stats->read_ns},
        {VIR_DOMAIN_STATS_BLOCK_SUFFIX_WR_REQS, stats->write_operations},
        {VIR_DOMAIN_STATS_BLOCK_SUFFIX_WR_BYTES, stats->write_bytes},
        {VIR_DOMAIN_STATS_BLOCK_SUFFIX_WR_TIMES, stats->write_ns},
        {VIR_DOMAIN_STATS_BLOCK_SUFFIX_FL_REQS, stats->flush_operations},
        {VIR_DOMAIN_STATS_BLOCK_SUFFIX_FL_TIMES, stats->flush_ns},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        params_add_ulong(params, rows[i].value, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                         rows[i].suffix);
}

static void add_disk_sizes(struct params *params, unsigned index, const struct domain_disk *disk,
                           const struct disk_facts *facts)
{
    struct stat info;
    bool local = disk->source.path && domain_source_is_local(&disk->source) &&
                 stat(disk->source.path, &info) == 0;
    uint64_t allocation = local ? (uint64_t)info.st_blocks * 512 : facts ? facts->allocation : 0;

    if (allocation)
        params_add_ulong(params, allocation, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                         VIR_DOMAIN_STATS_BLOCK_SUFFIX_ALLOCATION);
    if (facts && facts->capacity)
        params_add_ulong(params, facts->capacity, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                         VIR_DOMAIN_STATS_BLOCK_SUFFIX_CAPACITY);
    if (local)
        params_add_ulong(params, (uint64_t)info.st_size, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s",
                         index, VIR_DOMAIN_STATS_BLOCK_SUFFIX_PHYSICAL);
}

static void add_disk(struct params *params, unsigned index, const struct domain_disk *disk,
                     const struct disk_facts *facts)
{
    params_add_string(params, disk->target, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                      VIR_DOMAIN_STATS_BLOCK_SUFFIX_NAME);
    params_add_string(params, disk->source.path, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                      VIR_DOMAIN_STATS_BLOCK_SUFFIX_PATH);
    if (disk->source.index)
        params_add_uint(params, disk->source.index, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                        VIR_DOMAIN_STATS_BLOCK_SUFFIX_BACKINGINDEX);
    if (facts)
        add_disk_counters(params, index, &facts->stats);
    add_disk_sizes(params, index, disk, facts);
}

static void add_disks(struct params *params, struct guest *guest, const struct object_view *view)
{
    const struct domain *domain = view_current(view);
    unsigned index = 0;

    params_add_uint(params, domain->devices.disks.count, VIR_DOMAIN_STATS_BLOCK_COUNT);
    LIST_EACH (disk, &domain->devices.disks)
        add_disk(params, index++, disk, facts_find_disk(view_facts(view), disk->info.alias));
}

static const struct {
    unsigned group;
    void (*add)(struct params *params, struct guest *guest, const struct object_view *view);
} groups_table[] = {
    {VIR_DOMAIN_STATS_STATE, add_state},          {VIR_DOMAIN_STATS_CPU_TOTAL, add_cpu},
    {VIR_DOMAIN_STATS_BALLOON, add_balloon},      {VIR_DOMAIN_STATS_VCPU, add_vcpus},
    {VIR_DOMAIN_STATS_INTERFACE, add_interfaces}, {VIR_DOMAIN_STATS_BLOCK, add_disks},
};

void domain_stats_add(struct params *params, struct object *object, unsigned groups)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(object, &view);
    if (!view_current(&view))
        return; /* removed since it was found */
    for (size_t i = 0; i < G_N_ELEMENTS(groups_table); i++)
        if (groups & groups_table[i].group)
            groups_table[i].add(params, guest_of(object), &view);
}

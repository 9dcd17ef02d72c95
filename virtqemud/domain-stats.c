/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-stats.h"

#include "block-nodes.h"
#include "counters.h"
#include "facts.h"
#include "image-size.h"
#include "share-stats.h"
#include "usage.h"

static void add_state(struct params *params, struct guest *guest, const struct object_view *view,
                      bool backing)
{
    params_add_int(params, view->state, VIR_DOMAIN_STATS_STATE_STATE);
    params_add_int(params, view->reason, VIR_DOMAIN_STATS_STATE_REASON);
}

static void add_cpu(struct params *params, struct guest *guest, const struct object_view *view,
                    bool backing)
{
    struct process_times times;
    struct halt_poll polls;

    if (!view->live || !usage_read_process(guest, &times))
        return;
    params_add_ulong(params, usage_read_cpu_time(guest, &times), VIR_DOMAIN_STATS_CPU_TIME);
    params_add_ulong(params, times.user_ns, VIR_DOMAIN_STATS_CPU_USER);
    params_add_ulong(params, times.system_ns, VIR_DOMAIN_STATS_CPU_SYSTEM);
    share_stats_add(params, view_live(view), SHARE_MONITOR_CACHE);
    share_stats_add(params, view_live(view), SHARE_MONITOR_ENERGY);
    usage_read_halt_poll(guest, &polls);
    params_add_ulong(params, polls.success_ns, VIR_DOMAIN_STATS_CPU_HALTPOLL_SUCCESS_TIME);
    params_add_ulong(params, polls.fail_ns, VIR_DOMAIN_STATS_CPU_HALTPOLL_FAIL_TIME);
}

static void add_memory(struct params *params, struct guest *guest, const struct object_view *view,
                       bool backing)
{
    if (view->live)
        share_stats_add(params, view_live(view), SHARE_MONITOR_BANDWIDTH);
}

static void add_balloon(struct params *params, struct guest *guest, const struct object_view *view,
                        bool backing)
{
    const struct guest_facts *facts = view_facts(view);
    const struct domain *domain = view_current(view);
    uint64_t current = facts && facts->has_balloon ? facts->balloon / 1024 : domain->current_memory;

    params_add_ulong(params, current, VIR_DOMAIN_STATS_BALLOON_CURRENT);
    params_add_ulong(params, domain->memory, VIR_DOMAIN_STATS_BALLOON_MAXIMUM);
    struct memory_number numbers[MEMORY_NUMBERS];
    unsigned count = facts_list_memory(facts, numbers);
    for (unsigned i = 0; i < count; i++)
        params_add_ulong(params, numbers[i].value, "%s", numbers[i].field);
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

static void add_vcpus(struct params *params, struct guest *guest, const struct object_view *view,
                      bool backing)
{
    const struct domain *domain = view_current(view);
    const struct guest_facts *facts = view_facts(view);

    params_add_uint(params, domain_vcpus(domain), VIR_DOMAIN_STATS_VCPU_CURRENT);
    params_add_uint(params, domain->max_vcpus, VIR_DOMAIN_STATS_VCPU_MAXIMUM);
    for (unsigned i = 0; facts && i < facts->vcpu_count; i++)
        add_vcpu(params, guest, facts->vcpus[i].id, facts->vcpus[i].thread_id);
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
                           const struct object_view *view, bool backing)
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

static void add_counters(struct params *params, unsigned index, const struct qmp_block_stats *stats)
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

static void add_sizes(struct params *params, unsigned index, const struct image_size *size)
{
    params_add_ulong(params, size->allocation, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                     VIR_DOMAIN_STATS_BLOCK_SUFFIX_ALLOCATION);
    params_add_ulong(params, size->capacity, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                     VIR_DOMAIN_STATS_BLOCK_SUFFIX_CAPACITY);
    params_add_ulong(params, size->physical, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                     VIR_DOMAIN_STATS_BLOCK_SUFFIX_PHYSICAL);
}

/* An image in use; written: the highest offset that this QEMU has written to. */
static void add_live_image(struct params *params, unsigned index,
                           const struct domain_source *source, const struct guest_facts *facts,
                           uint64_t written)
{
    g_autofree char *format = block_node_format_name(source);
    g_autofree char *storage = block_node_storage_name(source);
    const struct node_facts *node = facts_find_node(facts, format);
    const struct node_facts *below = facts_find_node(facts, storage);

    if (!node)
        return;
    struct image_size size = {
        .allocation = written, .capacity = node->capacity, .physical = node->allocation};
    add_sizes(params, index, &size);
    if (below && below->threshold)
        params_add_ulong(params, below->threshold, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                         VIR_DOMAIN_STATS_BLOCK_SUFFIX_THRESHOLD);
}

static void add_idle_image(struct params *params, unsigned index,
                           const struct domain_source *source)
{
    struct image_size size;

    if (source->path && domain_source_is_local(source) && image_size_read(source, &size, NULL) == 0)
        add_sizes(params, index, &size);
}

static void add_image_names(struct params *params, unsigned index, const struct domain_disk *disk,
                            const struct domain_source *source)
{
    params_add_string(params, disk->target, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                      VIR_DOMAIN_STATS_BLOCK_SUFFIX_NAME);
    params_add_string(params, source->path, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                      VIR_DOMAIN_STATS_BLOCK_SUFFIX_PATH);
    if (source->index)
        params_add_uint(params, source->index, VIR_DOMAIN_STATS_BLOCK_PREFIX "%u%s", index,
                        VIR_DOMAIN_STATS_BLOCK_SUFFIX_BACKINGINDEX);
}

static void add_disk(struct params *params, unsigned index, const struct domain_disk *disk,
                     const struct object_view *view)
{
    const struct guest_facts *facts = view_facts(view);
    const struct disk_facts *own = facts_find_disk(facts, disk->info.alias);

    add_image_names(params, index, disk, &disk->source);
    if (own)
        add_counters(params, index, &own->stats);
    if (view->live)
        add_live_image(params, index, &disk->source, facts,
                       own ? own->stats.file_highest_offset : 0);
    else
        add_idle_image(params, index, &disk->source);
}

/* The images below a running guest's disk, which are only read. Returns the next index. */
static unsigned add_backing(struct params *params, unsigned index, const struct domain_disk *disk,
                            const struct guest_facts *facts)
{
    for (const struct domain_source *source = disk->source.backing; source && source->type;
         source = source->backing) {
        add_image_names(params, index, disk, source);
        add_live_image(params, index++, source, facts, 0);
    }
    return index;
}

static unsigned count_images(const struct object_view *view, bool backing)
{
    unsigned count = view_current(view)->devices.disks.count;

    if (view->live && backing)
        LIST_EACH (disk, &view_live(view)->devices.disks)
            for (const struct domain_source *source = disk->source.backing; source && source->type;
                 source = source->backing)
                count++;
    return count;
}

static void add_disks(struct params *params, struct guest *guest, const struct object_view *view,
                      bool backing)
{
    unsigned index = 0;

    params_add_uint(params, count_images(view, backing), VIR_DOMAIN_STATS_BLOCK_COUNT);
    LIST_EACH (disk, &view_current(view)->devices.disks) {
        add_disk(params, index++, disk, view);
        if (view->live && backing)
            index = add_backing(params, index, disk, view_facts(view));
    }
}

static void add_iothreads(struct params *params, struct guest *guest,
                          const struct object_view *view, bool backing)
{
    const struct guest_facts *facts = view_facts(view);

    if (!facts || facts->iothread_count == 0)
        return;
    params_add_uint(params, facts->iothread_count, VIR_DOMAIN_STATS_IOTHREAD_COUNT);
    for (unsigned i = 0; i < facts->iothread_count; i++) {
        const struct iothread_facts *thread = &facts->iothreads[i];

        params_add_ulong(params, (uint64_t)thread->poll_max_ns,
                         VIR_DOMAIN_STATS_IOTHREAD_PREFIX
                         "%u" VIR_DOMAIN_STATS_IOTHREAD_SUFFIX_POLL_MAX_NS,
                         thread->id);
        params_add_uint(params, (unsigned)thread->poll_grow,
                        VIR_DOMAIN_STATS_IOTHREAD_PREFIX
                        "%u" VIR_DOMAIN_STATS_IOTHREAD_SUFFIX_POLL_GROW,
                        thread->id);
        params_add_uint(params, (unsigned)thread->poll_shrink,
                        VIR_DOMAIN_STATS_IOTHREAD_PREFIX
                        "%u" VIR_DOMAIN_STATS_IOTHREAD_SUFFIX_POLL_SHRINK,
                        thread->id);
    }
}

static void add_perf(struct params *params, struct guest *guest, const struct object_view *view,
                     bool backing)
{
    uint64_t count;

    for (unsigned kind = 0; kind < PERF_KINDS; kind++)
        if (counters_read(guest, kind, &count))
            params_add_ulong(params, count, "perf.%s", perf_name(kind));
}

static void add_dirty_rate(struct params *params, struct guest *guest,
                           const struct object_view *view, bool backing)
{
    const struct guest_facts *facts = view_facts(view);

    if (!facts || !facts->has_dirty_rate)
        return;
    const struct dirty_rate_facts *rate = &facts->dirty_rate;
    params_add_int(params, rate->status, VIR_DOMAIN_STATS_DIRTYRATE_CALC_STATUS);
    params_add_long(params, rate->start_time, VIR_DOMAIN_STATS_DIRTYRATE_CALC_START_TIME);
    params_add_int(params, (int)rate->period, VIR_DOMAIN_STATS_DIRTYRATE_CALC_PERIOD);
    params_add_string(params, rate->mode, VIR_DOMAIN_STATS_DIRTYRATE_CALC_MODE);
    if (rate->status == VIR_DOMAIN_DIRTYRATE_MEASURED)
        params_add_long(params, rate->megabytes, VIR_DOMAIN_STATS_DIRTYRATE_MEGABYTES_PER_SECOND);
}

static void add_numbers_of_kvm(struct params *params, struct guest *guest,
                               const struct object_view *view, bool backing)
{
    const struct guest_facts *facts = view->live ? view_facts(view) : NULL;

    for (unsigned i = 0; facts && i < facts->counter_count; i++)
        if (facts->counters[i].kind)
            params_add_ulong(params, facts->counters[i].value, VIR_DOMAIN_STATS_VM_PREFIX "%s%s",
                             facts->counters[i].name, facts->counters[i].kind);
}

static const struct {
    unsigned group;
    void (*add)(struct params *params, struct guest *guest, const struct object_view *view,
                bool backing);
} groups_table[] = {
    {VIR_DOMAIN_STATS_STATE, add_state},
    {VIR_DOMAIN_STATS_CPU_TOTAL, add_cpu},
    {VIR_DOMAIN_STATS_BALLOON, add_balloon},
    {VIR_DOMAIN_STATS_VCPU, add_vcpus},
    {VIR_DOMAIN_STATS_INTERFACE, add_interfaces},
    {VIR_DOMAIN_STATS_BLOCK, add_disks},
    {VIR_DOMAIN_STATS_IOTHREAD, add_iothreads},
    {VIR_DOMAIN_STATS_DIRTYRATE, add_dirty_rate},
    {VIR_DOMAIN_STATS_PERF, add_perf},
    {VIR_DOMAIN_STATS_MEMORY, add_memory},
    {VIR_DOMAIN_STATS_VM, add_numbers_of_kvm},
};

void domain_stats_add(struct params *params, struct object *object, unsigned groups, bool backing)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(object, &view);
    if (!view_current(&view))
        return; /* removed since it was found */
    for (size_t i = 0; i < G_N_ELEMENTS(groups_table); i++)
        if (groups & groups_table[i].group)
            groups_table[i].add(params, guest_of(object), &view, backing);
}

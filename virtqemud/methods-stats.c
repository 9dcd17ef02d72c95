/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "driver/domains.h"
#include "protocol/remote-handlers.h"

#include "domain-stats.h"
#include "methods.h"
#include "statistics.h"
#include "usage.h"

/* The view once QEMU has told the latest numbers, or a while has passed. */
static int get_fresh_view(struct call *call, unsigned groups, struct object_view *ret_view,
                          GError **error)
{
    statistics_refresh(&call->object, 1, groups, STATISTICS_WAIT_MS);
    return call_get_view(call, ret_view, error);
}

/* ---- all domains at once ---- */

/* The bits of the list's filters; those above are this call's own. */
#define FILTERS                                                                                    \
    (VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE |       \
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT | VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT |  \
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING | VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED |        \
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF | VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER)

/* What answers at once is waited for even then. */
#define NOWAIT_MS 50

/* The named domains, or all that the filters select; those that have gone are left out. */
static GPtrArray *select_domains(struct call *call,
                                 const struct remote_connect_get_all_domain_stats_args *args)
{
    struct registry *registry = qemu_of_call(call)->domains;

    if (args->doms_len == 0)
        return domain_list(call, args->flags & FILTERS);
    GPtrArray *domains = g_ptr_array_new_with_free_func((GDestroyNotify)object_unref);
    for (uint32_t i = 0; i < args->doms_len; i++) {
        struct object *object =
            registry_get(registry, args->doms_val[i].name, args->doms_val[i].uuid, NULL);

        if (object && call_may_list(call, object))
            g_ptr_array_add(domains, object);
        else
            object_unref(object);
    }
    return domains;
}

static void add_record(struct call *call, struct object *object, unsigned groups, bool backing,
                       struct remote_domain_stats_record *ret_record)
{
    struct params params = {.arena = &call->arena};

    domain_fill_handle(call, object, &ret_record->dom);
    domain_stats_add(&params, object, groups, backing);
    ret_record->params_val = params.items;
    ret_record->params_len = params.count;
}

int connect_get_all_domain_stats(struct call *call,
                                 const struct remote_connect_get_all_domain_stats_args *args,
                                 struct remote_connect_get_all_domain_stats_ret *ret,
                                 GError **error)
{
    unsigned groups = args->stats ? args->stats : DOMAIN_STATS_GROUPS;
    unsigned unknown = groups & ~DOMAIN_STATS_GROUPS;

    if (unknown && (args->flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS)) {
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED,
                  "Stats types bits 0x%x are not supported by this daemon", unknown);
        return -1;
    }
    g_autoptr(GPtrArray) domains = select_domains(call, args);
    statistics_refresh((struct object **)domains->pdata, domains->len, groups,
                       args->flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT ? NOWAIT_MS
                                                                              : STATISTICS_WAIT_MS);
    ret->retStats_len = domains->len;
    ret->retStats_val =
        arena_array(&call->arena, domains->len, sizeof(struct remote_domain_stats_record));
    for (guint i = 0; i < domains->len; i++)
        add_record(call, domains->pdata[i], groups,
                   args->flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING, &ret->retStats_val[i]);
    return 0;
}

/* ---- one domain ---- */

int domain_get_info(struct call *call, const struct remote_domain_get_info_args *args,
                    struct remote_domain_get_info_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct process_times times;

    if (call_get_view(call, &view, error) < 0)
        return -1;
    const struct domain *domain = view_current(&view);
    ret->state = (unsigned char)view.state;
    ret->maxMem = domain->memory;
    ret->memory = domain->current_memory;
    ret->nrVirtCpu = (unsigned short)domain_vcpus(domain);
    if (view.live && usage_read_process(guest_of(call->object), &times))
        ret->cpuTime = times.user_ns + times.system_ns;
    return 0;
}

static const struct domain_disk *find_disk(const struct object_view *view, const char *name,
                                           GError **error)
{
    const struct domain_disk *disk = domain_find_disk_or_path(view_current(view), name);

    if (!disk)
        error_set(error, VIR_ERR_INVALID_ARG, "invalid path: %s", name);
    return disk;
}

/* The counters of one disk, or of all together when name is empty. */
static int sum_disks(const struct object_view *view, const char *name,
                     struct qmp_block_stats *ret_sum, GError **error)
{
    const struct guest_facts *facts = view_facts(view);
    const struct domain_disk *only = *name ? find_disk(view, name, error) : NULL;

    if (*name && !only)
        return -1;
    for (unsigned i = 0; facts && i < facts->disk_count; i++) {
        const struct qmp_block_stats *stats = &facts->disks[i].stats;

        if (only && g_strcmp0(facts->disks[i].alias, only->info.alias) != 0)
            continue;
        ret_sum->read_operations += stats->read_operations;
        ret_sum->read_bytes += stats->read_bytes;
        ret_sum->read_ns += stats->read_ns;
        ret_sum->write_operations += stats->write_operations;
        ret_sum->write_bytes += stats->write_bytes;
        ret_sum->write_ns += stats->write_ns;
        ret_sum->flush_operations += stats->flush_operations;
        ret_sum->flush_ns += stats->flush_ns;
    }
    return 0;
}

static int refresh_and_sum(struct call *call, const char *name, struct qmp_block_stats *ret_sum,
                           GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (get_fresh_view(call, VIR_DOMAIN_STATS_BLOCK, &view, error) < 0)
        return -1;
    return sum_disks(&view, name, ret_sum, error);
}

int domain_block_stats(struct call *call, const struct remote_domain_block_stats_args *args,
                       struct remote_domain_block_stats_ret *ret, GError **error)
{
    struct qmp_block_stats sum = {0};

    if (refresh_and_sum(call, args->path, &sum, error) < 0)
        return -1;
    ret->rd_req = (int64_t)sum.read_operations;
    ret->rd_bytes = (int64_t)sum.read_bytes;
    ret->wr_req = (int64_t)sum.write_operations;
    ret->wr_bytes = (int64_t)sum.write_bytes;
    ret->errs = -1; /* not counted */
    return 0;
}

int domain_block_stats_flags(struct call *call,
                             const struct remote_domain_block_stats_flags_args *args,
                             struct remote_domain_block_stats_flags_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};
    struct qmp_block_stats sum = {0};
    const struct {
        const char *field;
        const uint64_t *value;
    } rows[] = {
        {VIR_DOMAIN_BLOCK_STATS_READ_REQ, &sum.read_operations},
        {VIR_DOMAIN_BLOCK_STATS_READ_BYTES, &sum.read_bytes},
        {VIR_DOMAIN_BLOCK_STATS_READ_TOTAL_TIMES, &sum.read_ns},
        {VIR_DOMAIN_BLOCK_STATS_WRITE_REQ, &sum.write_operations},
        {VIR_DOMAIN_BLOCK_STATS_WRITE_BYTES, &sum.write_bytes},
        {VIR_DOMAIN_BLOCK_STATS_WRITE_TOTAL_TIMES, &sum.write_ns},
        {VIR_DOMAIN_BLOCK_STATS_FLUSH_REQ, &sum.flush_operations},
        {VIR_DOMAIN_BLOCK_STATS_FLUSH_TOTAL_TIMES, &sum.flush_ns},
    };

    if (refresh_and_sum(call, args->path, &sum, error) < 0)
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        params_add_long(&params, (int64_t)*rows[i].value, "%s", rows[i].field);
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

int domain_get_block_info(struct call *call, const struct remote_domain_get_block_info_args *args,
                          struct remote_domain_get_block_info_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct stat info;

    if (get_fresh_view(call, VIR_DOMAIN_STATS_BLOCK, &view, error) < 0)
        return -1;
    const struct domain_disk *disk = find_disk(&view, args->path, error);
    if (!disk)
        return -1;
    const struct disk_facts *facts = facts_find_disk(view_facts(&view), disk->info.alias);
    if (!disk->source.path) {
        error_set(error, VIR_ERR_INVALID_ARG, "disk '%s' does not currently have a source assigned",
                  args->path);
        return -1;
    }
    if (stat(disk->source.path, &info) < 0) {
        error_set_errno(error, errno, "cannot stat file '%s'", disk->source.path);
        return -1;
    }
    ret->physical = (uint64_t)info.st_size;
    ret->allocation = (uint64_t)info.st_blocks * 512;
    ret->capacity = facts && facts->capacity ? facts->capacity : (uint64_t)info.st_size;
    return 0;
}

static bool has_interface(const struct domain *live, const char *name)
{
    LIST_EACH (net, &live->devices.nets)
        if (g_strcmp0(net->target, name) == 0)
            return true;
    return false;
}

int domain_interface_stats(struct call *call, const struct remote_domain_interface_stats_args *args,
                           struct remote_domain_interface_stats_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct interface_counters counters;

    object_get_view(call->object, &view);
    if (!view.live || !has_interface(view_live(&view), args->device)) {
        error_set(error, VIR_ERR_INVALID_ARG, "'%s' is not an interface of the domain",
                  args->device);
        return -1;
    }
    if (usage_read_interface(args->device, &counters, error) < 0)
        return -1;
    /* what the host's tap receives, the guest has sent */
    ret->rx_bytes = (int64_t)counters.tx_bytes;
    ret->rx_packets = (int64_t)counters.tx_packets;
    ret->rx_errs = (int64_t)counters.tx_errors;
    ret->rx_drop = (int64_t)counters.tx_dropped;
    ret->tx_bytes = (int64_t)counters.rx_bytes;
    ret->tx_packets = (int64_t)counters.rx_packets;
    ret->tx_errs = (int64_t)counters.rx_errors;
    ret->tx_drop = (int64_t)counters.rx_dropped;
    return 0;
}

static void add_memory(struct remote_domain_memory_stats_ret *ret, unsigned most, int tag,
                       uint64_t value)
{
    if (ret->stats_len < most)
        ret->stats_val[ret->stats_len++] =
            (struct remote_domain_memory_stat){.tag = tag, .val = value};
}

int domain_memory_stats(struct call *call, const struct remote_domain_memory_stats_args *args,
                        struct remote_domain_memory_stats_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    unsigned most = MIN(args->maxStats, VIR_DOMAIN_MEMORY_STAT_NR);

    if (get_fresh_view(call, VIR_DOMAIN_STATS_BALLOON, &view, error) < 0)
        return -1;
    const struct guest_facts *facts = view_facts(&view);
    ret->stats_val = arena_array(&call->arena, most, sizeof(struct remote_domain_memory_stat));
    add_memory(ret, most, VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON,
               facts && facts->has_balloon ? facts->balloon / 1024
                                           : view_current(&view)->current_memory);
    struct memory_number numbers[MEMORY_NUMBERS];
    unsigned count = facts_list_memory(facts, numbers);
    for (unsigned i = 0; i < count; i++)
        add_memory(ret, most, numbers[i].tag, numbers[i].value);
    add_memory(ret, most, VIR_DOMAIN_MEMORY_STAT_RSS, usage_read_rss(guest_of(call->object)));
    return 0;
}

#define STATS_FLAGS                                                                                \
    (FILTERS | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT |                                          \
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING | VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS)

static const struct method rows[] = {
    {.binding = HANDLER(remote, connect_get_all_domain_stats), .flags = STATS_FLAGS},
    {.binding = HANDLER(remote, domain_get_info), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, domain_block_stats), .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_block_stats_flags),
     .flags = VIR_TYPED_PARAM_STRING_OKAY,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_get_block_info)},
    {.binding = HANDLER(remote, domain_interface_stats), .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_memory_stats), .state = METHOD_ACTIVE},
};

const struct driver_methods stats_methods = DRIVER_METHODS(rows);

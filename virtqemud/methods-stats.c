/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domains.h"
#include "protocol/remote-handlers.h"

#include "domain-stats.h"
#include "methods.h"
#include "statistics.h"
#include "usage.h"

/* ---- all domains at once ---- */

/* The bits of the list's filters; those above are this call's own. */
#define FILTERS                                                                                    \
    (VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE |       \
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT | VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT |  \
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING | VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED |        \
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF | VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER)

/* What answers at once is waited for even then. */
#define NOWAIT_MS 50

/* What the filters select: of the named domains, or of all. Those that have gone are left out. */
static GPtrArray *select_domains(struct call *call,
                                 const struct remote_connect_get_all_domain_stats_args *args)
{
    struct registry *registry = qemu_of_call(call)->domains;
    unsigned filters = args->flags & FILTERS;

    if (args->doms_len == 0)
        return domain_list(call, filters);
    GPtrArray *domains = g_ptr_array_new_with_free_func((GDestroyNotify)object_unref);
    for (uint32_t i = 0; i < args->doms_len; i++) {
        struct object *object =
            registry_get(registry, args->doms_val[i].name, args->doms_val[i].uuid, NULL);

        if (object && domain_is_listed(call, object, filters))
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

    statistics_refresh(&call->object, 1, VIR_DOMAIN_STATS_BALLOON, STATISTICS_WAIT_MS);
    if (call_get_view(call, &view, error) < 0)
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
    {.binding = HANDLER(remote, domain_memory_stats), .state = METHOD_ACTIVE},
};

const struct driver_methods stats_methods = DRIVER_METHODS(rows);

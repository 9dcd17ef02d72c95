/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domains.h"
#include "driver/params.h"
#include "host/cgroup-value.h"
#include "host/node.h"
#include "protocol/remote-handlers.h"

#include "cpu-maps.h"
#include "methods.h"
#include "placement.h"
#include "statistics.h"
#include "usage.h"
#include "vcpus.h"

/* How much guests used of the host's CPUs. */

/* ---- single vcpus ---- */

static void fill_vcpu(struct guest *guest, const struct guest_facts *facts, unsigned index,
                      struct remote_vcpu_info *ret_info)
{
    struct process_times times = {0};
    uint64_t wait_ns;

    *ret_info = (struct remote_vcpu_info){.number = index, .state = VIR_VCPU_RUNNING, .cpu = -1};
    const struct vcpu_facts *vcpu = facts_find_vcpu(facts, index);
    if (!vcpu || !usage_read_vcpu(guest, vcpu->thread_id, &times, &wait_ns))
        return;
    ret_info->cpu_time = times.user_ns + times.system_ns;
    ret_info->cpu = times.processor;
}

int domain_get_vcpus(struct call *call, const struct remote_domain_get_vcpus_args *args,
                     struct remote_domain_get_vcpus_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (cpu_maps_check_room(args->maxinfo, args->maplen, error) < 0)
        return -1;
    statistics_refresh(&call->object, 1, VIR_DOMAIN_STATS_VCPU, STATISTICS_WAIT_MS);
    if (call_get_view(call, &view, error) < 0)
        return -1;
    const struct domain *domain = view_current(&view);
    unsigned count = MIN((unsigned)args->maxinfo, domain_vcpus(domain));
    size_t maplen = (size_t)args->maplen;
    ret->info_val = arena_array(&call->arena, count, sizeof(struct remote_vcpu_info));
    ret->info_len = count;
    ret->cpumaps_val = arena_array(&call->arena, count, maplen);
    ret->cpumaps_len = count * (uint32_t)maplen;
    for (unsigned id = 0, at = 0; id < domain->max_vcpus && at < count; id++) {
        if (!vcpus_has(domain, id))
            continue;
        fill_vcpu(guest_of(call->object), view_facts(&view), id, &ret->info_val[at]);
        if (cpu_maps_fill(placement_cpus(domain, ROLE_VCPU, id), ret->cpumaps_val + at++ * maplen,
                          maplen, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- how much was used ---- */

static int get_total(struct call *call, struct params *params, GError **error)
{
    struct process_times times;

    if (!usage_read_process(guest_of(call->object), &times)) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return -1;
    }
    params_add_ulong(params, usage_read_cpu_time(guest_of(call->object), &times),
                     VIR_DOMAIN_CPU_STATS_CPUTIME);
    params_add_ulong(params, times.user_ns, VIR_DOMAIN_CPU_STATS_USERTIME);
    params_add_ulong(params, times.system_ns, VIR_DOMAIN_CPU_STATS_SYSTEMTIME);
    return 0;
}

#define CPUS_AT_ONCE 128 /* clients ask for no more */

/* Nanoseconds of each CPU there is. */
struct cpu_account {
    uint64_t *guest, *vcpus; /* vcpus NULL: not counted on their own */
    unsigned count;
};

static void cpu_account_clear(struct cpu_account *account)
{
    g_free(account->guest);
    g_free(account->vcpus);
}
#define CPU_ACCOUNT_AUTO __attribute__((cleanup(cpu_account_clear)))

static int read_account(struct call *call, struct cpu_account *account, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct guest *guest = guest_of(call->object);
    g_auto(GStrv) group = guest_get_cgroup(guest);
    struct node_cpus cpus;
    unsigned counted = 0;

    if (call_get_view(call, &view, error) < 0)
        return -1;
    /* first the part, that it be no more than the whole */
    account->vcpus = placement_read_vcpus(guest, view_current(&view), &counted);
    account->guest = cgroup_read_percpu((const char *const *)group, NULL, &account->count);
    if (!account->guest) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "this host's control groups keep no account of single CPUs: ask for the total");
        return -1;
    }
    if (node_read_cpus(&cpus, error) < 0)
        return -1;
    account->count = MIN(account->count, cpus.present);
    g_byte_array_unref(cpus.map);
    if (counted < account->count)
        g_clear_pointer(&account->vcpus, g_free);
    return 0;
}

static int get_each(struct call *call, const struct remote_domain_get_cpu_stats_args *args,
                    struct remote_domain_get_cpu_stats_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};
    CPU_ACCOUNT_AUTO struct cpu_account account = {0};

    if (read_account(call, &account, error) < 0)
        return -1;
    if (args->start_cpu < 0 || (unsigned)args->start_cpu >= account.count) {
        error_set(error, VIR_ERR_INVALID_ARG, "start_cpu %d larger than maximum of %u",
                  args->start_cpu, account.count - 1);
        return -1;
    }
    unsigned values = account.vcpus ? 2 : 1;
    if (args->nparams)
        values = MIN(values, args->nparams);
    /* without room, the call asks for a number: of CPUs, or of values for each */
    ret->nparams = args->ncpus == 0 ? (int)account.count : (int)values;
    uint64_t end = MIN(account.count, (uint64_t)args->start_cpu + MIN(args->ncpus, CPUS_AT_ONCE));
    for (unsigned i = (unsigned)args->start_cpu; args->nparams && i < end; i++) {
        params_add_ulong(&params, account.guest[i], VIR_DOMAIN_CPU_STATS_CPUTIME);
        if (values > 1)
            params_add_ulong(&params, account.vcpus[i], VIR_DOMAIN_CPU_STATS_VCPUTIME);
    }
    ret->params_val = params.items;
    ret->params_len = params.count;
    return 0;
}

int domain_get_cpu_stats(struct call *call, const struct remote_domain_get_cpu_stats_args *args,
                         struct remote_domain_get_cpu_stats_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};

    if (args->start_cpu != -1)
        return get_each(call, args, ret, error);
    if (get_total(call, &params, error) < 0)
        return -1;
    params_reply(&params, (int)args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_vcpus), .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_get_cpu_stats),
     .flags = VIR_TYPED_PARAM_STRING_OKAY,
     .state = METHOD_ACTIVE},
};

const struct driver_methods cpu_methods = DRIVER_METHODS(rows);

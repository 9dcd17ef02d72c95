/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "host/cgroup.h"
#include "host/node.h"
#include "protocol/remote-handlers.h"

#include "methods.h"
#include "statistics.h"
#include "usage.h"

/* What guests have of the host's CPUs: which, how much, and how much they used. */

/* ---- which CPUs ---- */

/* Maps of CPUs are bit strings of length bytes; what is not pinned may run on all that there are.
 */
static int fill_map(const struct cpuset *set, char *map, size_t length, GError **error)
{
    struct node_cpus cpus;

    if (set) {
        cpuset_to_map(set, (uint8_t *)map, length);
        return 0;
    }
    if (node_read_cpus(&cpus, error) < 0)
        return -1;
    memcpy(map, cpus.map->data, MIN(length, cpus.map->len));
    g_byte_array_unref(cpus.map);
    return 0;
}

static const struct cpuset *vcpu_cpus(const struct domain *domain, unsigned vcpu)
{
    if (domain->cpu_tune)
        LIST_EACH (pin, &domain->cpu_tune->vcpu_pins)
            if (pin->vcpu.value == vcpu)
                return pin->cpus;
    return domain->vcpu_cpuset;
}

static const struct cpuset *iothread_cpus(const struct domain *domain, unsigned id)
{
    if (domain->cpu_tune)
        LIST_EACH (pin, &domain->cpu_tune->iothread_pins)
            if (pin->iothread == id)
                return pin->cpus;
    return domain->vcpu_cpuset;
}

static int check_room(int count, int maplen, GError **error)
{
    if (count >= 0 && maplen >= 0 && (int64_t)count * maplen <= REMOTE_CPUMAPS_MAX &&
        count <= REMOTE_VCPUINFO_MAX)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "%d maps of %d bytes are too many", count, maplen);
    return -1;
}

static int fill_vcpu_maps(const struct domain *domain, unsigned count, size_t maplen, char *maps,
                          GError **error)
{
    for (unsigned i = 0; i < count; i++)
        if (fill_map(vcpu_cpus(domain, i), maps + i * maplen, maplen, error) < 0)
            return -1;
    return 0;
}

int domain_get_vcpu_pin_info(struct call *call,
                             const struct remote_domain_get_vcpu_pin_info_args *args,
                             struct remote_domain_get_vcpu_pin_info_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;

    if (check_room(args->ncpumaps, args->maplen, error) < 0 ||
        domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    unsigned count = MIN((unsigned)args->ncpumaps, domain->max_vcpus);
    ret->cpumaps_len = count * (uint32_t)args->maplen;
    ret->cpumaps_val = arena_alloc(&call->arena, ret->cpumaps_len);
    ret->num = (int)count;
    return fill_vcpu_maps(domain, count, (size_t)args->maplen, ret->cpumaps_val, error);
}

int domain_get_emulator_pin_info(struct call *call,
                                 const struct remote_domain_get_emulator_pin_info_args *args,
                                 struct remote_domain_get_emulator_pin_info_ret *ret,
                                 GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;

    if (check_room(1, args->maplen, error) < 0 ||
        domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    const struct cpuset *pin = domain->cpu_tune ? domain->cpu_tune->emulator_pin : NULL;
    ret->cpumaps_len = (uint32_t)args->maplen;
    ret->cpumaps_val = arena_alloc(&call->arena, ret->cpumaps_len);
    ret->ret = 1;
    return fill_map(pin ? pin : domain->vcpu_cpuset, ret->cpumaps_val, ret->cpumaps_len, error);
}

static bool has_iothread(const struct domain *domain, unsigned id)
{
    LIST_EACH (thread, &domain->iothreads)
        if (thread->id == id)
            return true;
    return false;
}

/* The ids of a domain's I/O threads: those that the document names, and the smallest free numbers
 * for the others. As many as *ret_count. */
static unsigned *list_iothreads(const struct domain *domain, struct arena *arena,
                                unsigned *ret_count)
{
    unsigned named = domain->iothreads.count, count = MAX(domain->iothread_count, named);
    unsigned *ids = arena_array(arena, count, sizeof(*ids));
    unsigned at = 0;

    LIST_EACH (thread, &domain->iothreads)
        ids[at++] = thread->id;
    for (unsigned id = 1; at < count; id++)
        if (!has_iothread(domain, id))
            ids[at++] = id;
    *ret_count = count;
    return ids;
}

int domain_get_iothread_info(struct call *call,
                             const struct remote_domain_get_iothread_info_args *args,
                             struct remote_domain_get_iothread_info_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;
    unsigned count;
    struct node_cpus cpus;

    if (domain_get_affected(call, args->flags, &view, &domain, error) < 0 ||
        node_read_cpus(&cpus, error) < 0)
        return -1;
    uint32_t maplen = cpus.map->len;
    g_byte_array_unref(cpus.map);
    unsigned *ids = list_iothreads(domain, &call->arena, &count);
    ret->ret = ret->info_len = MIN(count, REMOTE_IOTHREAD_INFO_MAX);
    ret->info_val =
        arena_array(&call->arena, ret->info_len, sizeof(struct remote_domain_iothread_info));
    for (uint32_t i = 0; i < ret->info_len; i++) {
        char *map = arena_alloc(&call->arena, maplen);

        ret->info_val[i] = (struct remote_domain_iothread_info){
            .iothread_id = ids[i], .cpumap_len = maplen, .cpumap_val = map};
        if (fill_map(iothread_cpus(domain, ids[i]), map, maplen, error) < 0)
            return -1;
    }
    return 0;
}

static void fill_vcpu(struct guest *guest, const struct guest_facts *facts, unsigned index,
                      struct remote_vcpu_info *ret_info)
{
    struct process_times times = {0};
    uint64_t wait_ns;

    *ret_info = (struct remote_vcpu_info){.number = index, .state = VIR_VCPU_RUNNING, .cpu = -1};
    if (!facts || index >= facts->vcpu_count ||
        !usage_read_vcpu(guest, facts->vcpus[index].thread_id, &times, &wait_ns))
        return;
    ret_info->cpu_time = times.user_ns + times.system_ns;
    ret_info->cpu = times.processor;
}

int domain_get_vcpus(struct call *call, const struct remote_domain_get_vcpus_args *args,
                     struct remote_domain_get_vcpus_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (check_room(args->maxinfo, args->maplen, error) < 0)
        return -1;
    statistics_refresh(&call->object, 1, VIR_DOMAIN_STATS_VCPU, STATISTICS_WAIT_MS);
    if (call_get_view(call, &view, error) < 0)
        return -1;
    unsigned count = MIN((unsigned)args->maxinfo, domain_vcpus(view_current(&view)));
    ret->info_val = arena_array(&call->arena, count, sizeof(struct remote_vcpu_info));
    ret->info_len = count;
    ret->cpumaps_val = arena_array(&call->arena, count, (size_t)args->maplen);
    ret->cpumaps_len = count * (uint32_t)args->maplen;
    for (unsigned i = 0; i < count; i++)
        fill_vcpu(guest_of(call->object), view_facts(&view), i, &ret->info_val[i]);
    return fill_vcpu_maps(view_current(&view), count, (size_t)args->maplen, ret->cpumaps_val,
                          error);
}

/* ---- how much of them ---- */

/* Microseconds: what the kernel gives a group that nobody has limited. */
#define USUAL_PERIOD 100000
#define NO_QUOTA (-1)

static const struct {
    const char *field;
    size_t offset; /* in struct cpu_tune */
    bool quota;
} bandwidths[] = {
    {VIR_DOMAIN_SCHEDULER_VCPU_PERIOD, offsetof(struct cpu_tune, period), false},
    {VIR_DOMAIN_SCHEDULER_VCPU_QUOTA, offsetof(struct cpu_tune, quota), true},
    {VIR_DOMAIN_SCHEDULER_EMULATOR_PERIOD, offsetof(struct cpu_tune, emulator_period), false},
    {VIR_DOMAIN_SCHEDULER_EMULATOR_QUOTA, offsetof(struct cpu_tune, emulator_quota), true},
    {VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD, offsetof(struct cpu_tune, global_period), false},
    {VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA, offsetof(struct cpu_tune, global_quota), true},
    {VIR_DOMAIN_SCHEDULER_IOTHREAD_PERIOD, offsetof(struct cpu_tune, iothread_period), false},
    {VIR_DOMAIN_SCHEDULER_IOTHREAD_QUOTA, offsetof(struct cpu_tune, iothread_quota), true},
};

static int check_scheduler(struct call *call, GError **error)
{
    if (!qemu_of_call(call)->driver->daemon->session)
        return 0;
    error_set(error, VIR_ERR_OPERATION_UNSUPPORTED, "CPU tuning is not available in session mode");
    return -1;
}

int domain_get_scheduler_type(struct call *call,
                              const struct remote_domain_get_scheduler_type_args *args,
                              struct remote_domain_get_scheduler_type_ret *ret, GError **error)
{
    if (check_scheduler(call, error) < 0)
        return -1;
    ret->type = "posix";
    ret->nparams = 1 + G_N_ELEMENTS(bandwidths);
    return 0;
}

/* The old hierarchy has shares, the unified one weights. */
static uint64_t read_shares(pid_t pid)
{
    g_autofree char *shares = cgroup_read(pid, "cpu.shares");
    g_autofree char *weight = shares ? NULL : cgroup_read(pid, "cpu.weight");

    return shares ? g_ascii_strtoull(shares, NULL, 10)
                  : (weight ? g_ascii_strtoull(weight, NULL, 10) : 0);
}

static void add_bandwidth(struct params *params, size_t row, const struct cpu_tune *tune, bool live)
{
    int64_t value = tune ? *(const int64_t *)((const char *)tune + bandwidths[row].offset) : 0;

    if (value == 0 && live)
        value = bandwidths[row].quota ? NO_QUOTA : USUAL_PERIOD;
    if (bandwidths[row].quota)
        params_add_long(params, value, "%s", bandwidths[row].field);
    else
        params_add_ulong(params, (uint64_t)value, "%s", bandwidths[row].field);
}

static int get_scheduler(struct call *call, unsigned flags, struct params *params, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;

    if (check_scheduler(call, error) < 0 ||
        domain_get_affected(call, flags, &view, &domain, error) < 0)
        return -1;
    const struct cpu_tune *tune = domain->cpu_tune;
    bool live = &domain->definition == view.live;
    params_add_ulong(params,
                     live   ? read_shares(guest_pid(guest_of(call->object)))
                     : tune ? tune->shares
                            : 0,
                     VIR_DOMAIN_SCHEDULER_CPU_SHARES);
    for (size_t i = 0; i < G_N_ELEMENTS(bandwidths); i++)
        add_bandwidth(params, i, tune, live);
    return 0;
}

int domain_get_scheduler_parameters_flags(
    struct call *call, const struct remote_domain_get_scheduler_parameters_flags_args *args,
    struct remote_domain_get_scheduler_parameters_flags_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};
    int count;

    if (get_scheduler(call, args->flags, &params, error) < 0)
        return -1;
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &count);
    return 0;
}

int domain_get_scheduler_parameters(struct call *call,
                                    const struct remote_domain_get_scheduler_parameters_args *args,
                                    struct remote_domain_get_scheduler_parameters_ret *ret,
                                    GError **error)
{
    struct params params = {.arena = &call->arena};
    int count;

    if (get_scheduler(call, 0, &params, error) < 0)
        return -1;
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &count);
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
    params_add_ulong(params, times.user_ns + times.system_ns, VIR_DOMAIN_CPU_STATS_CPUTIME);
    params_add_ulong(params, times.user_ns, VIR_DOMAIN_CPU_STATS_USERTIME);
    params_add_ulong(params, times.system_ns, VIR_DOMAIN_CPU_STATS_SYSTEMTIME);
    return 0;
}

/* One number for each CPU there could be, in nanoseconds. */
static int get_usage(struct call *call, char ***ret_numbers, GError **error)
{
    g_autofree char *text = cgroup_read(guest_pid(guest_of(call->object)), "cpuacct.usage_percpu");

    if (!text) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "this host's control groups keep no account of single CPUs: ask for the total");
        return -1;
    }
    *ret_numbers = g_strsplit(g_strstrip(text), " ", 0);
    return 0;
}

#define CPUS_AT_ONCE 128 /* clients ask for no more */

static int get_each(struct call *call, const struct remote_domain_get_cpu_stats_args *args,
                    struct remote_domain_get_cpu_stats_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};
    g_auto(GStrv) numbers = NULL;
    struct node_cpus cpus;

    if (get_usage(call, &numbers, error) < 0 || node_read_cpus(&cpus, error) < 0)
        return -1;
    unsigned count = MIN(cpus.present, g_strv_length(numbers));
    g_byte_array_unref(cpus.map);
    if (args->start_cpu < 0 || (unsigned)args->start_cpu >= count) {
        error_set(error, VIR_ERR_INVALID_ARG, "start_cpu %d larger than maximum of %u",
                  args->start_cpu, count - 1);
        return -1;
    }
    /* without room, the call asks for a number: of CPUs, or of values for each */
    ret->nparams = args->ncpus == 0 ? (int)count : 1;
    uint64_t end = MIN(count, (uint64_t)args->start_cpu + MIN(args->ncpus, CPUS_AT_ONCE));
    for (unsigned i = (unsigned)args->start_cpu; args->nparams && i < end; i++)
        params_add_ulong(&params, g_ascii_strtoull(numbers[i], NULL, 10),
                         VIR_DOMAIN_CPU_STATS_CPUTIME);
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

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_vcpus), .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_get_vcpu_pin_info), .flags = AFFECT},
    {.binding = HANDLER(remote, domain_get_emulator_pin_info), .flags = AFFECT},
    {.binding = HANDLER(remote, domain_get_iothread_info), .flags = AFFECT},
    {.binding = HANDLER(remote, domain_get_scheduler_type)},
    {.binding = HANDLER(remote, domain_get_scheduler_parameters)},
    {.binding = HANDLER(remote, domain_get_scheduler_parameters_flags),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, domain_get_cpu_stats),
     .flags = VIR_TYPED_PARAM_STRING_OKAY,
     .state = METHOD_ACTIVE},
};

const struct driver_methods cpu_methods = DRIVER_METHODS(rows);

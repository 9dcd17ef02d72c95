/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's processors: how many, and which. */
#include <string.h>

#include "cpu-names.h"
#include "native-parts.h"

struct domain_cpu *native_cpu(struct native *native)
{
    if (!native->domain->cpu)
        native->domain->cpu = arena_new(native->arena, struct domain_cpu);
    return native->domain->cpu;
}

static unsigned or_one(unsigned count)
{
    return count ? count : 1;
}

static int set_topology(struct native *native, struct native_option *option,
                        struct cpu_topology *topology, unsigned max, GError **error)
{
    uint64_t rest = (uint64_t)or_one(topology->dies) * or_one(topology->clusters);

    if (rest > 4096 || topology->cores > 4096 || topology->threads > 4096)
        return native_fault(option, "this is no topology", error);
    rest *= (uint64_t)or_one(topology->cores) * or_one(topology->threads);
    if (!topology->sockets)
        topology->sockets = max % rest == 0 ? (unsigned)(max / rest) : 0;
    if (topology->sockets * rest != max)
        return native_fault(option, "sockets, cores and threads do not make up the processors",
                            error);
    topology->dies = or_one(topology->dies);
    topology->cores = or_one(topology->cores);
    topology->threads = or_one(topology->threads);
    native_cpu(native)->topology = topology;
    return 0;
}

static int read_smp(struct native *native, struct native_option *option, GError **error)
{
    static const char *const names[] = {"sockets", "dies", "clusters", "cores", "threads"};
    struct cpu_topology *topology = arena_new(native->arena, struct cpu_topology);
    unsigned *const values[] = {&topology->sockets, &topology->dies, &topology->clusters,
                                &topology->cores, &topology->threads};
    unsigned cpus = 0, max = 0;
    bool has_topology = false;
    uint64_t product = 1;

    native_list_take_uint(&option->list, "cpus", &cpus);
    native_list_take_uint(&option->list, "maxcpus", &max);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!native_list_take_uint(&option->list, names[i], values[i]))
            continue;
        has_topology = true;
        if (*values[i] > 4096)
            return native_fault(option, "this is no topology", error);
        product = MIN(product * or_one(*values[i]), 1 << 20);
    }
    if (!native_list_done(&option->list))
        return native_fault(option, "this is no number of processors", error);
    cpus = cpus ? cpus : max ? max : (unsigned)product;
    max = max ? max : cpus;
    if (cpus > max || max > 16384)
        return native_fault(option, "these are too many processors", error);
    native->domain->max_vcpus = max;
    native->domain->current_vcpus = cpus < max ? cpus : 0;
    option->taken = true;
    return has_topology ? set_topology(native, option, topology, max, error) : 0;
}

static void add_feature(struct native *native, struct domain_cpu *cpu, const char *name, bool on)
{
    struct cpu_feature *feature = arena_new(native->arena, struct cpu_feature);

    feature->name = arena_strdup(native->arena, cpu_feature_from_qemu(name));
    feature->policy = on ? CPU_POLICY_REQUIRE : CPU_POLICY_DISABLE;
    LIST_APPEND(native->arena, &cpu->features, feature);
}

static void set_model(struct domain_cpu *cpu, const char *model)
{
    if (g_str_equal(model, "host")) {
        cpu->mode = CPU_MODE_HOST_PASSTHROUGH;
    } else if (g_str_equal(model, "max")) {
        cpu->mode = CPU_MODE_MAXIMUM;
    } else {
        cpu->mode = CPU_MODE_CUSTOM;
        cpu->match = CPU_MATCH_EXACT;
        cpu->fallback = CPU_FALLBACK_FORBID;
        cpu->model = model;
    }
}

/* A feature is "+name", "-name" or "name=on"; anything else is a property that needs QEMU's own
 * word, and then all of the option is, for the last -cpu is the one that counts. */
static int read_cpu(struct native *native, struct native_option *option, GError **error)
{
    struct native_list *list = &option->list;
    struct domain_cpu *cpu = arena_new(native->arena, struct domain_cpu);
    const char *model = native_list_take(list, "");

    if (!model || !*model)
        return native_fault(option, "a model of a processor is wanted", error);
    set_model(cpu, model);
    cpu->check = CPU_CHECK_NONE;
    if (cpu->mode != CPU_MODE_CUSTOM)
        native_list_take_tristate(list, "migratable", &cpu->migratable);
    for (unsigned i = 0; i < list->count; i++) {
        struct native_pair *pair = &list->pairs[i];
        bool sign = pair->key[0] == '+' || pair->key[0] == '-', on = pair->key[0] != '-';

        if (pair->taken || strpbrk(pair->key, "._") || g_str_has_prefix(pair->key, "hv-") ||
            !cpu_property_is_feature(pair->key + sign) || !pair->key[sign])
            continue;
        if (sign || native_list_take_bool(list, pair->key, &on))
            add_feature(native, cpu, pair->key + sign, on);
        pair->taken = pair->taken || sign;
    }
    if (!native->is_x86 && cpu->features.count)
        return 0;
    if (native_list_done(list)) {
        cpu->topology = native_cpu(native)->topology;
        native->domain->cpu = cpu;
        option->taken = true;
    }
    return 0;
}

const struct native_row native_cpu_rows[] = {
    {"smp", "cpus", .read = read_smp},
    {"cpu", "", .read = read_cpu},
    {NULL},
};

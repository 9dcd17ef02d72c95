/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults-parts.h"

#include <stdlib.h>

#include "xml/xml.h"

/* ---- vcpus ---- */

/* Those that can't be missing at the start can't be unplugged; the others are there for it. */
static void vcpu_list_defaults(struct domain *domain)
{
    unsigned enabled = 0;

    if (!domain->vcpus.count)
        return;
    LIST_EACH (vcpu, &domain->vcpus) {
        default_to(&vcpu->hotpluggable, vcpu->enabled == TRISTATE_NO ? TRISTATE_YES : TRISTATE_NO);
        enabled += vcpu->enabled != TRISTATE_NO;
    }
    domain->current_vcpus = enabled < domain->max_vcpus ? enabled : 0;
}

/* ---- pinning ---- */

static int compare_vcpu_pins(const void *a, const void *b)
{
    const struct vcpu_pin *one = *(void *const *)a, *other = *(void *const *)b;

    return (int)one->vcpu.value - (int)other->vcpu.value;
}

/* By number; what is said of a vcpu that the guest can't have is forgotten. */
static void vcpu_pin_defaults(struct domain *domain, struct cpu_tune *tune)
{
    unsigned kept = 0;

    LIST_EACH (pin, &tune->vcpu_pins)
        if (pin->vcpu.value < domain->max_vcpus)
            tune->vcpu_pins.items[kept++] = pin;
    tune->vcpu_pins.count = kept;
    if (kept)
        qsort(tune->vcpu_pins.items, kept, sizeof(void *), compare_vcpu_pins);
}

static int compare_iothread_pins(const void *a, const void *b)
{
    const struct iothread_pin *one = *(void *const *)a, *other = *(void *const *)b;

    return (int)one->iothread - (int)other->iothread;
}

/* ---- scheduling ---- */

static int compare_schedulers(const void *a, const void *b)
{
    const struct thread_scheduler *one = *(void *const *)a, *other = *(void *const *)b;

    return cpuset_next(one->threads, 0) - cpuset_next(other->threads, 0);
}

/* One entry for each thread, by number. */
static void split_schedulers(struct arena *arena, struct thread_scheduler ***items, unsigned *count)
{
    struct thread_scheduler **split = NULL;
    unsigned n_split = 0;

    for (unsigned i = 0; i < *count; i++)
        for (int id = cpuset_next((*items)[i]->threads, 0); id >= 0;
             id = cpuset_next((*items)[i]->threads, (unsigned)id + 1)) {
            struct thread_scheduler *one = arena_memdup(arena, (*items)[i], sizeof(*one));

            one->threads = cpuset_new(arena, (unsigned)id + 1);
            cpuset_add(one->threads, (unsigned)id);
            list_insert(arena, (void ***)&split, &n_split, n_split, one);
        }
    if (n_split)
        qsort(split, n_split, sizeof(void *), compare_schedulers);
    *items = split;
    *count = n_split;
}

/* ---- the host's caches ---- */

/* Without the vcpus that the guest can't have; NULL when none is left. */
static struct cpuset *those_there(struct domain *domain, struct cpuset *vcpus)
{
    struct cpuset *there = NULL;

    if (!vcpus || cpuset_next(vcpus, domain->max_vcpus) < 0)
        return vcpus;
    for (int id = cpuset_next(vcpus, 0); id >= 0 && (unsigned)id < domain->max_vcpus;
         id = cpuset_next(vcpus, (unsigned)id + 1)) {
        if (!there)
            there = cpuset_new(&domain->definition.arena, domain->max_vcpus);
        cpuset_add(there, (unsigned)id);
    }
    return there;
}

/* Of a list of struct tag, each with vcpus, monitors and a list of what is shared out; without
 * those that say nothing. */
#define TRIM(list, parts)                                                                          \
    do {                                                                                           \
        unsigned kept = 0;                                                                         \
        LIST_EACH (tune, list) {                                                                   \
            tune->vcpus = those_there(domain, tune->vcpus);                                        \
            LIST_EACH (monitor, &tune->monitors)                                                   \
                monitor->vcpus = those_there(domain, monitor->vcpus);                              \
            if (tune->vcpus && tune->monitors.count + tune->parts.count)                           \
                (list)->items[kept++] = tune;                                                      \
        }                                                                                          \
        (list)->count = kept;                                                                      \
    } while (0)

/* Those of the same vcpus are one. */
static void join_bandwidths(struct arena *arena, struct cpu_tune *tune)
{
    for (unsigned i = 1; i < tune->bandwidths.count; i++)
        for (unsigned j = 0; j < i; j++) {
            struct memory_bandwidth_tune *first = tune->bandwidths.items[j];
            const struct memory_bandwidth_tune *more = tune->bandwidths.items[i];

            if (!cpuset_equal(first->vcpus, more->vcpus))
                continue;
            LIST_EACH (node, &more->nodes)
                LIST_APPEND(arena, &first->nodes, node);
            LIST_EACH (monitor, &more->monitors)
                LIST_APPEND(arena, &first->monitors, monitor);
            LIST_REMOVE(&tune->bandwidths, i--);
            break;
        }
}

static struct cpuset *all_vcpus(struct domain *domain)
{
    unsigned count = MIN(domain->max_vcpus, CPUSET_MAX);
    struct cpuset *all = cpuset_new(&domain->definition.arena, count);

    for (unsigned i = 0; i < count; i++)
        cpuset_add(all, i);
    return all;
}

/* Energy is measured of all vcpus where none are named. */
static void energy_defaults(struct domain *domain)
{
    LIST_EACH (energy, &domain->cpu_tune->energies) {
        if (!energy->vcpus)
            energy->vcpus = all_vcpus(domain);
        LIST_EACH (monitor, &energy->monitors)
            if (!monitor->vcpus)
                monitor->vcpus = energy->vcpus;
    }
}

static void cache_defaults(struct domain *domain)
{
    energy_defaults(domain);
    TRIM(&domain->cpu_tune->caches, parts);
    TRIM(&domain->cpu_tune->bandwidths, nodes);
    TRIM(&domain->cpu_tune->energies, monitors);
    join_bandwidths(&domain->definition.arena, domain->cpu_tune);
}

static void cpu_tune_defaults(struct domain *domain)
{
    struct arena *arena = &domain->definition.arena;
    struct cpu_tune *tune = domain->cpu_tune;

    if (!tune)
        return;
    vcpu_pin_defaults(domain, tune);
    cache_defaults(domain);
    if (tune->iothread_pins.count)
        qsort(tune->iothread_pins.items, tune->iothread_pins.count, sizeof(void *),
              compare_iothread_pins);
    split_schedulers(arena, &tune->vcpu_schedulers.items, &tune->vcpu_schedulers.count);
    split_schedulers(arena, &tune->iothread_schedulers.items, &tune->iothread_schedulers.count);
}

/* ---- NUMA nodes of the host ---- */

static bool is_pinned(const struct domain *domain)
{
    const struct cpu_tune *tune = domain->cpu_tune;

    return domain->vcpu_cpuset ||
           (tune && (tune->vcpu_pins.count || tune->emulator_pin || tune->iothread_pins.count));
}

static struct numa_memory_tune *ensure_memory_tune(struct domain *domain)
{
    struct arena *arena = &domain->definition.arena;

    if (!domain->numa_tune)
        domain->numa_tune = arena_new(arena, struct numa_tune);
    if (!domain->numa_tune->memory) {
        domain->numa_tune->memory = arena_new(arena, struct numa_memory_tune);
        domain->numa_tune->memory->mode = NUMA_MODE_STRICT;
    }
    return domain->numa_tune->memory;
}

/* Where numad chooses the CPUs it chooses the memory too, and the other way round. */
static void placement_defaults(struct domain *domain)
{
    struct numa_memory_tune *memory = domain->numa_tune ? domain->numa_tune->memory : NULL;

    if (memory && memory->placement == PLACEMENT_AUTO && !is_pinned(domain))
        domain->vcpu_placement = PLACEMENT_AUTO;
    if (domain->vcpu_placement == PLACEMENT_AUTO) {
        domain->vcpu_cpuset = NULL;
        memory = ensure_memory_tune(domain);
        if (!memory->nodeset)
            memory->placement = PLACEMENT_AUTO;
    }
    if (memory && memory->placement == PLACEMENT_AUTO)
        memory->nodeset = NULL;
}

/* ---- memory ---- */

/* As much as can be said is no limit. */
#define UNLIMITED_KIB ((uint64_t)INT64_MAX >> 10)

static void limit_defaults(struct memory_tune *tune)
{
    struct opt_ulong *limits[] = {&tune->hard_limit, &tune->soft_limit, &tune->swap_hard_limit};

    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++)
        if (limits[i]->set && limits[i]->value >= UNLIMITED_KIB)
            *limits[i] = (struct opt_ulong){0};
}

/* A guest without nodes is all on its first. */
static void hugepage_defaults(const struct domain *domain, struct memory_hugepages *hugepages)
{
    bool has_cells = domain->cpu && domain->cpu->numa && domain->cpu->numa->cells.count;

    LIST_EACH (page, &hugepages->pages)
        if (!has_cells && page->nodeset && cpuset_count(page->nodeset) == 1 &&
            cpuset_has(page->nodeset, 0))
            page->nodeset = NULL;
}

static void blkio_defaults(struct blkio_tune *tune)
{
    unsigned kept = 0;

    LIST_EACH (device, &tune->devices)
        if (!xml_equal(&blkio_device_schema, device, &(struct blkio_device){.path = device->path}))
            tune->devices.items[kept++] = device;
    tune->devices.count = kept;
}

/* ---- elements that say nothing ---- */

#define PART(member, tag)                                                                          \
    {                                                                                              \
        offsetof(struct domain, member), &tag##_schema                                             \
    }

static const struct {
    size_t offset;
    const struct xml_schema *schema;
} parts[] = {
    PART(blkio_tune, blkio_tune),
    PART(memory_tune, memory_tune),
    PART(memory_backing, memory_backing),
    PART(default_iothread, default_iothread),
    PART(cpu_tune, cpu_tune),
    PART(numa_tune, numa_tune),
    PART(idmap, domain_idmap),
    PART(features, domain_features),
};

static void forget_empty(struct domain *domain)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
        void **part = (void **)((char *)domain + parts[i].offset);
        g_autofree void *nothing = g_malloc0(parts[i].schema->size);

        if (*part && xml_equal(parts[i].schema, *part, nothing))
            *part = NULL;
    }
}

void domain_defaults_tune(struct domain *domain)
{
    vcpu_list_defaults(domain);
    cpu_tune_defaults(domain);
    placement_defaults(domain);
    if (domain->memory_tune)
        limit_defaults(domain->memory_tune);
    if (domain->memory_backing && domain->memory_backing->hugepages)
        hugepage_defaults(domain, domain->memory_backing->hugepages);
    if (domain->blkio_tune)
        blkio_defaults(domain->blkio_tune);
    forget_empty(domain);
}

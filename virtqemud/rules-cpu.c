/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "faults.h"
#include "rules-parts.h"

/* ---- the CPU ---- */

static bool has_feature_twice(const struct domain_cpu *cpu)
{
    LIST_EACH (feature, &cpu->features)
        for (unsigned i = 0; i < feature_i; i++)
            if (g_strcmp0(cpu->features.items[i]->name, feature->name) == 0)
                return true;
    return false;
}

static bool has_nameless_feature(const struct domain_cpu *cpu)
{
    LIST_EACH (feature, &cpu->features)
        if (!feature->name || !*feature->name)
            return true;
    return false;
}

enum { VENDOR_ID_LENGTH = 12, EMULATED_CACHE_LEVEL = 3 };

static int check_abilities(const struct domain *domain, const struct domain_cpu *cpu,
                           GError **error)
{
    const struct cpu_cache no_cache = {0}, *cache = cpu->cache ?: &no_cache;
    const struct cpu_physaddr no_width = {0}, *width = cpu->physaddr ?: &no_width;
    bool hosts = cpu->mode == CPU_MODE_HOST_PASSTHROUGH || cpu->mode == CPU_MODE_MAXIMUM;
    bool emulated = cache->mode == CPU_CACHE_EMULATE;
    bool pc = domain_is_x86(domain);
    const struct fault faults[] = {
        {cpu->migratable && !hosts, FAULT_QEMU,
         "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode"},
        {cpu->vendor_id && strlen(cpu->vendor_id) != VENDOR_ID_LENGTH, FAULT_XML,
         "vendor_id must be exactly 12 characters long"},
        {width->mode == CPU_PHYSADDR_EMULATE && !width->bits, FAULT_QEMU,
         "if using CPU maximum physical address mode='emulate', bits= must be specified too"},
        {cpu->cache && !pc, FAULT_QEMU,
         "CPU cache specification is not supported for '%s' architecture"},
        {cpu->physaddr && !pc, FAULT_QEMU,
         "CPU maximum physical address bits specification is not supported for '%s' architecture"},
        {emulated && cache->level.value != EMULATED_CACHE_LEVEL, FAULT_QEMU,
         "CPU cache mode 'emulate' can only be used with level='3'"},
        {cache->mode == CPU_CACHE_PASSTHROUGH && !hosts, FAULT_QEMU,
         "CPU cache mode 'passthrough' can only be used with 'host-passthrough' / 'maximum' CPUs"},
    };

    if (FAULTS_SAY(faults, error, domain->os.arch) < 0)
        return -1;
    if (!emulated && cache->level.set)
        return faults_fail(FAULT_QEMU, error, "unsupported CPU cache level for mode '%s'",
                           names_word(&cpu_cache_mode_names, cache->mode));
    return 0;
}

static int check_cpu(const struct domain_cpu *cpu, GError **error)
{
    bool custom = !cpu->mode || cpu->mode == CPU_MODE_CUSTOM;
    const struct fault faults[] = {
        {custom && !cpu->model && cpu->features.count, FAULT_XML, "<feature> needs a <model>"},
        {custom && !cpu->model && cpu->vendor, FAULT_XML, "<vendor> needs a <model>"},
        {has_nameless_feature(cpu), FAULT_XML, "feature/@name is missing"},
        {has_feature_twice(cpu), FAULT_XML, "a feature is there twice"},
    };

    return FAULTS_CHECK(faults, error, "cpu");
}

/* ---- its NUMA nodes ---- */

static bool overlaps_before(const struct cpu_numa *numa, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (cpuset_overlap(numa->cells.items[i]->cpus, numa->cells.items[index]->cpus))
            return true;
    return false;
}

static bool has_cache_twice(const struct numa_cell *cell)
{
    LIST_EACH (cache, &cell->caches)
        for (unsigned i = 0; i < cache_i; i++)
            if (cell->caches.items[i]->level == cache->level)
                return true;
    return false;
}

static int check_cells(const struct domain *domain, const struct cpu_numa *numa, GError **error)
{
    LIST_EACH (cell, &numa->cells) {
        const struct fault faults[] = {
            {overlaps_before(numa, cell_i), FAULT_GUEST, "@cpus are in another one too"},
            {cell->cpus && cpuset_next(cell->cpus, domain->max_vcpus) >= 0, FAULT_XML,
             "@cpus: the guest has fewer"},
            {has_cache_twice(cell), FAULT_XML, "two caches are of one level"},
        };
        if (FAULTS_CHECK(faults, error, "cpu/numa/cell '%u'", cell->id.value) < 0)
            return -1;
    }
    return 0;
}

static bool is_same_way(const struct numa_interconnect *a, const struct numa_interconnect *b)
{
    return a->initiator.value == b->initiator.value && a->target.value == b->target.value &&
           a->cache == b->cache && a->type == b->type;
}

static bool has_cache(const struct numa_cell *cell, unsigned level)
{
    LIST_EACH (cache, &cell->caches)
        if (cache->level == level)
            return true;
    return false;
}

static int check_ends(const struct domain_cpu *cpu, const struct numa_interconnect *way,
                      GError **error)
{
    const struct numa_cell *target = domain_cpu_find_cell(cpu, way->target.value);
    const struct fault faults[] = {
        {!domain_cpu_find_cell(cpu, way->initiator.value), FAULT_XML,
         "'initiator' refers to a non-existent NUMA node"},
        {!target, FAULT_XML, "'target' refers to a non-existent NUMA node"},
        {target && way->cache && !has_cache(target, way->cache), FAULT_XML,
         "'cache' refers to a non-existent NUMA node cache"},
    };

    return FAULTS_SAY(faults, error, NULL);
}

static int check_ways(const struct domain_cpu *cpu, struct numa_interconnect **ways, unsigned count,
                      GError **error)
{
    for (unsigned i = 0; i < count; i++) {
        bool twice = false;

        for (unsigned j = 0; j < i; j++)
            twice |= is_same_way(ways[j], ways[i]);
        const struct fault faults[] = {
            {twice, FAULT_XML, "the same is said twice"},
        };
        if (check_ends(cpu, ways[i], error) < 0 ||
            FAULTS_CHECK(faults, error, "cpu/numa/interconnects") < 0)
            return -1;
    }
    return 0;
}

static int check_numa(const struct domain *domain, const struct cpu_numa *numa, GError **error)
{
    const struct domain_cpu *cpu = domain->cpu;
    const struct fault faults[] = {
        {!numa->cells.count, FAULT_XML, "it has no <cell>"},
    };

    if (FAULTS_CHECK(faults, error, "cpu/numa") < 0 || check_cells(domain, numa, error) < 0 ||
        check_ways(cpu, numa->latencies.items, numa->latencies.count, error) < 0)
        return -1;
    return check_ways(cpu, numa->bandwidths.items, numa->bandwidths.count, error);
}

/* ---- words that must be clean, and what excludes each other ---- */

static bool ticks_without_policy(const struct domain *domain)
{
    LIST_EACH (timer, &domain->clock.timers)
        if (timer->tickpolicy &&
            (timer->name == TIMER_KVMCLOCK || timer->name == TIMER_HYPERVCLOCK))
            return true;
    return false;
}

static bool has_nameless_entry(const struct domain *domain)
{
    LIST_EACH (sysinfo, &domain->sysinfos)
        LIST_EACH (entry, &sysinfo->entries)
            if (!entry->name || !*entry->name)
                return true;
    return false;
}

static bool has_wrong_table(const struct domain *domain)
{
    static const char *const types[] = {"slic", "raw", "rawset", NULL};

    LIST_EACH (table, &domain->os.acpi_tables) {
        if (!g_strv_contains(types, table->type ?: ""))
            return true;
        for (unsigned i = 0; i < table_i; i++)
            if (g_strcmp0(domain->os.acpi_tables.items[i]->type, table->type) == 0)
                return true;
    }
    return false;
}

static int check_words(const struct domain *domain, GError **error)
{
    const struct features_hyperv *hyperv = domain->features ? domain->features->hyperv : NULL;
    const struct cpu_physaddr *width = domain->cpu ? domain->cpu->physaddr : NULL;
    const struct fault faults[] = {
        {hyperv && hyperv->vendor_id_value && strchr(hyperv->vendor_id_value, ','), FAULT_XML,
         "features/hyperv/vendor_id/@value has a comma"},
        {width && width->mode == CPU_PHYSADDR_PASSTHROUGH && width->bits, FAULT_QEMU,
         "cpu/maxphysaddr: mode 'passthrough' has no @bits"},
        {hyperv && hyperv->spinlocks == TRISTATE_ON && !hyperv->spinlock_retries, FAULT_XML,
         "features/hyperv/spinlocks/@retries is missing"},
        {has_wrong_table(domain), FAULT_XML,
         "os/acpi/table/@type is slic, raw or rawset, and each is there once"},
        {ticks_without_policy(domain), FAULT_GUEST,
         "clock/timer: kvmclock and hypervclock have no @tickpolicy"},
        {has_nameless_entry(domain), FAULT_XML, "sysinfo/entry/@name is missing"},
        {domain->resource && !rules_is_printable(domain->resource->fibrechannel_appid), FAULT_XML,
         "resource/fibrechannel/@appid is not printable"},
    };

    return FAULTS_CHECK(faults, error, "domain");
}

int rules_check_cpu(const struct domain *domain, GError **error)
{
    const struct domain_cpu *cpu = domain->cpu;

    if (cpu && (check_abilities(domain, cpu, error) < 0 || check_cpu(cpu, error) < 0 ||
                (cpu->numa && check_numa(domain, cpu->numa, error) < 0)))
        return -1;
    return check_words(domain, error);
}

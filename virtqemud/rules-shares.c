/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "faults.h"
#include "rules-parts.h"
#include "share.h"

/* Shares of the host that contradict each other, or themselves. */

enum { MONITOR_LEVEL = 3 };

static bool is_part_twice(const struct cache_tune *cache)
{
    LIST_EACH (part, &cache->parts)
        for (unsigned i = 0; i < part_i; i++) {
            const struct cache_part *other = cache->parts.items[i];

            if (other->level == part->level && other->id.value == part->id.value &&
                (other->type == part->type || other->type == CACHE_PART_BOTH ||
                 part->type == CACHE_PART_BOTH))
                return true;
        }
    return false;
}

static bool is_node_twice(const struct memory_bandwidth_tune *bandwidth)
{
    LIST_EACH (node, &bandwidth->nodes)
        for (unsigned i = 0; i < node_i; i++)
            if (bandwidth->nodes.items[i]->id.value == node->id.value)
                return true;
    return false;
}

/* There are numbers of the last caches only. */
static bool has_other_level(const struct cache_tune *cache)
{
    LIST_EACH (monitor, &cache->monitors)
        if (monitor->level != MONITOR_LEVEL)
            return true;
    return false;
}

static bool is_within(const struct cpuset *vcpus, const struct cpuset *all)
{
    for (int id = cpuset_next(vcpus, 0); id >= 0; id = cpuset_next(vcpus, (unsigned)id + 1))
        if (!cpuset_has(all, (unsigned)id))
            return false;
    return true;
}

/* A thread is in one group; in that of all vcpus besides. */
static bool is_measured_twice(const struct share *share, const struct cache_monitor *one)
{
    for (unsigned kind = 0; kind < SHARE_MONITORS; kind++) {
        g_autoptr(GPtrArray) monitors = share_list_monitors(share, kind);
        for (unsigned i = 0; i < monitors->len; i++) {
            const struct cache_monitor *other = monitors->pdata[i];

            if (!cpuset_equal(other->vcpus, one->vcpus) &&
                !cpuset_equal(other->vcpus, share->vcpus) &&
                !cpuset_equal(one->vcpus, share->vcpus) && cpuset_overlap(other->vcpus, one->vcpus))
                return true;
        }
    }
    return false;
}

static bool is_same_before(const GPtrArray *monitors, unsigned index)
{
    const struct cache_monitor *one = monitors->pdata[index];

    for (unsigned i = 0; i < index; i++)
        if (cpuset_equal(((const struct cache_monitor *)monitors->pdata[i])->vcpus, one->vcpus))
            return true;
    return false;
}

static int check_monitor_vcpus(const struct share *share, GError **error)
{
    for (unsigned kind = 0; kind < SHARE_MONITORS; kind++) {
        g_autoptr(GPtrArray) monitors = share_list_monitors(share, kind);
        for (unsigned i = 0; i < monitors->len; i++) {
            const struct cache_monitor *monitor = monitors->pdata[i];
            const struct fault faults[] = {
                {!is_within(monitor->vcpus, share->vcpus), FAULT_ARGUMENT,
                 "it has others than the element that it is in"},
                {is_same_before(monitors, i), FAULT_ARGUMENT, "there are two of the same vcpus"},
                {is_measured_twice(share, monitor), FAULT_ARGUMENT,
                 "a vcpu is in two that are not of the same vcpus"},
            };
            g_autofree char *vcpus = share_format_vcpus(monitor->vcpus);
            if (FAULTS_CHECK(faults, error, "cputune: monitor of the vcpus %s", vcpus) < 0)
                return -1;
        }
    }
    return 0;
}

static bool has_empty_monitor(const struct share *share)
{
    unsigned count = (share->cache ? share->cache->monitors.count : 0) +
                     (share->bandwidth ? share->bandwidth->monitors.count : 0) +
                     (share->energy ? share->energy->monitors.count : 0);

    for (unsigned kind = 0; kind < SHARE_MONITORS; kind++) {
        g_autoptr(GPtrArray) monitors = share_list_monitors(share, kind);
        count -= monitors->len;
    }
    return count > 0;
}

static bool overlaps(const GArray *shares, const struct share *one)
{
    for (unsigned i = 0; i < shares->len; i++) {
        const struct share *other = &g_array_index(shares, struct share, i);

        if (other != one && cpuset_overlap(other->vcpus, one->vcpus))
            return true;
    }
    return false;
}

static int check_share(const GArray *shares, const struct share *share, GError **error)
{
    const struct cache_tune *cache = share->cache;
    const struct memory_bandwidth_tune *bandwidth = share->bandwidth;
    g_autofree char *vcpus = share_format_vcpus(share->vcpus);
    const struct fault faults[] = {
        {overlaps(shares, share), FAULT_XML,
         "Overlapping vcpus in resctrls: another element has some of them"},
        {cache && is_part_twice(cache), FAULT_XML,
         "cachetune/cache: Colliding cache allocations: one cache is there twice"},
        {cache && has_other_level(cache), FAULT_XML, "cachetune/monitor/@level is 3"},
        {bandwidth && is_node_twice(bandwidth), FAULT_XML,
         "memorytune/node: Memory Bandwidth already defined for a node"},
        {has_empty_monitor(share), FAULT_ARGUMENT, "monitor: vcpus is empty"},
    };

    if (FAULTS_CHECK(faults, error, "cputune: vcpus %s", vcpus) < 0)
        return -1;
    return check_monitor_vcpus(share, error);
}

/* One element of each kind may be of the same vcpus. */
static bool is_same_twice(const struct cpu_tune *tune)
{
    LIST_EACH (cache, &tune->caches)
        for (unsigned i = 0; i < cache_i; i++)
            if (cpuset_equal(tune->caches.items[i]->vcpus, cache->vcpus))
                return true;
    LIST_EACH (energy, &tune->energies)
        for (unsigned i = 0; i < energy_i; i++)
            if (cpuset_equal(tune->energies.items[i]->vcpus, energy->vcpus))
                return true;
    return false;
}

int rules_check_shares(const struct domain *domain, GError **error)
{
    g_autoptr(GArray) shares = share_list(domain);
    const struct fault known[] = {
        {shares->len && domain->type != DOMAIN_TYPE_KVM, FAULT_QEMU,
         "cachetune is only supported for KVM domains"},
    };
    const struct fault faults[] = {
        {domain->cpu_tune && is_same_twice(domain->cpu_tune), FAULT_XML,
         "Identical vcpus in cachetunes found"},
    };

    if (FAULTS_SAY(known, error, NULL) < 0 || FAULTS_CHECK(faults, error, "cputune") < 0)
        return -1;
    for (unsigned i = 0; i < shares->len; i++)
        if (check_share(shares, &g_array_index(shares, struct share, i), error) < 0)
            return -1;
    return 0;
}

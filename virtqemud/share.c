/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "share.h"

static struct share *find_or_add(GArray *shares, const struct cpuset *vcpus)
{
    const struct share share = {.vcpus = vcpus};

    for (unsigned i = 0; i < shares->len; i++)
        if (cpuset_equal(g_array_index(shares, struct share, i).vcpus, vcpus))
            return &g_array_index(shares, struct share, i);
    g_array_append_val(shares, share);
    return &g_array_index(shares, struct share, shares->len - 1);
}

GArray *share_list(const struct domain *domain)
{
    GArray *shares = g_array_new(FALSE, FALSE, sizeof(struct share));
    const struct cpu_tune *tune = domain->cpu_tune;

    if (!tune)
        return shares;
    LIST_EACH (cache, &tune->caches)
        find_or_add(shares, cache->vcpus)->cache = cache;
    LIST_EACH (bandwidth, &tune->bandwidths)
        find_or_add(shares, bandwidth->vcpus)->bandwidth = bandwidth;
    LIST_EACH (energy, &tune->energies)
        find_or_add(shares, energy->vcpus)->energy = energy;
    return shares;
}

/* One of no vcpu that the guest can have is refused by rules_check_shares(), but files may have it.
 */
static void add_monitors(GPtrArray *monitors, struct cache_monitor **items, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (items[i]->vcpus)
            g_ptr_array_add(monitors, items[i]);
}

GPtrArray *share_list_monitors(const struct share *share, enum share_monitor_kind kind)
{
    GPtrArray *monitors = g_ptr_array_new();

    if (kind == SHARE_MONITOR_CACHE && share->cache)
        add_monitors(monitors, share->cache->monitors.items, share->cache->monitors.count);
    if (kind == SHARE_MONITOR_BANDWIDTH && share->bandwidth)
        add_monitors(monitors, share->bandwidth->monitors.items, share->bandwidth->monitors.count);
    if (kind == SHARE_MONITOR_ENERGY && share->energy)
        add_monitors(monitors, share->energy->monitors.items, share->energy->monitors.count);
    return monitors;
}

char *share_format_vcpus(const struct cpuset *vcpus)
{
    GString *text = g_string_new(NULL);

    cpuset_format(vcpus, text);
    return g_string_free(text, FALSE);
}

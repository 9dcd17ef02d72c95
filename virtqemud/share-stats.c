/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "share-stats.h"

#include "host/resctrl.h"

/* What each kind has of each place where it is measured: a cache, a processor. */
struct counter {
    const char *feature, *suffix;
    bool fraction;
};

static const struct kind {
    const char *count, *prefix; /* of monitors */
    const char *place;          /* as the kernel calls it */
    const char *place_count, *place_prefix;
    struct counter counters[2];
    bool always; /* told of guests without a monitor, too */
} kinds[SHARE_MONITORS] = {
    [SHARE_MONITOR_CACHE] =
        {
            VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_COUNT,
            VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_PREFIX,
            "L3",
            VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_BANK_COUNT,
            VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_BANK_PREFIX,
            {{"llc_occupancy", VIR_DOMAIN_STATS_CPU_CACHE_MONITOR_SUFFIX_BANK_SUFFIX_BYTES}},
            .always = true,
        },
    [SHARE_MONITOR_BANDWIDTH] =
        {
            VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_COUNT,
            VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_PREFIX,
            "L3",
            VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_COUNT,
            VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_PREFIX,
            {{"mbm_total_bytes",
              VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_SUFFIX_BYTES_TOTAL},
             {"mbm_local_bytes",
              VIR_DOMAIN_STATS_MEMORY_BANDWIDTH_MONITOR_SUFFIX_NODE_SUFFIX_BYTES_LOCAL}},
        },
    [SHARE_MONITOR_ENERGY] =
        {
            VIR_DOMAIN_STATS_CPU_ENERGY_MONITOR_COUNT,
            VIR_DOMAIN_STATS_CPU_ENERGY_MONITOR_PREFIX,
            "PERF_PKG",
            VIR_DOMAIN_STATS_CPU_ENERGY_MONITOR_SUFFIX_PKG_COUNT,
            VIR_DOMAIN_STATS_CPU_ENERGY_MONITOR_SUFFIX_PKG_PREFIX,
            {{"core_energy", ".core_energy", true}, {"activity", ".activity", true}},
        },
};

/* What is not known yet is left out. */
static void add_use(struct params *params, const struct counter *counter,
                    const struct resctrl_use *use, const char *place)
{
    if (!use->known)
        return;
    if (counter->fraction)
        params_add_double(params, use->number, "%s%s", place, counter->suffix);
    else
        params_add_ulong(params, use->count, "%s%s", place, counter->suffix);
}

static void add_place(struct params *params, const struct kind *kind,
                      const struct share_monitor *monitor, unsigned id, const char *place)
{
    params_add_uint(params, id, "%s.id", place);
    for (unsigned i = 0; i < G_N_ELEMENTS(kind->counters) && kind->counters[i].feature; i++) {
        struct resctrl_use use;

        if (resctrl_read_use(RESCTRL_FOLDER, monitor->group, kind->place, id,
                             kind->counters[i].feature, &use))
            add_use(params, &kind->counters[i], &use, place);
    }
}

static void add_monitor(struct params *params, const struct kind *kind, unsigned index,
                        const struct share_monitor *monitor)
{
    g_autoptr(GArray) places = resctrl_list_places(RESCTRL_FOLDER, monitor->group, kind->place);

    /* the words of all kinds: VIR_DOMAIN_STATS_..._MONITOR_SUFFIX_NAME and so on */
    params_add_string(params, monitor->name, "%s%u.name", kind->prefix, index);
    params_add_string(params, monitor->vcpus, "%s%u.vcpus", kind->prefix, index);
    params_add_uint(params, places->len, "%s%u%s", kind->prefix, index, kind->place_count);
    for (unsigned i = 0; i < places->len; i++) {
        g_autofree char *place =
            g_strdup_printf("%s%u%s%u", kind->prefix, index, kind->place_prefix, i);

        add_place(params, kind, monitor, g_array_index(places, unsigned, i), place);
    }
}

void share_stats_add(struct params *params, const struct domain *live,
                     enum share_monitor_kind wanted)
{
    const struct kind *kind = &kinds[wanted];
    g_autoptr(GArray) monitors = shares_list_monitors(live, wanted);

    if (monitors->len || kind->always)
        params_add_uint(params, monitors->len, "%s", kind->count);
    for (unsigned i = 0; i < monitors->len; i++)
        add_monitor(params, kind, i, &g_array_index(monitors, struct share_monitor, i));
}

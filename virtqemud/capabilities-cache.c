/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/units.h"
#include "host/resctrl.h"

#include "capabilities-host.h"

/* The host's last caches and the memory behind them: what they are, how they can be divided, and
 * what of their use can be measured. */

enum { LAST_LEVEL = 3 };

static char *decimal(uint64_t number)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, number);
}

/* ---- monitors ---- */

/* Those features of names that there are; nothing without one. threshold: NULL, or bytes. */
static void write_monitor(struct element_writer *writer,
                          const struct resctrl_monitoring *monitoring, const char *const *names,
                          const char *level, const char *threshold)
{
    g_autofree char *groups = decimal(monitoring->groups);
    bool begun = false;

    for (; *names; names++) {
        if (!resctrl_can_measure(monitoring, *names))
            continue;
        if (!begun)
            element_begin(writer, "monitor", "level", level, "reuseThreshold", threshold,
                          "maxMonitors", groups, NULL);
        begun = true;
        element_empty(writer, "feature", "name", *names, NULL);
    }
    if (begun)
        element_end(writer, "monitor");
}

/* ---- <cache> ---- */

/* The largest unit that a size is a multiple of. */
static const char *unit_of(uint64_t size, uint64_t *ret_unit)
{
    *ret_unit = size % UNIT_MIB == 0 ? UNIT_MIB : size % UNIT_KIB == 0 ? UNIT_KIB : UNIT_BYTES;
    return *ret_unit == UNIT_MIB ? "MiB" : *ret_unit == UNIT_KIB ? "KiB" : "B";
}

/* The least that can be had is told when it is more than one step. */
static void write_control(struct element_writer *writer, const struct resctrl_cache *cache,
                          uint64_t size)
{
    uint64_t step = resctrl_granularity(cache, size), unit;
    const char *word = unit_of(step, &unit);
    g_autofree char *granularity = decimal(step / unit);
    g_autofree char *least =
        cache->least_bits > 1 ? decimal(step * cache->least_bits / unit) : NULL;
    g_autofree char *groups = decimal(cache->groups);

    element_empty(writer, "control", "granularity", granularity, "min", least, "unit", word, "type",
                  names_word(&cache_scope_names, cache->scope), "maxAllocs", groups, NULL);
}

static bool is_of(const struct resctrl_cache *cache, const struct cache_bank *bank)
{
    return cache->level == bank->level &&
           (bank->scope == CACHE_BOTH || bank->scope == cache->scope);
}

static bool can_divide(const struct resctrl *host, const struct cache_bank *bank)
{
    for (unsigned i = 0; host && i < host->caches->len; i++)
        if (is_of(&g_array_index(host->caches, struct resctrl_cache, i), bank))
            return true;
    return false;
}

static void write_bank(struct element_writer *writer, const struct resctrl *host,
                       const struct cache_bank *bank)
{
    uint64_t unit;
    const char *word = unit_of(bank->size, &unit);
    g_autofree char *id = decimal(bank->id);
    g_autofree char *level = decimal(bank->level);
    g_autofree char *size = decimal(bank->size / unit);

#define BANK                                                                                       \
    "bank", "id", id, "level", level, "type", names_word(&cache_scope_names, bank->scope), "size", \
        size, "unit", word, "cpus", bank->cpus, NULL
    if (!can_divide(host, bank)) {
        element_empty(writer, BANK);
        return;
    }
    element_begin(writer, BANK);
#undef BANK
    for (unsigned i = 0; i < host->caches->len; i++) {
        const struct resctrl_cache *cache = &g_array_index(host->caches, struct resctrl_cache, i);

        if (is_of(cache, bank))
            write_control(writer, cache, bank->size);
    }
    element_end(writer, "bank");
}

static void write_caches(struct element_writer *writer, const struct resctrl *host,
                         const GArray *banks)
{
    static const char *const features[] = {"llc_occupancy", NULL};
    g_autofree char *threshold = host ? decimal(host->reuse_threshold) : NULL;

    element_begin(writer, "cache", NULL);
    for (unsigned i = 0; i < banks->len; i++)
        write_bank(writer, host, &g_array_index(banks, struct cache_bank, i));
    if (host)
        write_monitor(writer, &host->uses, features, "3", threshold);
    element_end(writer, "cache");
}

/* ---- <memory_bandwidth>: of the memory behind each last cache ---- */

static void write_node(struct element_writer *writer, const struct resctrl *host,
                       const struct cache_bank *bank)
{
    g_autofree char *id = decimal(bank->id);
    g_autofree char *step = decimal(host->bandwidth.step);
    g_autofree char *least = decimal(host->bandwidth.least);
    g_autofree char *groups = decimal(host->bandwidth.groups);

    element_begin(writer, "node", "id", id, "cpus", bank->cpus, NULL);
    element_empty(writer, "control", "granularity", step, "min", least, "maxAllocs", groups, NULL);
    element_end(writer, "node");
}

static void write_bandwidth(struct element_writer *writer, const struct resctrl *host,
                            const GArray *banks)
{
    static const char *const features[] = {"mbm_total_bytes", "mbm_local_bytes", NULL};

    element_begin(writer, "memory_bandwidth", NULL);
    for (unsigned i = 0; host->bandwidth.groups && i < banks->len; i++) {
        const struct cache_bank *bank = &g_array_index(banks, struct cache_bank, i);

        if (bank->level == LAST_LEVEL)
            write_node(writer, host, bank);
    }
    write_monitor(writer, &host->uses, features, NULL, NULL);
    element_end(writer, "memory_bandwidth");
}

static void write_energy(struct element_writer *writer, const struct resctrl *host)
{
    static const char *const features[] = {"core_energy", "activity", NULL};

    element_begin(writer, "energy", NULL);
    write_monitor(writer, &host->energy, features, NULL, NULL);
    element_end(writer, "energy");
}

/* ---- all of it ---- */

/* Those that are told of: the last ones, and what can be divided. */
static GArray *list_banks(const struct resctrl *host)
{
    GArray *banks = cache_list();

    for (unsigned i = banks->len; i-- > 0;) {
        const struct cache_bank *bank = &g_array_index(banks, struct cache_bank, i);

        if (bank->level < LAST_LEVEL && !can_divide(host, bank))
            g_array_remove_index(banks, i);
    }
    return banks;
}

void capabilities_write_caches(struct element_writer *writer)
{
    RESCTRL_AUTO struct resctrl *host = NULL;

    resctrl_read(RESCTRL_FOLDER, &host, NULL); /* most hosts have none of it */
    g_autoptr(GArray) banks = list_banks(host);
    if (banks->len)
        write_caches(writer, host, banks);
    if (host && (host->bandwidth.groups || resctrl_can_measure(&host->uses, "mbm_total_bytes") ||
                 resctrl_can_measure(&host->uses, "mbm_local_bytes")))
        write_bandwidth(writer, host, banks);
    if (host && host->energy.groups)
        write_energy(writer, host);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments-parts.h"
#include "memory-backend.h"
#include "option.h"

#define NEAR 10 /* a distance to itself, and to others, unless the document says it */
#define FAR 20

static unsigned id_of(const struct numa_cell *cell, unsigned position)
{
    return cell->id.set ? cell->id.value : position;
}

bool arguments_has_heterogeneous_memory(const struct domain *domain)
{
    const struct cpu_numa *numa = domain->cpu ? domain->cpu->numa : NULL;

    if (!numa)
        return false;
    LIST_EACH (cell, &numa->cells)
        if (cell->caches.count)
            return true;
    return numa->latencies.count || numa->bandwidths.count;
}

/* ---- cells ---- */

/* "cpus=0-1,cpus=4" */
static void add_cpus(GString *option, const struct cpuset *cpus)
{
    g_autoptr(GString) text = g_string_new(NULL);

    cpuset_format(cpus, text);
    g_auto(GStrv) ranges = g_strsplit(text->str, ",", -1);
    for (char **range = ranges; *range && **range; range++)
        option_add(option, "cpus", *range);
}

static bool reaches_memory(const struct numa_interconnect *connection, unsigned target)
{
    return connection->target.value == target && !connection->cache &&
           (connection->type == NUMA_TRAFFIC_ACCESS || connection->type == NUMA_TRAFFIC_READ);
}

static bool find_first_with_cpus(const struct cpu_numa *numa, unsigned *ret_initiator)
{
    LIST_EACH (cell, &numa->cells)
        if (cell->cpus && cpuset_next(cell->cpus, 0) >= 0) {
            *ret_initiator = id_of(cell, cell_i);
            return true;
        }
    return false;
}

/* The cell whose CPUs are nearest to the memory of one without: the least latency, the most
 * bandwidth, or else the first that has any. */
static bool find_nearest(const struct cpu_numa *numa, unsigned target, unsigned *ret_initiator)
{
    const struct numa_interconnect *best = NULL;

    LIST_EACH (latency, &numa->latencies)
        if (reaches_memory(latency, target) && (!best || latency->value < best->value))
            best = latency;
    for (unsigned i = 0; !best && i < numa->bandwidths.count; i++)
        if (reaches_memory(numa->bandwidths.items[i], target))
            best = numa->bandwidths.items[i];
    if (best)
        *ret_initiator = best->initiator.value;
    return best || find_first_with_cpus(numa, ret_initiator);
}

static void add_initiator(GString *option, const struct build *build, const struct numa_cell *cell,
                          unsigned id)
{
    unsigned initiator = id;

    if (!arguments_has_heterogeneous_memory(build->domain))
        return;
    if (cell->cpus || find_nearest(build->domain->cpu->numa, id, &initiator))
        option_addf(option, "initiator", "%u", initiator);
}

static void add_cell(const struct build *build, const struct numa_cell *cell, unsigned id)
{
    g_autofree char *backend = g_strdup_printf("ram-node%u", id);
    const struct memory_request request = {.id = backend, .cell = (int)id, .size = cell->memory};
    GString *option = option_new("node");

    if (cell->memory)
        words_add_json(build->arguments, "-object",
                       memory_backend_build(build->domain, build->context, &request));
    option_addf(option, "nodeid", "%u", id);
    if (cell->cpus)
        add_cpus(option, cell->cpus);
    add_initiator(option, build, cell, id);
    if (cell->memory)
        option_add(option, "memdev", backend);
    words_add_option(build->arguments, "-numa", option);
}

/* ---- distances ---- */

static unsigned said_distance(const struct numa_cell *cell, unsigned to)
{
    LIST_EACH (distance, &cell->distances)
        if (distance->id.value == to)
            return distance->value;
    return 0;
}

/* What one side says holds for the way back too. */
static unsigned distance_between(const struct cpu_numa *numa, unsigned a, unsigned b)
{
    const struct numa_cell *from = numa->cells.items[a], *to = numa->cells.items[b];
    unsigned there = said_distance(from, id_of(to, b));
    unsigned back = said_distance(to, id_of(from, a));

    if (there || back)
        return there ? there : back;
    return a == b ? NEAR : FAR;
}

static void add_distance(const struct build *build, const struct cpu_numa *numa, unsigned a,
                         unsigned b)
{
    GString *option = option_new("dist");

    option_addf(option, "src", "%u", id_of(numa->cells.items[a], a));
    option_addf(option, "dst", "%u", id_of(numa->cells.items[b], b));
    option_addf(option, "val", "%u", distance_between(numa, a, b));
    words_add_option(build->arguments, "-numa", option);
}

/* Distances that say all, and nothing but what is so anyway. */
static bool are_usual(const struct cpu_numa *numa)
{
    for (unsigned a = 0; a < numa->cells.count; a++)
        for (unsigned b = 0; b < numa->cells.count; b++)
            if (said_distance(numa->cells.items[a], id_of(numa->cells.items[b], b)) !=
                (a == b ? NEAR : FAR))
                return false;
    return true;
}

static void add_distances(const struct build *build, const struct cpu_numa *numa)
{
    bool said = false;

    LIST_EACH (cell, &numa->cells)
        said = said || cell->distances.count;
    if (!said || are_usual(numa))
        return;
    for (unsigned a = 0; a < numa->cells.count; a++)
        for (unsigned b = 0; b < numa->cells.count; b++)
            add_distance(build, numa, a, b);
}

/* ---- latencies, bandwidths, caches ---- */

static void add_connection(const struct build *build, const struct numa_interconnect *connection,
                           bool latency)
{
    static const char *const levels[] = {"memory", "first-level", "second-level", "third-level"};
    GString *option = option_new("hmat-lb");

    option_addf(option, "initiator", "%u", connection->initiator.value);
    option_addf(option, "target", "%u", connection->target.value);
    option_add(option, "hierarchy", levels[MIN(connection->cache, G_N_ELEMENTS(levels) - 1)]);
    option_addf(option, "data-type", "%s-%s", names_word(&numa_traffic_names, connection->type),
                latency ? "latency" : "bandwidth");
    if (latency)
        option_addf(option, "latency", "%" G_GUINT64_FORMAT, connection->value);
    else
        option_addf(option, "bandwidth", "%" G_GUINT64_FORMAT "K", connection->value);
    words_add_option(build->arguments, "-numa", option);
}

static void add_cache(const struct build *build, const struct numa_cache *cache, unsigned id)
{
    static const char *const associativities[] = {[NUMA_ASSOCIATIVITY_NONE] = "none",
                                                  [NUMA_ASSOCIATIVITY_DIRECT] = "direct",
                                                  [NUMA_ASSOCIATIVITY_FULL] = "complex"};
    static const char *const policies[] = {[NUMA_CACHE_POLICY_NONE] = "none",
                                           [NUMA_CACHE_POLICY_WRITEBACK] = "write-back",
                                           [NUMA_CACHE_POLICY_WRITETHROUGH] = "write-through"};
    GString *option = option_new("hmat-cache");

    option_addf(option, "node-id", "%u", id);
    option_addf(option, "size", "%" G_GUINT64_FORMAT "K", cache->size);
    option_addf(option, "level", "%u", cache->level);
    option_add(option, "associativity", associativities[cache->associativity]);
    option_add(option, "policy", policies[cache->policy]);
    option_addf(option, "line", "%" G_GUINT64_FORMAT, cache->line);
    words_add_option(build->arguments, "-numa", option);
}

static void add_connections(const struct build *build, const struct cpu_numa *numa)
{
    LIST_EACH (latency, &numa->latencies)
        add_connection(build, latency, true);
    LIST_EACH (bandwidth, &numa->bandwidths)
        add_connection(build, bandwidth, false);
    LIST_EACH (cell, &numa->cells)
        LIST_EACH (cache, &cell->caches)
            add_cache(build, cache, id_of(cell, cell_i));
}

void arguments_add_numa(const struct build *build)
{
    if (!arguments_has_cells(build->domain))
        return;
    const struct cpu_numa *numa = build->domain->cpu->numa;
    LIST_EACH (cell, &numa->cells)
        add_cell(build, cell, id_of(cell, cell_i));
    add_distances(build, numa);
    add_connections(build, numa);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-check.h"

#include "xml/xml.h"

#define LOCAL_DISTANCE 10
#define MOST_DISTANCE 255

#define REFUSE(error, code, ...) (error_set_from((error), VIR_FROM_DOMAIN, (code), __VA_ARGS__), -1)

/* Memory: how much, on which of the guest's nodes, of which pages, from where of the host. */

static const struct cpu_numa *numa_of(const struct domain *domain)
{
    return domain->cpu ? domain->cpu->numa : NULL;
}

static unsigned count_cells(const struct domain *domain)
{
    const struct cpu_numa *numa = numa_of(domain);

    return numa ? numa->cells.count : 0;
}

/* ---- how much ---- */

static int check_size(const struct domain *domain, GError **error)
{
    if (domain->max_memory && !domain->memory_slots)
        return REFUSE(error, VIR_ERR_XML_ERROR, "maxMemory/@slots: is missing");
    if (domain->max_memory && domain->max_memory < domain->memory)
        return REFUSE(error, VIR_ERR_XML_ERROR,
                      "maximum memory size must be equal or greater than the actual memory size: "
                      "maxMemory is %" G_GUINT64_FORMAT " KiB",
                      domain->max_memory);
    if (domain->devices.memories.count && !domain->max_memory)
        return error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                         "cannot use/hotplug a memory device when domain 'maxMemory' is not "
                         "defined"),
               -1;
    return 0;
}

int domain_check_memory_module(const struct domain_memory *memory, GError **error)
{
    uint64_t requested = memory->requested.value;

    if (!memory->requested.set)
        return 0;
    if (requested > memory->size)
        return REFUSE(error, VIR_ERR_XML_DETAIL,
                      "requested size must be smaller than or equal to @size (%" G_GUINT64_FORMAT
                      "KiB)",
                      memory->size);
    if (memory->block_size && requested % memory->block_size)
        return REFUSE(error, VIR_ERR_XML_DETAIL,
                      "requested size must be an integer multiple of block size");
    return 0;
}

static int check_modules(const struct domain *domain, GError **error)
{
    unsigned cells = count_cells(domain);

    LIST_EACH (memory, &domain->devices.memories) {
        if (domain_check_memory_module(memory, error) < 0)
            return -1;
        if (memory->node.set && cells > 0 && memory->node.value >= cells)
            return REFUSE(error, VIR_ERR_XML_DETAIL,
                          "can't add memory backend for guest node '%u' as the guest has only "
                          "'%u' NUMA nodes configured",
                          memory->node.value, cells);
    }
    return 0;
}

/* ---- the guest's nodes ---- */

static bool overlap(const struct cpuset *a, const struct cpuset *b)
{
    for (int cpu = a ? cpuset_next(a, 0) : -1; cpu >= 0; cpu = cpuset_next(a, (unsigned)cpu + 1))
        if (b && cpuset_has(b, (unsigned)cpu))
            return true;
    return false;
}

static int check_numa_cell(const struct cpu_numa *numa, unsigned index, GError **error)
{
    const struct numa_cell *cell = numa->cells.items[index];

    if (cell->id.value >= numa->cells.count)
        return REFUSE(error, VIR_ERR_XML_ERROR,
                      "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous "
                      "ranges or ranges not starting from 0 are not allowed");
    for (unsigned i = 0; i < index; i++) {
        const struct numa_cell *other = numa->cells.items[i];

        if (other->id.value == cell->id.value)
            return REFUSE(error, VIR_ERR_XML_ERROR, "Duplicate NUMA cell info for cell id '%u'",
                          cell->id.value);
        if (overlap(other->cpus, cell->cpus))
            return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                          "NUMA cells %u and %u have overlapping vCPU ids", cell->id.value,
                          other->id.value);
    }
    return 0;
}

/* To itself it is 10, to others more: ACPI's table of distances says so. */
static int check_distances(const struct cpu_numa *numa, unsigned index, GError **error)
{
    const struct numa_cell *cell = numa->cells.items[index];

    LIST_EACH (distance, &cell->distances) {
        bool local = distance->id.value == cell->id.value;

        if (distance->id.value >= numa->cells.count)
            return REFUSE(error, VIR_ERR_XML_ERROR,
                          "'sibling_id %u' does not refer to a valid cell within NUMA 'cell id %u'",
                          distance->id.value, cell->id.value);
        if (distance->value < LOCAL_DISTANCE || distance->value > MOST_DISTANCE ||
            (distance->value == LOCAL_DISTANCE) != local)
            return REFUSE(error, VIR_ERR_XML_ERROR,
                          "'value %u' is invalid for 'sibling id %u' under NUMA 'cell id %u'",
                          distance->value, distance->id.value, cell->id.value);
    }
    return 0;
}

static int check_numa(const struct domain *domain, GError **error)
{
    const struct cpu_numa *numa = numa_of(domain);

    unsigned cpus = 0;

    for (unsigned i = 0; numa && i < numa->cells.count; i++) {
        if (check_numa_cell(numa, i, error) < 0 || check_distances(numa, i, error) < 0)
            return -1;
        cpus += numa->cells.items[i]->cpus ? cpuset_count(numa->cells.items[i]->cpus) : 0;
    }
    if (cpus > domain->max_vcpus)
        return REFUSE(error, VIR_ERR_INTERNAL_ERROR,
                      "Number of CPUs in <numa> exceeds the <vcpu> count");
    return 0;
}

/* ---- the host's nodes ---- */

static int check_node_tune(const struct domain *domain, const struct numa_tune *tune,
                           unsigned index, GError **error)
{
    unsigned cell = tune->nodes.items[index]->cell.value;

    if (count_cells(domain) == 0)
        return REFUSE(error, VIR_ERR_XML_ERROR,
                      "Element 'memnode' is invalid without any guest NUMA cells");
    if (cell >= count_cells(domain))
        return REFUSE(error, VIR_ERR_XML_ERROR,
                      "Argument 'cellid' in memnode element must correspond to existing guest's "
                      "NUMA cell");
    for (unsigned i = 0; i < index; i++)
        if (tune->nodes.items[i]->cell.value == cell)
            return REFUSE(error, VIR_ERR_XML_ERROR, "Multiple memnode elements with cellid %u",
                          cell);
    return 0;
}

static int check_numa_tune(const struct domain *domain, GError **error)
{
    const struct numa_tune *tune = domain->numa_tune;

    for (unsigned i = 0; tune && i < tune->nodes.count; i++)
        if (check_node_tune(domain, tune, i, error) < 0)
            return -1;
    return 0;
}

/* ---- pages ---- */

static int check_page(const struct domain *domain, const struct memory_hugepages *hugepages,
                      unsigned index, GError **error)
{
    const struct memory_page *page = hugepages->pages.items[index];
    unsigned cells = MAX(count_cells(domain), 1u); /* a guest without cells is one */

    for (int node = page->nodeset ? cpuset_next(page->nodeset, 0) : -1; node >= 0;
         node = cpuset_next(page->nodeset, (unsigned)node + 1))
        if ((unsigned)node >= cells)
            return REFUSE(error, VIR_ERR_XML_DETAIL, "hugepages: node %d not found", node);
    for (unsigned i = 0; i < index; i++)
        if (overlap(hugepages->pages.items[i]->nodeset, page->nodeset))
            return REFUSE(error, VIR_ERR_XML_DETAIL,
                          "nodeset attribute of hugepages of sizes %" G_GUINT64_FORMAT
                          " and %" G_GUINT64_FORMAT " intersect",
                          page->size, hugepages->pages.items[i]->size);
    return 0;
}

static int check_pages(const struct domain *domain, GError **error)
{
    const struct memory_hugepages *hugepages =
        domain->memory_backing ? domain->memory_backing->hugepages : NULL;

    for (unsigned i = 0; hugepages && i < hugepages->pages.count; i++)
        if (check_page(domain, hugepages, i, error) < 0)
            return -1;
    return 0;
}

int domain_check_memory(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain *domain, GError **error) = {
        check_size, check_numa, check_modules, check_numa_tune, check_pages,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](domain, error) < 0)
            return -1;
    return 0;
}

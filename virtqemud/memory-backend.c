/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory-backend.h"

#include <json-c/json.h>
#include <unistd.h>

#include "device-common.h"

#define KIB 1024

static const struct memory_backing plain;

static const struct memory_backing *backing_of(const struct domain *domain)
{
    return domain->memory_backing ? domain->memory_backing : &plain;
}

/* ---- pages ---- */

/* The page size for a cell in KiB: that of its own, or that of all; 0: the host's usual huge one.
 * False: it has plain pages. */
static bool find_pages(const struct memory_hugepages *hugepages, int cell, uint64_t *ret_size)
{
    unsigned node = cell < 0 ? 0 : (unsigned)cell; /* a guest without cells is one */
    uint64_t common = 0;

    LIST_EACH (page, &hugepages->pages) {
        if (!page->nodeset)
            common = page->size;
        else if (cpuset_has(page->nodeset, node)) {
            *ret_size = page->size;
            return true;
        }
    }
    *ret_size = common;
    return common || hugepages->pages.count == 0;
}

static bool choose_pages(const struct domain *domain, int cell, uint64_t wish, uint64_t *ret_size)
{
    const struct memory_backing *backing = backing_of(domain);
    uint64_t usual = (uint64_t)sysconf(_SC_PAGESIZE) / KIB;
    uint64_t size = wish;
    bool huge = wish > 0 || (backing->hugepages && find_pages(backing->hugepages, cell, &size));

    *ret_size = size;
    return huge && size != usual;
}

bool memory_backend_is_huge(const struct domain *domain, int cell, uint64_t page_size)
{
    uint64_t size;

    return choose_pages(domain, cell, page_size, &size);
}

/* ---- nodes of the host ---- */

static struct json_object *list_nodes(const struct cpuset *nodes)
{
    struct json_object *list = json_object_new_array();

    for (int node = cpuset_next(nodes, 0); node >= 0; node = cpuset_next(nodes, (unsigned)node + 1))
        json_object_array_add(list, json_object_new_int(node));
    return list;
}

static void add_policy(struct json_object *json, const struct domain *domain,
                       const struct memory_request *request)
{
    static const char *const policies[] = {[NUMA_MODE_NONE] = "bind",
                                           [NUMA_MODE_STRICT] = "bind",
                                           [NUMA_MODE_PREFERRED] = "preferred",
                                           [NUMA_MODE_INTERLEAVE] = "interleave",
                                           [NUMA_MODE_RESTRICTIVE] = NULL};
    const struct numa_tune *tune = domain->numa_tune;
    const struct cpuset *nodes = tune && tune->memory ? tune->memory->nodeset : NULL;
    unsigned mode = tune && tune->memory ? tune->memory->mode : NUMA_MODE_NONE;

    for (unsigned i = 0; tune && i < tune->nodes.count; i++) {
        const struct numa_node_tune *node = tune->nodes.items[i];

        if (request->cell < 0 || node->cell.value != (unsigned)request->cell)
            continue;
        nodes = node->nodeset;
        mode = node->mode;
    }
    if (request->nodes)
        nodes = request->nodes;
    if (nodes && policies[mode])
        json_add(json, "j:host-nodes", list_nodes(nodes), "s:policy", policies[mode], NULL);
}

/* ---- kinds ---- */

/* Memory that others see needs something that they can map: a file, unless memfd was asked for. */
static const char *choose_type(const struct memory_backing *backing,
                               const struct memory_request *request, bool huge, unsigned access)
{
    if (request->path)
        return "memory-backend-file";
    if (huge || backing->source == MEMORY_SOURCE_MEMFD)
        return "memory-backend-memfd";
    return backing->source == MEMORY_SOURCE_FILE || access ? "memory-backend-file"
                                                           : "memory-backend-ram";
}

/* What it says itself, or its cell, or the guest. */
static unsigned choose_access(const struct domain *domain, const struct numa_cell *cell,
                              const struct memory_request *request)
{
    if (request->access)
        return request->access;
    return cell && cell->memory_access ? cell->memory_access : backing_of(domain)->access;
}

/* The same; but what a file of the user's has in it is kept. */
static bool choose_discard(const struct domain *domain, const struct numa_cell *cell,
                           const struct memory_request *request)
{
    if (request->path)
        return false;
    if (request->discard)
        return request->discard == TRISTATE_YES;
    return cell && cell->discard ? cell->discard == TRISTATE_YES : backing_of(domain)->discard;
}

static void add_file(struct json_object *json, const struct arguments_context *context,
                     const struct memory_request *request, bool discard)
{
    json_add(json, "s:mem-path",
             request->path ? request->path : context->config->memory_backing_folder, NULL);
    if (discard)
        json_add(json, "b:discard-data", true, NULL);
}

static void add_allocation(struct json_object *json, const struct memory_backing *backing,
                           const struct memory_request *request, bool huge)
{
    if (request->deferred) {
        json_add(json, "b:reserve", false, NULL);
        return;
    }
    if (huge || request->whole || backing->allocation == MEMORY_ALLOCATION_IMMEDIATE)
        json_add(json, "b:prealloc", true, NULL);
    if (backing->allocation_threads)
        json_add(json, "u:prealloc-threads", backing->allocation_threads, NULL);
}

struct json_object *memory_backend_build(const struct domain *domain,
                                         const struct arguments_context *context,
                                         const struct memory_request *request)
{
    const struct memory_backing *backing = backing_of(domain);
    const struct numa_cell *cell =
        request->cell < 0 ? NULL : domain_cpu_find_cell(domain->cpu, (unsigned)request->cell);
    unsigned access = choose_access(domain, cell, request);
    uint64_t page = 0;
    bool huge = !request->path && choose_pages(domain, request->cell, request->page_size, &page);
    const char *type = choose_type(backing, request, huge, access);
    struct json_object *json = json_build("s:qom-type", type, "s:id", request->id, NULL);

    if (huge)
        json_add(json, "b:hugetlb", true, NULL);
    if (huge && page)
        json_add(json, "U:hugetlbsize", page * KIB, NULL);
    if (g_str_equal(type, "memory-backend-file"))
        add_file(json, context, request, choose_discard(domain, cell, request));
    if (access)
        json_add(json, "b:share", access == MEMORY_ACCESS_SHARED, NULL);
    if (request->canonical && !g_str_equal(type, "memory-backend-ram"))
        json_add(json, "b:x-use-canonical-path-for-ramblock-id", false, NULL);
    add_allocation(json, backing, request, huge);
    json_add(json, "U:size", request->size * KIB, NULL);
    add_policy(json, domain, request);
    return json;
}

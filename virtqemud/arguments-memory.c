/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "base/error.h"
#include "base/file.h"

#include "arguments-parts.h"
#include "device-common.h"
#include "option.h"

#define KIB 1024
#define KIB_PER_MIB 1024

static const struct memory_backing plain;

static const struct memory_backing *backing_of(const struct build *build)
{
    return build->domain->memory_backing ? build->domain->memory_backing : &plain;
}

/* QEMU counts in pages at least; the ecosystem in MiB. */
static uint64_t round_up(uint64_t kib)
{
    return (kib + KIB_PER_MIB - 1) / KIB_PER_MIB * KIB_PER_MIB;
}

static bool has_cells(const struct build *build)
{
    const struct domain_cpu *cpu = build->domain->cpu;

    return cpu && cpu->numa && cpu->numa->cells.count > 0;
}

const char *arguments_memory_id(const struct build *build)
{
    const struct emulator_machine *machine =
        emulator_find_machine(build->context->emulator, build->domain->os.machine);

    return machine && !has_cells(build) ? machine->default_ram_id : NULL;
}

/* ---- what memory is made of ---- */

/* The page size for a cell in KiB: that of its own, or that of all; 0: of the host. */
static int find_pages(const struct memory_hugepages *hugepages, int cell, uint64_t *ret_size)
{
    uint64_t common = 0;

    LIST_EACH (page, &hugepages->pages) {
        if (!page->nodeset)
            common = page->size;
        else if (cell >= 0 && cpuset_has(page->nodeset, (unsigned)cell)) {
            *ret_size = page->size;
            return 1;
        }
    }
    *ret_size = common;
    return common || hugepages->pages.count == 0;
}

static struct json_object *list_nodes(const struct cpuset *nodes)
{
    struct json_object *list = json_object_new_array();

    for (int node = cpuset_next(nodes, 0); node >= 0; node = cpuset_next(nodes, (unsigned)node + 1))
        json_object_array_add(list, json_object_new_int(node));
    return list;
}

/* Which of the host's nodes the memory comes from. */
static void add_policy(struct json_object *json, const struct build *build, int cell)
{
    static const char *const policies[] = {[NUMA_MODE_NONE] = "bind",
                                           [NUMA_MODE_STRICT] = "bind",
                                           [NUMA_MODE_PREFERRED] = "preferred",
                                           [NUMA_MODE_INTERLEAVE] = "interleave",
                                           [NUMA_MODE_RESTRICTIVE] = NULL};
    const struct numa_tune *tune = build->domain->numa_tune;
    const struct cpuset *nodes = tune && tune->memory ? tune->memory->nodeset : NULL;
    unsigned mode = tune && tune->memory ? tune->memory->mode : NUMA_MODE_NONE;

    if (!tune)
        return;
    LIST_EACH (node, &tune->nodes) {
        if (cell < 0 || node->cell.value != (unsigned)cell)
            continue;
        nodes = node->nodeset;
        mode = node->mode;
    }
    if (nodes && policies[mode])
        json_add(json, "j:host-nodes", list_nodes(nodes), "s:policy", policies[mode], NULL);
}

static void add_allocation(struct json_object *json, const struct memory_backing *backing,
                           bool hugepages)
{
    if (hugepages || backing->allocation == MEMORY_ALLOCATION_IMMEDIATE)
        json_add(json, "b:prealloc", true, NULL);
    if (backing->allocation_threads)
        json_add(json, "u:prealloc-threads", backing->allocation_threads, NULL);
}

static const char *backend_type(const struct memory_backing *backing, bool hugepages)
{
    if (hugepages || backing->source == MEMORY_SOURCE_MEMFD)
        return "memory-backend-memfd";
    return backing->source == MEMORY_SOURCE_FILE ? "memory-backend-file" : "memory-backend-ram";
}

/* Memory of a cell (-1: of all), of so many KiB. */
static struct json_object *build_backend(const struct build *build, const char *id, int cell,
                                         unsigned access, uint64_t size)
{
    const struct memory_backing *backing = backing_of(build);
    uint64_t page = 0;
    bool hugepages = backing->hugepages && find_pages(backing->hugepages, cell, &page);
    bool file = !hugepages && backing->source == MEMORY_SOURCE_FILE;
    struct json_object *json =
        json_build("s:qom-type", backend_type(backing, hugepages), "s:id", id, NULL);

    if (hugepages)
        json_add(json, "b:hugetlb", true, NULL);
    if (page)
        json_add(json, "U:hugetlbsize", page * KIB, NULL);
    if (file)
        json_add(json, "s:mem-path", build->context->config->memory_backing_folder, NULL);
    access = access ? access : backing->access;
    if (access)
        json_add(json, "b:share", access == MEMORY_ACCESS_SHARED, NULL);
    if (file && backing->discard)
        json_add(json, "b:discard-data", true, NULL);
    add_allocation(json, backing, hugepages);
    json_add(json, "U:size", size * KIB, NULL);
    add_policy(json, build, cell);
    return json;
}

static int make_folder(const struct build *build, GError **error)
{
    const struct qemu_config *config = build->context->config;
    uid_t uid = config->set_user ? config->uid : (uid_t)-1;
    gid_t gid = config->set_user ? config->gid : (gid_t)-1;

    if (build->context->plan || backing_of(build)->source != MEMORY_SOURCE_FILE)
        return 0;
    return file_make_folders_owned(config->memory_backing_folder, 0700, uid, gid, error);
}

/* ---- threads ---- */

static void add_pool(struct json_object *json, const struct opt_int *least,
                     const struct opt_int *most)
{
    if (least->set)
        json_add(json, "i:thread-pool-min", least->value, NULL);
    if (most->set)
        json_add(json, "i:thread-pool-max", most->value, NULL);
}

static void add_iothread(const struct build *build, unsigned id,
                         const struct domain_iothread *thread)
{
    const struct iothread_poll *poll = thread ? thread->poll : NULL;
    g_autofree char *name = g_strdup_printf("iothread%u", id);
    struct json_object *json = json_build("s:qom-type", "iothread", "s:id", name, NULL);

    if (thread)
        add_pool(json, &thread->thread_pool_min, &thread->thread_pool_max);
    if (poll && poll->max.set)
        json_add(json, "U:poll-max-ns", poll->max.value, NULL);
    if (poll && poll->grow.set)
        json_add(json, "U:poll-grow", poll->grow.value, NULL);
    if (poll && poll->shrink.set)
        json_add(json, "U:poll-shrink", poll->shrink.value, NULL);
    words_add_json(build->arguments, "-object", json);
}

static const struct domain_iothread *find_iothread(const struct domain *domain, unsigned id)
{
    LIST_EACH (thread, &domain->iothreads)
        if (thread->id == id)
            return thread;
    return NULL;
}

/* Those that the document names, and as many more as it counts, with the lowest free numbers. */
static void add_iothreads(const struct build *build)
{
    const struct domain *domain = build->domain;
    const struct default_iothread *main_loop = domain->default_iothread;
    unsigned unnamed = domain->iothread_count > domain->iothreads.count
                           ? domain->iothread_count - domain->iothreads.count
                           : 0;

    if (main_loop) {
        struct json_object *json = json_build("s:qom-type", "main-loop", "s:id", "main-loop", NULL);
        add_pool(json, &main_loop->thread_pool_min, &main_loop->thread_pool_max);
        words_add_json(build->arguments, "-object", json);
    }
    LIST_EACH (thread, &domain->iothreads)
        add_iothread(build, thread->id, thread);
    for (unsigned id = 1; unnamed > 0; id++)
        if (!find_iothread(domain, id)) {
            add_iothread(build, id, NULL);
            unnamed--;
        }
}

/* ---- all together ---- */

static void add_size(const struct build *build)
{
    const struct domain *domain = build->domain;
    GString *option = option_new("");

    option_addf(option, "size", "%" G_GUINT64_FORMAT "k", round_up(domain->memory));
    if (domain->max_memory) {
        option_addf(option, "slots", "%u", domain->memory_slots);
        option_addf(option, "maxmem", "%" G_GUINT64_FORMAT "k", round_up(domain->max_memory));
    }
    words_add_option(build->arguments, "-m", option);
}

int arguments_add_memory(const struct build *build, GError **error)
{
    const char *id = arguments_memory_id(build);

    if (make_folder(build, error) < 0)
        return -1;
    add_size(build);
    if (id)
        words_add_json(
            build->arguments, "-object",
            build_backend(build, id, -1, MEMORY_ACCESS_NONE, round_up(build->domain->memory)));
    words_add(build->arguments, "-overcommit",
              backing_of(build)->locked ? "mem-lock=on" : "mem-lock=off", NULL);
    return 0;
}

/* "cpus=0-1,cpus=4" */
static void add_cpus(GString *option, const struct cpuset *cpus)
{
    g_autoptr(GString) text = g_string_new(NULL);

    cpuset_format(cpus, text);
    g_auto(GStrv) ranges = g_strsplit(text->str, ",", -1);
    for (char **range = ranges; *range && **range; range++)
        option_add(option, "cpus", *range);
}

static void add_cell(const struct build *build, const struct numa_cell *cell, unsigned id)
{
    g_autofree char *backend = g_strdup_printf("ram-node%u", id);
    GString *option = option_new("node");

    if (cell->memory)
        words_add_json(build->arguments, "-object",
                       build_backend(build, backend, (int)id, cell->memory_access, cell->memory));
    option_addf(option, "nodeid", "%u", id);
    if (cell->cpus)
        add_cpus(option, cell->cpus);
    if (cell->memory)
        option_add(option, "memdev", backend);
    words_add_option(build->arguments, "-numa", option);
}

static void add_distances(const struct build *build, const struct numa_cell *cell, unsigned id)
{
    LIST_EACH (distance, &cell->distances) {
        GString *option = option_new("dist");
        option_addf(option, "src", "%u", id);
        option_addf(option, "dst", "%u", distance->id.value);
        option_addf(option, "val", "%u", distance->value);
        words_add_option(build->arguments, "-numa", option);
    }
}

int arguments_add_numa(const struct build *build, GError **error)
{
    add_iothreads(build);
    if (!has_cells(build))
        return 0;
    const struct cpu_numa *numa = build->domain->cpu->numa;
    if (numa->latencies.count || numa->bandwidths.count)
        return device_refuse(error, "numa", "interconnects",
                             "<interconnects> is not in this version");
    LIST_EACH (cell, &numa->cells)
        if (cell->caches.count)
            return device_refuse(error, "numa", "cache",
                                 "<cache> of a cell is not in this version");
    LIST_EACH (cell, &numa->cells)
        add_cell(build, cell, cell->id.set ? cell->id.value : cell_i);
    LIST_EACH (cell, &numa->cells)
        add_distances(build, cell, cell->id.set ? cell->id.value : cell_i);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capabilities-host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cpuset.h"
#include "base/file.h"

#define CPU "/sys/devices/system/cpu"
#define NODE "/sys/devices/system/node"
#define HUGEPAGES "/sys/kernel/mm/hugepages"
#define CPUINFO_MAX (16u << 20)

/* ---- small files of the kernel ---- */

static int64_t number_of(const char *text)
{
    return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

static char *decimal(int64_t number)
{
    return g_strdup_printf("%" G_GINT64_FORMAT, number);
}

/* CPUs or nodes that are online; of a kernel that does not tell, the first. */
static struct cpuset *read_online(struct arena *arena, const char *folder)
{
    g_autofree char *text = file_read_value("%s/online", folder);
    struct cpuset *set = text ? cpuset_parse(arena, text) : NULL;

    return set ? set : cpuset_parse(arena, "0");
}

#define FOR_EACH(number, set)                                                                      \
    for (int number = cpuset_next(set, 0); number >= 0; number = cpuset_next(set, number + 1))

/* ---- <cpu> ---- */

/* The value after "key :", of the first processor; the caller frees, NULL: none. */
static char *cpuinfo_get(const char *cpuinfo, const char *key)
{
    g_autofree char *start = g_strconcat("\n", key, "\t", NULL);
    const char *line = cpuinfo ? strstr(cpuinfo, start) : NULL;
    const char *colon = line ? strchr(line + 1, ':') : NULL;

    return colon ? g_strstrip(g_strndup(colon + 1, strcspn(colon + 1, "\n"))) : NULL;
}

static void write_signature(struct element_writer *writer, const char *cpuinfo)
{
    g_autofree char *microcode = cpuinfo_get(cpuinfo, "microcode");
    g_autofree char *family = cpuinfo_get(cpuinfo, "cpu family");
    g_autofree char *model = cpuinfo_get(cpuinfo, "model");
    g_autofree char *stepping = cpuinfo_get(cpuinfo, "stepping");

    if (microcode) {
        g_autofree char *version = decimal(g_ascii_strtoll(microcode, NULL, 0));
        element_empty(writer, "microcode", "version", version, NULL);
    }
    if (family && model && stepping)
        element_empty(writer, "signature", "family", family, "model", model, "stepping", stepping,
                      NULL);
}

static void write_address_size(struct element_writer *writer, const char *cpuinfo)
{
    g_autofree char *sizes = cpuinfo_get(cpuinfo, "address sizes");
    g_autofree char *bits = sizes ? decimal(number_of(sizes)) : NULL;

    if (bits)
        element_empty(writer, "maxphysaddr", "mode", "emulate", "bits", bits, NULL);
}

/* How many different numbers the file tells for the CPUs. */
static unsigned count_distinct(const struct cpuset *cpus, const char *file)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    FOR_EACH(cpu, cpus)
    {
        char *text = file_read_value(CPU "/cpu%d/topology/%s", cpu, file);
        if (text)
            g_hash_table_add(seen, text);
    }
    return MAX(g_hash_table_size(seen), 1);
}

/* Of one node, as the element means it. What is not regular is told as one socket of many cores. */
static void write_sockets(struct element_writer *writer)
{
    struct arena arena ARENA_AUTO = {0};
    const struct cpuset *cpus = read_online(&arena, CPU);
    unsigned nodes = cpuset_count(read_online(&arena, NODE));
    unsigned packages = count_distinct(cpus, "package_cpus_list");
    unsigned dies = MAX(count_distinct(cpus, "die_cpus_list") / packages, 1);
    unsigned all_cores = count_distinct(cpus, "core_cpus_list");
    unsigned cores = MAX(all_cores / packages / dies, 1);
    unsigned threads = MAX(cpuset_count(cpus) / all_cores, 1);
    unsigned sockets = MAX(packages / nodes, 1);

    if (nodes * sockets * dies * cores * threads != cpuset_count(cpus)) {
        sockets = dies = threads = 1;
        cores = cpuset_count(cpus);
    }
    g_autofree char *socket_count = decimal(sockets);
    g_autofree char *die_count = decimal(dies);
    g_autofree char *core_count = decimal(cores);
    g_autofree char *thread_count = decimal(threads);
    element_empty(writer, "topology", "sockets", socket_count, "dies", die_count, "cores",
                  core_count, "threads", thread_count, NULL);
}

static int compare_sizes(gconstpointer a, gconstpointer b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

    return (first > second) - (first < second);
}

/* KiB of every size of page, the smallest first; the caller frees. */
static GArray *page_sizes(void)
{
    GArray *sizes = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t base = sysconf(_SC_PAGESIZE) / 1024;
    g_auto(GStrv) names = NULL;

    g_array_append_val(sizes, base);
    if (file_list(HUGEPAGES, "kB", &names, NULL) == 0)
        for (char **name = names; *name; name++) {
            int64_t size = g_str_has_prefix(*name, "hugepages-") ? number_of(*name + 10) : 0;
            if (size > base)
                g_array_append_val(sizes, size);
        }
    g_array_sort(sizes, compare_sizes);
    return sizes;
}

static void write_page_sizes(struct element_writer *writer)
{
    g_autoptr(GArray) sizes = page_sizes();

    for (unsigned i = 0; i < sizes->len; i++) {
        g_autofree char *size = decimal(g_array_index(sizes, int64_t, i));
        element_empty(writer, "pages", "unit", "KiB", "size", size, NULL);
    }
}

void capabilities_write_cpu(struct element_writer *writer, const struct emulator *native)
{
    const struct emulator_host_cpu *cpu = native ? &native->host_cpu : NULL;
    g_autofree char *cpuinfo = NULL;
    struct utsname kernel;

    uname(&kernel);
    file_read_all("/proc/cpuinfo", CPUINFO_MAX, &cpuinfo, NULL, NULL);
    element_begin(writer, "cpu", NULL);
    element_text(writer, "arch", kernel.machine, NULL);
    if (cpu && cpu->model) {
        element_text(writer, "model", cpu->model, NULL);
        element_text(writer, "vendor", cpu->vendor, NULL);
    }
    write_signature(writer, cpuinfo);
    write_sockets(writer);
    write_address_size(writer, cpuinfo);
    for (char **feature = cpu && cpu->model ? cpu->features : NULL; feature && *feature; feature++)
        element_empty(writer, "feature", "name", *feature, NULL);
    write_page_sizes(writer);
    element_end(writer, "cpu");
}

/* ---- power, IOMMU ---- */

void capabilities_write_power(struct element_writer *writer)
{
    g_autofree char *states = file_read_value("/sys/power/state");
    bool memory = states && strstr(states, "mem");
    bool disk = states && strstr(states, "disk");

    if (!memory && !disk) {
        element_empty(writer, "power_management", NULL);
        return;
    }
    element_begin(writer, "power_management", NULL);
    if (memory)
        element_empty(writer, "suspend_mem", NULL);
    if (disk)
        element_empty(writer, "suspend_disk", NULL);
    if (memory && disk)
        element_empty(writer, "suspend_hybrid", NULL);
    element_end(writer, "power_management");
}

void capabilities_write_iommu(struct element_writer *writer)
{
    g_auto(GStrv) groups = NULL;
    bool exists = file_list("/sys/kernel/iommu_groups", NULL, &groups, NULL) == 0 && groups[0];

    element_empty(writer, "iommu", "support", exists ? "yes" : "no", NULL);
}

/* ---- <topology> ---- */

/* KiB of a node; a kernel without nodes has all memory in one. */
static int64_t node_memory(int node)
{
    g_autofree char *of_node = file_read_value(NODE "/node%d/meminfo", node);
    g_autofree char *of_all = of_node ? NULL : file_read_value("/proc/meminfo");
    const char *text = of_node ? of_node : of_all;
    const char *total = text ? strstr(text, "MemTotal:") : NULL;

    return total ? number_of(total + strlen("MemTotal:")) : 0;
}

static int64_t huge_pages(int node, int64_t size)
{
    g_autofree char *of_node = file_read_value(
        NODE "/node%d/hugepages/hugepages-%" G_GINT64_FORMAT "kB/nr_hugepages", node, size);

    return number_of(of_node);
}

static void write_node_memory(struct element_writer *writer, int node)
{
    g_autoptr(GArray) sizes = page_sizes();
    int64_t total = node_memory(node), left = total;
    g_autofree char *memory = decimal(total);

    for (unsigned i = 1; i < sizes->len; i++)
        left -=
            huge_pages(node, g_array_index(sizes, int64_t, i)) * g_array_index(sizes, int64_t, i);
    element_text(writer, "memory", memory, "unit", "KiB", NULL);
    for (unsigned i = 0; i < sizes->len; i++) {
        int64_t size = g_array_index(sizes, int64_t, i);
        g_autofree char *shown = decimal(size);
        g_autofree char *count = decimal(i == 0 ? left / size : huge_pages(node, size));
        element_text(writer, "pages", count, "unit", "KiB", "size", shown, NULL);
    }
}

/* The file has one number for each node that is online. */
static void write_distances(struct element_writer *writer, const struct cpuset *nodes, int node)
{
    g_autofree char *text = file_read_value(NODE "/node%d/distance", node);
    g_auto(GStrv) distances = text ? g_strsplit(text, " ", -1) : NULL;
    unsigned index = 0, count = text ? g_strv_length(distances) : 0;

    if (count != cpuset_count(nodes))
        return;
    element_begin(writer, "distances", NULL);
    FOR_EACH(other, nodes)
    {
        g_autofree char *id = decimal(other);
        element_empty(writer, "sibling", "id", id, "value", distances[index++], NULL);
    }
    element_end(writer, "distances");
}

static void write_node_cpu(struct element_writer *writer, int cpu)
{
    g_autofree char *id = decimal(cpu);
    g_autofree char *socket = file_read_value(CPU "/cpu%d/topology/physical_package_id", cpu);
    g_autofree char *die = file_read_value(CPU "/cpu%d/topology/die_id", cpu);
    g_autofree char *core = file_read_value(CPU "/cpu%d/topology/core_id", cpu);
    g_autofree char *siblings = file_read_value(CPU "/cpu%d/topology/thread_siblings_list", cpu);

    element_empty(writer, "cpu", "id", id, "socket_id", socket, "die_id", die, "core_id", core,
                  "siblings", siblings, NULL);
}

static void write_node(struct element_writer *writer, struct arena *arena,
                       const struct cpuset *nodes, int node)
{
    g_autofree char *id = decimal(node);
    g_autofree char *list = file_read_value(NODE "/node%d/cpulist", node);
    const struct cpuset *cpus = list ? cpuset_parse(arena, list) : read_online(arena, CPU);
    g_autofree char *count = decimal(cpus ? cpuset_count(cpus) : 0);

    element_begin(writer, "cell", "id", id, NULL);
    write_node_memory(writer, node);
    write_distances(writer, nodes, node);
    element_begin(writer, "cpus", "num", count, NULL);
    if (cpus)
        FOR_EACH(cpu, cpus) write_node_cpu(writer, cpu);
    element_end(writer, "cpus");
    element_end(writer, "cell");
}

void capabilities_write_topology(struct element_writer *writer)
{
    struct arena arena ARENA_AUTO = {0};
    const struct cpuset *nodes = read_online(&arena, NODE);
    g_autofree char *count = decimal(cpuset_count(nodes));

    element_begin(writer, "topology", NULL);
    element_begin(writer, "cells", "num", count, NULL);
    FOR_EACH(node, nodes) write_node(writer, &arena, nodes, node);
    element_end(writer, "cells");
    element_end(writer, "topology");
}

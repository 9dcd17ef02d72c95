/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/node.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define CPU_FOLDER "/sys/devices/system/cpu"
#define NODE_FOLDER "/sys/devices/system/node"
#define TEXT_LIMIT (4 * 1024 * 1024) /* /proc/stat and /proc/cpuinfo of the largest hosts */

static bool read_number(const char *path, uint64_t *ret_number)
{
    g_autofree char *text = NULL;

    if (file_read_all(path, 256, &text, NULL, NULL) < 0)
        return false;
    *ret_number = g_ascii_strtoull(text, NULL, 10);
    return true;
}

/* "0-3,8": a list as the kernel writes it; calls function for each number. */
static void each_in_list(const char *text, void (*function)(unsigned number, void *data),
                         void *data)
{
    const char *at = text;

    while (g_ascii_isdigit(*at)) {
        char *end;
        unsigned first = (unsigned)g_ascii_strtoull(at, &end, 10), last = first;
        if (*end == '-')
            last = (unsigned)g_ascii_strtoull(end + 1, &end, 10);
        for (unsigned number = first; number <= last && number < 65536; number++)
            function(number, data);
        at = *end == ',' ? end + 1 : end;
    }
}

static int read_list(const char *path, void (*function)(unsigned number, void *data), void *data,
                     GError **error)
{
    g_autofree char *text = NULL;

    if (file_read_all(path, 65536, &text, NULL, error) < 0)
        return -1;
    each_in_list(text, function, data);
    return 0;
}

/* ---- processors ---- */

static void note_present(unsigned number, void *data)
{
    struct node_cpus *cpus = data;

    cpus->present = MAX(cpus->present, number + 1);
}

static void note_online(unsigned number, void *data)
{
    struct node_cpus *cpus = data;

    if (number / 8 >= cpus->map->len)
        return;
    cpus->map->data[number / 8] |= (uint8_t)(1 << number % 8);
    cpus->online++;
}

int node_read_cpus(struct node_cpus *ret_cpus, GError **error)
{
    struct node_cpus cpus = {0};

    if (read_list(CPU_FOLDER "/present", note_present, &cpus, error) < 0)
        return -1;
    cpus.map = g_byte_array_new();
    g_byte_array_set_size(cpus.map, (cpus.present + 7) / 8);
    memset(cpus.map->data, 0, cpus.map->len);
    if (read_list(CPU_FOLDER "/online", note_online, &cpus, error) < 0) {
        g_byte_array_unref(cpus.map);
        return -1;
    }
    *ret_cpus = cpus;
    return 0;
}

/* How many different values the online CPUs have in a file of their topology folders. */
struct distinct {
    GHashTable *sockets, *cores;
};

static void note_topology(unsigned cpu, void *data)
{
    struct distinct *distinct = data;
    uint64_t socket = 0, core = cpu;
    g_autofree char *folder = g_strdup_printf(CPU_FOLDER "/cpu%u/topology", cpu);
    g_autofree char *socket_path = g_strdup_printf("%s/physical_package_id", folder);
    g_autofree char *core_path = g_strdup_printf("%s/core_id", folder);

    read_number(socket_path, &socket);
    read_number(core_path, &core);
    g_hash_table_add(distinct->sockets, GUINT_TO_POINTER((unsigned)socket + 1));
    g_hash_table_add(distinct->cores, g_strdup_printf("%u/%u", (unsigned)socket, (unsigned)core));
}

static void read_topology(struct node_info *info)
{
    struct distinct distinct = {
        g_hash_table_new(NULL, NULL),
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };

    if (read_list(CPU_FOLDER "/online", note_topology, &distinct, NULL) == 0) {
        unsigned sockets = MAX(g_hash_table_size(distinct.sockets), 1);
        unsigned cores = MAX(g_hash_table_size(distinct.cores), 1);

        info->sockets = MAX(sockets / info->nodes, 1);
        info->cores = MAX(cores / (info->sockets * info->nodes), 1);
        info->threads = MAX(info->cpus / cores, 1);
    }
    g_hash_table_unref(distinct.sockets);
    g_hash_table_unref(distinct.cores);
    /* where the division leaves a rest, clients must still be able to multiply: one flat socket */
    if (info->nodes * info->sockets * info->cores * info->threads != info->cpus) {
        info->nodes = info->sockets = info->threads = 1;
        info->cores = info->cpus;
    }
}

static unsigned read_mhz(void)
{
    uint64_t khz;
    g_autofree char *text = NULL;
    double mhz = 0;

    if (read_number(CPU_FOLDER "/cpu0/cpufreq/scaling_cur_freq", &khz))
        return (unsigned)(khz / 1000);
    if (file_read_all("/proc/cpuinfo", TEXT_LIMIT, &text, NULL, NULL) < 0)
        return 0;
    const char *line = strstr(text, "cpu MHz");
    if (line && (line = strchr(line, ':')))
        mhz = g_ascii_strtod(line + 1, NULL);
    return (unsigned)mhz;
}

int node_read_info(struct node_info *ret_info, GError **error)
{
    struct node_info info = {.nodes = node_count_cells()};
    struct node_cpus cpus;
    struct node_memory memory;
    struct utsname host;

    if (node_read_cpus(&cpus, error) < 0)
        return -1;
    g_byte_array_unref(cpus.map);
    if (node_read_memory(-1, &memory, error) < 0)
        return -1;
    uname(&host);
    g_strlcpy(info.model, host.machine, sizeof(info.model));
    info.memory = memory.total;
    info.cpus = cpus.online;
    info.mhz = read_mhz();
    read_topology(&info);
    *ret_info = info;
    return 0;
}

/* One line of /proc/stat: user nice system idle iowait irq softirq ... in ticks. */
static int parse_times(const char *line, struct node_cpu_times *ret_times)
{
    unsigned long long user, nice, kernel, idle, iowait, irq, softirq;
    uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);

    if (sscanf(line, "%*s %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &kernel, &idle,
               &iowait, &irq, &softirq) != 7)
        return -1;
    *ret_times = (struct node_cpu_times){
        .kernel = (kernel + irq + softirq) * tick_ns,
        .user = (user + nice) * tick_ns,
        .idle = idle * tick_ns,
        .iowait = iowait * tick_ns,
    };
    return 0;
}

int node_read_cpu_times(int cpu, struct node_cpu_times *ret_times, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *label = cpu < 0 ? g_strdup("cpu ") : g_strdup_printf("\ncpu%d ", cpu);

    if (file_read_all("/proc/stat", TEXT_LIMIT, &text, NULL, error) < 0)
        return -1;
    const char *line = cpu < -1 ? NULL : strstr(text, label);
    if (!line || parse_times(line, ret_times) < 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "there is no CPU %d", cpu);
        return -1;
    }
    return 0;
}

/* ---- memory ---- */

static uint64_t find_kib(const char *text, const char *label)
{
    const char *at = strstr(text, label);

    return at ? g_ascii_strtoull(at + strlen(label), NULL, 10) : 0;
}

int node_read_memory(int cell, struct node_memory *ret_memory, GError **error)
{
    g_autofree char *path =
        cell < 0 ? g_strdup("/proc/meminfo") : g_strdup_printf(NODE_FOLDER "/node%d/meminfo", cell);
    g_autofree char *text = NULL;

    if (cell < -1 || cell >= (int)node_count_cells()) {
        error_set(error, VIR_ERR_INVALID_ARG, "there is no NUMA cell %d", cell);
        return -1;
    }
    /* a kernel without NUMA has one cell, which is all there is */
    if (file_read_all(access(path, R_OK) < 0 ? "/proc/meminfo" : path, 65536, &text, NULL, error) <
        0)
        return -1;
    *ret_memory = (struct node_memory){
        .total = find_kib(text, "MemTotal:"),
        .free = find_kib(text, "MemFree:"),
        .buffers = find_kib(text, "Buffers:"),
        .cached = find_kib(text, "\nCached:"),
    };
    return 0;
}

static void count_cell(unsigned number, void *data)
{
    (*(unsigned *)data)++;
}

unsigned node_count_cells(void)
{
    unsigned count = 0;

    read_list(NODE_FOLDER "/online", count_cell, &count, NULL);
    return MAX(count, 1);
}

int node_read_free_pages(int cell, unsigned page_kib, uint64_t *ret_count, GError **error)
{
    unsigned ordinary = (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
    struct node_memory memory;

    if (page_kib == ordinary) {
        if (node_read_memory(cell, &memory, error) < 0)
            return -1;
        *ret_count = memory.free / ordinary;
        return 0;
    }
    g_autofree char *folder =
        cell < 0 ? g_strdup("/sys/kernel/mm") : g_strdup_printf(NODE_FOLDER "/node%d", cell);
    g_autofree char *path =
        g_strdup_printf("%s/hugepages/hugepages-%ukB/free_hugepages", folder, page_kib);
    if (!read_number(path, ret_count)) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "page size %u is not available on node %d",
                  page_kib, cell);
        return -1;
    }
    return 0;
}

bool node_read_page_sharing(const char *name, uint64_t *ret_number)
{
    g_autofree char *path = g_strdup_printf("/sys/kernel/mm/ksm/%s", name);

    return read_number(path, ret_number);
}

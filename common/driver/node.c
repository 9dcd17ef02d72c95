/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/node.h"

#include <string.h>

#include "driver/client.h"
#include "driver/params.h"
#include "host/dmi.h"
#include "host/node.h"
#include "model/domain-sysinfo.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

int node_get_info(struct call *call, const void *args, struct remote_node_get_info_ret *ret,
                  GError **error)
{
    struct node_info info;

    if (node_read_info(&info, error) < 0)
        return -1;
    memcpy(ret->model, info.model, sizeof(ret->model));
    ret->memory = info.memory;
    ret->cpus = (int)info.cpus;
    ret->mhz = (int)info.mhz;
    ret->nodes = (int)info.nodes;
    ret->sockets = (int)info.sockets;
    ret->cores = (int)info.cores;
    ret->threads = (int)info.threads;
    return 0;
}

int node_get_cpu_map(struct call *call, const struct remote_node_get_cpu_map_args *args,
                     struct remote_node_get_cpu_map_ret *ret, GError **error)
{
    struct node_cpus cpus;

    if (node_read_cpus(&cpus, error) < 0)
        return -1;
    if (args->need_map) {
        ret->cpumap_val = arena_memdup(&call->arena, cpus.map->data, cpus.map->len);
        ret->cpumap_len = cpus.map->len;
    }
    ret->online = cpus.online;
    ret->ret = (int)cpus.present;
    g_byte_array_unref(cpus.map);
    return 0;
}

/* Both statistics are lists of names and numbers; without room, only their count is wanted. */
struct named_value {
    const char *field;
    uint64_t value;
};

int node_get_cpu_stats(struct call *call, const struct remote_node_get_cpu_stats_args *args,
                       struct remote_node_get_cpu_stats_ret *ret, GError **error)
{
    struct node_cpu_times times;

    if (node_read_cpu_times(args->cpuNum, &times, error) < 0)
        return -1;
    const struct named_value values[] = {
        {VIR_NODE_CPU_STATS_KERNEL, times.kernel},
        {VIR_NODE_CPU_STATS_USER, times.user},
        {VIR_NODE_CPU_STATS_IDLE, times.idle},
        {VIR_NODE_CPU_STATS_IOWAIT, times.iowait},
    };
    ret->nparams = G_N_ELEMENTS(values);
    if (args->nparams <= 0)
        return 0;
    ret->nparams = MIN(ret->nparams, args->nparams);
    ret->params_len = (uint32_t)ret->nparams;
    ret->params_val =
        arena_array(&call->arena, ret->params_len, sizeof(struct remote_node_get_cpu_stats));
    for (uint32_t i = 0; i < ret->params_len; i++)
        ret->params_val[i] =
            (struct remote_node_get_cpu_stats){(char *)values[i].field, values[i].value};
    return 0;
}

int node_get_memory_stats(struct call *call, const struct remote_node_get_memory_stats_args *args,
                          struct remote_node_get_memory_stats_ret *ret, GError **error)
{
    struct node_memory memory;

    if (node_read_memory(args->cellNum, &memory, error) < 0)
        return -1;
    const struct named_value values[] = {
        {VIR_NODE_MEMORY_STATS_TOTAL, memory.total},
        {VIR_NODE_MEMORY_STATS_FREE, memory.free},
        {VIR_NODE_MEMORY_STATS_BUFFERS, memory.buffers},
        {VIR_NODE_MEMORY_STATS_CACHED, memory.cached},
    };
    /* a cell has no buffers and caches of its own */
    int count = args->cellNum < 0 ? 4 : 2;
    ret->nparams = count;
    if (args->nparams <= 0)
        return 0;
    ret->nparams = MIN(count, args->nparams);
    ret->params_len = (uint32_t)ret->nparams;
    ret->params_val =
        arena_array(&call->arena, ret->params_len, sizeof(struct remote_node_get_memory_stats));
    for (uint32_t i = 0; i < ret->params_len; i++)
        ret->params_val[i] =
            (struct remote_node_get_memory_stats){(char *)values[i].field, values[i].value};
    return 0;
}

int node_get_free_memory(struct call *call, const void *args,
                         struct remote_node_get_free_memory_ret *ret, GError **error)
{
    struct node_memory memory;

    if (node_read_memory(-1, &memory, error) < 0)
        return -1;
    ret->freeMem = memory.free * 1024;
    return 0;
}

/* Everybody is used to this code. */
static void refuse_cell(int cell, unsigned cells, GError **error)
{
    error_set(error, VIR_ERR_INTERNAL_ERROR, "start cell %d out of range (0-%u)", cell, cells - 1);
}

int node_get_cells_free_memory(struct call *call,
                               const struct remote_node_get_cells_free_memory_args *args,
                               struct remote_node_get_cells_free_memory_ret *ret, GError **error)
{
    unsigned cells = node_count_cells();

    if (args->startCell < 0 || args->maxcells <= 0 || args->startCell >= (int)cells) {
        refuse_cell(args->startCell, cells, error);
        return -1;
    }
    ret->cells_len = MIN((uint32_t)args->maxcells, cells - (uint32_t)args->startCell);
    ret->cells_val = arena_array(&call->arena, ret->cells_len, sizeof(uint64_t));
    for (uint32_t i = 0; i < ret->cells_len; i++) {
        struct node_memory memory;
        if (node_read_memory(args->startCell + (int)i, &memory, error) < 0)
            return -1;
        ret->cells_val[i] = memory.free * 1024;
    }
    return 0;
}

int node_get_free_pages(struct call *call, const struct remote_node_get_free_pages_args *args,
                        struct remote_node_get_free_pages_ret *ret, GError **error)
{
    uint64_t total = (uint64_t)args->cellCount * args->pages_len;
    unsigned cells = node_count_cells();

    if (args->startCell >= (int)cells) {
        refuse_cell(args->startCell, cells, error);
        return -1;
    }
    if (total == 0 || total > REMOTE_NODE_MAX_CELLS || args->startCell < -1) {
        error_set(error, VIR_ERR_INVALID_ARG, "%u cells from %d with %u page sizes",
                  args->cellCount, args->startCell, args->pages_len);
        return -1;
    }
    ret->counts_val = arena_array(&call->arena, total, sizeof(uint64_t));
    for (unsigned cell = 0; cell < args->cellCount; cell++)
        for (uint32_t page = 0; page < args->pages_len; page++)
            if (node_read_free_pages(args->startCell + (int)cell, args->pages_val[page],
                                     &ret->counts_val[ret->counts_len++], error) < 0)
                return -1;
    return 0;
}

/* What is known of the merging of equal pages: see node_read_page_sharing(). */
static const struct {
    const char *field;
    const char *name;
    bool wide;
} sharing[] = {
    {VIR_NODE_MEMORY_SHARED_PAGES_TO_SCAN, "pages_to_scan", false},
    {VIR_NODE_MEMORY_SHARED_SLEEP_MILLISECS, "sleep_millisecs", false},
    {VIR_NODE_MEMORY_SHARED_PAGES_SHARED, "pages_shared", true},
    {VIR_NODE_MEMORY_SHARED_PAGES_SHARING, "pages_sharing", true},
    {VIR_NODE_MEMORY_SHARED_PAGES_UNSHARED, "pages_unshared", true},
    {VIR_NODE_MEMORY_SHARED_PAGES_VOLATILE, "pages_volatile", true},
    {VIR_NODE_MEMORY_SHARED_FULL_SCANS, "full_scans", true},
    {VIR_NODE_MEMORY_SHARED_MERGE_ACROSS_NODES, "merge_across_nodes", false},
};

int node_get_memory_parameters(struct call *call,
                               const struct remote_node_get_memory_parameters_args *args,
                               struct remote_node_get_memory_parameters_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};

    for (size_t i = 0; i < G_N_ELEMENTS(sharing); i++) {
        uint64_t number;

        if (!node_read_page_sharing(sharing[i].name, &number))
            continue;
        if (sharing[i].wide)
            params_add_ulong(&params, number, "%s", sharing[i].field);
        else
            params_add_uint(&params, (unsigned)number, "%s", sharing[i].field);
    }
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

/* ---- the machine, as its firmware describes it ---- */

static void add_value(struct arena *arena, const struct dmi_value *value,
                      struct sysinfo_block **block)
{
    struct sysinfo_entry *entry = arena_new(arena, struct sysinfo_entry);

    if (!*block)
        *block = arena_new(arena, struct sysinfo_block);
    entry->name = value->name;
    entry->value = value->text;
    LIST_APPEND(arena, &(*block)->entries, entry);
}

int connect_get_sysinfo(struct call *call, const struct remote_connect_get_sysinfo_args *args,
                        struct remote_connect_get_sysinfo_ret *ret, GError **error)
{
    struct domain_sysinfo sysinfo = {.type = SYSINFO_SMBIOS};
    struct sysinfo_block *board = NULL;
    struct sysinfo_block **const blocks[DMI_BLOCKS] = {
        [DMI_BIOS] = &sysinfo.bios,
        [DMI_SYSTEM] = &sysinfo.system,
        [DMI_BASE_BOARD] = &board,
        [DMI_CHASSIS] = &sysinfo.chassis,
    };
    g_autoptr(GString) text = g_string_new(NULL);
    struct dmi_value *values;
    unsigned count;

    if (dmi_read(DMI_FOLDER, &call->arena, &values, &count, error) < 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        add_value(&call->arena, &values[i], blocks[values[i].block]);
    if (board)
        LIST_APPEND(&call->arena, &sysinfo.base_boards, board);
    xml_write_part(&domain_sysinfo_schema, &sysinfo, 0, 0, text);
    ret->sysinfo = arena_strdup(&call->arena, text->str);
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, node_get_info)},
    {.binding = HANDLER(remote, node_get_cpu_map)},
    {.binding = HANDLER(remote, node_get_cpu_stats)},
    {.binding = HANDLER(remote, node_get_memory_stats)},
    {.binding = HANDLER(remote, node_get_free_memory)},
    {.binding = HANDLER(remote, node_get_cells_free_memory)},
    {.binding = HANDLER(remote, node_get_free_pages)},
    {.binding = HANDLER(remote, node_get_memory_parameters), .flags = VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, connect_get_sysinfo)},
};

const struct driver_methods node_methods = DRIVER_METHODS(rows);

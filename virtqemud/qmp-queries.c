/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/arena.h"
#include "json.h"
#include "qmp-commands.h"

/* ---- what replies look like: one row a member ---- */

static const struct qmp_field status_fields[] = {
    QMP_REQUIRED(qmp_status, "running", BOOL, running),
    QMP_REQUIRED(qmp_status, "status", STRING, status),
};
static const struct qmp_shape status_shape = QMP_SHAPE(struct qmp_status, status_fields);

static const struct qmp_field counter_fields[] = {
    QMP_REQUIRED(qmp_counter, "name", STRING, name),
    QMP_OPTIONAL(qmp_counter, "type", STRING, kind),
    QMP_OPTIONAL(qmp_counter, "value", UINT, value),
};
static const struct qmp_shape counter_shape = QMP_SHAPE(struct qmp_counter, counter_fields);

static const struct qmp_field counters_fields[] = {
    QMP_REQUIRED(qmp_counters, "provider", STRING, provider),
    QMP_OPTIONAL(qmp_counters, "target", STRING, target),
    QMP_LIST(qmp_counters, "stats", items, count, &counter_shape),
};
static const struct qmp_shape counters_shape = QMP_SHAPE(struct qmp_counters, counters_fields);

static const struct qmp_field balloon_fields[] = {
    QMP_REQUIRED(qmp_balloon, "actual", UINT, actual),
};
static const struct qmp_shape balloon_shape = QMP_SHAPE(struct qmp_balloon, balloon_fields);

static const struct qmp_field dirty_rate_fields[] = {
    QMP_REQUIRED(qmp_dirty_rate, "status", STRING, status),
    QMP_OPTIONAL(qmp_dirty_rate, "mode", STRING, mode),
    QMP_OPTIONAL(qmp_dirty_rate, "start-time", INT, start_time),
    QMP_OPTIONAL(qmp_dirty_rate, "calc-time", INT, period),
    QMP_OPTIONAL(qmp_dirty_rate, "dirty-rate", INT, megabytes),
};
static const struct qmp_shape dirty_rate_shape =
    QMP_SHAPE(struct qmp_dirty_rate, dirty_rate_fields);

static const struct qmp_field balloon_stats_fields[] = {
    QMP_OPTIONAL(qmp_balloon_stats, "last-update", INT, last_update),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-swap-in", UINT, swap_in),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-swap-out", UINT, swap_out),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-major-faults", UINT, major_faults),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-minor-faults", UINT, minor_faults),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-free-memory", UINT, free_memory),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-total-memory", UINT, total_memory),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-available-memory", UINT, available_memory),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-disk-caches", UINT, disk_caches),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-htlb-pgalloc", UINT, hugetlb_allocations),
    QMP_OPTIONAL(qmp_balloon_stats, "stats/stat-htlb-pgfail", UINT, hugetlb_failures),
};
static const struct qmp_shape balloon_stats_shape =
    QMP_SHAPE(struct qmp_balloon_stats, balloon_stats_fields);

static const struct qmp_field block_stats_fields[] = {
    QMP_OPTIONAL(qmp_block_stats, "device", STRING, device),
    QMP_OPTIONAL(qmp_block_stats, "qdev", STRING, qdev),
    QMP_OPTIONAL(qmp_block_stats, "node-name", STRING, node),
    QMP_REQUIRED(qmp_block_stats, "stats/rd_bytes", UINT, read_bytes),
    QMP_REQUIRED(qmp_block_stats, "stats/rd_operations", UINT, read_operations),
    QMP_OPTIONAL(qmp_block_stats, "stats/rd_total_time_ns", UINT, read_ns),
    QMP_REQUIRED(qmp_block_stats, "stats/wr_bytes", UINT, write_bytes),
    QMP_REQUIRED(qmp_block_stats, "stats/wr_operations", UINT, write_operations),
    QMP_OPTIONAL(qmp_block_stats, "stats/wr_total_time_ns", UINT, write_ns),
    QMP_OPTIONAL(qmp_block_stats, "stats/flush_operations", UINT, flush_operations),
    QMP_OPTIONAL(qmp_block_stats, "stats/flush_total_time_ns", UINT, flush_ns),
    QMP_OPTIONAL(qmp_block_stats, "parent/stats/wr_highest_offset", UINT, file_highest_offset),
};
static const struct qmp_shape block_stats_shape =
    QMP_SHAPE(struct qmp_block_stats, block_stats_fields);

static const struct qmp_field block_fields[] = {
    QMP_REQUIRED(qmp_block_device, "device", STRING, device),
    QMP_OPTIONAL(qmp_block_device, "qdev", STRING, qdev),
    QMP_OPTIONAL(qmp_block_device, "removable", BOOL, removable),
    QMP_OPTIONAL(qmp_block_device, "locked", BOOL, locked),
    QMP_OPTIONAL(qmp_block_device, "tray_open", PRESENT, has_tray),
    QMP_OPTIONAL(qmp_block_device, "tray_open", BOOL, tray_open),
    QMP_OPTIONAL(qmp_block_device, "io-status", STRING, io_status),
    QMP_OPTIONAL(qmp_block_device, "inserted", PRESENT, has_medium),
    QMP_OPTIONAL(qmp_block_device, "inserted/node-name", STRING, node),
    QMP_OPTIONAL(qmp_block_device, "inserted/file", STRING, file),
    QMP_OPTIONAL(qmp_block_device, "inserted/ro", BOOL, read_only),
    QMP_OPTIONAL(qmp_block_device, "inserted/image/virtual-size", UINT, capacity),
    QMP_OPTIONAL(qmp_block_device, "inserted/image/actual-size", UINT, allocation),
};
static const struct qmp_shape block_shape = QMP_SHAPE(struct qmp_block_device, block_fields);

static const struct qmp_field block_node_fields[] = {
    QMP_OPTIONAL(qmp_block_node, "node-name", STRING, node),
    QMP_REQUIRED(qmp_block_node, "drv", STRING, driver),
    QMP_OPTIONAL(qmp_block_node, "file", STRING, file),
    QMP_OPTIONAL(qmp_block_node, "ro", BOOL, read_only),
    QMP_OPTIONAL(qmp_block_node, "image/virtual-size", UINT, capacity),
    QMP_OPTIONAL(qmp_block_node, "image/actual-size", UINT, allocation),
    QMP_OPTIONAL(qmp_block_node, "write_threshold", UINT, write_threshold),
};
static const struct qmp_shape block_node_shape =
    QMP_SHAPE(struct qmp_block_node, block_node_fields);

static const struct qmp_field cpu_fields[] = {
    QMP_REQUIRED(qmp_cpu, "cpu-index", UINT, index),
    QMP_REQUIRED(qmp_cpu, "thread-id", INT, thread_id),
    QMP_OPTIONAL(qmp_cpu, "qom-path", STRING, qom_path),
};
static const struct qmp_shape cpu_shape = QMP_SHAPE(struct qmp_cpu, cpu_fields);

static const struct qmp_field iothread_fields[] = {
    QMP_REQUIRED(qmp_iothread, "id", STRING, id),
    QMP_REQUIRED(qmp_iothread, "thread-id", INT, thread_id),
    QMP_OPTIONAL(qmp_iothread, "poll-max-ns", INT, poll_max_ns),
    QMP_OPTIONAL(qmp_iothread, "poll-grow", INT, poll_grow),
    QMP_OPTIONAL(qmp_iothread, "poll-shrink", INT, poll_shrink),
};
static const struct qmp_shape iothread_shape = QMP_SHAPE(struct qmp_iothread, iothread_fields);

static const struct qmp_field chardev_fields[] = {
    QMP_REQUIRED(qmp_chardev, "label", STRING, label),
    QMP_REQUIRED(qmp_chardev, "filename", STRING, filename),
    QMP_OPTIONAL(qmp_chardev, "frontend-open", BOOL, frontend_open),
};
static const struct qmp_shape chardev_shape = QMP_SHAPE(struct qmp_chardev, chardev_fields);

static const struct qmp_field rx_filter_fields[] = {
    QMP_OPTIONAL(qmp_rx_filter, "main-mac", STRING, mac),
    QMP_OPTIONAL(qmp_rx_filter, "promiscuous", BOOL, promiscuous),
    QMP_OPTIONAL(qmp_rx_filter, "multicast-overflow", BOOL, multicast_overflow),
    QMP_OPTIONAL(qmp_rx_filter, "multicast", STRING, multicast),
    QMP_OPTIONAL(qmp_rx_filter, "multicast-table", STRINGS, multicast_table),
};
static const struct qmp_shape rx_filter_shape = QMP_SHAPE(struct qmp_rx_filter, rx_filter_fields);

const struct qmp_query qmp_query_status = {"query-status", &status_shape, false};
const struct qmp_query qmp_query_balloon = {"query-balloon", &balloon_shape, false};
const struct qmp_query qmp_query_balloon_stats = {"qom-get", &balloon_stats_shape, false};
const struct qmp_query qmp_query_dirty_rate = {"query-dirty-rate", &dirty_rate_shape, false};
const struct qmp_query qmp_query_blockstats = {"query-blockstats", &block_stats_shape, true};
const struct qmp_query qmp_query_block = {"query-block", &block_shape, true};
const struct qmp_query qmp_query_named_block_nodes = {"query-named-block-nodes", &block_node_shape,
                                                      true};
const struct qmp_query qmp_query_cpus_fast = {"query-cpus-fast", &cpu_shape, true};
const struct qmp_query qmp_query_iothreads = {"query-iothreads", &iothread_shape, true};
const struct qmp_query qmp_query_stats = {"query-stats", &counters_shape, true};
const struct qmp_query qmp_query_stats_schemas = {"query-stats-schemas", &counters_shape, true};
const struct qmp_query qmp_query_chardev = {"query-chardev", &chardev_shape, true};
static const struct qmp_query qmp_query_rx_filter = {"query-rx-filter", &rx_filter_shape, true};

/* ---- typed calls ---- */

#define GET_LIST(query, arguments)                                                                 \
    do {                                                                                           \
        struct qmp_list list;                                                                      \
        if (qmp_run_query(qmp, query, arguments, deadline_ms, arena, &list, error) < 0)            \
            return -1;                                                                             \
        *ret_items = list.items;                                                                   \
        *ret_count = list.count;                                                                   \
        return 0;                                                                                  \
    } while (0)

int qmp_get_status(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                   struct qmp_status *ret_status, GError **error)
{
    struct qmp_status status = {0};

    if (qmp_run_query(qmp, &qmp_query_status, NULL, deadline_ms, arena, &status, error) < 0)
        return -1;
    *ret_status = status;
    return 0;
}

int qmp_get_balloon(struct qmp *qmp, unsigned deadline_ms, uint64_t *ret_bytes, GError **error)
{
    struct qmp_balloon balloon = {0};

    if (qmp_run_query(qmp, &qmp_query_balloon, NULL, deadline_ms, NULL, &balloon, error) < 0)
        return -1;
    *ret_bytes = balloon.actual;
    return 0;
}

struct json_object *qmp_balloon_stats_arguments(const char *qom_path)
{
    return json_build("s:path", qom_path, "s:property", "guest-stats", NULL);
}

int qmp_get_block(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                  struct qmp_block_device **ret_items, unsigned *ret_count, GError **error)
{
    GET_LIST(&qmp_query_block, NULL);
}

/* Without flat every node repeats the whole chain below it: quadratic in its length. */
int qmp_get_named_block_nodes(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                              struct qmp_block_node **ret_items, unsigned *ret_count,
                              GError **error)
{
    GET_LIST(&qmp_query_named_block_nodes, json_build("b:flat", true, NULL));
}

int qmp_get_cpus_fast(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                      struct qmp_cpu **ret_items, unsigned *ret_count, GError **error)
{
    GET_LIST(&qmp_query_cpus_fast, NULL);
}

int qmp_get_chardev(struct qmp *qmp, unsigned deadline_ms, struct arena *arena,
                    struct qmp_chardev **ret_items, unsigned *ret_count, GError **error)
{
    GET_LIST(&qmp_query_chardev, NULL);
}

int qmp_get_rx_filter(struct qmp *qmp, const char *net, unsigned deadline_ms, struct arena *arena,
                      struct qmp_rx_filter **ret_items, unsigned *ret_count, GError **error)
{
    GET_LIST(&qmp_query_rx_filter, json_build("S:name", net, NULL));
}

const char *qmp_chardev_pty(const struct qmp_chardev *items, unsigned count, const char *label)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(items[i].label, label) == 0)
            return g_str_has_prefix(items[i].filename, "pty:") ? items[i].filename + 4 : NULL;
    return NULL;
}

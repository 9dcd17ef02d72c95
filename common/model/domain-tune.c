/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-tune.h"

#include "model/rows.h"
#include "model/text-types.h"

NAMES(tune_placement_names, NULL, "static", "auto");
NAMES(memory_source_names, NULL, "file", "anonymous", "memfd");
NAMES(memory_allocation_names, NULL, "immediate", "ondemand");
NAMES(numa_mode_names, NULL, "strict", "preferred", "interleave", "restrictive");
NAMES(cache_part_type_names, NULL, "both", "code", "data");
NAMES(tune_scheduler_names, NULL, "batch", "idle", "fifo", "rr");

#define ROWS_OF struct memory_page
static const struct xml_row memory_page_rows[] = {
    ROW_SIZE("@size", size, UNIT_KIB, "Size", .flags = XML_REQUIRED),
    ROW_CPUSET("@nodeset", nodeset, "NUMA nodes of the guest"),
};
#undef ROWS_OF
XML_SCHEMA(memory_page, "page", .doc = "Pages of one size");

#define ROWS_OF struct memory_hugepages
static const struct xml_row memory_hugepages_rows[] = {
    ROW_LIST("page", pages, memory_page, "Pages of one size"),
};
#undef ROWS_OF
XML_SCHEMA(memory_hugepages, "hugepages", .doc = "Huge pages of the host");

#define ROWS_OF struct memory_backing
static const struct xml_row memory_backing_rows[] = {
    ROW_CHILD("hugepages", hugepages, memory_hugepages, "Huge pages of the host"),
    ROW_FLAG("nosharepages", nosharepages, "Equal pages are not merged"),
    ROW_FLAG("locked", locked, "Never swapped out"),
    ROW_ENUM("source/@type", source, memory_source_names, "Kind of memory",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED | XML_ABI | XML_BLANK),
    ROW_ENUM("access/@mode", access, memory_access_names, "Whether others may share it",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED | XML_BLANK),
    ROW_ENUM("allocation/@mode", allocation, memory_allocation_names, "When it is allocated",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_BLANK),
    ROW_NUMBER("allocation/@threads", allocation_threads, "Threads that allocate it",
               .flags = XML_BLANK),
    ROW_FLAG("discard", discard, "Its contents are dropped at the end"),
};
#undef ROWS_OF
XML_SCHEMA(memory_backing, "memoryBacking", .doc = "What the guest's memory is made of");

#define ROWS_OF struct memory_tune
static const struct xml_row memory_tune_rows[] = {
    ROW_SIZE("hard_limit", hard_limit, UNIT_KIB, "Most memory"),
    ROW_SIZE("soft_limit", soft_limit, UNIT_KIB, "Most memory while others need it"),
    ROW_SIZE("min_guarantee", min_guarantee, UNIT_KIB, "Least memory"),
    ROW_SIZE("swap_hard_limit", swap_hard_limit, UNIT_KIB, "Most memory and swap"),
};
#undef ROWS_OF
XML_SCHEMA(memory_tune, "memtune", .doc = "Limits of memory on the host");

#define ROWS_OF struct blkio_device
static const struct xml_row blkio_device_rows[] = {
    ROW_STRING("path", path, "Block device of the host", CODE(VIR_ERR_CONFIG_UNSUPPORTED),
               .flags = XML_REQUIRED, FORM(absolute_path_type)),
    ROW_NUMBER("weight", weight, "Share", WRONG(VIR_ERR_CONFIG_UNSUPPORTED), FORM_RANGE(1, 10000),
               .flags = XML_EXPECTED),
    ROW_NUMBER("read_iops_sec", read_iops_sec, "Reads per second",
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED),
    ROW_NUMBER("write_iops_sec", write_iops_sec, "Writes per second",
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED),
    ROW_NUMBER("read_bytes_sec", read_bytes_sec, "Bytes read per second",
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED),
    ROW_NUMBER("write_bytes_sec", write_bytes_sec, "Bytes written per second",
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED),
};
#undef ROWS_OF
XML_SCHEMA(blkio_device, "device", .doc = "Limits on one block device");

#define ROWS_OF struct blkio_tune
static const struct xml_row blkio_tune_rows[] = {
    ROW_NUMBER("weight", weight, "Share", FORM_RANGE(1, 10000), .flags = XML_EXPECTED),
    ROW_LIST("device", devices, blkio_device, "Limits on one block device"),
};
#undef ROWS_OF
XML_SCHEMA(blkio_tune, "blkiotune", .doc = "Share of block I/O");

#define ROWS_OF struct vcpu_pin
static const struct xml_row vcpu_pin_rows[] = {
    ROW_NUMBER("@vcpu", vcpu, "Virtual CPU", .flags = XML_REQUIRED, FORM_RANGE(0, 65535)),
    ROW_CPUSET("@cpuset", cpus, "CPUs of the host", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(vcpu_pin, "vcpupin", .doc = "Where a vcpu runs");

#define ROWS_OF struct iothread_pin
static const struct xml_row iothread_pin_rows[] = {
    ROW_NUMBER("@iothread", iothread, "I/O thread", .flags = XML_REQUIRED),
    ROW_CPUSET("@cpuset", cpus, "CPUs of the host", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(iothread_pin, "iothreadpin", .doc = "Where an I/O thread runs");

/* The three tables of a scheduler differ in the attribute that names the threads. */
#define SCHEDULER                                                                                  \
    ROW_ENUM("@scheduler", scheduler, tune_scheduler_names, "Scheduler", .flags = XML_REQUIRED),   \
        ROW_NUMBER("@priority", priority, "Priority",                                              \
                   WHEN(scheduler, BIT(SCHEDULER_FIFO) | BIT(SCHEDULER_RR)), FORM_RANGE(0, 65535), \
                   .flags = XML_REQUIRED)

#define ROWS_OF struct thread_scheduler
static const struct xml_row emulator_scheduler_rows[] = {SCHEDULER};
XML_SCHEMA_OF(emulator_scheduler, struct thread_scheduler, "emulatorsched",
              .doc = "Scheduling of the emulator");

static const struct xml_row vcpu_scheduler_rows[] = {
    ROW_CPUSET("@vcpus", threads, "Virtual CPUs", .flags = XML_REQUIRED),
    SCHEDULER,
};
XML_SCHEMA_OF(vcpu_scheduler, struct thread_scheduler, "vcpusched", .doc = "Scheduling of vcpus");

static const struct xml_row iothread_scheduler_rows[] = {
    ROW_CPUSET("@iothreads", threads, "I/O threads", .flags = XML_REQUIRED),
    SCHEDULER,
};
#undef ROWS_OF
XML_SCHEMA_OF(iothread_scheduler, struct thread_scheduler, "iothreadsched",
              .doc = "Scheduling of I/O threads");

#define ROWS_OF struct cache_part
static const struct xml_row cache_part_rows[] = {
    ROW_NUMBER("@id", id, "Cache of the host", .flags = XML_REQUIRED),
    ROW_NUMBER("@level", level, "Level", .flags = XML_REQUIRED),
    ROW_ENUM("@type", type, cache_part_type_names, "What is in it", .flags = XML_REQUIRED),
    ROW_NUMBER("@size", size, "Size", .flags = XML_REQUIRED),
    ROW_STRING("@unit", unit, "Its unit; B if not given"),
};
#undef ROWS_OF

/* The size is kept, and written, in the largest unit that fits. */
static int cache_part_check(struct xml_at *at, void *object, GError **error)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    struct cache_part *part = object;
    uint64_t unit = part->unit ? unit_find(part->unit) : UNIT_BYTES;
    unsigned i = 0;

    if (!unit || unit_convert(part->size, unit, UNIT_BYTES, &part->size) < 0)
        return xml_at_fail(at, "@unit", VIR_ERR_XML_ERROR, error, "'%s' is no unit for this size",
                           part->unit);
    for (; i + 1 < G_N_ELEMENTS(units) && part->size && part->size % 1024 == 0; i++)
        part->size /= 1024;
    part->unit = units[i];
    return 0;
}
XML_SCHEMA(cache_part, "cache", .doc = "Part of a cache of the host", .check = cache_part_check);

#define ROWS_OF struct cache_monitor
static const struct xml_row cache_monitor_rows[] = {
    ROW_NUMBER("@level", level, "Level"),
    ROW_CPUSET("@vcpus", vcpus, "Virtual CPUs; may be missing in energytune: all",
               WRONG(VIR_ERR_XML_ERROR)),
};
#undef ROWS_OF
XML_SCHEMA(cache_monitor, "monitor", .doc = "Use that is measured");

static int check_monitors(struct xml_at *at, struct cache_monitor **monitors, unsigned count,
                          GError **error)
{
    for (unsigned i = 0; i < count; i++)
        if (!monitors[i]->vcpus)
            return xml_at_fail(at, "monitor/@vcpus", VIR_ERR_XML_ERROR, error, "is missing");
    return 0;
}

#define ROWS_OF struct cache_tune
static const struct xml_row cache_tune_rows[] = {
    ROW_CPUSET("@vcpus", vcpus, "Virtual CPUs", WRONG(VIR_ERR_XML_ERROR), .flags = XML_REQUIRED),
    ROW_STRING("@id", id, "Group of the host", .flags = XML_LIVE),
    ROW_LIST("cache", parts, cache_part, "Part"),
    ROW_LIST("monitor", monitors, cache_monitor, "Use that is measured"),
};
#undef ROWS_OF

static int cache_tune_check(struct xml_at *at, void *object, GError **error)
{
    const struct cache_tune *tune = object;

    if (xml_at_validates(at) && !tune->parts.count && !tune->monitors.count)
        return xml_at_fail(at, "", VIR_ERR_XML_ERROR, error, "has neither <cache> nor <monitor>");
    return check_monitors(at, tune->monitors.items, tune->monitors.count, error);
}
XML_SCHEMA(cache_tune, "cachetune", .doc = "Share of the host's caches", .check = cache_tune_check);

#define ROWS_OF struct bandwidth_node
static const struct xml_row bandwidth_node_rows[] = {
    ROW_NUMBER("@id", id, "Node of the host", .flags = XML_REQUIRED),
    ROW_NUMBER("@bandwidth", bandwidth, "Percent", RANGE(0, 100), .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(bandwidth_node, "node", .doc = "Share of one node's bandwidth");

#define ROWS_OF struct memory_bandwidth_tune
static const struct xml_row memory_bandwidth_tune_rows[] = {
    ROW_CPUSET("@vcpus", vcpus, "Virtual CPUs", WRONG(VIR_ERR_XML_ERROR), .flags = XML_REQUIRED),
    ROW_STRING("@id", id, "Group of the host", .flags = XML_LIVE),
    ROW_LIST("node", nodes, bandwidth_node, "Share of one node"),
    ROW_LIST("monitor", monitors, cache_monitor, "Use that is measured"),
};
#undef ROWS_OF

static int memory_bandwidth_tune_check(struct xml_at *at, void *object, GError **error)
{
    const struct memory_bandwidth_tune *tune = object;

    if (xml_at_validates(at) && !tune->nodes.count && !tune->monitors.count)
        return xml_at_fail(at, "", VIR_ERR_XML_ERROR, error, "has neither <node> nor <monitor>");
    return check_monitors(at, tune->monitors.items, tune->monitors.count, error);
}
XML_SCHEMA(memory_bandwidth_tune, "memorytune", .doc = "Share of the host's memory bandwidth",
           .check = memory_bandwidth_tune_check);

#define ROWS_OF struct energy_tune
static const struct xml_row energy_tune_rows[] = {
    ROW_CPUSET("@vcpus", vcpus, "Virtual CPUs; all if it is missing", WRONG(VIR_ERR_XML_ERROR)),
    ROW_STRING("@id", id, "Group of the host", .flags = XML_LIVE),
    ROW_LIST("monitor", monitors, cache_monitor, "Use that is measured"),
};
#undef ROWS_OF
XML_SCHEMA(energy_tune, "energytune", .doc = "Energy that vcpus take");

#define ROW_PERIOD(path, member, doc)                                                              \
    ROW_NUMBER(path, member, doc, FORM_RANGE(CPU_PERIOD_LEAST, CPU_PERIOD_MOST),                   \
               .flags = XML_EXPECTED)
#define ROW_QUOTA(path, member, doc)                                                               \
    ROW_NUMBER(path, member, doc, FORM_RANGE(-1, CPU_QUOTA_MOST), .flags = XML_EXPECTED)
#define ROWS_OF struct cpu_tune
static const struct xml_row cpu_tune_rows[] = {
    ROW_NUMBER("shares", shares, "Share of the CPU", .flags = XML_EXPECTED),
    ROW_PERIOD("period", period, "Microseconds in which a vcpu's quota is given"),
    ROW_QUOTA("quota", quota, "Microseconds that a vcpu may run in a period; below 0: any"),
    ROW_PERIOD("global_period", global_period, "The same for the whole guest"),
    ROW_QUOTA("global_quota", global_quota, "The same for the whole guest"),
    ROW_PERIOD("emulator_period", emulator_period, "The same for the emulator"),
    ROW_QUOTA("emulator_quota", emulator_quota, "The same for the emulator"),
    ROW_PERIOD("iothread_period", iothread_period, "The same for an I/O thread"),
    ROW_QUOTA("iothread_quota", iothread_quota, "The same for an I/O thread"),
    ROW_LIST("vcpupin", vcpu_pins, vcpu_pin, "Where a vcpu runs"),
    ROW_CPUSET("emulatorpin/@cpuset", emulator_pin, "Where the emulator runs",
               .flags = XML_EXPECTED | XML_ONCE),
    ROW_LIST("iothreadpin", iothread_pins, iothread_pin, "Where an I/O thread runs"),
    ROW_CHILD_AS("emulatorsched", emulator_scheduler, struct thread_scheduler, emulator_scheduler,
                 "Scheduling of the emulator", .flags = XML_ONCE),
    ROW_LIST_AS("vcpusched", vcpu_schedulers, struct thread_scheduler, vcpu_scheduler,
                "Scheduling of vcpus"),
    ROW_LIST_AS("iothreadsched", iothread_schedulers, struct thread_scheduler, iothread_scheduler,
                "Scheduling of I/O threads"),
    ROW_LIST("cachetune", caches, cache_tune, "Share of caches"),
    ROW_LIST("memorytune", bandwidths, memory_bandwidth_tune, "Share of memory bandwidth"),
    ROW_LIST("energytune", energies, energy_tune, "Energy that vcpus take"),
};
#undef ROWS_OF
XML_SCHEMA(cpu_tune, "cputune", .doc = "What the guest may take of the host's CPUs");

#define ROWS_OF struct numa_node_tune
static const struct xml_row numa_node_tune_rows[] = {
    ROW_NUMBER("@cellid", cell, "NUMA node of the guest", .flags = XML_REQUIRED),
    ROW_ENUM("@mode", mode, numa_mode_names, "How strict", DEFAULT(NUMA_MODE_STRICT),
             .flags = XML_EXPECTED | XML_ALWAYS),
    ROW_CPUSET("@nodeset", nodeset, "Nodes of the host", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(numa_node_tune, "memnode", .doc = "Where one node's memory is");

#define ROWS_OF struct numa_memory_tune
static const struct xml_row numa_memory_tune_rows[] = {
    ROW_ENUM("@mode", mode, numa_mode_names, "How strict", DEFAULT(NUMA_MODE_STRICT),
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ALWAYS),
    ROW_ENUM("@placement", placement, tune_placement_names, "auto: chosen by numad",
             DEFAULT(PLACEMENT_STATIC)),
    ROW_CPUSET("@nodeset", nodeset, "Nodes of the host"),
};
#undef ROWS_OF
XML_SCHEMA(numa_memory_tune, "memory", .doc = "Where the guest's memory is");

#define ROWS_OF struct numa_tune
static const struct xml_row numa_tune_rows[] = {
    ROW_CHILD("memory", memory, numa_memory_tune, "Where the guest's memory is"),
    ROW_LIST("memnode", nodes, numa_node_tune, "Where one node's memory is"),
};
#undef ROWS_OF
XML_SCHEMA(numa_tune, "numatune", .doc = "NUMA nodes of the host");

#define ROWS_OF struct iothread_poll
static const struct xml_row iothread_poll_rows[] = {
    ROW_NUMBER("@max", max, "Nanoseconds of polling"),
    ROW_NUMBER("@grow", grow, "Factor of growth"),
    ROW_NUMBER("@shrink", shrink, "Factor of shrinking"),
    ROW_NUMBER("@weight", weight, "Weight of the last measure"),
};
#undef ROWS_OF
XML_SCHEMA(iothread_poll, "poll", .doc = "Polling of an I/O thread");

#define ROWS_OF struct domain_iothread
static const struct xml_row domain_iothread_rows[] = {
    ROW_NUMBER("@id", id, "Number, from 1", .flags = XML_REQUIRED),
    ROW_NUMBER("@thread_pool_min", thread_pool_min, "Least helper threads"),
    ROW_NUMBER("@thread_pool_max", thread_pool_max, "Most helper threads"),
    ROW_CHILD("poll", poll, iothread_poll, "Polling"),
};
#undef ROWS_OF
XML_SCHEMA(domain_iothread, "iothread", .doc = "An I/O thread");

#define ROWS_OF struct default_iothread
static const struct xml_row default_iothread_rows[] = {
    ROW_NUMBER("@thread_pool_min", thread_pool_min, "Least helper threads"),
    ROW_NUMBER("@thread_pool_max", thread_pool_max, "Most helper threads"),
};
#undef ROWS_OF
XML_SCHEMA(default_iothread, "defaultiothread", .doc = "The main loop, which does other I/O");

#define ROWS_OF struct domain_resource
static const struct xml_row domain_resource_rows[] = {
    ROW_STRING("partition", partition, "Control group that the guest is put below",
               FORM(absolute_path_type), .flags = XML_EXPECTED),
    ROW_STRING("fibrechannel/@appid", fibrechannel_appid, "Name in Fibre Channel frames",
               FORM(filled_type), .flags = XML_EXPECTED),
};
#undef ROWS_OF
XML_SCHEMA(domain_resource, "resource", .doc = "Groups of resources");

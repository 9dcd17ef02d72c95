/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-cpu.h"

#include "model/rows.h"
#include "model/text-types.h"

NAMES(cpu_mode_names, NULL, "custom", "host-model", "host-passthrough", "maximum");
NAMES(cpu_match_names, NULL, "minimum", "exact", "strict");
NAMES(cpu_check_names, NULL, "none", "partial", "full");
NAMES(cpu_fallback_names, NULL, "allow", "forbid");
NAMES(cpu_policy_names, NULL, "force", "require", "optional", "disable", "forbid");
NAMES(cpu_cache_mode_names, NULL, "emulate", "passthrough", "disable");
NAMES(cpu_physaddr_mode_names, NULL, "emulate", "passthrough");
NAMES(memory_access_names, NULL, "shared", "private");
NAMES(numa_associativity_names, NULL, "none", "direct", "full");
NAMES(numa_cache_policy_names, NULL, "none", "writeback", "writethrough");
NAMES(numa_traffic_names, NULL, "access", "read", "write");

#define ROWS_OF struct cpu_topology
static const struct xml_row cpu_topology_rows[] = {
    ROW_NUMBER("@sockets", sockets, "Sockets", RANGE(1, 65535), .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@dies", dies, "Dies of a socket", RANGE(1, 65535), DEFAULT(1),
               .flags = XML_ALWAYS | XML_ABI),
    ROW_NUMBER("@clusters", clusters, "Clusters of a die", RANGE(1, 65535), DEFAULT(1),
               .flags = XML_ABI),
    ROW_NUMBER("@cores", cores, "Cores of a cluster", RANGE(1, 65535),
               .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@threads", threads, "Threads of a core", RANGE(1, 65535),
               .flags = XML_REQUIRED | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(cpu_topology, "topology", .doc = "How the vcpus are arranged");

#define ROWS_OF struct cpu_feature
static const struct xml_row cpu_feature_rows[] = {
    ROW_ENUM("@policy", policy, cpu_policy_names, "Whether the guest gets it",
             DEFAULT(CPU_POLICY_REQUIRE), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_EXPECTED | XML_ALWAYS | XML_ABI),
    ROW_STRING("@name", name, "Name", .flags = XML_REQUIRED | XML_ABI, FORM(filled_type)),
};
#undef ROWS_OF
XML_SCHEMA(cpu_feature, "feature", .doc = "A feature added to, or taken from, the model");

#define ROWS_OF struct cpu_cache
static const struct xml_row cpu_cache_rows[] = {
    ROW_NUMBER("@level", level, "Level; all of them if not given", RANGE(1, 3), .flags = XML_ABI),
    ROW_ENUM("@mode", mode, cpu_cache_mode_names, "Whose cache the guest sees",
             .flags = XML_REQUIRED | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(cpu_cache, "cache", .doc = "What the guest sees of the cache");

#define ROWS_OF struct cpu_physaddr
static const struct xml_row cpu_physaddr_rows[] = {
    ROW_ENUM("@mode", mode, cpu_physaddr_mode_names, "Whose width",
             .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@bits", bits, "Width", .flags = XML_ABI),
    ROW_NUMBER("@limit", limit, "Most of the host's", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(cpu_physaddr, "maxphysaddr", .doc = "Width of physical addresses");

#define ROWS_OF struct numa_distance
static const struct xml_row numa_distance_rows[] = {
    ROW_NUMBER("@id", id, "Other cell", .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@value", value, "Distance; 10: itself, 255: not reached", RANGE(10, 255),
               .flags = XML_REQUIRED | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(numa_distance, "sibling", .doc = "Distance to another cell");

#define ROWS_OF struct numa_cache
static const struct xml_row numa_cache_rows[] = {
    ROW_NUMBER("@level", level, "Level", .flags = XML_REQUIRED | XML_ABI),
    ROW_ENUM("@associativity", associativity, numa_associativity_names, "Associativity",
             .flags = XML_REQUIRED | XML_ABI),
    ROW_ENUM("@policy", policy, numa_cache_policy_names, "When it is written",
             .flags = XML_REQUIRED | XML_ABI),
    ROW_SIZE("size/@value", size, UNIT_KIB, "Size", .flags = XML_REQUIRED | XML_ABI),
    ROW_SIZE_IN("line/@value", line, UNIT_BYTES, "B", "Size of a line",
                .flags = XML_REQUIRED | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(numa_cache, "cache", .doc = "Memory-side cache of a cell");

#define ROWS_OF struct numa_cell
static const struct xml_row numa_cell_rows[] = {
    ROW_NUMBER("@id", id, "Number, from 0", .flags = XML_ABI),
    ROW_CPUSET("@cpus", cpus, "Its vcpus", .flags = XML_ABI),
    ROW_SIZE("@memory", memory, UNIT_KIB, "Its memory", .flags = XML_REQUIRED | XML_ABI),
    ROW_ENUM("@memAccess", memory_access, memory_access_names, "Whether others may share it"),
    ROW_YES_NO("@discard", discard, "Its contents are dropped at the end"),
    ROW_LIST("distances/sibling", distances, numa_distance, "Distance to another cell",
             .flags = XML_ABI),
    ROW_LIST("cache", caches, numa_cache, "Memory-side cache", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(numa_cell, "cell", .doc = "A NUMA node of the guest");

#define ROWS_OF struct numa_interconnect
static const struct xml_row numa_latency_rows[] = {
    ROW_NUMBER("@initiator", initiator, "Cell of the vcpu", .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@target", target, "Cell of the memory", .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@cache", cache, "Level of the cache", .flags = XML_ABI),
    ROW_ENUM("@type", type, numa_traffic_names, "Kind of access", .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@value", value, "Nanoseconds", .flags = XML_REQUIRED | XML_ABI),
};
XML_SCHEMA_OF(numa_latency, struct numa_interconnect, "latency",
              .doc = "Latency between two cells");

static const struct xml_row numa_bandwidth_rows[] = {
    ROW_NUMBER("@initiator", initiator, "Cell of the vcpu", .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@target", target, "Cell of the memory", .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@cache", cache, "Level of the cache", .flags = XML_ABI),
    ROW_ENUM("@type", type, numa_traffic_names, "Kind of access", .flags = XML_REQUIRED | XML_ABI),
    ROW_SIZE("@value", value, UNIT_KIB, "Per second", .flags = XML_REQUIRED | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA_OF(numa_bandwidth, struct numa_interconnect, "bandwidth",
              .doc = "Bandwidth between two cells");

#define ROWS_OF struct cpu_numa
static const struct xml_row cpu_numa_rows[] = {
    ROW_LIST("cell", cells, numa_cell, "Node", .flags = XML_ABI),
    ROW_LIST_AS("interconnects/latency", latencies, struct numa_interconnect, numa_latency,
                "Latency between two cells", .flags = XML_ABI),
    ROW_LIST_AS("interconnects/bandwidth", bandwidths, struct numa_interconnect, numa_bandwidth,
                "Bandwidth between two cells", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(cpu_numa, "numa", .doc = "NUMA nodes of the guest");

#define ROWS_OF struct domain_cpu
static const struct xml_row domain_cpu_rows[] = {
    ROW_ENUM("@mode", mode, cpu_mode_names, "A named model, or the host's",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_ENUM("@match", match, cpu_match_names, "How close to the model"),
    ROW_ENUM("@check", check, cpu_check_names, "What is checked before the start",
             .flags = XML_ABI),
    ROW_ON_OFF("@migratable", migratable, "Only features that can migrate", .flags = XML_ABI),
    ROW_ON_OFF("@deprecated_features", deprecated_features, "Also deprecated ones"),
    ROW_ENUM("model/@fallback", fallback, cpu_fallback_names, "Whether a near model will do",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_BLANK),
    ROW_STRING("model/@vendor_id", vendor_id, "Vendor that the guest sees",
               .flags = XML_ABI | XML_BLANK, FORM(filled_type)),
    ROW_STRING("model", model, "Name of the model", .flags = XML_ABI),
    ROW_STRING("vendor", vendor, "Vendor that the host must have", .flags = XML_ABI),
    ROW_CHILD("topology", topology, cpu_topology, "How the vcpus are arranged", .flags = XML_ABI),
    ROW_CHILD("cache", cache, cpu_cache, "What the guest sees of the cache",
              .flags = XML_ONCE | XML_ABI),
    ROW_CHILD("maxphysaddr", physaddr, cpu_physaddr, "Width of physical addresses",
              .flags = XML_ABI),
    ROW_LIST("feature", features, cpu_feature, "Feature", .flags = XML_ABI),
    ROW_CHILD("numa", numa, cpu_numa, "NUMA nodes", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(domain_cpu, "cpu", .doc = "The guest's CPU");

const struct numa_cell *domain_cpu_find_cell(const struct domain_cpu *cpu, unsigned id)
{
    if (!cpu || !cpu->numa)
        return NULL;
    LIST_EACH (cell, &cpu->numa->cells)
        if (cell->id.value == id)
            return cell;
    return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/* The guest's CPU and its NUMA topology: <cpu>. */

enum cpu_mode {
    CPU_MODE_NONE,
    CPU_MODE_CUSTOM,
    CPU_MODE_HOST_MODEL,
    CPU_MODE_HOST_PASSTHROUGH,
    CPU_MODE_MAXIMUM,
};
extern const struct names cpu_mode_names;

enum cpu_match { CPU_MATCH_NONE, CPU_MATCH_MINIMUM, CPU_MATCH_EXACT, CPU_MATCH_STRICT };
extern const struct names cpu_match_names;

enum cpu_check { CPU_CHECK_ABSENT, CPU_CHECK_NONE, CPU_CHECK_PARTIAL, CPU_CHECK_FULL };
extern const struct names cpu_check_names;

enum cpu_fallback { CPU_FALLBACK_NONE, CPU_FALLBACK_ALLOW, CPU_FALLBACK_FORBID };
extern const struct names cpu_fallback_names;

enum cpu_policy {
    CPU_POLICY_NONE,
    CPU_POLICY_FORCE,
    CPU_POLICY_REQUIRE,
    CPU_POLICY_OPTIONAL,
    CPU_POLICY_DISABLE,
    CPU_POLICY_FORBID,
};
extern const struct names cpu_policy_names;

enum cpu_cache_mode { CPU_CACHE_NONE, CPU_CACHE_EMULATE, CPU_CACHE_PASSTHROUGH, CPU_CACHE_DISABLE };
extern const struct names cpu_cache_mode_names;

enum cpu_physaddr_mode { CPU_PHYSADDR_NONE, CPU_PHYSADDR_EMULATE, CPU_PHYSADDR_PASSTHROUGH };
extern const struct names cpu_physaddr_mode_names;

struct cpu_topology {
    unsigned sockets;
    unsigned dies;
    unsigned clusters;
    unsigned cores;
    unsigned threads;
};

struct cpu_feature {
    uint8_t policy; /* enum cpu_policy */
    const char *name;
};

struct cpu_cache {
    struct opt_uint level; /* not set: all levels */
    uint8_t mode;          /* enum cpu_cache_mode */
};

struct cpu_physaddr {
    uint8_t mode; /* enum cpu_physaddr_mode */
    unsigned bits;
    unsigned limit;
};

enum memory_access { MEMORY_ACCESS_NONE, MEMORY_ACCESS_SHARED, MEMORY_ACCESS_PRIVATE };
extern const struct names memory_access_names;

enum numa_associativity {
    NUMA_ASSOCIATIVITY_ABSENT,
    NUMA_ASSOCIATIVITY_NONE,
    NUMA_ASSOCIATIVITY_DIRECT,
    NUMA_ASSOCIATIVITY_FULL,
};
extern const struct names numa_associativity_names;

enum numa_cache_policy {
    NUMA_CACHE_POLICY_ABSENT,
    NUMA_CACHE_POLICY_NONE,
    NUMA_CACHE_POLICY_WRITEBACK,
    NUMA_CACHE_POLICY_WRITETHROUGH,
};
extern const struct names numa_cache_policy_names;

enum numa_traffic {
    NUMA_TRAFFIC_NONE,
    NUMA_TRAFFIC_ACCESS,
    NUMA_TRAFFIC_READ,
    NUMA_TRAFFIC_WRITE,
};
extern const struct names numa_traffic_names;

struct numa_distance {
    struct opt_uint id;
    unsigned value;
};

struct numa_cache {
    unsigned level;
    uint8_t associativity; /* enum numa_associativity */
    uint8_t policy;        /* enum numa_cache_policy */
    uint64_t size;         /* KiB */
    uint64_t line;         /* bytes */
};

struct numa_cell {
    struct opt_uint id;
    struct cpuset *cpus;
    uint64_t memory;       /* KiB */
    uint8_t memory_access; /* enum memory_access */
    uint8_t discard;       /* enum tristate */
    LIST_OF(struct numa_distance) distances;
    LIST_OF(struct numa_cache) caches;
};

/* One <latency> or <bandwidth> */
struct numa_interconnect {
    struct opt_uint initiator;
    struct opt_uint target;
    unsigned cache;
    uint8_t type; /* enum numa_traffic */
    uint64_t value;
};

struct cpu_numa {
    LIST_OF(struct numa_cell) cells;
    LIST_OF(struct numa_interconnect) latencies;
    LIST_OF(struct numa_interconnect) bandwidths; /* KiB */
};

struct domain_cpu {
    uint8_t mode;                /* enum cpu_mode */
    uint8_t match;               /* enum cpu_match */
    uint8_t check;               /* enum cpu_check */
    uint8_t migratable;          /* enum tristate */
    uint8_t deprecated_features; /* enum tristate */
    uint8_t fallback;            /* enum cpu_fallback */
    const char *model;
    const char *vendor_id;
    const char *vendor;
    struct cpu_topology *topology;
    struct cpu_cache *cache;
    struct cpu_physaddr *physaddr;
    LIST_OF(struct cpu_feature) features;
    struct cpu_numa *numa;
};

/* Borrowed; NULL: the guest has no such cell. */
const struct numa_cell *domain_cpu_find_cell(const struct domain_cpu *cpu, unsigned id);

XML_SCHEMA_DECLARE(cpu_topology);
XML_SCHEMA_DECLARE(cpu_feature);
XML_SCHEMA_DECLARE(cpu_cache);
XML_SCHEMA_DECLARE(cpu_physaddr);
XML_SCHEMA_DECLARE(numa_distance);
XML_SCHEMA_DECLARE(numa_cache);
XML_SCHEMA_DECLARE(numa_cell);
XML_SCHEMA_DECLARE(numa_latency);
XML_SCHEMA_DECLARE(numa_bandwidth);
XML_SCHEMA_DECLARE(cpu_numa);
XML_SCHEMA_DECLARE(domain_cpu);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-cpu.h"

/* What a guest may take of the host: memory, CPUs, block I/O, NUMA nodes. */

enum tune_placement { PLACEMENT_NONE, PLACEMENT_STATIC, PLACEMENT_AUTO };
extern const struct names tune_placement_names;

enum memory_source {
    MEMORY_SOURCE_NONE,
    MEMORY_SOURCE_FILE,
    MEMORY_SOURCE_ANONYMOUS,
    MEMORY_SOURCE_MEMFD
};
extern const struct names memory_source_names;

enum memory_allocation {
    MEMORY_ALLOCATION_NONE,
    MEMORY_ALLOCATION_IMMEDIATE,
    MEMORY_ALLOCATION_ONDEMAND
};
extern const struct names memory_allocation_names;

enum numa_mode {
    NUMA_MODE_NONE,
    NUMA_MODE_STRICT,
    NUMA_MODE_PREFERRED,
    NUMA_MODE_INTERLEAVE,
    NUMA_MODE_RESTRICTIVE,
};
extern const struct names numa_mode_names;

enum tune_scheduler {
    SCHEDULER_NONE,
    SCHEDULER_BATCH,
    SCHEDULER_IDLE,
    SCHEDULER_FIFO,
    SCHEDULER_RR,
};
extern const struct names tune_scheduler_names;

struct memory_page {
    uint64_t size; /* KiB */
    struct cpuset *nodeset;
};

struct memory_hugepages {
    LIST_OF(struct memory_page) pages;
};

struct memory_backing {
    bool nosharepages;
    bool locked;
    bool discard;
    uint8_t source;     /* enum memory_source */
    uint8_t access;     /* enum memory_access */
    uint8_t allocation; /* enum memory_allocation */
    unsigned allocation_threads;
    struct memory_hugepages *hugepages;
};

/* KiB */
struct memory_tune {
    struct opt_ulong hard_limit;
    struct opt_ulong soft_limit;
    struct opt_ulong min_guarantee;
    struct opt_ulong swap_hard_limit;
};

struct blkio_device {
    const char *path;
    unsigned weight;
    unsigned read_iops_sec;
    unsigned write_iops_sec;
    uint64_t read_bytes_sec;
    uint64_t write_bytes_sec;
};

struct blkio_tune {
    unsigned weight;
    LIST_OF(struct blkio_device) devices;
};

struct vcpu_pin {
    struct opt_uint vcpu;
    struct cpuset *cpus;
};

struct iothread_pin {
    unsigned iothread;
    struct cpuset *cpus;
};

struct thread_scheduler {
    uint8_t scheduler; /* enum tune_scheduler */
    struct opt_int priority;
    struct cpuset *threads; /* vcpus or iothreads */
};

enum cache_part_type { CACHE_PART_NONE, CACHE_PART_BOTH, CACHE_PART_CODE, CACHE_PART_DATA };
extern const struct names cache_part_type_names;

struct cache_part {
    struct opt_uint id;
    unsigned level;
    uint8_t type;     /* enum cache_part_type */
    uint64_t size;    /* in units of unit */
    const char *unit; /* B, KiB, MiB, GiB */
};

struct cache_monitor {
    unsigned level;
    struct cpuset *vcpus;
};

struct cache_tune {
    const char *id; /* live only */
    struct cpuset *vcpus;
    LIST_OF(struct cache_part) parts;
    LIST_OF(struct cache_monitor) monitors;
};

struct bandwidth_node {
    struct opt_uint id;
    struct opt_uint bandwidth;
};

struct memory_bandwidth_tune {
    const char *id;
    struct cpuset *vcpus;
    LIST_OF(struct bandwidth_node) nodes;
    LIST_OF(struct cache_monitor) monitors;
};

/* Energy that is measured */
struct energy_tune {
    const char *id;
    struct cpuset *vcpus;
    LIST_OF(struct cache_monitor) monitors;
};

/* Microseconds that the kernel takes for a group. A quota below 0 is none. */
#define CPU_PERIOD_LEAST 1000
#define CPU_PERIOD_MOST 1000000
#define CPU_QUOTA_LEAST 1000
#define CPU_QUOTA_MOST INT64_C(17592186044415) /* the kernel counts bandwidth in 44 bits */

struct cpu_tune {
    uint64_t shares;
    uint64_t period, global_period, emulator_period, iothread_period; /* microseconds */
    int64_t quota, global_quota, emulator_quota, iothread_quota;
    LIST_OF(struct vcpu_pin) vcpu_pins;
    struct cpuset *emulator_pin;
    LIST_OF(struct iothread_pin) iothread_pins;
    struct thread_scheduler *emulator_scheduler;
    LIST_OF(struct thread_scheduler) vcpu_schedulers;
    LIST_OF(struct thread_scheduler) iothread_schedulers;
    LIST_OF(struct cache_tune) caches;
    LIST_OF(struct memory_bandwidth_tune) bandwidths;
    LIST_OF(struct energy_tune) energies;
};

struct numa_node_tune {
    struct opt_uint cell;
    uint8_t mode; /* enum numa_mode */
    struct cpuset *nodeset;
};

struct numa_memory_tune {
    uint8_t mode;      /* enum numa_mode */
    uint8_t placement; /* enum tune_placement */
    struct cpuset *nodeset;
};

struct numa_tune {
    struct numa_memory_tune *memory;
    LIST_OF(struct numa_node_tune) nodes;
};

struct iothread_poll {
    struct opt_ulong max, grow, shrink; /* nanoseconds, factors */
    struct opt_ulong weight;
};

struct domain_iothread {
    unsigned id;
    struct opt_int thread_pool_min;
    struct opt_int thread_pool_max;
    struct iothread_poll *poll;
};

struct default_iothread {
    struct opt_int thread_pool_min;
    struct opt_int thread_pool_max;
};

struct domain_resource {
    const char *partition; /* of cgroups */
    const char *fibrechannel_appid;
};

XML_SCHEMA_DECLARE(memory_page);
XML_SCHEMA_DECLARE(memory_hugepages);
XML_SCHEMA_DECLARE(memory_backing);
XML_SCHEMA_DECLARE(memory_tune);
XML_SCHEMA_DECLARE(blkio_device);
XML_SCHEMA_DECLARE(blkio_tune);
XML_SCHEMA_DECLARE(vcpu_pin);
XML_SCHEMA_DECLARE(iothread_pin);
XML_SCHEMA_DECLARE(emulator_scheduler);
XML_SCHEMA_DECLARE(vcpu_scheduler);
XML_SCHEMA_DECLARE(iothread_scheduler);
XML_SCHEMA_DECLARE(cache_part);
XML_SCHEMA_DECLARE(cache_monitor);
XML_SCHEMA_DECLARE(cache_tune);
XML_SCHEMA_DECLARE(bandwidth_node);
XML_SCHEMA_DECLARE(memory_bandwidth_tune);
XML_SCHEMA_DECLARE(energy_tune);
XML_SCHEMA_DECLARE(cpu_tune);
XML_SCHEMA_DECLARE(numa_node_tune);
XML_SCHEMA_DECLARE(numa_memory_tune);
XML_SCHEMA_DECLARE(numa_tune);
XML_SCHEMA_DECLARE(iothread_poll);
XML_SCHEMA_DECLARE(domain_iothread);
XML_SCHEMA_DECLARE(default_iothread);
XML_SCHEMA_DECLARE(domain_resource);

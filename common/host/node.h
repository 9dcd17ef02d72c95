/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The host as the kernel shows it in /sys and /proc. Read anew at each question; quick, and never
 * waits for anybody. Any thread.
 */
struct node_info {
    char model[32];                   /* "x86_64": the architecture, as the API has it */
    uint64_t memory;                  /* KiB */
    unsigned cpus;                    /* online */
    unsigned mhz;                     /* 0: unknown */
    unsigned nodes;                   /* NUMA nodes */
    unsigned sockets, cores, threads; /* sockets of a node, cores of a socket, threads of a core */
};
int node_read_info(struct node_info *ret_info, GError **error);

/* Which CPUs are there and which are online: bytes of bits, owned by the caller. */
struct node_cpus {
    unsigned present; /* the highest number plus one */
    unsigned online;
    GByteArray *map; /* of the online ones */
};
int node_read_cpus(struct node_cpus *ret_cpus, GError **error);

/* Nanoseconds since boot; cpu -1: of all together. VIR_ERR_INVALID_ARG: no such CPU. */
struct node_cpu_times {
    uint64_t kernel, user, idle, iowait;
};
int node_read_cpu_times(int cpu, struct node_cpu_times *ret_times, GError **error);

/* KiB; cell -1: the whole host. Members a cell does not have are 0. VIR_ERR_INVALID_ARG: no such
 * cell. */
struct node_memory {
    uint64_t total, free, buffers, cached;
};
int node_read_memory(int cell, struct node_memory *ret_memory, GError **error);

/* Number of NUMA cells, at least 1. */
unsigned node_count_cells(void);

/* Free pages of a size (KiB) in a cell (-1: the host); the smallest size counts ordinary memory.
 * VIR_ERR_OPERATION_FAILED: no pages of that size. */
int node_read_free_pages(int cell, unsigned page_kib, uint64_t *ret_count, GError **error);

/* A number of the kernel's merging of equal pages (KSM), by its name in /sys/kernel/mm/ksm. False:
 * this kernel has none of that name. */
bool node_read_page_sharing(const char *name, uint64_t *ret_number);

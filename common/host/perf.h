/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Counters of the kernel for one process: what its CPUs do, or what it does. Any thread; nothing
 * blocks for long.
 */
enum perf_kind {
    PERF_CMT, /* this and the next two are of a part of the kernel that is no more */
    PERF_MBMT,
    PERF_MBML,
    PERF_CPU_CYCLES,
    PERF_INSTRUCTIONS,
    PERF_CACHE_REFERENCES,
    PERF_CACHE_MISSES,
    PERF_BRANCH_INSTRUCTIONS,
    PERF_BRANCH_MISSES,
    PERF_BUS_CYCLES,
    PERF_STALLED_CYCLES_FRONTEND,
    PERF_STALLED_CYCLES_BACKEND,
    PERF_REF_CPU_CYCLES,
    PERF_CPU_CLOCK,
    PERF_TASK_CLOCK,
    PERF_PAGE_FAULTS,
    PERF_CONTEXT_SWITCHES,
    PERF_CPU_MIGRATIONS,
    PERF_PAGE_FAULTS_MIN,
    PERF_PAGE_FAULTS_MAJ,
    PERF_ALIGNMENT_FAULTS,
    PERF_EMULATION_FAULTS,
    PERF_KINDS
};

/* As the API and documents name it. A constant. */
const char *perf_name(enum perf_kind kind);

/* Begins to count for the process and those it starts; *ret_fd is the caller's, and counts until it
 * is closed. VIR_ERR_ARGUMENT_UNSUPPORTED: nobody can any more; VIR_ERR_SYSTEM_ERROR: this host
 * can't. */
int perf_open(enum perf_kind kind, pid_t process, int *ret_fd, GError **error);

/* What was counted so far. */
bool perf_read(int fd, uint64_t *ret_count);

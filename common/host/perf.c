/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

#define GONE UINT32_MAX

static const struct {
    const char *name;
    uint32_t type;
    uint64_t config;
} kinds[PERF_KINDS] = {
    [PERF_CMT] = {VIR_PERF_PARAM_CMT, GONE, 0},
    [PERF_MBMT] = {VIR_PERF_PARAM_MBMT, GONE, 0},
    [PERF_MBML] = {VIR_PERF_PARAM_MBML, GONE, 0},
    [PERF_CPU_CYCLES] = {VIR_PERF_PARAM_CPU_CYCLES, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    [PERF_INSTRUCTIONS] = {VIR_PERF_PARAM_INSTRUCTIONS, PERF_TYPE_HARDWARE,
                           PERF_COUNT_HW_INSTRUCTIONS},
    [PERF_CACHE_REFERENCES] = {VIR_PERF_PARAM_CACHE_REFERENCES, PERF_TYPE_HARDWARE,
                               PERF_COUNT_HW_CACHE_REFERENCES},
    [PERF_CACHE_MISSES] = {VIR_PERF_PARAM_CACHE_MISSES, PERF_TYPE_HARDWARE,
                           PERF_COUNT_HW_CACHE_MISSES},
    [PERF_BRANCH_INSTRUCTIONS] = {VIR_PERF_PARAM_BRANCH_INSTRUCTIONS, PERF_TYPE_HARDWARE,
                                  PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    [PERF_BRANCH_MISSES] = {VIR_PERF_PARAM_BRANCH_MISSES, PERF_TYPE_HARDWARE,
                            PERF_COUNT_HW_BRANCH_MISSES},
    [PERF_BUS_CYCLES] = {VIR_PERF_PARAM_BUS_CYCLES, PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES},
    [PERF_STALLED_CYCLES_FRONTEND] = {VIR_PERF_PARAM_STALLED_CYCLES_FRONTEND, PERF_TYPE_HARDWARE,
                                      PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
    [PERF_STALLED_CYCLES_BACKEND] = {VIR_PERF_PARAM_STALLED_CYCLES_BACKEND, PERF_TYPE_HARDWARE,
                                     PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
    [PERF_REF_CPU_CYCLES] = {VIR_PERF_PARAM_REF_CPU_CYCLES, PERF_TYPE_HARDWARE,
                             PERF_COUNT_HW_REF_CPU_CYCLES},
    [PERF_CPU_CLOCK] = {VIR_PERF_PARAM_CPU_CLOCK, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
    [PERF_TASK_CLOCK] = {VIR_PERF_PARAM_TASK_CLOCK, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
    [PERF_PAGE_FAULTS] = {VIR_PERF_PARAM_PAGE_FAULTS, PERF_TYPE_SOFTWARE,
                          PERF_COUNT_SW_PAGE_FAULTS},
    [PERF_CONTEXT_SWITCHES] = {VIR_PERF_PARAM_CONTEXT_SWITCHES, PERF_TYPE_SOFTWARE,
                               PERF_COUNT_SW_CONTEXT_SWITCHES},
    [PERF_CPU_MIGRATIONS] = {VIR_PERF_PARAM_CPU_MIGRATIONS, PERF_TYPE_SOFTWARE,
                             PERF_COUNT_SW_CPU_MIGRATIONS},
    [PERF_PAGE_FAULTS_MIN] = {VIR_PERF_PARAM_PAGE_FAULTS_MIN, PERF_TYPE_SOFTWARE,
                              PERF_COUNT_SW_PAGE_FAULTS_MIN},
    [PERF_PAGE_FAULTS_MAJ] = {VIR_PERF_PARAM_PAGE_FAULTS_MAJ, PERF_TYPE_SOFTWARE,
                              PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    [PERF_ALIGNMENT_FAULTS] = {VIR_PERF_PARAM_ALIGNMENT_FAULTS, PERF_TYPE_SOFTWARE,
                               PERF_COUNT_SW_ALIGNMENT_FAULTS},
    [PERF_EMULATION_FAULTS] = {VIR_PERF_PARAM_EMULATION_FAULTS, PERF_TYPE_SOFTWARE,
                               PERF_COUNT_SW_EMULATION_FAULTS},
};

const char *perf_name(enum perf_kind kind)
{
    return kinds[kind].name;
}

int perf_open(enum perf_kind kind, pid_t process, int *ret_fd, GError **error)
{
    struct perf_event_attr attributes = {
        .type = kinds[kind].type,
        .size = sizeof(attributes),
        .config = kinds[kind].config,
        .inherit = 1,
    };

    if (kinds[kind].type == GONE) {
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED,
                  "unable to enable host cpu perf event for %s: kernels have it no more",
                  kinds[kind].name);
        return -1;
    }
    long fd = syscall(SYS_perf_event_open, &attributes, process, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) {
        error_set_errno(error, errno, "unable to open host cpu perf event for %s",
                        kinds[kind].name);
        return -1;
    }
    *ret_fd = (int)fd;
    return 0;
}

bool perf_read(int fd, uint64_t *ret_count)
{
    return read(fd, ret_count, sizeof(*ret_count)) == sizeof(*ret_count);
}

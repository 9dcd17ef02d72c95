/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/thread.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"

static bool read_info(pid_t process, const char *id, struct thread_info *ret_info)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%s/comm", process, id);
    g_autofree char *name = NULL;

    ret_info->id = atoi(id);
    if (ret_info->id <= 0 || file_read_all(path, 64, &name, NULL, NULL) < 0)
        return false;
    g_strlcpy(ret_info->name, g_strchomp(name), sizeof(ret_info->name));
    return true;
}

int thread_list(pid_t process, GArray **ret_threads, GError **error)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/task", process);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *id;

    if (!dir) {
        error_set_errno(error, ESRCH, "cannot list the threads of process %d", process);
        return -1;
    }
    *ret_threads = g_array_new(FALSE, FALSE, sizeof(struct thread_info));
    while ((id = g_dir_read_name(dir))) {
        struct thread_info info;

        if (read_info(process, id, &info))
            g_array_append_val(*ret_threads, info);
    }
    g_dir_close(dir);
    return 0;
}

int thread_set_cpus(pid_t thread, const struct cpuset *cpus, GError **error)
{
    cpu_set_t *mask = CPU_ALLOC(CPUSET_MAX);
    size_t size = CPU_ALLOC_SIZE(CPUSET_MAX);

    CPU_ZERO_S(size, mask);
    for (int cpu = 0; cpu < CPUSET_MAX; cpu++)
        if (!cpus || cpuset_has(cpus, (unsigned)cpu))
            CPU_SET_S(cpu, size, mask);
    int result = sched_setaffinity(thread, size, mask);
    int errnum = errno;
    CPU_FREE(mask);
    if (result == 0 || errnum == ESRCH)
        return 0;
    error_set_errno(error, errnum, "cannot set CPU affinity on process %d", thread);
    return -1;
}

int thread_set_scheduler(pid_t thread, int policy, int priority, GError **error)
{
    struct sched_param param = {.sched_priority = priority};

    if (sched_setscheduler(thread, policy, &param) == 0 || errno == ESRCH)
        return 0;
    error_set_errno(error, errno, "Cannot set scheduler parameters for pid %d", thread);
    return -1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

#define LONGEST_STAT 4096
/* Of /proc/PID/stat, counted from the state that follows the name. */
#define START_TIME_FIELD 19

uint64_t process_start_time(pid_t pid)
{
    g_autofree char *text = NULL;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (file_read_all(path, LONGEST_STAT, &text, NULL, NULL) < 0)
        return 0;
    /* The name may hold blanks and parentheses. */
    const char *field = strrchr(text, ')');
    if (!field)
        return 0;
    for (int i = 0; field && i <= START_TIME_FIELD; i++)
        field = strchr(field + 1, ' ');
    return field ? g_ascii_strtoull(field + 1, NULL, 10) : 0;
}

int process_open(pid_t pid, uint64_t start_time, struct process *ret_process, GError **error)
{
    struct process process = {.pid = pid};

    process.fd = pidfd_open(pid, 0);
    if (process.fd < 0 && errno != ESRCH && errno != EINVAL) {
        error_set_errno(error, errno, "cannot watch process %d", pid);
        return -1;
    }
    if (process.fd < 0) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "process %d is gone: %s", pid,
                  g_strerror(errno));
        return -1;
    }
    /* While the process is there its id is its own, so a look at the time before that check counts.
     */
    bool same = !start_time || process_start_time(pid) == start_time;
    if (!same || process_ended(&process)) {
        process_clear(&process);
        error_set(error, VIR_ERR_OPERATION_FAILED, "process %d is gone", pid);
        return -1;
    }
    *ret_process = process;
    return 0;
}

int process_signal(const struct process *process, int signal_number, GError **error)
{
    if (pidfd_send_signal(process->fd, signal_number, NULL, 0) == 0 || errno == ESRCH)
        return 0;
    error_set_errno(error, errno, "cannot send signal %d to process %d", signal_number,
                    process->pid);
    return -1;
}

/* Waits for the pidfd; true when the process has ended. */
static bool poll_end(const struct process *process, int milliseconds)
{
    gint64 deadline = g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND;
    struct pollfd poll_fd = {process->fd, POLLIN, 0};

    for (;;) {
        int left = milliseconds;
        if (milliseconds > 0)
            left = (int)MAX(0, (deadline - g_get_monotonic_time() + 999) / 1000);
        int count = poll(&poll_fd, 1, left);
        if (count >= 0 || errno != EINTR)
            return count > 0;
    }
}

bool process_ended(const struct process *process)
{
    return poll_end(process, 0);
}

static int wait_status(const siginfo_t *info)
{
    switch (info->si_code) {
    case CLD_EXITED:
        return info->si_status << 8;
    case CLD_DUMPED:
        return info->si_status | WCOREFLAG;
    default:
        return info->si_status;
    }
}

bool process_wait(struct process *process, int milliseconds, int *ret_status)
{
    siginfo_t info = {0};

    if (!poll_end(process, milliseconds))
        return false;
    int result = waitid(P_PIDFD, (id_t)process->fd, &info, WEXITED);
    if (ret_status)
        *ret_status = result < 0 ? -1 : wait_status(&info);
    return true;
}

bool process_kill(struct process *process, int grace)
{
    if (process_signal(process, SIGTERM, NULL) == 0 && process_wait(process, grace, NULL))
        return true;
    process_signal(process, SIGKILL, NULL);
    return process_wait(process, grace, NULL);
}

void process_clear(struct process *process)
{
    fd_clear(&process->fd);
}

char *process_status_text(int status)
{
    if (status < 0)
        return g_strdup("ended");
    if (WIFEXITED(status))
        return g_strdup_printf("exit status %d", WEXITSTATUS(status));
    return g_strdup_printf("killed by signal %d (%s)", WTERMSIG(status),
                           strsignal(WTERMSIG(status)));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/*
 * Programs started by argument vector, never through a shell. The child shares the daemon's memory
 * until it executes, so a large daemon starts programs as fast as a small one. It has descriptors
 * 0, 1, 2 and the mapped ones, default signal dispositions, no blocked signals, and nothing else of
 * the daemon.
 */
struct process {
    pid_t pid;
    int fd; /* pidfd: readable when the process has ended; for base/loop.h. Close-on-exec */
};

#define PROCESS_INIT                                                                               \
    {                                                                                              \
        .pid = 0, .fd = -1                                                                         \
    }

struct process_fd {
    int from; /* ours, which stays open here */
    int to;   /* the child's number, 3 or above */
};

struct process_limit {
    int resource; /* RLIMIT_NOFILE ... */
    struct rlimit value;
};

/* A zeroed spec with argv is complete: null input and output, our environment, folder and user. */
struct process_spec {
    const char *const *argv;        /* NULL at the end; argv[0] is looked up in PATH without '/' */
    const char *const *environment; /* "NAME=value", NULL at the end; NULL: ours */
    const char *folder;             /* working folder; NULL: "/" */

    int input, output, errors; /* our descriptors for 0, 1, 2; 0 stands for /dev/null */
    const struct process_fd *fds;
    size_t fd_count;

    const struct process_limit *limits;
    size_t limit_count;
    const char *const *cgroups;   /* cgroup.procs of those to enter, NULL at the end; NULL: stay */
    int nice;                     /* added to ours */
    const char *oom_score_adjust; /* text for oom_score_adj; NULL: ours */

    bool set_user; /* change to uid, gid and groups */
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* supplementary; none if group_count is 0 */
    size_t group_count;
    bool limit_capabilities; /* keep only capabilities, as far as we have them */
    uint64_t capabilities;   /* bit n is capability n of linux/capability.h */
    bool no_new_privileges;

    bool new_session; /* setsid */
    int end_with_us;  /* signal for the child when the thread that starts it ends; 0: none */
    mode_t umask;     /* 0: 0022 */
    /* Runs in the child, still with our privileges and before descriptors are closed: only
     * async-signal-safe calls, no allocation. Returns 0 or an errno. */
    int (*before_exec)(void *data);
    void *data;
};

/*
 * Starts; *ret_process is the caller's to watch, wait for and process_clear(). Blocks until the
 * program is executed (well under a millisecond) and reports its failure: VIR_ERR_SYSTEM_ERROR
 * names the program and the step. Any thread.
 */
int process_start(const struct process_spec *spec, struct process *ret_process, GError **error);

/* A process that may not be our child, by id; start_time as process_start_time() tells, 0: any.
 * VIR_ERR_OPERATION_FAILED when it is gone or the id was reused; VIR_ERR_SYSTEM_ERROR when that
 * can't be told. */
int process_open(pid_t pid, uint64_t start_time, struct process *ret_process, GError **error);

/* Clock ticks from boot to the start of the process: with the pid, names it for good. 0: gone. */
uint64_t process_start_time(pid_t pid);

/* Sends a signal; a process that has ended is no error. */
int process_signal(const struct process *process, int signal_number, GError **error);

/* True once the process has ended (zombies included). Does not block. */
bool process_ended(const struct process *process);

/* Waits at most milliseconds (-1: forever); true when it ended. A child is reaped, and *ret_status
 * is its wait status; -1 when it is not our child. ret_status may be NULL. */
bool process_wait(struct process *process, int milliseconds, int *ret_status);

/* SIGTERM, grace milliseconds, SIGKILL, wait at most as long again: true when it ended. */
bool process_kill(struct process *process, int grace);

/* Closes the pidfd; the process runs on. */
void process_clear(struct process *process);

/* "exit status 1", "killed by signal 9 (Killed)"; the caller frees. */
char *process_status_text(int status);

struct process_output {
    int status;   /* wait status */
    char *output; /* NUL-terminated, without limit overruns; the caller frees both */
    char *errors;
};

/*
 * Starts, feeds input (NULL: none), collects output and errors until the program ends. Blocks at
 * most milliseconds: then, or above limit bytes, the program is killed and the error says so. A
 * program that ends badly is no error here: see process_run().
 */
int process_capture(const struct process_spec *spec, const char *input, size_t limit,
                    int milliseconds, struct process_output *ret_output, GError **error);
void process_output_clear(struct process_output *output);

/* Same, and a bad end is VIR_ERR_OPERATION_FAILED quoting the last line of its errors. ret_text
 * (the output; the caller frees) may be NULL. */
int process_run(const struct process_spec *spec, size_t limit, int milliseconds, char **ret_text,
                GError **error);

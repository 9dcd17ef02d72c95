/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define STACK_SIZE (64 * 1024)
#define MOST_FDS 256
#define LAST_SIGNAL 64

/*
 * The child runs in our memory, on its own stack, while the calling thread is suspended by the
 * kernel (as vfork does). So it may report by writing into struct child, and must neither allocate
 * nor touch anything else. The C library's setuid() would signal our other threads, and sanitizers
 * would take the child's descriptors and stack for ours: the child makes its system calls directly,
 * and is not instrumented.
 */
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

/* ThreadSanitizer takes clone() for a fork and would mark the parent, whose memory it is. */
#ifdef __SANITIZE_THREAD__
int __clone(int (*function)(void *), void *stack, int flags, void *data, ...);
#define clone __clone
#endif

struct child {
    const struct process_spec *spec;
    const char *program;
    char *const *environment;
    struct process_fd *fds; /* 0, 1, 2 and the caller's, by target number */
    size_t fd_count;
    pid_t parent;
    const char *step; /* what failed; NULL: nothing */
    int cause;
};

IN_CHILD static int fail(struct child *child, const char *step)
{
    child->cause = errno;
    child->step = step;
    return -1;
}

IN_CHILD static void reset_signals(void)
{
    /* The kernel's struct sigaction, all zero: default action, no flags, empty mask. */
    static const unsigned long defaults[8];

    for (int number = 1; number <= LAST_SIGNAL; number++)
        syscall(SYS_rt_sigaction, number, defaults, NULL, LAST_SIGNAL / 8);
}

/* Every source goes above the targets first, since targets may be sources of others. */
IN_CHILD static int map_descriptors(struct child *child)
{
    int floor = child->fds[child->fd_count - 1].to + 1;

    for (size_t i = 0; i < child->fd_count; i++) {
        int copy = (int)syscall(SYS_fcntl, child->fds[i].from, F_DUPFD_CLOEXEC, floor);
        if (copy < 0)
            return fail(child, "duplicating descriptors");
        child->fds[i].from = copy;
    }
    for (size_t i = 0; i < child->fd_count; i++)
        if (syscall(SYS_dup3, child->fds[i].from, child->fds[i].to, 0) < 0)
            return fail(child, "mapping descriptors");
    return 0;
}

IN_CHILD static int close_others(struct child *child)
{
    unsigned first = 0;

    for (size_t i = 0; i < child->fd_count; i++) {
        unsigned target = (unsigned)child->fds[i].to;
        if (target > first && close_range(first, target - 1, 0) < 0)
            return fail(child, "closing descriptors");
        first = target + 1;
    }
    return close_range(first, ~0U, 0) < 0 ? fail(child, "closing descriptors") : 0;
}

IN_CHILD static int write_text(const char *path, const char *text)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);

    /* Closed by the execution. */
    return fd < 0 || syscall(SYS_write, fd, text, strlen(text)) < 0 ? -1 : 0;
}

IN_CHILD static int set_limits(struct child *child)
{
    const struct process_spec *spec = child->spec;

    for (size_t i = 0; i < spec->limit_count; i++)
        if (syscall(SYS_prlimit64, 0, spec->limits[i].resource, &spec->limits[i].value, NULL) < 0)
            return fail(child, "setting resource limits");
    if (spec->nice) {
        errno = 0;
        if (nice(spec->nice) == -1 && errno)
            return fail(child, "setting priority");
    }
    if (spec->oom_score_adjust &&
        write_text("/proc/self/oom_score_adj", spec->oom_score_adjust) < 0)
        return fail(child, "setting oom_score_adj");
    return 0;
}

IN_CHILD static int enter_cgroups(struct child *child)
{
    for (const char *const *file = child->spec->cgroups; file && *file; file++)
        if (write_text(*file, "0") < 0)
            return fail(child, "entering its cgroup");
    return 0;
}

IN_CHILD static int limit_bounding_set(struct child *child)
{
    for (int number = 0; prctl(PR_CAPBSET_READ, number) >= 0; number++) {
        if (child->spec->capabilities >> number & 1)
            continue;
        /* Without CAP_SETPCAP there is nothing to take away either. */
        if (prctl(PR_CAPBSET_DROP, number) < 0 && errno != EPERM)
            return fail(child, "dropping capabilities");
    }
    return 0;
}

IN_CHILD static int limit_capabilities(struct child *child)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    uint64_t keep = child->spec->capabilities;

    if (syscall(SYS_capget, &header, data) < 0)
        return fail(child, "reading capabilities");
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (uint32_t)(keep >> (32 * i));
        data[i].effective = data[i].inheritable = data[i].permitted;
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return fail(child, "setting capabilities");
    /* A user other than root keeps them across exec only as ambient ones. */
    for (int number = 0; number < 64; number++)
        if (data[number / 32].permitted >> (number % 32) & 1)
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0);
    return 0;
}

IN_CHILD static int change_user(struct child *child)
{
    const struct process_spec *spec = child->spec;

    if (spec->limit_capabilities && spec->capabilities)
        prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (syscall(SYS_setgroups, spec->group_count, spec->groups) < 0)
        return fail(child, "setting groups");
    if (syscall(SYS_setresgid, spec->gid, spec->gid, spec->gid) < 0)
        return fail(child, "changing group");
    if (syscall(SYS_setresuid, spec->uid, spec->uid, spec->uid) < 0)
        return fail(child, "changing user");
    return 0;
}

IN_CHILD static int drop_privileges(struct child *child)
{
    const struct process_spec *spec = child->spec;

    if (spec->limit_capabilities && limit_bounding_set(child) < 0)
        return -1;
    if (spec->set_user && change_user(child) < 0)
        return -1;
    if (spec->limit_capabilities && limit_capabilities(child) < 0)
        return -1;
    if (spec->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(child, "setting no_new_privs");
    return 0;
}

/* After the change of user, which clears the wish. */
IN_CHILD static int end_with_parent(struct child *child)
{
    if (!child->spec->end_with_us)
        return 0;
    if (prctl(PR_SET_PDEATHSIG, child->spec->end_with_us) < 0)
        return fail(child, "setting the death signal");
    if (getppid() != child->parent) {
        errno = ESRCH;
        return fail(child, "finding its parent");
    }
    return 0;
}

IN_CHILD static int run_hook(struct child *child)
{
    if (!child->spec->before_exec)
        return 0;
    errno = child->spec->before_exec(child->spec->data);
    return errno ? fail(child, "preparing it") : 0;
}

IN_CHILD static int prepare(struct child *child)
{
    const struct process_spec *spec = child->spec;

    reset_signals();
    if (spec->new_session && setsid() < 0)
        return fail(child, "making a session");
    if (enter_cgroups(child) < 0 || map_descriptors(child) < 0 || set_limits(child) < 0 ||
        run_hook(child) < 0 || close_others(child) < 0 || drop_privileges(child) < 0 ||
        end_with_parent(child) < 0)
        return -1;
    umask(spec->umask ? spec->umask : 0022);
    if (chdir(spec->folder ? spec->folder : "/") < 0)
        return fail(child, "entering its folder");
    return 0;
}

IN_CHILD static int child_main(void *data)
{
    struct child *child = data;
    static const unsigned long nothing[2];

    if (prepare(child) == 0) {
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, nothing, NULL, LAST_SIGNAL / 8);
        execve(child->program, (char *const *)child->spec->argv, child->environment);
        fail(child, "executing it");
    }
    _exit(127);
}

static int compare_targets(const void *a, const void *b)
{
    return ((const struct process_fd *)a)->to - ((const struct process_fd *)b)->to;
}

/* The child's whole table, lowest target first; null_fd stands for 0. */
static void fill_table(const struct process_spec *spec, int null_fd, struct process_fd *table)
{
    const int standard[] = {spec->input, spec->output, spec->errors};

    for (int i = 0; i < 3; i++)
        table[i] = (struct process_fd){standard[i] ? standard[i] : null_fd, i};
    for (size_t i = 0; i < spec->fd_count; i++)
        table[3 + i] = spec->fds[i];
    qsort(table, 3 + spec->fd_count, sizeof(*table), compare_targets);
}

static char *find_program(const struct process_spec *spec, GError **error)
{
    const char *name = spec->argv[0];

    if (strchr(name, '/'))
        return g_strdup(name);
    char *path = g_find_program_in_path(name);
    if (!path)
        error_set_errno(error, ENOENT, "cannot find program '%s' in PATH", name);
    return path;
}

/* Signals stay blocked until the child has default handlers: ours would run in our memory. */
static pid_t clone_child(struct child *child, void *stack, int *ret_pidfd)
{
    sigset_t every, before;

    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    pid_t pid = clone(child_main, (char *)stack + STACK_SIZE,
                      CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, child, ret_pidfd);
    int cause = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = cause;
    return pid;
}

static int run_child(struct child *child, struct process *ret_process, GError **error)
{
    void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    struct process process = PROCESS_INIT;

    if (stack == MAP_FAILED) {
        error_set_errno(error, errno, "cannot start '%s'", child->program);
        return -1;
    }
    process.pid = clone_child(child, stack, &process.fd);
    int cause = errno;
    munmap(stack, STACK_SIZE);
    if (process.pid < 0) {
        error_set_errno(error, cause, "cannot start '%s'", child->program);
        return -1;
    }
    if (child->step) {
        process_wait(&process, -1, NULL);
        process_clear(&process);
        error_set_errno(error, child->cause, "cannot start '%s': %s", child->program, child->step);
        return -1;
    }
    *ret_process = process;
    return 0;
}

static int check_spec(const struct process_spec *spec, GError **error)
{
    if (spec->fd_count > MOST_FDS) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "more than %d descriptors for '%s'", MOST_FDS,
                  spec->argv[0]);
        return -1;
    }
    for (size_t i = 0; i < spec->fd_count; i++) {
        if (spec->fds[i].from >= 0 && spec->fds[i].to > 2)
            continue;
        error_set(error, VIR_ERR_INTERNAL_ERROR, "bad descriptor %d -> %d for '%s'",
                  spec->fds[i].from, spec->fds[i].to, spec->argv[0]);
        return -1;
    }
    return 0;
}

int process_start(const struct process_spec *spec, struct process *ret_process, GError **error)
{
    if (check_spec(spec, error) < 0)
        return -1;
    g_autofree char *program = find_program(spec, error);
    if (!program)
        return -1;
    autofd int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0) {
        error_set_errno(error, errno, "cannot open /dev/null");
        return -1;
    }
    struct process_fd table[3 + MOST_FDS];
    fill_table(spec, null_fd, table);
    struct child child = {
        .spec = spec,
        .program = program,
        .environment = spec->environment ? (char *const *)spec->environment : environ,
        .fds = table,
        .fd_count = 3 + spec->fd_count,
        .parent = getpid(),
    };
    return run_child(&child, ret_process, error);
}

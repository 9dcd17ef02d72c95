/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

#define PATIENCE 20000
#define LIMIT 100000

#define SHELL(script) ((const char *const[]){"/bin/sh", "-c", script, NULL})

static void close_output(struct process_output *output)
{
    process_output_clear(output);
}

#define OUTPUT_AUTO __attribute__((cleanup(close_output)))

static void capture(const struct process_spec *spec, const char *input,
                    struct process_output *ret_output)
{
    g_autoptr(GError) error = NULL;

    process_capture(spec, input, LIMIT, PATIENCE, ret_output, &error);
    g_assert_no_error(error);
}

static void assert_output(const struct process_spec *spec, const char *expected)
{
    OUTPUT_AUTO struct process_output output = {0};

    capture(spec, NULL, &output);
    g_assert_cmpstr(output.errors, ==, "");
    g_assert_cmpstr(output.output, ==, expected);
    g_assert_cmpint(output.status, ==, 0);
}

static void test_output(void)
{
    OUTPUT_AUTO struct process_output output = {0};
    struct process_spec spec = {.argv = SHELL("cat; echo bad >&2; exit 3")};

    capture(&spec, "some input", &output);
    g_assert_cmpstr(output.output, ==, "some input");
    g_assert_cmpstr(output.errors, ==, "bad\n");
    g_autofree char *text = process_status_text(output.status);
    g_assert_cmpstr(text, ==, "exit status 3");
}

static void test_null_input(void)
{
    struct process_spec spec = {.argv = (const char *const[]){"cat", NULL}};

    assert_output(&spec, "");
}

/* Only what was asked for, although the parent has others without close-on-exec. */
static void test_descriptors(void)
{
    int stray = dup(STDOUT_FILENO), high = fcntl(STDOUT_FILENO, F_DUPFD, 500), pipe_fds[2];
    /* Listing the folder would take a descriptor. */
    struct process_spec spec = {.argv =
                                    SHELL("i=0; while [ $i -lt 600 ]; do [ -e /proc/$$/fd/$i ] && "
                                          "printf '%s ' $i; i=$((i + 1)); done; echo")};

    g_assert_cmpint(stray, >, 2);
    g_assert_cmpint(high, >=, 500);
    g_assert_cmpint(pipe(pipe_fds), ==, 0);
    assert_output(&spec, "0 1 2 \n");
    struct process_fd fds[] = {{pipe_fds[0], 9}, {stray, 5}};
    spec.fds = fds;
    spec.fd_count = 2;
    assert_output(&spec, "0 1 2 5 9 \n");
    close(stray);
    close(high);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static int file_with(const char *text)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("modvirt-process-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    unlink(path);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
    return fd;
}

/* Targets that are sources of others. */
static void test_crossed_descriptors(void)
{
    int a = file_with("a"), b = file_with("b");
    struct process_fd fds[] = {{a, b}, {b, a}};
    g_autofree char *script = g_strdup_printf("cat /proc/self/fd/%d /proc/self/fd/%d", a, b);
    struct process_spec spec = {
        .argv = (const char *const[]){"/bin/sh", "-c", script, NULL}, .fds = fds, .fd_count = 2};

    assert_output(&spec, "ba");
    close(a);
    close(b);
}

static void test_bad_descriptor(void)
{
    struct process_fd fds[] = {{0, 1}};
    struct process_spec spec = {.argv = SHELL(":"), .fds = fds, .fd_count = 1};
    struct process process = PROCESS_INIT;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(process_start(&spec, &process, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    g_clear_error(&error);
    fds[0] = (struct process_fd){999, 7};
    g_assert_cmpint(process_start(&spec, &process, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "Bad file descriptor"));
    g_assert_cmpint(process.fd, ==, -1);
}

static void test_environment(void)
{
    struct process_spec spec = {
        .argv = SHELL("echo $FOO; pwd; umask"),
        .environment = (const char *const[]){"FOO=bar", NULL},
        .folder = "/proc",
        .umask = 0027,
    };

    assert_output(&spec, "bar\n/proc\n0027\n");
    spec.folder = NULL;
    spec.umask = 0;
    assert_output(&spec, "bar\n/\n0022\n");
}

static void test_limits(void)
{
    struct process_limit limits[] = {{RLIMIT_NOFILE, {77, 77}}, {RLIMIT_CORE, {0, 0}}};
    struct process_spec spec = {
        .argv = SHELL("ulimit -n; ulimit -c"), .limits = limits, .limit_count = 2};

    assert_output(&spec, "77\n0\n");
}

static void test_session(void)
{
    struct process_spec spec = {
        .argv = SHELL("set -- $(cat /proc/$$/stat); [ $6 = $$ ]"),
        .new_session = true,
    };

    assert_output(&spec, "");
}

static void noop(int number)
{
}

/* What the daemon ignores or blocks, its children do not. */
static void test_signals(void)
{
    struct process_spec spec = {.argv =
                                    SHELL("grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2")};
    sigset_t set, before;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, noop);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    assert_output(&spec, "0000000000000000\n0000000000000000\n");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signal(SIGUSR1, SIG_DFL);
}

static void test_user(void)
{
    const gid_t groups[] = {4, 24};
    struct process_spec spec = {.argv = SHELL("id -u; id -g; id -G"),
                                .set_user = true,
                                .uid = 65534,
                                .gid = 65533,
                                .groups = groups,
                                .group_count = 2};

    if (geteuid() != 0) {
        g_test_skip("needs root");
        return;
    }
    assert_output(&spec, "65534\n65533\n65533 4 24\n");
    g_assert_cmpuint(geteuid(), ==, 0);
}

/* CAP_NET_ADMIN is bit 12, CAP_CHOWN bit 0. */
static void test_capabilities(void)
{
    struct process_spec spec = {
        .argv = SHELL("grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status | cut -f2"),
        .limit_capabilities = true,
        .capabilities = 1 << 12,
    };

    if (geteuid() != 0) {
        g_test_skip("needs root");
        return;
    }
    assert_output(&spec, "0000000000001000\n0000000000001000\n0000000000001000\n");
    spec.set_user = true;
    spec.uid = spec.gid = 65534;
    assert_output(&spec, "0000000000001000\n0000000000001000\n0000000000001000\n");
    spec.capabilities = 0;
    assert_output(&spec, "0000000000000000\n0000000000000000\n0000000000000000\n");
}

static void test_oom_and_privileges(void)
{
    struct process_spec spec = {
        .argv = SHELL("cat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status | cut -f2"),
        .oom_score_adjust = "500",
        .no_new_privileges = true,
        .nice = 1,
    };

    assert_output(&spec, "500\n1\n");
}

static int write_mark(void *data)
{
    return write(STDOUT_FILENO, "hook\n", 5) == 5 ? 0 : errno;
}

static int refuse(void *data)
{
    return EXDEV;
}

static void test_hook(void)
{
    struct process_spec spec = {.argv = SHELL("echo run"), .before_exec = write_mark};
    struct process process = PROCESS_INIT;
    g_autoptr(GError) error = NULL;

    assert_output(&spec, "hook\nrun\n");
    spec.before_exec = refuse;
    g_assert_cmpint(process_start(&spec, &process, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "preparing it: Invalid cross-device link"));
}

static void assert_start_fails(const struct process_spec *spec, const char *message)
{
    struct process process = PROCESS_INIT;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(process_start(spec, &process, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR));
    g_assert_cmpstr(error->message, ==, message);
    /* Nothing is left to wait for. */
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
}

static void test_failures(void)
{
    struct process_spec spec = {.argv = (const char *const[]){"/nonexistent/x", NULL}};

    assert_start_fails(&spec,
                       "cannot start '/nonexistent/x': executing it: No such file or directory");
    spec.argv = (const char *const[]){"nonexistent-program", NULL};
    assert_start_fails(
        &spec, "cannot find program 'nonexistent-program' in PATH: No such file or directory");
    spec.argv = (const char *const[]){"/etc/passwd", NULL};
    assert_start_fails(&spec, "cannot start '/etc/passwd': executing it: Permission denied");
    spec.argv = SHELL(":");
    spec.folder = "/nonexistent";
    assert_start_fails(&spec,
                       "cannot start '/bin/sh': entering its folder: No such file or directory");
}

static void start(const struct process_spec *spec, struct process *process)
{
    g_autoptr(GError) error = NULL;

    process_start(spec, process, &error);
    g_assert_no_error(error);
}

static void test_wait(void)
{
    struct process_spec spec = {.argv = SHELL("sleep 100")};
    struct process process = PROCESS_INIT;
    int status = 0;

    start(&spec, &process);
    g_assert_false(process_ended(&process));
    g_assert_false(process_wait(&process, 20, &status));
    g_assert_cmpint(process_signal(&process, SIGKILL, NULL), ==, 0);
    g_assert_true(process_wait(&process, PATIENCE, &status));
    g_assert_true(process_ended(&process));
    g_autofree char *text = process_status_text(status);
    g_assert_cmpstr(text, ==, "killed by signal 9 (Killed)");
    g_assert_cmpint(process_signal(&process, SIGKILL, NULL), ==, 0);
    process_clear(&process);
}

static void test_kill(void)
{
    struct process_spec spec = {.argv = SHELL("trap '' TERM; echo ready; sleep 100 & wait; wait")};
    struct process process = PROCESS_INIT;
    int pipe_fds[2];
    char byte;

    g_assert_cmpint(pipe2(pipe_fds, O_CLOEXEC), ==, 0);
    spec.output = pipe_fds[1];
    spec.new_session = true;
    start(&spec, &process);
    close(pipe_fds[1]);
    g_assert_cmpint(read(pipe_fds[0], &byte, 1), ==, 1);
    g_assert_true(process_kill(&process, 300));
    kill(-process.pid, SIGKILL);
    close(pipe_fds[0]);
    process_clear(&process);
}

static void test_open(void)
{
    struct process_spec spec = {.argv = SHELL("sleep 100")};
    struct process child = PROCESS_INIT, again = PROCESS_INIT;
    g_autoptr(GError) error = NULL;

    start(&spec, &child);
    uint64_t start_time = process_start_time(child.pid);
    g_assert_cmpuint(start_time, >, 0);
    g_assert_cmpint(process_open(child.pid, start_time + 1, &again, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_FAILED));
    g_clear_error(&error);
    process_open(child.pid, start_time, &again, &error);
    g_assert_no_error(error);
    g_assert_cmpint(process_signal(&again, SIGTERM, NULL), ==, 0);
    g_assert_true(process_wait(&child, PATIENCE, NULL));
    g_assert_true(process_ended(&again));
    g_assert_cmpuint(process_start_time(child.pid), ==, 0);
    g_assert_cmpint(process_open(child.pid, start_time, &again, &error), ==, -1);
    process_clear(&child);
    process_clear(&again);
}

static void test_not_our_child(void)
{
    struct process parent = PROCESS_INIT;
    g_autoptr(GError) error = NULL;

    process_open(getppid(), 0, &parent, &error);
    g_assert_no_error(error);
    g_assert_false(process_ended(&parent));
    g_assert_false(process_wait(&parent, 1, NULL));
    process_clear(&parent);
}

static void test_deadline(void)
{
    struct process_spec spec = {.argv = SHELL("exec sleep 100")};
    OUTPUT_AUTO struct process_output output = {0};
    g_autoptr(GError) error = NULL;
    gint64 before = g_get_monotonic_time();

    g_assert_cmpint(process_capture(&spec, NULL, LIMIT, 100, &output, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_TIMEOUT));
    g_assert_cmpint(g_get_monotonic_time() - before, <, 10 * G_TIME_SPAN_SECOND);
}

static void test_output_limit(void)
{
    struct process_spec spec = {.argv = (const char *const[]){"/usr/bin/yes", NULL}};
    OUTPUT_AUTO struct process_output output = {0};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(process_capture(&spec, NULL, LIMIT, PATIENCE, &output, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_FAILED));
    g_assert_null(output.output);
}

/* A background process that keeps the pipe must not keep us. */
static void test_left_behind(void)
{
    struct process_spec spec = {.argv = SHELL("sleep 30 & echo $!")};
    OUTPUT_AUTO struct process_output output = {0};
    gint64 before = g_get_monotonic_time();

    capture(&spec, NULL, &output);
    g_assert_cmpint(g_get_monotonic_time() - before, <, 15 * G_TIME_SPAN_SECOND);
    kill((pid_t)g_ascii_strtoll(output.output, NULL, 10), SIGKILL);
}

static void test_run(void)
{
    struct process_spec spec = {.argv = SHELL("echo fine")};
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(process_run(&spec, LIMIT, PATIENCE, &text, &error), ==, 0);
    g_assert_cmpstr(text, ==, "fine\n");
    spec.argv = SHELL("echo first >&2; echo cause >&2; exit 2");
    g_assert_cmpint(process_run(&spec, LIMIT, PATIENCE, NULL, &error), ==, -1);
    g_assert_cmpstr(error->message, ==,
                    "operation failed: '/bin/sh' failed with exit status 2: cause");
}

static void test_cgroups(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("modvirt-procs-XXXXXX", &path, NULL);
    const char *files[] = {path, NULL, NULL};
    struct process_spec spec = {.argv = SHELL(":"), .cgroups = files};
    struct process process;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    assert_output(&spec, "");
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "0");
    files[1] = "/nowhere/cgroup.procs";
    g_assert_cmpint(process_start(&spec, &process, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "entering its cgroup"));
    close(fd);
    unlink(path);
}

static void *start_many(void *unused)
{
    struct process_spec spec = {.argv = (const char *const[]){"/bin/true", NULL}};

    for (int i = 0; i < 20; i++) {
        struct process process = PROCESS_INIT;
        int status;
        start(&spec, &process);
        g_assert_true(process_wait(&process, PATIENCE, &status));
        g_assert_cmpint(status, ==, 0);
        process_clear(&process);
    }
    return NULL;
}

static void test_threads(void)
{
    GThread *threads[4];

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("starter", start_many, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/process/output", test_output);
    g_test_add_func("/process/null-input", test_null_input);
    g_test_add_func("/process/descriptors", test_descriptors);
    g_test_add_func("/process/crossed-descriptors", test_crossed_descriptors);
    g_test_add_func("/process/bad-descriptor", test_bad_descriptor);
    g_test_add_func("/process/environment", test_environment);
    g_test_add_func("/process/limits", test_limits);
    g_test_add_func("/process/session", test_session);
    g_test_add_func("/process/signals", test_signals);
    g_test_add_func("/process/user", test_user);
    g_test_add_func("/process/capabilities", test_capabilities);
    g_test_add_func("/process/oom-and-privileges", test_oom_and_privileges);
    g_test_add_func("/process/hook", test_hook);
    g_test_add_func("/process/failures", test_failures);
    g_test_add_func("/process/wait", test_wait);
    g_test_add_func("/process/kill", test_kill);
    g_test_add_func("/process/open", test_open);
    g_test_add_func("/process/not-our-child", test_not_our_child);
    g_test_add_func("/process/deadline", test_deadline);
    g_test_add_func("/process/output-limit", test_output_limit);
    g_test_add_func("/process/left-behind", test_left_behind);
    g_test_add_func("/process/run", test_run);
    g_test_add_func("/process/cgroups", test_cgroups);
    g_test_add_func("/process/threads", test_threads);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "wire/socket.h"

#define START_MILLISECONDS 30000
#define CONNECT_MILLISECONDS 10000
#define LOCK_MILLISECONDS 60000
#define LOCK_STEP_MILLISECONDS 20
#define IDLE_SECONDS "120"

/* Daemons have their own folder in common; other programs know it since they were built. */
static char *find_program(const char *daemon)
{
    g_autofree char *own = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *own_folder = g_path_get_dirname(own ? own : "/");
    const char *named = g_getenv("VIRTD_PATH");
    const char *folders[] = {named ? named : g_getenv("LIBVIRTD_PATH"), own_folder};

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *program =
            folders[i] ? g_build_filename(folders[i], daemon, NULL) : g_strdup("");

        if (access(program, X_OK) == 0)
            return g_steal_pointer(&program);
    }
    return g_build_filename(SBINDIR, daemon, NULL);
}

static bool is_allowed(void)
{
    const char *wanted = g_getenv("LIBVIRT_AUTOSTART");

    return !wanted || strcmp(wanted, "0") != 0;
}

bool autostart_can(const char *daemon)
{
    g_autofree char *program = find_program(daemon);

    return is_allowed() && access(program, X_OK) == 0;
}

/* In the background it goes once it accepts clients, so there is nothing to poll for. */
static int start_daemon(const char *daemon, GError **error)
{
    g_autofree char *program = find_program(daemon);
    const char *const argv[] = {program, "--daemon", "--timeout=" IDLE_SECONDS, NULL};
    const struct process_spec spec = {.argv = argv, .new_session = true};
    struct process process = PROCESS_INIT;

    if (process_start(&spec, &process, error) < 0)
        return -1;
    bool ended = process_wait(&process, START_MILLISECONDS, NULL);
    process_clear(&process);
    if (ended)
        return 0; /* if it failed, connecting tells */
    error_set(error, VIR_ERR_OPERATION_TIMEOUT, "%s does not become ready", program);
    return -1;
}

/* The kernel wakes those who wait for a lock, but not at a deadline; and each of them may take its
 * time with a daemon that does not start. */
static int wait_for_lock(int fd)
{
    gint64 deadline = g_get_monotonic_time() + LOCK_MILLISECONDS * G_TIME_SPAN_MILLISECOND;
    struct flock lock = {.l_type = F_WRLCK};

    while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if (errno != EAGAIN && errno != EACCES)
            return -1;
        if (g_get_monotonic_time() > deadline) {
            errno = ETIMEDOUT;
            return -1;
        }
        g_usleep(LOCK_STEP_MILLISECONDS * G_TIME_SPAN_MILLISECOND);
    }
    return 0;
}

/* Released with the descriptor. Threads of one process exclude each other too. */
static int lock_folder(const char *folder, const char *daemon, GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/%s.lock", folder, daemon);
    autofd int fd = -1;

    if (file_make_folders(folder, 0700, error) < 0)
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || wait_for_lock(fd) < 0) {
        error_set_errno(error, errno, "cannot lock '%s'", path);
        return -1;
    }
    return fd_take(&fd);
}

int autostart_connect(const char *daemon, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GError) reason = NULL;
    autofd int lock = -1;
    int fd;

    if (!is_allowed())
        return socket_connect(path, CONNECT_MILLISECONDS, error);
    lock = lock_folder(folder, daemon, error);
    if (lock < 0)
        return -1;
    fd = socket_connect(path, CONNECT_MILLISECONDS, &reason);
    if (fd >= 0)
        return fd;
    if (error_is(reason, VIR_ERR_OPERATION_TIMEOUT)) { /* it runs, and hangs */
        g_propagate_error(error, g_steal_pointer(&reason));
        return -1;
    }
    if (start_daemon(daemon, error) < 0)
        return -1;
    return socket_connect(path, CONNECT_MILLISECONDS, error);
}

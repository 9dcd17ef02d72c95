/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tty-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

/* "/dev/pts/3": "/var/lock/LCK.._pts_3" */
static char *path_of(const char *terminal)
{
    const char *name = g_str_has_prefix(terminal, "/dev/") ? terminal + strlen("/dev") : terminal;
    g_autofree char *flat = g_strdelimit(g_strdup(name), "/", '_');

    return g_strdup_printf("/var/lock/LCK..%s", flat);
}

/* Who the file names; 0: nobody, or there is none. Anybody may have put anything there. */
static pid_t read_holder(const char *path)
{
    autofd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[32] = "";

    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return 0;
    int64_t holder = g_ascii_strtoll(text, NULL, 10);
    return holder > 0 && holder <= G_MAXINT ? (pid_t)holder : 0;
}

static bool is_alive(pid_t pid)
{
    return pid && (kill(pid, 0) == 0 || errno == EPERM);
}

static int write_holder(const char *path)
{
    autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    return fd < 0 || dprintf(fd, "%10d\n", getpid()) < 0 ? -1 : 0;
}

int tty_lock_take(const char *terminal, GError **error)
{
    g_autofree char *path = path_of(terminal);
    pid_t holder = read_holder(path);

    if (holder == getpid())
        return 0;
    if (is_alive(holder)) {
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "Requested device '%s' is locked by lock file '%s' held by process %d", terminal,
                  path, holder);
        return -1;
    }
    if ((unlink(path) < 0 && errno != ENOENT) || write_holder(path) < 0) {
        error_set_errno(error, errno, "Couldn't create lock file for device '%s' in path '%s'",
                        terminal, path);
        return -1;
    }
    return 0;
}

void tty_lock_release(const char *terminal)
{
    g_autofree char *path = path_of(terminal);

    if (read_holder(path) == getpid())
        unlink(path);
}

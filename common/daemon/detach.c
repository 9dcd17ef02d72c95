/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

/* Until the daemon says that it is ready, or all copies of the pipe's other end are gone with it.
 */
static void wait_until_ready(int fd)
{
    ssize_t count;
    char byte;

    do
        count = read(fd, &byte, 1);
    while (count < 0 && errno == EINTR);
    _exit(count == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Two forks: the daemon has a session of its own but does not lead it, so no terminal becomes its.
 */
static int fork_twice(GError **error)
{
    pid_t pid = fork();

    if (pid == 0) {
        setsid();
        pid = fork();
        if (pid > 0)
            _exit(EXIT_SUCCESS);
        if (pid < 0)
            _exit(EXIT_FAILURE);
        return 0;
    }
    if (pid < 0) {
        error_set_errno(error, errno, "cannot go to the background");
        return -1;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return 1;
}

int detach_begin(int *ret_fd, GError **error)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        error_set_errno(error, errno, "cannot make a pipe");
        return -1;
    }
    int side = fork_twice(error);
    if (side < 0) {
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    close(ends[side]);
    if (side)
        wait_until_ready(ends[0]);
    close(ends[0]);
    if (chdir("/") < 0) {
        error_set_errno(error, errno, "cannot enter /");
        return -1;
    }
    *ret_fd = ends[1];
    return 0;
}

void detach_end(int fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int i = STDIN_FILENO; null_fd >= 0 && i <= STDERR_FILENO; i++)
        dup2(null_fd, i);
    close(null_fd);
    while (write(fd, "", 1) < 0 && errno == EINTR)
        continue;
    close(fd);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"

void fd_clear(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd); /* Linux has released the number even when close reports EINTR */
    *fd = -1;
    errno = saved;
}

int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

static int change_flags(int fd, int get, int set, int flag, bool enable, GError **error)
{
    int flags = fcntl(fd, get);
    int wanted = enable ? flags | flag : flags & ~flag;

    if (flags < 0 || (wanted != flags && fcntl(fd, set, wanted) < 0)) {
        error_set_errno(error, errno, "cannot change the flags of descriptor %d", fd);
        return -1;
    }
    return 0;
}

int fd_set_nonblock(int fd, bool enable, GError **error)
{
    return change_flags(fd, F_GETFL, F_SETFL, O_NONBLOCK, enable, error);
}

int fd_set_cloexec(int fd, bool enable, GError **error)
{
    return change_flags(fd, F_GETFD, F_SETFD, FD_CLOEXEC, enable, error);
}

int fd_duplicate(int fd, GError **error)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy < 0)
        error_set_errno(error, errno, "cannot duplicate descriptor %d", fd);
    return copy;
}

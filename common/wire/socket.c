/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/error.h"
#include "base/fd.h"

int socket_set_path(const char *path, struct sockaddr_un *ret, GError **error)
{
    if (strlen(path) >= sizeof(ret->sun_path)) {
        error_set(error, VIR_ERR_INVALID_ARG, "socket path '%s' is longer than %zu bytes", path,
                  sizeof(ret->sun_path) - 1);
        return -1;
    }
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(ret->sun_path, path);
    return 0;
}

/* connect() of a unix socket waits as long as a send would: in the kernel, not by polling. */
static int set_deadline(int fd, int milliseconds, GError **error)
{
    struct timeval time = {milliseconds / 1000, milliseconds % 1000 * 1000};

    if (milliseconds == 0)
        return fd_set_nonblock(fd, true, error);
    if (milliseconds > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) < 0) {
        error_set_errno(error, errno, "cannot set a deadline");
        return -1;
    }
    return 0;
}

int socket_connect(const char *path, int milliseconds, GError **error)
{
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;

    if (fd < 0) {
        error_set_errno(error, errno, "cannot make a socket");
        return -1;
    }
    if (socket_set_path(path, &address, error) < 0 || set_deadline(fd, milliseconds, error) < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        if (errno == EAGAIN)
            error_set(error, VIR_ERR_OPERATION_TIMEOUT, "'%s' does not accept a connection", path);
        else
            error_set_errno(error, errno, "Failed to connect socket to '%s'", path);
        return -1;
    }
    if (fd_set_nonblock(fd, true, error) < 0)
        return -1;
    return fd_take(&fd);
}

char *socket_show(const char *address)
{
    const char *port = strrchr(address, ';');

    if (!port)
        return g_strdup(address);
    if (memchr(address, ':', (size_t)(port - address)))
        return g_strdup_printf("[%.*s]:%s", (int)(port - address), address, port + 1);
    return g_strdup_printf("%.*s:%s", (int)(port - address), address, port + 1);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/socket.h"

/* True if a process answers at the address; a full backlog (EAGAIN) has one too. */
static bool is_answered(const struct sockaddr_un *address)
{
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return true;
    return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN;
}

/* Removes a socket that nobody listens on, so that bind can make it anew. */
static int remove_stale(const struct sockaddr_un *address, GError **error)
{
    const char *path = address->sun_path;
    struct stat status;

    if (lstat(path, &status) < 0)
        return 0; /* the usual case; other troubles are bind's to report */
    if (!S_ISSOCK(status.st_mode)) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "'%s' is in the way and is not a socket", path);
        return -1;
    }
    if (is_answered(address)) {
        error_set(error, VIR_ERR_OPERATION_FAILED, "another process listens on '%s'", path);
        return -1;
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        error_set_errno(error, errno, "cannot remove the stale socket '%s'", path);
        return -1;
    }
    return 0;
}

/* The mode of the socket itself becomes that of the file: it is never open wider than at the end.
 */
static int bind_to(const struct sockaddr_un *address, struct listener *listener, GError **error)
{
    struct stat status;

    if (fchmod(listener->fd, 0600) < 0 ||
        bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
        error_set_errno(error, errno, "cannot create the socket '%s'", address->sun_path);
        return -1;
    }
    listener->path = g_strdup(address->sun_path);
    listener->own = true;
    if (lstat(listener->path, &status) == 0) {
        listener->device = status.st_dev;
        listener->inode = status.st_ino;
    }
    return 0;
}

static int open_to_clients(struct listener *listener, mode_t mode, gid_t group, unsigned backlog,
                           GError **error)
{
    if (group != (gid_t)-1 && chown(listener->path, (uid_t)-1, group) < 0) {
        error_set_errno(error, errno, "cannot give '%s' to group %u", listener->path, group);
        return -1;
    }
    if (listen(listener->fd, (int)MIN(backlog, G_MAXINT)) < 0 || chmod(listener->path, mode) < 0) {
        error_set_errno(error, errno, "cannot listen on '%s'", listener->path);
        return -1;
    }
    return 0;
}

int listener_open(const char *path, mode_t mode, gid_t group, unsigned backlog,
                  struct listener *ret, GError **error)
{
    struct listener listener = {.fd = -1};
    struct sockaddr_un address;

    if (socket_set_path(path, &address, error) < 0 || remove_stale(&address, error) < 0)
        return -1;
    listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener.fd < 0) {
        error_set_errno(error, errno, "cannot make a socket");
        return -1;
    }
    if (bind_to(&address, &listener, error) < 0 ||
        open_to_clients(&listener, mode, group, backlog, error) < 0) {
        listener_close(&listener);
        return -1;
    }
    *ret = listener;
    return 0;
}

/* The address may be in use by connections of a predecessor; IPv6 leaves IPv4 to its own socket. */
static int bind_tcp(int fd, const struct sockaddr *address, socklen_t length)
{
    const int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    return bind(fd, address, length);
}

int listener_open_tcp(const struct sockaddr *address, socklen_t length, const char *shown,
                      unsigned backlog, struct listener *ret, GError **error)
{
    autofd int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind_tcp(fd, address, length) < 0 ||
        listen(fd, (int)MIN(backlog, G_MAXINT)) < 0) {
        error_set_errno(error, errno, "cannot listen on %s", shown);
        return -1;
    }
    *ret = (struct listener){.fd = fd_take(&fd), .own = true};
    return 0;
}

int listener_adopt(int fd, struct listener *ret, GError **error)
{
    autofd int owned = fd;
    int listening = 0;
    socklen_t size = sizeof(listening);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening) {
        error_set(error, VIR_ERR_INVALID_ARG, "descriptor %d is not a listening socket", fd);
        return -1;
    }
    if (fd_set_nonblock(fd, true, error) < 0 || fd_set_cloexec(fd, true, error) < 0)
        return -1;
    *ret = (struct listener){.fd = fd_take(&owned)};
    return 0;
}

static bool is_own_file(const struct listener *listener)
{
    struct stat status;

    return listener->path && lstat(listener->path, &status) == 0 &&
           status.st_dev == listener->device && status.st_ino == listener->inode;
}

void listener_withdraw(struct listener *listener)
{
    if (is_own_file(listener))
        unlink(listener->path);
    if (listener->own)
        shutdown(listener->fd, SHUT_RD);
}

void listener_close(struct listener *listener)
{
    if (is_own_file(listener))
        unlink(listener->path);
    fd_clear(&listener->fd);
    g_clear_pointer(&listener->path, g_free);
}

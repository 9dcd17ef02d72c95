/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

enum {
    SECURITY_CONTEXT_MAX = 1024,
    START_TIME_FIELD = 22, /* of /proc/PID/stat, counted from 1 */
};

/* reading and writing */

static void keep_fds(const struct cmsghdr *control, int *fds, unsigned *fd_count)
{
    size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (size_t i = 0; i < count; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(control) + i * sizeof(fd), sizeof(fd));
        if (*fd_count < FRAME_FDS_MAX)
            fds[(*fd_count)++] = fd;
        else
            fd_clear(&fd);
    }
}

/* Always with room for descriptors: a plain read that runs into the byte they ride on loses them.
 */
static ssize_t unix_read(struct transport *transport, void *bytes, size_t size, int *fds,
                         unsigned *fd_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t count = recvmsg(transport->fd, &message, MSG_CMSG_CLOEXEC);

    if (count < 0)
        return -errno;
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each))
        if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_RIGHTS)
            keep_fds(each, fds, fd_count);
    return count;
}

static ssize_t unix_write(struct transport *transport, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = count};
    ssize_t written = count == 1
                          ? send(transport->fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL)
                          : sendmsg(transport->fd, &message, MSG_NOSIGNAL);

    return written < 0 ? -errno : written;
}

static int unix_send_fd(struct transport *transport, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {
                     .cmsg_level = SOL_SOCKET,
                     .cmsg_type = SCM_RIGHTS,
                     .cmsg_len = CMSG_LEN(sizeof(int)),
                 }};
    char dummy = 0;
    struct iovec part = {.iov_base = &dummy, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };

    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    return sendmsg(transport->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static const struct transport_ops unix_ops = {
    .name = "unix",
    .read = unix_read,
    .write = unix_write,
    .send_fd = unix_send_fd,
};

/* the peer */

/* Names in the line may hold blanks and brackets: fields are counted behind the last bracket, which
 * closes the second one. */
static uint64_t parse_start_time(const char *line)
{
    const char *at = strrchr(line, ')');

    for (int field = 2; at && field < START_TIME_FIELD; field++)
        at = strchr(at + 1, ' ');
    return at ? g_ascii_strtoull(at, NULL, 10) : 0;
}

uint64_t transport_process_start_time(pid_t pid)
{
    char path[64], line[1024];
    autofd int fd = -1;
    ssize_t size;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
    if (size <= 0)
        return 0;
    line[size] = '\0';
    return parse_start_time(line);
}

/* Kernels without a security module that labels sockets have none: no error. */
static char *read_security_context(int fd)
{
    char context[SECURITY_CONTEXT_MAX];
    socklen_t size = sizeof(context);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERSEC, context, &size) < 0 || size == 0)
        return NULL;
    return g_strndup(context, size);
}

static int read_unix_peer(int fd, struct transport_peer *peer, GError **error)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) {
        error_set_errno(error, errno, "cannot read the credentials of a client");
        return -1;
    }
    *peer = (struct transport_peer){
        .local = true,
        .pid = credentials.pid,
        .uid = credentials.uid,
        .gid = credentials.gid,
        .selinux = read_security_context(fd),
        .address = g_strdup("127.0.0.1;0"),
    };
    /* At once: later the pid may be another process's. Nobody asks polkit about root. */
    if (peer->uid != 0 && peer->pid > 0)
        peer->start_time = transport_process_start_time(peer->pid);
    return 0;
}

struct transport *transport_new_unix(int fd, GError **error)
{
    autofd int owned = fd;
    struct transport_peer peer;
    struct transport *transport;

    if (fd_set_nonblock(fd, true, error) < 0 || read_unix_peer(fd, &peer, error) < 0)
        return NULL;
    transport = g_new(struct transport, 1);
    *transport = (struct transport){.ops = &unix_ops, .fd = fd_take(&owned), .peer = peer};
    return transport;
}

size_t transport_gather(const struct iovec *parts, int count, void *bytes, size_t size)
{
    size_t used = 0;

    for (int i = 0; i < count && used < size; i++) {
        size_t step = MIN(parts[i].iov_len, size - used);

        memcpy((char *)bytes + used, parts[i].iov_base, step);
        used += step;
    }
    return used;
}

void transport_shut(struct transport *transport)
{
    if (transport->fd < 0)
        return;
    if (transport->ops->close)
        transport->ops->close(transport);
    fd_clear(&transport->fd);
}

void transport_free(struct transport *transport)
{
    if (!transport)
        return;
    transport_shut(transport);
    g_free(transport->peer.selinux);
    g_free(transport->peer.address);
    g_free(transport->peer.own_address);
    g_free(transport->peer.x509_name);
    g_free(transport->peer.sasl_user);
    g_free(transport);
}

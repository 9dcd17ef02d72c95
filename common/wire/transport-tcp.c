/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/transport.h"

/* After so much silence the kernel asks whether the peer's host is still there. */
#define PROBE_AFTER_SECONDS 60
#define PROBE_SECONDS 10
#define PROBES 6

static ssize_t tcp_read(struct transport *transport, void *bytes, size_t size, int *fds,
                        unsigned *fd_count)
{
    ssize_t count = recv(transport->fd, bytes, size, 0);

    return count < 0 ? -errno : count;
}

static ssize_t tcp_write(struct transport *transport, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = count};
    ssize_t written = sendmsg(transport->fd, &message, MSG_NOSIGNAL);

    return written < 0 ? -errno : written;
}

static const struct transport_ops tcp_ops = {
    .name = "tcp",
    .read = tcp_read,
    .write = tcp_write,
};

static char *write_address(const struct sockaddr *address, socklen_t length)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getnameinfo(address, length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return g_strdup("unknown;0");
    return g_strdup_printf("%s;%s", host, port);
}

static int read_peer(int fd, struct transport_peer *peer, GError **error)
{
    struct sockaddr_storage address, own;
    socklen_t length = sizeof(address), own_length = sizeof(own);

    if (getpeername(fd, (struct sockaddr *)&address, &length) < 0 ||
        getsockname(fd, (struct sockaddr *)&own, &own_length) < 0) {
        error_set_errno(error, errno, "cannot read the address of a client");
        return -1;
    }
    *peer = (struct transport_peer){
        .address = write_address((struct sockaddr *)&address, length),
        .own_address = write_address((struct sockaddr *)&own, own_length),
    };
    return 0;
}

/* Replies go out at once; a host that is gone without a word is noticed. */
static void set_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_SECONDS},
        {IPPROTO_TCP, TCP_KEEPINTVL, PROBE_SECONDS},
        {IPPROTO_TCP, TCP_KEEPCNT, PROBES},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

struct transport *transport_new_tcp(int fd, GError **error)
{
    autofd int owned = fd;
    struct transport_peer peer;
    struct transport *transport;

    if (fd_set_nonblock(fd, true, error) < 0 || read_peer(fd, &peer, error) < 0)
        return NULL;
    set_options(fd);
    transport = g_new(struct transport, 1);
    *transport = (struct transport){.ops = &tcp_ops, .fd = fd_take(&owned), .peer = peer};
    return transport;
}

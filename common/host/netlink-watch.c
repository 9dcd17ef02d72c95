/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/netlink-watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fd.h"

#define BUFFER_BYTES 65536
#define RECEIVE_BYTES (1024 * 1024)

int netlink_watch_open(int protocol, int group, int *ret_fd, GError **error)
{
    autofd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    int size = RECEIVE_BYTES;

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
        error_set_errno(error, errno, "cannot watch the kernel's messages");
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    *ret_fd = fd_take(&fd);
    return 0;
}

int netlink_watch_open_links(int *ret_fd, GError **error)
{
    return netlink_watch_open(NETLINK_ROUTE, RTNLGRP_LINK, ret_fd, error);
}

bool netlink_watch_read_links(int fd, netlink_watch_function function, void *data)
{
    g_autofree char *buffer = g_malloc(BUFFER_BYTES);
    bool any = false;
    ssize_t length;

    while ((length = recv(fd, buffer, BUFFER_BYTES, 0)) > 0 || errno == ENOBUFS) {
        unsigned left = length > 0 ? (unsigned)length : 0;
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)buffer;
        struct netlink_link link;

        any = true;
        errno = 0;
        for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left))
            if (netlink_read_link(header, &link))
                function(&link, header->nlmsg_type == RTM_DELLINK, data);
    }
    return any;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/firewall-watch.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "host/firewall.h"
#include "host/netlink-watch.h"

#define BUFFER_BYTES 65536

int firewall_watch_open(int *ret_fd, GError **error)
{
    return netlink_watch_open(NETLINK_NETFILTER, NFNLGRP_NFTABLES, ret_fd, error);
}

/* In all messages about something in a table its name is the first attribute. */
static bool is_ours(const struct nlmsghdr *header)
{
    const struct nlattr *attribute =
        (const struct nlattr *)((const char *)NLMSG_DATA(header) + sizeof(struct nfgenmsg));
    size_t offset = (size_t)((const char *)attribute - (const char *)header);

    if (header->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
        (header->nlmsg_type & 0xff) == NFT_MSG_NEWGEN ||
        header->nlmsg_len < offset + sizeof(*attribute) + sizeof(FIREWALL_TABLE) ||
        attribute->nla_len != sizeof(*attribute) + sizeof(FIREWALL_TABLE))
        return false;
    return memcmp(attribute + 1, FIREWALL_TABLE, sizeof(FIREWALL_TABLE)) == 0;
}

bool firewall_watch_read(int fd)
{
    g_autofree char *buffer = g_malloc(BUFFER_BYTES);
    bool ours = false;
    ssize_t length;

    while ((length = recv(fd, buffer, BUFFER_BYTES, 0)) > 0 || errno == ENOBUFS) {
        if (length < 0) {
            ours = true;
            errno = 0;
            continue;
        }
        unsigned left = (unsigned)length;
        for (const struct nlmsghdr *header = (const struct nlmsghdr *)(void *)buffer;
             NLMSG_OK(header, left); header = NLMSG_NEXT(header, left))
            ours = ours || is_ours(header);
    }
    return ours;
}

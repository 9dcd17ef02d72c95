/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/firewall-watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
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

static uint32_t read_generation(const struct nlmsghdr *header, size_t length)
{
    size_t offset = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
    struct nlattr attribute;
    uint32_t number;

    while (offset + sizeof(attribute) <= MIN(length, header->nlmsg_len)) {
        memcpy(&attribute, (const char *)header + offset, sizeof(attribute));
        if (attribute.nla_len < sizeof(attribute) || offset + attribute.nla_len > length)
            return 0;
        if (attribute.nla_type == NFTA_GEN_ID &&
            attribute.nla_len == sizeof(attribute) + sizeof(number)) {
            memcpy(&number, (const char *)header + offset + sizeof(attribute), sizeof(number));
            return ntohl(number);
        }
        offset += NLA_ALIGN(attribute.nla_len);
    }
    return 0;
}

/* A transaction's messages end with its number. */
static bool read_message(const struct nlmsghdr *header, bool *touched,
                         firewall_watch_function function)
{
    bool was = *touched || is_ours(header);
    bool is_end = header->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN);

    *touched = was && !is_end;
    if (was && is_end)
        function(read_generation(header, header->nlmsg_len));
    return was && is_end;
}

bool firewall_watch_read(int fd, bool *touched, firewall_watch_function function)
{
    g_autofree char *buffer = g_malloc(BUFFER_BYTES);
    bool any = false;
    ssize_t length;

    while ((length = recv(fd, buffer, BUFFER_BYTES, 0)) > 0 || errno == ENOBUFS) {
        unsigned left = length > 0 ? (unsigned)length : 0;
        const struct nlmsghdr *header = (const struct nlmsghdr *)(void *)buffer;

        if (length < 0) {
            function(0);
            any = true;
            errno = 0;
        }
        for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left))
            any = read_message(header, touched, function) || any;
    }
    return any;
}

/* ---- the number of the rule set ---- */

struct generation_question {
    struct nlmsghdr header;
    struct nfgenmsg family;
};

/* It stays open: to close a socket that speaks with the packet filter takes the kernel until it is
 * done with all that was changed, which is longer than a network takes to start. */
static GMutex lock;
static int question_fd = -1;

static uint32_t ask(void)
{
    const struct generation_question question = {
        .header = {.nlmsg_len = sizeof(question),
                   .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
                   .nlmsg_flags = NLM_F_REQUEST},
        .family = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0},
    };
    union {
        struct nlmsghdr header;
        char bytes[512];
    } answer;

    if (question_fd < 0)
        question_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (question_fd < 0 || send(question_fd, &question, sizeof(question), 0) < 0)
        return 0;
    ssize_t length = recv(question_fd, &answer, sizeof(answer), 0);
    if (length < (ssize_t)sizeof(answer.header) ||
        answer.header.nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN))
        return 0;
    return read_generation(&answer.header, (size_t)length);
}

uint32_t firewall_generation(void)
{
    g_mutex_lock(&lock);
    uint32_t number = ask();
    /* what comes late must not answer the next question */
    if (!number)
        fd_clear(&question_fd);
    g_mutex_unlock(&lock);
    return number;
}

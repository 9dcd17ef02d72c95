/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/neighbour.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fd.h"

#define REPLY_BYTES 65536

struct query {
    struct nlmsghdr header;
    struct ndmsg message;
};

static int send_query(int fd)
{
    const struct query query = {
        .header = {.nlmsg_len = sizeof(query),
                   .nlmsg_type = RTM_GETNEIGH,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .message = {.ndm_family = AF_UNSPEC},
    };

    return send(fd, &query, sizeof(query), 0) == sizeof(query) ? 0 : -1;
}

static void add(const struct nlmsghdr *header, GArray *neighbours)
{
    const struct ndmsg *message = NLMSG_DATA(header);
    struct neighbour neighbour = {.family = message->ndm_family};
    size_t address_bytes = neighbour.family == AF_INET6 ? 16 : 4;
    int left = (int)header->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*message));
    bool has_mac = false, has_address = false;

    if (message->ndm_state & (NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP))
        return;
    for (const struct rtattr *attribute = (const struct rtattr *)(message + 1);
         RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type == NDA_LLADDR && RTA_PAYLOAD(attribute) == sizeof(neighbour.mac)) {
            memcpy(neighbour.mac, RTA_DATA(attribute), sizeof(neighbour.mac));
            has_mac = true;
        } else if (attribute->rta_type == NDA_DST && RTA_PAYLOAD(attribute) == address_bytes) {
            has_address = inet_ntop(neighbour.family, RTA_DATA(attribute), neighbour.address,
                                    sizeof(neighbour.address));
        }
    }
    if (has_mac && has_address)
        g_array_append_val(neighbours, neighbour);
}

/* One packet of the answer; 1: the last. -1 with errno. */
static int receive(int fd, GArray *neighbours)
{
    g_autofree char *bytes = g_malloc(REPLY_BYTES);
    ssize_t got = recv(fd, bytes, REPLY_BYTES, 0);
    size_t left = got > 0 ? (size_t)got : 0;

    if (got <= 0)
        return -1;
    for (const struct nlmsghdr *header = (const struct nlmsghdr *)bytes; NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
        if (header->nlmsg_type == NLMSG_DONE)
            return 1;
        if (header->nlmsg_type == NLMSG_ERROR) {
            errno = -((const struct nlmsgerr *)NLMSG_DATA(header))->error;
            return -1;
        }
        if (header->nlmsg_type == RTM_NEWNEIGH)
            add(header, neighbours);
    }
    return 0;
}

int neighbours_read(GArray **ret_neighbours, GError **error)
{
    autofd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    g_autoptr(GArray) neighbours = g_array_new(FALSE, FALSE, sizeof(struct neighbour));
    int result = fd < 0 ? -1 : send_query(fd);

    while (result == 0)
        result = receive(fd, neighbours);
    if (result < 0) {
        error_set_errno(error, errno, "cannot read the kernel's table of neighbours");
        return -1;
    }
    *ret_neighbours = g_steal_pointer(&neighbours);
    return 0;
}

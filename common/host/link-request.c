/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/link-request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

#define ANSWER_BYTES 1024

struct link_request link_request_begin(unsigned short type)
{
    struct link_request request = {0};

    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.link));
    request.header.nlmsg_type = type;
    request.link.ifi_family = AF_UNSPEC;
    return request;
}

struct rtattr *link_request_add(struct link_request *request, unsigned short type, const void *data,
                                size_t length)
{
    struct rtattr *attribute =
        (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(length);
    if (length)
        memcpy(RTA_DATA(attribute), data, length);
    request->header.nlmsg_len =
        NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
    return attribute;
}

void link_request_end(struct link_request *request, struct rtattr *attribute)
{
    attribute->rta_len =
        (unsigned short)((char *)request + request->header.nlmsg_len - (char *)attribute);
}

int link_request_send(struct link_request *request)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr verdict;
        char rest[ANSWER_BYTES];
    } answer;
    autofd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    request->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0 ||
        recv(fd, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.header))
        return errno;
    return answer.header.nlmsg_type == NLMSG_ERROR ? -answer.verdict.error : EPROTO;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/macvtap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

#define MESSAGE_BYTES 512

/* ---- netlink ---- */

struct request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[MESSAGE_BYTES];
};

static struct rtattr *add_attribute(struct request *request, unsigned short type, const void *data,
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

static void end_attribute(struct request *request, struct rtattr *attribute)
{
    attribute->rta_len =
        (unsigned short)((char *)request + request->header.nlmsg_len - (char *)attribute);
}

/* Sends it and returns the kernel's verdict: 0 or an errno. */
static int ask(struct request *request)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr verdict;
        char rest[MESSAGE_BYTES * 2];
    } answer;
    autofd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    request->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0 ||
        recv(fd, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.header))
        return errno;
    return answer.header.nlmsg_type == NLMSG_ERROR ? -answer.verdict.error : EPROTO;
}

static struct request begin_request(unsigned short type)
{
    struct request request = {0};

    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.link));
    request.header.nlmsg_type = type;
    request.link.ifi_family = AF_UNSPEC;
    return request;
}

int macvtap_make(const char *name, const char *parent, const uint8_t mac[6], unsigned mode,
                 GError **error)
{
    struct request request = begin_request(RTM_NEWLINK);
    unsigned on_top_of = if_nametoindex(parent);

    if (!on_top_of || strlen(name) >= IFNAMSIZ) {
        error_set_errno(error, on_top_of ? ENAMETOOLONG : ENODEV,
                        "cannot make the interface '%s' on top of '%s'", name, parent);
        return -1;
    }
    request.header.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
    request.link.ifi_flags = request.link.ifi_change = IFF_UP;
    add_attribute(&request, IFLA_LINK, &on_top_of, sizeof(on_top_of));
    add_attribute(&request, IFLA_IFNAME, name, strlen(name) + 1);
    add_attribute(&request, IFLA_ADDRESS, mac, 6);
    struct rtattr *info = add_attribute(&request, IFLA_LINKINFO, NULL, 0);
    add_attribute(&request, IFLA_INFO_KIND, "macvtap", sizeof("macvtap"));
    struct rtattr *data = add_attribute(&request, IFLA_INFO_DATA, NULL, 0);
    add_attribute(&request, IFLA_MACVLAN_MODE, &mode, sizeof(mode));
    end_attribute(&request, data);
    end_attribute(&request, info);
    int failure = ask(&request);
    if (failure)
        error_set_errno(error, failure, "cannot make the interface '%s' on top of '%s'", name,
                        parent);
    return failure ? -1 : 0;
}

void macvtap_remove(const char *name)
{
    struct request request = begin_request(RTM_DELLINK);

    request.link.ifi_index = (int)if_nametoindex(name);
    if (request.link.ifi_index)
        ask(&request);
}

/* ---- its character device ---- */

/* Where nobody makes nodes of new devices, one of our own that is gone at once. */
static int open_unnamed(unsigned index)
{
    g_autofree char *sys = g_strdup_printf("/sys/class/macvtap/tap%u/dev", index);
    g_autofree char *text = NULL;
    char path[] = "/run/macvtap-XXXXXX";
    unsigned major_number, minor_number;

    if (file_read_all(sys, 64, &text, NULL, NULL) < 0 ||
        sscanf(text, "%u:%u", &major_number, &minor_number) != 2 || !mkdtemp(path)) {
        errno = ENOENT;
        return -1;
    }
    g_autofree char *node = g_build_filename(path, "tap", NULL);
    int fd = mknod(node, S_IFCHR | 0600, makedev(major_number, minor_number)) < 0
                 ? -1
                 : open(node, O_RDWR | O_CLOEXEC);
    int failure = errno;
    unlink(node);
    rmdir(path);
    errno = failure;
    return fd;
}

static int open_queue(const char *name, unsigned index, bool header, GError **error)
{
    g_autofree char *path = g_strdup_printf("/dev/tap%u", index);
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    autofd int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        fd = open_unnamed(index);
    if (header)
        request.ifr_flags |= IFF_VNET_HDR;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
        error_set_errno(error, errno, "cannot open %s of the interface '%s'", path, name);
        return -1;
    }
    return fd_take(&fd);
}

int macvtap_open(const char *name, unsigned count, bool header, int *ret_fds, GError **error)
{
    unsigned index = if_nametoindex(name);

    for (unsigned i = 0; i < count; i++) {
        ret_fds[i] = open_queue(name, index, header, error);
        if (ret_fds[i] >= 0)
            continue;
        while (i-- > 0)
            close(ret_fds[i]);
        return -1;
    }
    return 0;
}

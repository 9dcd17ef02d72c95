/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/macvtap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

#include "host/link-request.h"

int macvtap_make(const char *name, const char *parent, const uint8_t mac[6], unsigned mode,
                 GError **error)
{
    struct link_request request = link_request_begin(RTM_NEWLINK);
    unsigned on_top_of = if_nametoindex(parent);

    if (!on_top_of || strlen(name) >= IFNAMSIZ) {
        error_set_errno(error, on_top_of ? ENAMETOOLONG : ENODEV,
                        "cannot make the interface '%s' on top of '%s'", name, parent);
        return -1;
    }
    request.header.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
    request.link.ifi_flags = request.link.ifi_change = IFF_UP;
    link_request_add(&request, IFLA_LINK, &on_top_of, sizeof(on_top_of));
    link_request_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
    link_request_add(&request, IFLA_ADDRESS, mac, 6);
    struct rtattr *info = link_request_add(&request, IFLA_LINKINFO, NULL, 0);
    link_request_add(&request, IFLA_INFO_KIND, "macvtap", sizeof("macvtap"));
    struct rtattr *data = link_request_add(&request, IFLA_INFO_DATA, NULL, 0);
    link_request_add(&request, IFLA_MACVLAN_MODE, &mode, sizeof(mode));
    link_request_end(&request, data);
    link_request_end(&request, info);
    int failure = link_request_send(&request);
    if (failure)
        error_set_errno(error, failure, "cannot make the interface '%s' on top of '%s'", name,
                        parent);
    return failure ? -1 : 0;
}

void macvtap_remove(const char *name)
{
    struct link_request request = link_request_begin(RTM_DELLINK);

    request.link.ifi_index = (int)if_nametoindex(name);
    if (request.link.ifi_index)
        link_request_send(&request);
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

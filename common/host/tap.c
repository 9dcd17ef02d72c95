/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

bool tap_exists(const char *name)
{
    return if_nametoindex(name) != 0;
}

void tap_choose_name(const char *prefix, char name[TAP_NAME_BYTES])
{
    static atomic_uint next;

    do
        g_snprintf(name, TAP_NAME_BYTES, "%s%u", prefix, atomic_fetch_add(&next, 1));
    while (tap_exists(name));
}

static int begin_request(const char *name, struct ifreq *request, GError **error)
{
    memset(request, 0, sizeof(*request));
    if (g_strlcpy(request->ifr_name, name, IFNAMSIZ) < IFNAMSIZ)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "the name of interface '%s' is too long", name);
    return -1;
}

static int open_queue(const char *node, const struct ifreq *wanted, int *ret_fd, GError **error)
{
    struct ifreq request = *wanted;
    autofd int fd = open(node, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        error_set_errno(error, errno, "cannot open %s", node);
        return -1;
    }
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        error_set_errno(error, errno, "cannot make the interface '%s'", wanted->ifr_name);
        return -1;
    }
    *ret_fd = fd_take(&fd);
    return 0;
}

int tap_open(const char *node, const char *name, unsigned count, bool header, int *ret_fds,
             GError **error)
{
    struct ifreq request;
    unsigned opened = 0;

    if (begin_request(name, &request, error) < 0)
        return -1;
    request.ifr_flags =
        IFF_TAP | IFF_NO_PI | (header ? IFF_VNET_HDR : 0) | (count > 1 ? IFF_MULTI_QUEUE : 0);
    while (opened < count &&
           open_queue(node ? node : "/dev/net/tun", &request, &ret_fds[opened], error) == 0)
        opened++;
    if (opened == count)
        return 0;
    while (opened > 0)
        close(ret_fds[--opened]);
    return -1;
}

/* One ioctl on an interface; what says what could not be done. */
static int control(unsigned long number, struct ifreq *request, const char *what, GError **error)
{
    autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && ioctl(fd, number, request) == 0)
        return 0;
    error_set_errno(error, errno, "cannot %s of the interface '%s'", what, request->ifr_name);
    return -1;
}

int tap_set_mac(const char *name, const uint8_t mac[6], GError **error)
{
    struct ifreq request;

    if (begin_request(name, &request, error) < 0)
        return -1;
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, mac, 6);
    return control(SIOCSIFHWADDR, &request, "set the address", error);
}

int tap_set_mtu(const char *name, unsigned mtu, GError **error)
{
    struct ifreq request;

    if (begin_request(name, &request, error) < 0)
        return -1;
    request.ifr_mtu = (int)mtu;
    return control(SIOCSIFMTU, &request, "set the MTU", error);
}

int tap_set_up(const char *name, bool up, GError **error)
{
    struct ifreq request;

    if (begin_request(name, &request, error) < 0 ||
        control(SIOCGIFFLAGS, &request, "get the state", error) < 0)
        return -1;
    request.ifr_flags = up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
    return control(SIOCSIFFLAGS, &request, "set the state", error);
}

int tap_set_coalesce(const char *name, unsigned frames, GError **error)
{
    struct ethtool_coalesce coalesce = {.cmd = ETHTOOL_GCOALESCE};
    struct ifreq request;

    if (begin_request(name, &request, error) < 0)
        return -1;
    request.ifr_data = (char *)&coalesce;
    if (control(SIOCETHTOOL, &request, "get the coalescing", error) < 0)
        return -1;
    coalesce.cmd = ETHTOOL_SCOALESCE;
    coalesce.rx_max_coalesced_frames = frames;
    return control(SIOCETHTOOL, &request, "set the coalescing", error);
}

static int set_isolated(const char *name, GError **error)
{
    g_autofree char *path = g_strdup_printf("/sys/class/net/%s/brport/isolated", name);
    autofd int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, "1", 1) == 1)
        return 0;
    error_set_errno(error, errno, "cannot isolate the interface '%s'", name);
    return -1;
}

/* A port with a larger MTU than the bridge's would change the bridge's. */
static int follow_mtu(const char *name, const char *bridge, GError **error)
{
    struct ifreq request;

    if (begin_request(bridge, &request, error) < 0 ||
        control(SIOCGIFMTU, &request, "get the MTU", error) < 0)
        return -1;
    return tap_set_mtu(name, (unsigned)request.ifr_mtu, error);
}

int tap_attach(const char *name, const char *bridge, unsigned mtu, bool isolated, GError **error)
{
    struct ifreq request;
    g_autofree char *what = g_strdup_printf("add '%s' to the ports", name);

    if (begin_request(bridge, &request, error) < 0)
        return -1;
    if (!mtu && follow_mtu(name, bridge, error) < 0)
        return -1;
    request.ifr_ifindex = (int)if_nametoindex(name);
    if (control(SIOCBRADDIF, &request, what, error) < 0)
        return -1;
    return isolated ? set_isolated(name, error) : 0;
}

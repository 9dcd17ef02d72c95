/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/reception.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

#include "host/tap.h"

#define GROUPS_PATH "/proc/net/dev_mcast"
#define GROUPS_MOST_BYTES (1 << 20)

struct group {
    uint8_t mac[6];
};

/* ---- groups ---- */

/* One line: index and name of the interface, how many use the group, whether it was joined from
 * outside of the kernel, and the address. False: it is another one's, or the kernel's own. */
static bool read_group(const char *line, const char *name, struct group *ret_group)
{
    char of[IFNAMSIZ], address[13];
    unsigned asked;
    struct group group;

    if (sscanf(line, "%*u %15s %*u %u %12[0-9a-f]", of, &asked, address) != 3 || !asked ||
        strcmp(of, name) != 0 ||
        sscanf(address, "%2hhx%2hhx%2hhx%2hhx%2hhx%2hhx", &group.mac[0], &group.mac[1],
               &group.mac[2], &group.mac[3], &group.mac[4], &group.mac[5]) != 6)
        return false;
    *ret_group = group;
    return true;
}

/* Those joined by reception_apply() and the like. */
static int list_groups(const char *name, GArray **ret_groups, GError **error)
{
    g_autofree char *text = NULL;

    if (file_read_all(GROUPS_PATH, GROUPS_MOST_BYTES, &text, NULL, error) < 0)
        return -1;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GArray *groups = g_array_new(FALSE, FALSE, sizeof(struct group));
    for (char **line = lines; *line; line++) {
        struct group group;

        if (read_group(*line, name, &group))
            g_array_append_val(groups, group);
    }
    *ret_groups = groups;
    return 0;
}

/* order: SIOCADDMULTI, SIOCDELMULTI. One that is as ordered already is no error. */
static int order_group(int fd, const char *name, unsigned long order, const uint8_t mac[6],
                       GError **error)
{
    struct ifreq request = {.ifr_hwaddr.sa_family = AF_UNSPEC};

    g_strlcpy(request.ifr_name, name, IFNAMSIZ);
    memcpy(request.ifr_hwaddr.sa_data, mac, 6);
    if (ioctl(fd, order, &request) == 0 || errno == EEXIST || errno == ENOENT)
        return 0;
    error_set_errno(error, errno, "cannot change the groups of the interface '%s'", name);
    return -1;
}

static bool is_wanted(const struct reception *reception, const struct group *group)
{
    for (unsigned i = 0; i < reception->group_count; i++)
        if (memcmp(reception->groups[i], group->mac, sizeof(group->mac)) == 0)
            return true;
    return false;
}

static int set_groups(int fd, const char *name, const struct reception *reception, GError **error)
{
    g_autoptr(GArray) joined = NULL;

    if (list_groups(name, &joined, error) < 0)
        return -1;
    for (unsigned i = 0; i < reception->group_count; i++)
        if (order_group(fd, name, SIOCADDMULTI, reception->groups[i], error) < 0)
            return -1;
    for (guint i = 0; i < joined->len; i++) {
        const struct group *group = &g_array_index(joined, struct group, i);

        if (!is_wanted(reception, group) &&
            order_group(fd, name, SIOCDELMULTI, group->mac, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- the rest ---- */

static int set_flags(int fd, const char *name, const struct reception *reception, GError **error)
{
    struct ifreq request = {0};
    short wanted = (short)((reception->all_groups ? IFF_ALLMULTI : 0) |
                           (reception->everything ? IFF_PROMISC : 0));

    g_strlcpy(request.ifr_name, name, IFNAMSIZ);
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
        short before = request.ifr_flags;

        request.ifr_flags = (short)((before & ~(IFF_ALLMULTI | IFF_PROMISC)) | wanted);
        if (request.ifr_flags == before || ioctl(fd, SIOCSIFFLAGS, &request) == 0)
            return 0;
    }
    error_set_errno(error, errno, "cannot set what the interface '%s' takes in", name);
    return -1;
}

int reception_apply(const char *name, const struct reception *reception, GError **error)
{
    autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        error_set_errno(error, errno, "cannot speak about the interface '%s'", name);
        return -1;
    }
    if ((reception->mac && tap_set_mac(name, reception->mac, error) < 0) ||
        set_groups(fd, name, reception, error) < 0)
        return -1;
    return set_flags(fd, name, reception, error);
}

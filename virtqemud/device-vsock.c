/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#include "device-common.h"

#define NODE "/dev/vhost-vsock"
#define FIRST_CID 3 /* those below are the hypervisor's and the host's */
#define MOST_TRIES 65536

static int set_cid(int fd, unsigned cid)
{
    uint64_t number = cid;

    return ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &number);
}

static int open_node(const struct domain_vsock *vsock, GError **error)
{
    int fd = open(NODE, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "vsock '%s': unable to open %s: %s",
                  vsock->info.alias, NODE, g_strerror(errno));
    return fd;
}

int vsock_open(const struct domain_vsock *vsock, int *ret_fd, GError **error)
{
    autofd int fd = open_node(vsock, error);

    if (fd < 0)
        return -1;
    if (set_cid(fd, vsock->cid) < 0) {
        error_set_errno(error, errno, "vsock '%s': unable to take the guest cid %u",
                        vsock->info.alias, vsock->cid);
        return -1;
    }
    *ret_fd = fd_take(&fd);
    return 0;
}

int vsock_choose_cid(struct domain_vsock *vsock, GError **error)
{
    autofd int fd = -1;

    if (vsock->auto_cid != TRISTATE_YES)
        return 0;
    if ((fd = open_node(vsock, error)) < 0)
        return -1;
    for (unsigned cid = FIRST_CID; cid < FIRST_CID + MOST_TRIES; cid++)
        if (set_cid(fd, cid) == 0) {
            vsock->cid = cid;
            return 0;
        }
    error_set_errno(error, errno, "vsock '%s': no guest cid is free", vsock->info.alias);
    return -1;
}

int device_vsock_properties(const struct domain *domain, const struct domain_vsock *vsock,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    g_autofree char *driver = device_virtio_name("vhost-vsock", vsock->model, &vsock->info);

    if (vsock->auto_cid != TRISTATE_YES && vsock->cid < FIRST_CID)
        return device_refuse(error, "vsock", vsock->info.alias,
                             "guest CIDs must be >= %d: <cid address=''/>", FIRST_CID);
    struct json_object *json = json_build("s:driver", driver, NULL);
    device_add_virtio(json, &vsock->virtio);
    json_add(json, "S:id", vsock->info.alias, "u:guest-cid", vsock->cid, NULL);
    device_add_place(json, domain, &vsock->info);
    *ret_properties = json;
    return 0;
}

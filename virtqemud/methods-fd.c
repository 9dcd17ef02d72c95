/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/remote-handlers.h"

#include "fd-group.h"
#include "methods.h"

/* Files that a client opens for a guest. */

/* No file gets another label or owner for this, as QEMU does not open it: the flags about labels
 * have nothing to do. */
int domain_fd_associate(struct call *call, const struct remote_domain_fd_associate_args *args,
                        void *ret, GError **error)
{
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
    int fd;

    for (unsigned i = 0; (fd = call_take_fd(call, i)) >= 0; i++)
        g_array_append_val(fds, fd);
    if (fds->len > 0)
        return fd_group_associate(guest_of(call->object), call->client, args->name, fds, error);
    g_array_unref(fds);
    error_set(error, VIR_ERR_INVALID_ARG, "no file descriptors came with the call");
    return -1;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_fd_associate),
     .flags = VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE | VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE},
};

const struct driver_methods fd_methods = DRIVER_METHODS(rows);

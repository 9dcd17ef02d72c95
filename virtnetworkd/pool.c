/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include "base/error.h"
#include "host/virtual-function.h"

/* The device itself, or a place on the network device that the host has made of it. */
static void add(struct network *network, const struct virtual_function *function)
{
    struct arena *arena = &network->definition.arena;
    struct network_forward *forward = network->forward;

    if (network_mode(network) == NETWORK_HOSTDEV) {
        struct network_hostdev *hostdev = arena_new(arena, struct network_hostdev);

        hostdev->type = NETWORK_HOSTDEV_PCI;
        hostdev->pci.domain = function->domain;
        hostdev->pci.bus = function->bus;
        hostdev->pci.slot = function->slot;
        hostdev->pci.function = function->function;
        LIST_APPEND(arena, &forward->hostdevs, hostdev);
    } else if (*function->device) {
        struct network_interface *interface = arena_new(arena, struct network_interface);

        interface->dev = arena_strdup(arena, function->device);
        LIST_APPEND(arena, &forward->interfaces, interface);
    }
}

int pool_complete(struct network *live, GError **error)
{
    struct network_forward *forward = live->forward;

    if (!forward || !forward->pfs.count || forward->interfaces.count || forward->hostdevs.count)
        return 0;
    const char *adapter = forward->pfs.items[0]->dev;
    g_autoptr(GArray) functions = virtual_function_list(adapter);
    for (guint i = 0; i < functions->len; i++)
        add(live, &g_array_index(functions, struct virtual_function, i));
    if (forward->interfaces.count || forward->hostdevs.count)
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "No usable Vf's present on SRIOV PF %s", adapter);
    return -1;
}

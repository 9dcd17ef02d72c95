/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-device.h"

#include "backing-chain.h"
#include "check-files.h"
#include "dac.h"
#include "filesystem.h"
#include "helper.h"
#include "hostdev.h"
#include "netdev.h"
#include "netport.h"
#include "ownership.h"
#include "prepare.h"
#include "resource-limits.h"
#include "tls-creds.h"
#include "transient.h"
#include "volume-source.h"
#include "vsock.h"

struct domain *prepare_device_alone(const struct device *device)
{
    struct domain *alone = (struct domain *)definition_new(&domain_schema);

    domain_add_device(alone, device->kind, device->object, NULL);
    return alone;
}

static int prepare_disk(struct guest *guest, struct domain *live, struct domain_disk *disk,
                        GError **error)
{
    if (domain_source_is_empty(&disk->source))
        return 0;
    if (volume_source_find(qemu_of(&guest->object), &disk->source, &live->definition.arena, error) <
            0 ||
        backing_chain_load_source(&disk->source, &live->definition.arena, error) < 0)
        return -1;
    /* numbers are not used twice in one run: what QEMU still has may bear one */
    unsigned first = MAX(backing_chain_highest(live), guest->last_node);
    first = backing_chain_number_source(&disk->source, first);
    if (transient_choose(live, disk, &first, error) < 0)
        return -1;
    guest->last_node = first;
    return 0;
}

/* No guest has opened what it has not seen yet: its opening will be told. */
static void prepare_channel(struct guest *guest, struct domain *live,
                            struct domain_channel *channel)
{
    prepare_channel_path(qemu_of(&guest->object), live, channel);
    if (channel->target == CHANNEL_TARGET_VIRTIO)
        channel->state = CHANNEL_STATE_DISCONNECTED;
}

int prepare_device(struct guest *guest, struct domain *live, const struct device *device,
                   GError **error)
{
    if (resource_limits_check_device(guest, device, error) < 0)
        return -1;
    tls_creds_choose_device(live, device, &qemu_of(&guest->object)->config);
    switch (device->kind) {
    case DEVICE_DISK:
        return prepare_disk(guest, live, device->object, error);
    case DEVICE_NET:
        netport_choose(device->object);
        return hostdev_find_net(device->object, error);
    case DEVICE_HOSTDEV:
        return hostdev_find_all(live, error);
    case DEVICE_INPUT:
        return check_files_input(device->object, error);
    case DEVICE_FILESYSTEM:
        filesystem_choose_program(device->object, &live->definition.arena);
        return 0;
    case DEVICE_VSOCK:
        return vsock_choose_cid(device->object, error);
    case DEVICE_CHANNEL:
        prepare_channel(guest, live, device->object);
        return 0;
    default:
        return 0;
    }
}

/* An interface has its name when it is known what it really is. */
static int plug_in_net(struct qemu *qemu, struct domain *live, const struct device *device,
                       GError **error)
{
    if (device->kind != DEVICE_NET)
        return 0;
    if (netport_take(qemu, live, device->object, error) < 0)
        return -1;
    net_choose_names(live);
    return 0;
}

static int hand_over(struct guest *guest, struct domain *live, const struct device *device,
                     GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);

    if (plug_in_net(qemu, live, device, error) < 0)
        return -1;
    DEFINITION_AUTO struct domain *alone = prepare_device_alone(device);

    /* nodes of devices are there once their driver is the right one */
    if (hostdev_take(qemu, live->name, device, error) < 0 ||
        resource_limits_lock_memory(guest, live, error) < 0 ||
        prepare_channel_folders(guest, alone, error) < 0 || transient_make(alone, error) < 0 ||
        ownership_take(dac_config(guest), alone, error) < 0)
        return -1;
    return helper_start(guest, live, device, error);
}

int prepare_device_access(struct guest *guest, struct domain *live, const struct device *device,
                          GError **error)
{
    if (hand_over(guest, live, device, error) == 0)
        return 0;
    prepare_device_undo(guest, live, device);
    return -1;
}

void prepare_device_undo(struct guest *guest, const struct domain *live,
                         const struct device *device)
{
    DEFINITION_AUTO struct domain *alone = prepare_device_alone(device);

    helper_stop(guest, live, device);
    if (device->kind == DEVICE_NET)
        netdev_remove(device->object);
    netport_give_back(qemu_of(&guest->object), alone);
    ownership_restore(dac_config(guest), alone);
    transient_remove(alone);
    hostdev_give_back(qemu_of(&guest->object), live->name, device);
}

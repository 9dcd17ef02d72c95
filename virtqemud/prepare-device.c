/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-device.h"

#include "backing-chain.h"
#include "netdev.h"
#include "ownership.h"
#include "prepare.h"

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
    if (backing_chain_load_source(&disk->source, &live->definition.arena, error) < 0)
        return -1;
    /* numbers are not used twice in one run: what QEMU still has may bear one */
    unsigned first = MAX(backing_chain_highest(live), guest->last_node);
    guest->last_node = backing_chain_number_source(&disk->source, first);
    return 0;
}

int prepare_device(struct guest *guest, struct domain *live, const struct device *device,
                   GError **error)
{
    switch (device->kind) {
    case DEVICE_DISK:
        return prepare_disk(guest, live, device->object, error);
    case DEVICE_NET:
        net_choose_names(live);
        return 0;
    case DEVICE_CHANNEL:
        prepare_channel_path(qemu_of(&guest->object), live, device->object);
        return 0;
    default:
        return 0;
    }
}

int prepare_device_access(struct guest *guest, const struct device *device, GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);
    DEFINITION_AUTO struct domain *alone = prepare_device_alone(device);

    if (prepare_channel_folders(qemu, alone, error) < 0)
        return -1;
    if (ownership_take(&qemu->config, alone, error) == 0)
        return 0;
    ownership_restore(&qemu->config, alone);
    return -1;
}

void prepare_device_undo(struct guest *guest, const struct device *device)
{
    DEFINITION_AUTO struct domain *alone = prepare_device_alone(device);

    ownership_restore(&qemu_of(&guest->object)->config, alone);
}

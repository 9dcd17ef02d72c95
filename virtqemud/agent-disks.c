/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent-disks.h"

static bool is_at_pci(const struct domain_device_info *info,
                      const struct agent_disk_address *address)
{
    const struct pci_address *at = &info->address.pci.at;

    return address->has_pci && info->address.type == ADDRESS_PCI && at->domain == address->domain &&
           at->bus == address->pci_bus && at->slot == address->slot &&
           at->function == address->function;
}

static bool is_at_ccw(const struct domain_device_info *info,
                      const struct agent_disk_address *address)
{
    const struct ccw_address *at = &info->address.ccw;

    return address->has_ccw && info->address.type == ADDRESS_CCW &&
           at->cssid.value == address->cssid && at->ssid.value == address->ssid &&
           at->devno.value == address->devno;
}

static bool is_controller_of(const struct domain_controller *controller,
                             const struct domain_disk *disk)
{
    static const struct {
        uint8_t bus, type;
    } types[] = {
        {DISK_BUS_SCSI, CONTROLLER_SCSI},
        {DISK_BUS_IDE, CONTROLLER_IDE},
        {DISK_BUS_SATA, CONTROLLER_SATA},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].bus == disk->bus && types[i].type == controller->type)
            return controller->index.value == disk->info.address.drive.controller;
    return false;
}

/* A disk behind a controller: the guest tells where that is, and the disk's place on it. */
static bool is_at_drive(const struct domain *live, const struct domain_disk *disk,
                        const struct agent_disk_address *address)
{
    const struct drive_address *at = &disk->info.address.drive;

    if (disk->info.address.type != ADDRESS_DRIVE || at->bus != address->bus ||
        at->target != address->target || at->unit != address->unit)
        return false;
    LIST_EACH (controller, &live->devices.controllers)
        if (is_controller_of(controller, disk) &&
            (is_at_pci(&controller->info, address) || is_at_ccw(&controller->info, address)))
            return true;
    return false;
}

const struct domain_disk *agent_disk_find(const struct domain *live,
                                          const struct agent_disk_address *address)
{
    LIST_EACH (disk, &live->devices.disks)
        if (is_at_pci(&disk->info, address) || is_at_ccw(&disk->info, address) ||
            is_at_drive(live, disk, address))
            return disk;
    return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address-zpci.h"

bool address_has_zpci(const struct domain_device_info *info)
{
    return info && info->address.type == ADDRESS_PCI && info->address.pci.zpci_uid.set &&
           info->address.pci.zpci_fid.set;
}

/* A bridge that was made for others is not known; nor are the machine's own. */
static bool is_bare(const struct domain_controller *controller, const bool *made)
{
    return controller->type == CONTROLLER_PCI &&
           (controller->model != CONTROLLER_PCI_BRIDGE || made[controller->index.value]);
}

static bool is_known(const struct device *device, const bool *made)
{
    return device->info && device->info->address.type == ADDRESS_PCI &&
           device->kind != DEVICE_SERIAL &&
           (device->kind != DEVICE_CONTROLLER || !is_bare(device->object, made));
}

/* The member of a device's address, uid or fid. */
static struct opt_uint *number_of(const struct device *device, bool is_uid)
{
    struct guest_pci_address *at = &device->info->address.pci;

    return is_uid ? &at->zpci_uid : &at->zpci_fid;
}

static bool has_numbers(const struct device *device)
{
    return device->info && device->info->address.type == ADDRESS_PCI;
}

static unsigned lowest_free(const struct device *devices, unsigned count, bool is_uid)
{
    for (unsigned number = is_uid ? 1 : 0;; number++) {
        bool used = false;

        for (unsigned i = 0; i < count && !used; i++)
            used = has_numbers(&devices[i]) && number_of(&devices[i], is_uid)->set &&
                   number_of(&devices[i], is_uid)->value == number;
        if (!used)
            return number;
    }
}

/* Kinds in the order in which their devices get numbers; all others follow. */
static const uint8_t first_kinds[] = {
    DEVICE_DISK, DEVICE_NET, DEVICE_SOUND, DEVICE_HOSTDEV, DEVICE_VIDEO, DEVICE_CONTROLLER,
};

static unsigned turn_of(const struct device *device)
{
    unsigned turn = 0;

    while (turn < G_N_ELEMENTS(first_kinds) && first_kinds[turn] != device->kind)
        turn++;
    return turn;
}

static void give_numbers(const struct device *devices, unsigned count, const struct device *device)
{
    for (unsigned uid = 0; uid < 2; uid++)
        if (!number_of(device, uid)->set)
            *number_of(device, uid) = OPT_UINT(lowest_free(devices, count, uid));
}

/* Those that have one of the two from their document come before all others. */
void address_assign_zpci(struct domain *domain, const bool *made)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++)
        if (is_known(&devices[i], made) &&
            (number_of(&devices[i], true)->set || number_of(&devices[i], false)->set))
            give_numbers(devices, count, &devices[i]);
    for (unsigned turn = 0; turn <= G_N_ELEMENTS(first_kinds); turn++)
        for (unsigned i = 0; i < count; i++)
            if (turn_of(&devices[i]) == turn && is_known(&devices[i], made))
                give_numbers(devices, count, &devices[i]);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address.h"

#include "address-pci.h"
#include "address-usb.h"

static bool slot_is_used(const struct domain *domain, unsigned slot)
{
    LIST_EACH (memory, &domain->devices.memories)
        if (memory->info.address.type == ADDRESS_DIMM && memory->info.address.dimm.slot.set &&
            memory->info.address.dimm.slot.value == slot)
            return true;
    return false;
}

static int assign_memory_slots(struct domain *domain, GError **error)
{
    LIST_EACH (memory, &domain->devices.memories) {
        struct domain_address *address = &memory->info.address;
        unsigned slot = 0;

        if (address->type != ADDRESS_DIMM || address->dimm.slot.set)
            continue;
        while (slot_is_used(domain, slot))
            slot++;
        if (slot >= domain->memory_slots) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "maxMemory/@slots: all %u slots for memory are used", domain->memory_slots);
            return -1;
        }
        address->dimm.slot = OPT_UINT(slot);
    }
    return 0;
}

static int assign(struct domain *domain, const struct machine_traits *machine, bool grow,
                  GError **error)
{
    if (address_assign_pci(domain, machine, grow, error) < 0 ||
        address_assign_usb(domain, grow, error) < 0)
        return -1;
    return assign_memory_slots(domain, error);
}

int address_assign(struct domain *domain, const struct machine_traits *machine, GError **error)
{
    return assign(domain, machine, true, error);
}

int address_assign_plugged(struct domain *domain, const struct machine_traits *machine,
                           GError **error)
{
    return assign(domain, machine, false, error);
}

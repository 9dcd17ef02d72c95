/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address.h"

#include "address-pci.h"
#include "address-usb.h"
#include "address-virtio.h"

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

/* ---- the virtual I/O bus of pseries ---- */

static bool register_is_used(const struct device *devices, unsigned count, uint64_t reg)
{
    for (unsigned i = 0; i < count; i++)
        if (devices[i].info && devices[i].info->address.type == ADDRESS_SPAPR_VIO &&
            devices[i].info->address.spapr_vio.reg.set &&
            devices[i].info->address.spapr_vio.reg.value == reg)
            return true;
    return false;
}

/* In the order in which they get theirs. */
static const struct {
    enum device_kind kind;
    uint64_t first;
} registers[] = {
    {DEVICE_NET, 0x1000},   {DEVICE_CONTROLLER, 0x2000}, {DEVICE_SERIAL, 0x30000000},
    {DEVICE_NVRAM, 0x3000}, {DEVICE_TPM, 0x4000},
};

/* Devices that exist on this bus alone. */
static bool needs_register(const struct device *device)
{
    const void *object = device->object;

    switch (device->kind) {
    case DEVICE_CONTROLLER:
        return ((const struct domain_controller *)object)->type == CONTROLLER_SCSI &&
               ((const struct domain_controller *)object)->model == CONTROLLER_SCSI_IBMVSCSI;
    case DEVICE_NET:
        return g_strcmp0(((const struct domain_net *)object)->model, "spapr-vlan") == 0;
    case DEVICE_SERIAL:
        return ((const struct domain_serial *)object)->target == SERIAL_TARGET_SPAPR_VIO;
    case DEVICE_TPM:
        return ((const struct domain_tpm *)object)->model == TPM_MODEL_SPAPR;
    case DEVICE_NVRAM:
        return true;
    default:
        return false;
    }
}

/* A console that is the first serial port shows its place; two devices can't have one, so only when
 * all have theirs. */
static struct domain_console *find_shown_port(const struct domain_devices *devices)
{
    struct domain_console *console = devices->consoles.count ? devices->consoles.items[0] : NULL;

    return console && console->target == CONSOLE_TARGET_SERIAL && devices->serials.count ? console
                                                                                         : NULL;
}

static void assign_register(const struct device *devices, unsigned count,
                            const struct device *device, uint64_t first)
{
    struct domain_address *address = &device->info->address;

    if (address->type == ADDRESS_NONE && needs_register(device))
        address->type = ADDRESS_SPAPR_VIO;
    if (address->type != ADDRESS_SPAPR_VIO || address->spapr_vio.reg.set)
        return;
    while (register_is_used(devices, count, first))
        first += 0x1000;
    address->spapr_vio.reg = OPT_ULONG(first);
}

static void assign_registers(struct domain *domain)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned k = 0; k < G_N_ELEMENTS(registers); k++)
        for (unsigned i = 0; i < count; i++)
            if (devices[i].kind == registers[k].kind)
                assign_register(devices, count, &devices[i], registers[k].first);
}

static int assign(struct domain *domain, const struct machine_traits *machine, bool grow,
                  GError **error)
{
    struct domain_console *shown = find_shown_port(&domain->devices);

    if (shown)
        shown->info.address = (struct domain_address){0};
    assign_registers(domain);
    if (address_assign_virtio(domain, machine, error) < 0 ||
        address_assign_pci(domain, machine, grow, error) < 0 ||
        address_assign_usb(domain, grow, error) < 0)
        return -1;
    if (shown)
        shown->info.address = domain->devices.serials.items[0]->info.address;
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

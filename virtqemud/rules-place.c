/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device-common.h"
#include "faults.h"
#include "machine.h"
#include "rules-parts.h"

/* Where no device can be, whatever is there. */

static bool is_of_usb(const struct device *device)
{
    const struct domain_input *input = device->kind == DEVICE_INPUT ? device->object : NULL;

    return device->kind == DEVICE_REDIRDEV || device->kind == DEVICE_HUB ||
           (input && input->bus == INPUT_BUS_USB);
}

/* What machines have of their own on bus 0, and the controller that is it in documents. */
static bool is_built_in(const struct domain *live, const struct device *device)
{
    const struct domain_controller *controller =
        device->kind == DEVICE_CONTROLLER ? device->object : NULL;
    const struct pci_address *at = &device->info->address.pci.at;
    bool pc = device_machine_is_i440fx(live), q35 = device_machine_is_q35(live);

    if (device->info->address.type != ADDRESS_PCI || at->domain || at->bus)
        return false;
    if (pc && at->slot == 1)
        return at->function == 0 || at->function == 3 ||
               !(controller &&
                 (controller->type == CONTROLLER_IDE || controller->type == CONTROLLER_USB));
    if (q35 && at->slot == 31)
        return at->function == 0 || at->function == 3 ||
               (at->function == 2 && !(controller && controller->type == CONTROLLER_SATA));
    return false;
}

/* Those of real hardware that QEMU gives no slots for virtio devices. */
#define WITHOUT_SLOTS                                                                              \
    (BIT(MACHINE_PCI_BOARD) | BIT(MACHINE_SPARC) | BIT(MACHINE_PSERIES) | BIT(MACHINE_POWER) |     \
     BIT(MACHINE_S390_CCW))

int rules_check_places(const struct domain *domain, GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    bool x86 = domain_is_x86(domain);
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++) {
        const struct domain_address *address = devices[i].info ? &devices[i].info->address : NULL;

        if (!address || !address->type)
            continue;
        const struct fault faults[] = {
            {address->type == ADDRESS_UNASSIGNED && devices[i].kind != DEVICE_HOSTDEV, FAULT_GUEST,
             "@type: 'unassigned' is for devices of the host alone"},
            {devices[i].info->acpi_index && address->type != ADDRESS_PCI &&
                 address->type != ADDRESS_UNASSIGNED,
             FAULT_QEMU, "acpi/@index is of devices on PCI"},
            {is_of_usb(&devices[i]) && address->type != ADDRESS_USB &&
                 address->type != ADDRESS_UNASSIGNED,
             FAULT_XML, "@type: it is a device of USB"},
            {x86 && address->type == ADDRESS_PCI && address->pci.at.domain, FAULT_XML,
             "@domain: there is 0 alone"},
            {address->type == ADDRESS_CCW && family != MACHINE_S390_CCW, FAULT_QEMU,
             "@type: channels are of s390x alone"},
            {address->type == ADDRESS_VIRTIO_MMIO && (WITHOUT_SLOTS & BIT(family)), FAULT_QEMU,
             "@type: the machine has no such slots"},
            {is_built_in(domain, &devices[i]), FAULT_XML, "a part of the machine is there already"},
        };
        if (FAULTS_CHECK(faults, error, "devices/%s[%u]: address",
                         names_word(&device_kind_names, devices[i].kind), devices[i].index + 1) < 0)
            return -1;
    }
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "faults.h"
#include "machine.h"
#include "rules-parts.h"

/* What QEMU has no device for, of the models that documents know. */
#define NO_SCSI                                                                                    \
    (BIT(CONTROLLER_SCSI_BUSLOGIC) | BIT(CONTROLLER_SCSI_NCR53C90) | BIT(CONTROLLER_SCSI_DC390))
#define VIRTIO_SCSI                                                                                \
    (BIT(CONTROLLER_SCSI_VIRTIO) | BIT(CONTROLLER_SCSI_VIRTIO_TRANSITIONAL) |                      \
     BIT(CONTROLLER_SCSI_VIRTIO_NON_TRANSITIONAL))

static bool is_of(uint8_t value, uint64_t values)
{
    return BIT(value) & values;
}

static int check_scsi(const struct domain *domain, const struct domain_controller *controller,
                      GError **error)
{
    const struct controller_driver none = {0}, *driver = controller->driver ?: &none;
    bool virtio = is_of(controller->model, VIRTIO_SCSI);
    bool built_in =
        controller->model == CONTROLLER_SCSI_NCR53C90 &&
        machine_devices_of(machine_family_of(domain->os.arch, domain->os.machine))->scsi ==
            CONTROLLER_SCSI_NCR53C90;
    bool tuned = driver->queues || driver->cmd_per_lun.set || driver->max_sectors.set ||
                 driver->ioeventfd || driver->iothread;
    const struct fault faults[] = {
        {built_in && controller->index.value, FAULT_QEMU,
         "the one that is part of the machine is the first"},
        {is_of(controller->model, NO_SCSI) && !built_in, FAULT_QEMU,
         "QEMU has no such device for this machine: it has virtio-scsi, lsilogic, lsisas1068, "
         "lsisas1078, vmpvscsi, am53c974"},
        {tuned && controller->model && !virtio, FAULT_QEMU,
         "queues, cmd_per_lun, max_sectors, ioeventfd and iothread are for virtio-scsi alone"},
        {driver->iothread && !domain_has_iothread(domain, driver->iothread), FAULT_QEMU,
         "driver/@iothread is none of <iothreads>"},
    };

    return FAULTS_CHECK(faults, error, "scsi controller %u", controller->index.value);
}

/* ---- USB ---- */

enum { XHCI_PORTS = 15 };

static int check_usb(const struct domain_controller *controller, GError **error)
{
    bool xhci = controller->model == CONTROLLER_USB_QEMU_XHCI ||
                controller->model == CONTROLLER_USB_NEC_XHCI;
    const struct fault faults[] = {
        {controller->model == CONTROLLER_USB_QUSB1 || controller->model == CONTROLLER_USB_QUSB2,
         FAULT_QEMU, "qusb1 and qusb2 are of Xen"},
        {xhci && controller->ports.set && controller->ports.value > XHCI_PORTS, FAULT_QEMU,
         "@ports: it has at most 15"},
    };

    return FAULTS_CHECK(faults, error, "usb controller %u", controller->index.value);
}

static bool has_master(const struct domain *domain, const struct domain_controller *companion)
{
    LIST_EACH (controller, &domain->devices.controllers)
        if (controller->type == CONTROLLER_USB && !controller_is_usb_companion(controller) &&
            controller->index.value == companion->index.value)
            return true;
    return false;
}

static int check_usb_bus(const struct domain *domain, GError **error)
{
    bool disabled = false;
    unsigned count = 0;

    LIST_EACH (controller, &domain->devices.controllers) {
        if (controller->type != CONTROLLER_USB)
            continue;
        count++;
        disabled |= controller->model == CONTROLLER_USB_DISABLED;
        const struct fault faults[] = {
            {controller_is_usb_companion(controller) && !has_master(domain, controller),
             FAULT_DETAIL, "there is no ich9-ehci1 of its index"},
        };
        if (FAULTS_CHECK(faults, error, "usb controller %u", controller->index.value) < 0)
            return -1;
    }
    const struct fault faults[] = {
        {disabled && count > 1, FAULT_DETAIL,
         "model 'none' says that there is no USB, and there is another controller"},
    };
    return FAULTS_CHECK(faults, error, "usb controller");
}

/* ---- PCI ---- */

static const struct pci_kind {
    uint8_t model, name;
    bool chassis_nr, chassis, bus_nr, hotplug, on_pc, on_q35;
} pci_kinds[] = {
    {CONTROLLER_PCI_ROOT, 0, .hotplug = true, .on_pc = true},
    {CONTROLLER_PCIE_ROOT, 0, .on_q35 = true},
    {CONTROLLER_PCI_BRIDGE, PCI_MODEL_NAME_PCI_BRIDGE, .chassis_nr = true, .on_pc = true,
     .on_q35 = true},
    {CONTROLLER_PCI_DMI_BRIDGE, PCI_MODEL_NAME_I82801B11_BRIDGE, .on_q35 = true},
    {CONTROLLER_PCIE_ROOT_PORT, 0, .chassis = true, .hotplug = true, .on_q35 = true},
    {CONTROLLER_PCIE_SWITCH_UPSTREAM_PORT, PCI_MODEL_NAME_X3130_UPSTREAM, .on_q35 = true},
    {CONTROLLER_PCIE_SWITCH_DOWNSTREAM_PORT, PCI_MODEL_NAME_XIO3130_DOWNSTREAM, .chassis = true,
     .hotplug = true, .on_q35 = true},
    {CONTROLLER_PCI_EXPANDER_BUS, PCI_MODEL_NAME_PXB, .bus_nr = true, .on_pc = true},
    {CONTROLLER_PCIE_EXPANDER_BUS, PCI_MODEL_NAME_PXB_PCIE, .bus_nr = true, .on_q35 = true},
    {CONTROLLER_PCIE_TO_PCI_BRIDGE, PCI_MODEL_NAME_PCIE_PCI_BRIDGE, .on_q35 = true},
};

static unsigned count_cells(const struct domain *domain)
{
    return domain->cpu && domain->cpu->numa ? domain->cpu->numa->cells.count : 0;
}

static bool is_wrong_name(const struct pci_kind *kind, uint8_t name)
{
    bool port = kind->model == CONTROLLER_PCIE_ROOT_PORT;

    if (!name || name == PCI_MODEL_NAME_SPAPR_PCI_HOST_BRIDGE)
        return false;
    return port ? name != PCI_MODEL_NAME_IOH3420 && name != PCI_MODEL_NAME_PCIE_ROOT_PORT
                : name != kind->name;
}

static int check_pci_kind(const struct domain *domain, const struct domain_controller *controller,
                          const struct pci_kind *kind, GError **error)
{
    const struct controller_pci none = {0}, *pci = controller->pci ?: &none;
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    bool root =
        controller->model == CONTROLLER_PCI_ROOT || controller->model == CONTROLLER_PCIE_ROOT;
    const struct fault faults[] = {
        {root && controller->index.value && family != MACHINE_PSERIES, FAULT_XML,
         "pci-root and pcie-root have index 0"},
        {!root && !controller->index.value, FAULT_XML, "index 0 is that of the root"},
        {controller->model == CONTROLLER_PCI_EXPANDER_BUS && family != MACHINE_PC, FAULT_QEMU,
         "it is of machines pc"},
        {controller->model == CONTROLLER_PCIE_EXPANDER_BUS && family != MACHINE_Q35 &&
             family != MACHINE_ARM_VIRT,
         FAULT_QEMU, "it is of machines q35, and 'virt' of ARM"},
        {(family == MACHINE_PC && !kind->on_pc) || (family == MACHINE_Q35 && !kind->on_q35),
         controller->index.value ? FAULT_QEMU : FAULT_XML, "the machine has nowhere to plug it in"},
        {is_wrong_name(kind, pci->model_name), FAULT_QEMU, "model/@name is none of this model"},
        {pci->chassis_nr.set && !kind->chassis_nr, FAULT_QEMU,
         "target/@chassisNr is for pci-bridge alone"},
        {pci->chassis.set && !kind->chassis, FAULT_QEMU,
         "target/@chassis is for ports of PCI Express alone"},
        {pci->bus_nr.set && !kind->bus_nr, FAULT_QEMU, "target/@busNr is for expander buses alone"},
        {pci->node.set && kind->bus_nr && pci->node.value >= count_cells(domain), FAULT_XML,
         "target/node is none of cpu/numa"},
        {pci->hotplug && !kind->hotplug, FAULT_QEMU,
         "target/@hotplug is for pci-root and ports of PCI Express alone"},
        {pci->hole64.set && root && family != MACHINE_PC && family != MACHINE_Q35, FAULT_QEMU,
         "pcihole64 is of machines pc and q35"},
    };

    return FAULTS_CHECK(faults, error, "pci controller %u of model '%s'", controller->index.value,
                        names_word(&controller_pci_model_names, controller->model));
}

static int check_pci(const struct domain *domain, const struct domain_controller *controller,
                     GError **error)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(pci_kinds); i++)
        if (pci_kinds[i].model == controller->model)
            return check_pci_kind(domain, controller, &pci_kinds[i], error);
    return controller->model
               ? 0
               : faults_fail(FAULT_INTERNAL, error, "pci controller %u: @model is missing",
                             controller->index.value);
}

/* ---- all of them ---- */

static int check_other(const struct domain *domain, const struct domain_controller *controller,
                       GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    const struct fault faults[] = {
        {controller->type == CONTROLLER_IDE &&
             !machine_has_ide(domain->os.arch, domain->os.machine),
         FAULT_QEMU, "the machine has none: use another bus"},
        {controller->type == CONTROLLER_IDE && family == MACHINE_PC && controller->index.value,
         FAULT_QEMU, "the machine has one, of index 0"},
        {controller->type == CONTROLLER_XENBUS, FAULT_XML, "it is of Xen"},
    };

    return FAULTS_CHECK(faults, error, "%s controller %u",
                        names_word(&controller_type_names, controller->type),
                        controller->index.value);
}

int rules_check_controllers(const struct domain *domain, GError **error)
{
    LIST_EACH (controller, &domain->devices.controllers) {
        if (check_other(domain, controller, error) < 0)
            return -1;
        if (controller->type == CONTROLLER_SCSI && check_scsi(domain, controller, error) < 0)
            return -1;
        if (controller->type == CONTROLLER_USB && check_usb(controller, error) < 0)
            return -1;
        if (controller->type == CONTROLLER_PCI && check_pci(domain, controller, error) < 0)
            return -1;
    }
    return check_usb_bus(domain, error);
}

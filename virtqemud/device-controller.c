/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "device-common.h"
#include "machine.h"

/* ---- names of devices by model; NULL: built into the machine, or none ---- */

static const char *const usb_drivers[] = {
    [CONTROLLER_USB_PIIX3_UHCI] = "piix3-usb-uhci",
    [CONTROLLER_USB_PIIX4_UHCI] = "piix4-usb-uhci",
    [CONTROLLER_USB_EHCI] = "usb-ehci",
    [CONTROLLER_USB_ICH9_EHCI1] = "ich9-usb-ehci1",
    [CONTROLLER_USB_ICH9_UHCI1] = "ich9-usb-uhci1",
    [CONTROLLER_USB_ICH9_UHCI2] = "ich9-usb-uhci2",
    [CONTROLLER_USB_ICH9_UHCI3] = "ich9-usb-uhci3",
    [CONTROLLER_USB_VT82C686B_UHCI] = "vt82c686b-usb-uhci",
    [CONTROLLER_USB_PCI_OHCI] = "pci-ohci",
    [CONTROLLER_USB_NEC_XHCI] = "nec-usb-xhci",
    [CONTROLLER_USB_QEMU_XHCI] = "qemu-xhci",
};

static const char *const scsi_drivers[] = {
    [CONTROLLER_SCSI_NONE] = "lsi",
    [CONTROLLER_SCSI_AUTO] = "lsi",
    [CONTROLLER_SCSI_LSILOGIC] = "lsi",
    [CONTROLLER_SCSI_LSISAS1068] = "mptsas1068",
    [CONTROLLER_SCSI_VMPVSCSI] = "pvscsi",
    [CONTROLLER_SCSI_LSISAS1078] = "megasas",
    [CONTROLLER_SCSI_DC390] = "dc390",
    [CONTROLLER_SCSI_AM53C974] = "am53c974",
    [CONTROLLER_SCSI_IBMVSCSI] = "spapr-vscsi",
};

static const uint8_t scsi_generations[] = {
    [CONTROLLER_SCSI_VIRTIO] = VIRTIO_MODEL_VIRTIO,
    [CONTROLLER_SCSI_VIRTIO_TRANSITIONAL] = VIRTIO_MODEL_TRANSITIONAL,
    [CONTROLLER_SCSI_VIRTIO_NON_TRANSITIONAL] = VIRTIO_MODEL_NON_TRANSITIONAL,
};

static int refuse(const struct domain_controller *controller, const char *reason, GError **error)
{
    g_autofree char *name = g_strdup_printf(
        "%s %u", names_word(&controller_type_names, controller->type), controller->index.value);

    return device_refuse(error, "controller", name, "%s", reason);
}

static void add_driver_options(struct json_object *json, const struct controller_driver *driver)
{
    if (!driver)
        return;
    if (driver->iothread) {
        g_autofree char *thread = g_strdup_printf("iothread%u", driver->iothread);
        json_add(json, "s:iothread", thread, NULL);
    }
    if (driver->iothreads.count)
        device_add_iothreads(json, driver->iothreads.items, driver->iothreads.count);
    device_add_virtio(json, &driver->virtio);
    if (driver->queues)
        json_add(json, "u:num_queues", driver->queues, NULL);
    if (driver->cmd_per_lun.set)
        json_add(json, "u:cmd_per_lun", driver->cmd_per_lun.value, NULL);
    if (driver->max_sectors.set)
        json_add(json, "u:max_sectors", driver->max_sectors.value, NULL);
    device_add_bool(json, "ioeventfd", driver->ioeventfd);
}

/* ---- one function a type; *ret_json stays NULL for what the machine has by itself ---- */

/* The expander of conventional PCI is one device; others carry numbers that firmware shows. */
static void add_pci_numbers(struct json_object *json, unsigned model,
                            const struct domain_controller *controller)
{
    static const struct controller_pci none;
    const struct controller_pci *pci = controller->pci ? controller->pci : &none;
    unsigned index = controller->index.value;

    if (model == CONTROLLER_PCI_BRIDGE)
        json_add(json, "u:chassis_nr", pci->chassis_nr.set ? pci->chassis_nr.value : index, NULL);
    if (model == CONTROLLER_PCIE_ROOT_PORT || model == CONTROLLER_PCIE_SWITCH_DOWNSTREAM_PORT)
        json_add(json, "u:port", pci->port.value, "u:chassis",
                 pci->chassis.set ? pci->chassis.value : index, NULL);
    if (model == CONTROLLER_PCI_EXPANDER_BUS || model == CONTROLLER_PCIE_EXPANDER_BUS) {
        if (pci->bus_nr.set)
            json_add(json, "u:bus_nr", pci->bus_nr.value, NULL);
        if (pci->node.set)
            json_add(json, "u:numa_node", pci->node.value, NULL);
    }
    device_add_bool(json, "hotplug", pci->hotplug);
    if (pci->mem_reserve.set)
        json_add(json, "U:mem-reserve", pci->mem_reserve.value * 1024, NULL);
}

/* The first is the machine's. */
static int build_host_bridge(const struct domain_controller *controller,
                             struct json_object **ret_json)
{
    const struct controller_pci *pci = controller->pci;

    if (!pci->index.value)
        return 0;
    *ret_json = json_build("s:driver", "spapr-pci-host-bridge", "u:index", pci->index.value, NULL);
    if (pci->node.set)
        json_add(*ret_json, "u:numa_node", pci->node.value, NULL);
    return 0;
}

static int build_pci(const struct domain *domain, const struct domain_controller *controller,
                     struct json_object **ret_json, GError **error)
{
    unsigned model = controller->model;
    unsigned name = controller->pci ? controller->pci->model_name : PCI_MODEL_NAME_NONE;

    if (name == PCI_MODEL_NAME_SPAPR_PCI_HOST_BRIDGE && model == CONTROLLER_PCI_ROOT)
        return build_host_bridge(controller, ret_json);
    if (model == CONTROLLER_PCI_ROOT || model == CONTROLLER_PCIE_ROOT)
        return controller->index.value == 0
                   ? 0
                   : refuse(controller, "this machine has one PCI root, with index 0", error);
    if (name == PCI_MODEL_NAME_NONE)
        name = machine_pci_model_name(model);
    if (name == PCI_MODEL_NAME_NONE)
        return refuse(controller, "its model is not in this version", error);
    *ret_json = json_build("s:driver", names_word(&pci_model_name_names, name), NULL);
    add_pci_numbers(*ret_json, model, controller);
    return 0;
}

static int build_companion(const struct domain *domain, const struct domain_controller *controller,
                           struct json_object **ret_json)
{
    g_autofree char *bus = device_bus_name(domain, CONTROLLER_USB, controller->index.value);

    *ret_json = json_build("s:driver", usb_drivers[controller->model], "s:masterbus", bus,
                           "u:firstport", controller->master_port.value, NULL);
    return 0;
}

static int build_usb(const struct domain *domain, const struct domain_controller *controller,
                     struct json_object **ret_json, GError **error)
{
    unsigned model = controller->model;
    bool xhci = model == CONTROLLER_USB_NEC_XHCI || model == CONTROLLER_USB_QEMU_XHCI;

    if (model == CONTROLLER_USB_DISABLED)
        return 0;
    if (model == CONTROLLER_USB_NONE)
        model =
            device_machine_is_i440fx(domain) ? CONTROLLER_USB_PIIX3_UHCI : CONTROLLER_USB_QEMU_XHCI;
    if (model >= G_N_ELEMENTS(usb_drivers) || !usb_drivers[model])
        return refuse(controller, "its model is for other hypervisors", error);
    if (controller->ports.set && !xhci)
        return refuse(controller, "only xHCI controllers have a choice of ports", error);
    if (controller_is_usb_companion(controller))
        return build_companion(domain, controller, ret_json);
    *ret_json = json_build("s:driver", usb_drivers[model], NULL);
    if (controller->ports.set)
        json_add(*ret_json, "u:p2", controller->ports.value, "u:p3", controller->ports.value, NULL);
    return 0;
}

static int build_scsi(const struct domain *domain, const struct domain_controller *controller,
                      struct json_object **ret_json, GError **error)
{
    unsigned model = controller->model;
    unsigned generation = model < G_N_ELEMENTS(scsi_generations) ? scsi_generations[model] : 0;

    if (generation) {
        g_autofree char *driver = device_virtio_name("virtio-scsi", generation, &controller->info);
        *ret_json = json_build("s:driver", driver, NULL);
        add_driver_options(*ret_json, controller->driver);
        return 0;
    }
    if (model == CONTROLLER_SCSI_NCR53C90)
        return 0; /* part of the machine, as the rules have it */
    if (model >= G_N_ELEMENTS(scsi_drivers) || !scsi_drivers[model])
        return refuse(controller, "its model is for other hypervisors or machines", error);
    if (controller->driver && controller->driver->iothread)
        return refuse(controller, "an iothread needs model='virtio-scsi'", error);
    *ret_json = json_build("s:driver", scsi_drivers[model], NULL);
    return 0;
}

static int build_sata(const struct domain *domain, const struct domain_controller *controller,
                      struct json_object **ret_json, GError **error)
{
    if (controller->index.value > 0 || !device_machine_is_q35(domain))
        *ret_json = json_build("s:driver", "ahci", NULL);
    return 0;
}

static int build_ide(const struct domain *domain, const struct domain_controller *controller,
                     struct json_object **ret_json, GError **error)
{
    if (controller->index.value > 0)
        return refuse(controller, "the machine has one IDE controller", error);
    if (device_machine_is_q35(domain))
        return refuse(controller, "machines of type q35 have no IDE controller: use SATA", error);
    return 0;
}

/* A machine without one of its own gets it when its drives are known: arguments-devices.c. */
static int build_floppies(const struct domain *domain, const struct domain_controller *controller,
                          struct json_object **ret_json, GError **error)
{
    return controller->index.value == 0
               ? 0
               : refuse(controller, "the machine has one floppy controller", error);
}

static int build_virtio_serial(const struct domain *domain,
                               const struct domain_controller *controller,
                               struct json_object **ret_json, GError **error)
{
    g_autofree char *driver =
        device_virtio_name("virtio-serial", controller->model, &controller->info);

    *ret_json = json_build("s:driver", driver, NULL);
    if (controller->ports.set)
        json_add(*ret_json, "u:max_ports", controller->ports.value, NULL);
    if (controller->vectors.set)
        json_add(*ret_json, "u:vectors", controller->vectors.value, NULL);
    if (controller->driver)
        device_add_virtio(*ret_json, &controller->driver->virtio);
    return 0;
}

static int build_ccid(const struct domain *domain, const struct domain_controller *controller,
                      struct json_object **ret_json, GError **error)
{
    *ret_json = json_build("s:driver", "usb-ccid", NULL);
    return 0;
}

static int (*const builders[])(const struct domain *, const struct domain_controller *,
                               struct json_object **, GError **) = {
    [CONTROLLER_IDE] = build_ide,   [CONTROLLER_FDC] = build_floppies,
    [CONTROLLER_SCSI] = build_scsi, [CONTROLLER_SATA] = build_sata,
    [CONTROLLER_USB] = build_usb,   [CONTROLLER_PCI] = build_pci,
    [CONTROLLER_CCID] = build_ccid, [CONTROLLER_VIRTIO_SERIAL] = build_virtio_serial,
};

static int check_controller(const struct domain_controller *controller,
                            const struct emulator *emulator, GError **error)
{
    if (controller->driver && controller->driver->iothreads.count &&
        !emulator_has(emulator, EMULATOR_SCSI_VQ_MAPPING))
        return refuse(controller, "the emulator cannot spread queues over iothreads", error);
    if (controller->pci && controller->pci->mem_reserve.set &&
        (controller->model != CONTROLLER_PCIE_ROOT_PORT ||
         !emulator_has(emulator, EMULATOR_PCI_MEM_RESERVE)))
        return refuse(controller, "memReserve needs a pcie-root-port that knows it", error);
    return 0;
}

int device_controller_properties(const struct domain *domain,
                                 const struct domain_controller *controller,
                                 const struct arguments_context *context,
                                 struct json_object **ret_properties, GError **error)
{
    struct json_object *json = NULL;

    if (controller->type >= G_N_ELEMENTS(builders) || !builders[controller->type])
        return refuse(controller, "its type is not in this version", error);
    if (check_controller(controller, context->emulator, error) < 0 ||
        builders[controller->type](domain, controller, &json, error) < 0)
        return -1;
    if (json && controller_is_usb_companion(controller))
        device_add_place(json, domain, &controller->info);
    else if (json) {
        json_add(json, "S:id", controller->info.alias, NULL);
        device_add_place(json, domain, &controller->info);
    }
    *ret_properties = json;
    return 0;
}

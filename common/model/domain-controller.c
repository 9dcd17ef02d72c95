/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-controller.h"

#include "model/rows.h"

NAMES(controller_type_names, NULL, "ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb",
      "pci", "xenbus", "isa", "nvme");
NAMES(controller_scsi_model_names, NULL, "auto", "buslogic", "lsilogic", "lsisas1068", "vmpvscsi",
      "ibmvscsi", "virtio-scsi", "lsisas1078", "virtio-transitional", "virtio-non-transitional",
      "ncr53c90", "dc390", "am53c974");
NAMES(controller_usb_model_names, NULL, "piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1",
      "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", "vt82c686b-uhci", "pci-ohci", "nec-xhci", "qusb1",
      "qusb2", "qemu-xhci", "none");
NAMES(controller_ide_model_names, NULL, "piix3", "piix4", "ich6");
NAMES(controller_pci_model_names, NULL, "pci-root", "pci-bridge", "pcie-root", "dmi-to-pci-bridge",
      "pcie-root-port", "pcie-switch-upstream-port", "pcie-switch-downstream-port",
      "pci-expander-bus", "pcie-expander-bus", "pcie-to-pci-bridge");
NAMES(pci_model_name_names, NULL, "pci-bridge", "i82801b11-bridge", "ioh3420", "x3130-upstream",
      "xio3130-downstream", "pxb", "pxb-pcie", "pcie-root-port", "spapr-pci-host-bridge",
      "pcie-pci-bridge");

#define ROWS_OF struct controller_driver
static const struct xml_row controller_driver_rows[] = {
    ROW_NUMBER("@queues", queues, "Virtqueues", .flags = XML_ABI),
    ROW_NUMBER("@cmd_per_lun", cmd_per_lun, "Commands queued for one unit", .flags = XML_ABI),
    ROW_NUMBER("@max_sectors", max_sectors, "Longest transfer", .flags = XML_ABI),
    ROW_ON_OFF("@ioeventfd", ioeventfd, "I/O is handled outside of the vcpu threads"),
    ROW_NUMBER("@iothread", iothread, "Number of the I/O thread that serves it"),
    ROW_EMBED(".", virtio, domain_virtio),
    ROW_LIST("iothreads/iothread", iothreads, disk_iothread, "I/O thread of some queues"),
};
#undef ROWS_OF
XML_SCHEMA(controller_driver, "driver", .doc = "How the controller is emulated");

#define ROWS_OF struct controller_pci
static const struct xml_row controller_pci_rows[] = {
    ROW_ENUM("model/@name", model_name, pci_model_name_names, "Device that implements it",
             .flags = XML_EXPECTED | XML_ONCE | XML_ABI),
    ROW_NUMBER("target/@chassisNr", chassis_nr, "Chassis of a pci-bridge", RANGE(1, 255),
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_NUMBER("target/@chassis", chassis, "Chassis of a port", RANGE(0, 255),
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ONCE | XML_ABI),
    ROW_HEX("target/@port", port, 1, "Port of the chassis", RANGE(0, 255),
            WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_NUMBER("target/@busNr", bus_nr, "Bus number of an expander bus", RANGE(1, 254),
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_NUMBER("target/@index", index, "Number of a pseries host bridge", RANGE(0, 31),
               .flags = XML_ABI),
    ROW_ON_OFF("target/@hotplug", hotplug, "Devices can be plugged while the guest runs",
               .flags = XML_ABI),
    ROW_NUMBER("target/@memReserve", mem_reserve, "KiB of address space kept for what is plugged",
               .flags = XML_ABI),
    ROW_NUMBER("target/node", node, "NUMA node of an expander bus", .flags = XML_ABI),
    ROW_SIZE("pcihole64", hole64, UNIT_KIB, "Address space for 64-bit BARs", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(controller_pci, "controller", .doc = "Members of PCI controllers");

#define ROWS_OF struct domain_controller
static const struct xml_row domain_controller_rows[] = {
    ROW_ENUM("@type", type, controller_type_names, "Kind of bus", .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@index", index, "Number among controllers of the same type", .flags = XML_ABI),
    ROW_ENUM("@model", model, controller_scsi_model_names, "Device",
             WHEN(type, BIT(CONTROLLER_SCSI)), WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_ENUM("@model", model, controller_usb_model_names, "Device", WHEN(type, BIT(CONTROLLER_USB)),
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_ENUM("@model", model, controller_ide_model_names, "Device", WHEN(type, BIT(CONTROLLER_IDE)),
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ABI),
    ROW_ENUM("@model", model, controller_pci_model_names, "Kind of PCI bus",
             WHEN(type, BIT(CONTROLLER_PCI)), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_EXPECTED | XML_ABI),
    ROW_ENUM("@model", model, virtio_model_names, "Kind of virtio device",
             WHEN(type, BIT(CONTROLLER_VIRTIO_SERIAL)), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_ABI),
    ROW_NUMBER("@ports", ports, "Ports",
               WHEN(type, BIT(CONTROLLER_USB) | BIT(CONTROLLER_VIRTIO_SERIAL)), .flags = XML_ABI),
    ROW_NUMBER("@vectors", vectors, "Interrupt vectors", WHEN(type, BIT(CONTROLLER_VIRTIO_SERIAL)),
               .flags = XML_ABI),
    ROW_NUMBER("@maxGrantFrames", max_grant_frames, "Most grant frames of the Xen guest",
               WHEN(type, BIT(CONTROLLER_XENBUS)), .flags = XML_ABI),
    ROW_NUMBER("@maxEventChannels", max_event_channels, "Most event channels of the Xen guest",
               WHEN(type, BIT(CONTROLLER_XENBUS)), .flags = XML_ABI),
    ROW_CHILD("driver", driver, controller_driver, "How the controller is emulated"),
    ROW_STRING("serial", serial, "Serial number", WHEN(type, BIT(CONTROLLER_NVME)),
               .flags = XML_ABI),
    ROW_CHILD(".", pci, controller_pci, "Members of PCI controllers",
              WHEN(type, BIT(CONTROLLER_PCI))),
    ROW_EMBED_AS(".", info, struct domain_device_info, domain_boot_info),
    ROW_NUMBER("master/@startport", master_port, "First port of the EHCI that it serves",
               WHEN(type, BIT(CONTROLLER_USB)), .flags = XML_ABI),
    ROW_EMBED_AS(".", info, struct domain_device_info, domain_place_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_controller, "controller", .doc = "A bus of the guest");

bool controller_is_usb_companion(const struct domain_controller *controller)
{
    return controller->type == CONTROLLER_USB && controller->model >= CONTROLLER_USB_ICH9_UHCI1 &&
           controller->model <= CONTROLLER_USB_ICH9_UHCI3;
}

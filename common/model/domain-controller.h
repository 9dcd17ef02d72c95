/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"
#include "model/domain-disk.h"

enum controller_type {
    CONTROLLER_NONE,
    CONTROLLER_IDE,
    CONTROLLER_FDC,
    CONTROLLER_SCSI,
    CONTROLLER_SATA,
    CONTROLLER_VIRTIO_SERIAL,
    CONTROLLER_CCID,
    CONTROLLER_USB,
    CONTROLLER_PCI,
    CONTROLLER_XENBUS,
    CONTROLLER_ISA,
    CONTROLLER_NVME,
};
extern const struct names controller_type_names;

enum controller_scsi_model {
    CONTROLLER_SCSI_NONE,
    CONTROLLER_SCSI_AUTO,
    CONTROLLER_SCSI_BUSLOGIC,
    CONTROLLER_SCSI_LSILOGIC,
    CONTROLLER_SCSI_LSISAS1068,
    CONTROLLER_SCSI_VMPVSCSI,
    CONTROLLER_SCSI_IBMVSCSI,
    CONTROLLER_SCSI_VIRTIO,
    CONTROLLER_SCSI_LSISAS1078,
    CONTROLLER_SCSI_VIRTIO_TRANSITIONAL,
    CONTROLLER_SCSI_VIRTIO_NON_TRANSITIONAL,
    CONTROLLER_SCSI_NCR53C90,
    CONTROLLER_SCSI_DC390,
    CONTROLLER_SCSI_AM53C974,
};
extern const struct names controller_scsi_model_names;

enum controller_usb_model {
    CONTROLLER_USB_NONE, /* not given */
    CONTROLLER_USB_PIIX3_UHCI,
    CONTROLLER_USB_PIIX4_UHCI,
    CONTROLLER_USB_EHCI,
    CONTROLLER_USB_ICH9_EHCI1,
    CONTROLLER_USB_ICH9_UHCI1,
    CONTROLLER_USB_ICH9_UHCI2,
    CONTROLLER_USB_ICH9_UHCI3,
    CONTROLLER_USB_VT82C686B_UHCI,
    CONTROLLER_USB_PCI_OHCI,
    CONTROLLER_USB_NEC_XHCI,
    CONTROLLER_USB_QUSB1,
    CONTROLLER_USB_QUSB2,
    CONTROLLER_USB_QEMU_XHCI,
    CONTROLLER_USB_DISABLED, /* "none": the guest has no USB */
};
extern const struct names controller_usb_model_names;

enum controller_ide_model {
    CONTROLLER_IDE_NONE,
    CONTROLLER_IDE_PIIX3,
    CONTROLLER_IDE_PIIX4,
    CONTROLLER_IDE_ICH6,
};
extern const struct names controller_ide_model_names;

enum controller_pci_model {
    CONTROLLER_PCI_NONE,
    CONTROLLER_PCI_ROOT,
    CONTROLLER_PCI_BRIDGE,
    CONTROLLER_PCIE_ROOT,
    CONTROLLER_PCI_DMI_BRIDGE, /* dmi-to-pci-bridge */
    CONTROLLER_PCIE_ROOT_PORT,
    CONTROLLER_PCIE_SWITCH_UPSTREAM_PORT,
    CONTROLLER_PCIE_SWITCH_DOWNSTREAM_PORT,
    CONTROLLER_PCI_EXPANDER_BUS,
    CONTROLLER_PCIE_EXPANDER_BUS,
    CONTROLLER_PCIE_TO_PCI_BRIDGE,
};
extern const struct names controller_pci_model_names;

/* The device that implements a PCI controller: <model name=/> */
enum pci_model_name {
    PCI_MODEL_NAME_NONE,
    PCI_MODEL_NAME_PCI_BRIDGE,
    PCI_MODEL_NAME_I82801B11_BRIDGE,
    PCI_MODEL_NAME_IOH3420,
    PCI_MODEL_NAME_X3130_UPSTREAM,
    PCI_MODEL_NAME_XIO3130_DOWNSTREAM,
    PCI_MODEL_NAME_PXB,
    PCI_MODEL_NAME_PXB_PCIE,
    PCI_MODEL_NAME_PCIE_ROOT_PORT,
    PCI_MODEL_NAME_SPAPR_PCI_HOST_BRIDGE,
    PCI_MODEL_NAME_PCIE_PCI_BRIDGE,
};
extern const struct names pci_model_name_names;

struct controller_pci {
    uint8_t model_name; /* enum pci_model_name */
    struct opt_uint chassis_nr;
    struct opt_uint chassis;
    struct opt_uint port;
    struct opt_uint bus_nr;
    struct opt_uint index;        /* spapr */
    struct opt_uint node;         /* NUMA node of an expander bus */
    uint8_t hotplug;              /* enum tristate */
    struct opt_ulong mem_reserve; /* KiB */
    struct opt_ulong hole64;      /* KiB */
};

/* The rest of <driver>: SCSI and virtio-serial controllers */
struct controller_driver {
    unsigned queues;
    struct opt_uint cmd_per_lun;
    struct opt_uint max_sectors;
    uint8_t ioeventfd; /* enum tristate */
    unsigned iothread;
    LIST_OF(struct disk_iothread) iothreads; /* scsi: in place of the one */
    struct domain_virtio virtio;
};

struct domain_controller {
    struct domain_device_info info;
    uint8_t type;  /* enum controller_type */
    uint8_t model; /* enum controller_TYPE_model; virtio-serial: enum virtio_model */
    struct opt_uint index;
    struct opt_uint ports;            /* usb, virtio-serial */
    struct opt_uint vectors;          /* virtio-serial */
    struct opt_uint master_port;      /* usb companions: first port of the EHCI that they serve */
    struct opt_uint max_grant_frames; /* xenbus */
    struct opt_uint max_event_channels;
    const char *serial; /* nvme */
    struct controller_driver *driver;
    struct controller_pci *pci;
};

XML_SCHEMA_DECLARE(controller_driver);
XML_SCHEMA_DECLARE(controller_pci);
XML_SCHEMA_DECLARE(domain_controller);

/* True for ich9-uhci1..3, which share the bus and the slot of an ich9-ehci1. */
bool controller_is_usb_companion(const struct domain_controller *controller);

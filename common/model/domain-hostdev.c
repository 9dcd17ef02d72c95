/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-hostdev.h"

#include "model/rows.h"
#include "model/text-types.h"

NAMES(hostdev_mode_names, NULL, "subsystem", "capabilities");
NAMES(hostdev_type_names, NULL, "usb", "pci", "scsi", "scsi_host", "mdev", "storage", "misc",
      "net");
NAMES(hostdev_scsi_protocol_names, NULL, "adapter", "iscsi");
static NAMES(hostdev_driver_names, NULL, "vfio", "kvm", "xen");
NAMES(hostdev_guest_reset_names, NULL, "off", "uninitialized", "on");

#define ROWS_OF struct hostdev_pci
static const struct xml_row hostdev_pci_rows[] = {
    ROW_YES_NO("@writeFiltering", write_filtering,
               "Writes to its configuration are filtered (xen)"),
    ROW_EMBED("address", address, pci_address, .flags = XML_HOST),
};
#undef ROWS_OF
XML_SCHEMA(hostdev_pci, "source", .doc = "A PCI device of the host");

#define ROWS_OF struct hostdev_mdev
static const struct xml_row hostdev_mdev_rows[] = {
    ROW_UUID("address/@uuid", uuid, "The mediated device", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(hostdev_mdev, "source", .doc = "A mediated device of the host");

#define ROWS_OF struct hostdev_usb
static const struct xml_row hostdev_usb_rows[] = {
    ROW_HEX("vendor/@id", vendor, 4, "Vendor", RANGE(0, 0xffff), .flags = XML_EXPECTED),
    ROW_HEX("product/@id", product, 4, "Product", RANGE(0, 0xffff), .flags = XML_EXPECTED),
    ROW_NUMBER_ANY("address/@bus", bus, "Bus of the host", FORM_RANGE(0, 0xfff),
                   .flags = XML_EXPECTED),
    ROW_NUMBER_ANY("address/@device", device, "Number on the bus", FORM_RANGE(0, 0xfff)),
    ROW_TYPE("address/@port", port, usb_port_type, "Port of the host, whatever is plugged there"),
};
#undef ROWS_OF
XML_SCHEMA(hostdev_usb, "source", .doc = "A USB device of the host");

#define ISCSI WHEN(protocol, BIT(HOSTDEV_SCSI_ISCSI))
#define ADAPTER WHEN(protocol, BIT(HOSTDEV_SCSI_NONE) | BIT(HOSTDEV_SCSI_ADAPTER))
#define ROWS_OF struct hostdev_scsi
static const struct xml_row hostdev_scsi_rows[] = {
    ROW_ENUM("@protocol", protocol, hostdev_scsi_protocol_names, "How it is reached",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_STRING("@name", name, "Target and unit", ISCSI),
    ROW_STRING("adapter/@name", adapter, "Host adapter: scsi_host0", ADAPTER, FORM(filled_type)),
    ROW_ELEMENT("address", "Place on the adapter", ADAPTER, .flags = XML_EXPECTED),
    ROW_NUMBER("address/@bus", bus, "Bus of the adapter", ADAPTER,
               .flags = XML_EXPECTED | XML_ALWAYS, FORM_RANGE(0, 99)),
    ROW_NUMBER("address/@target", target, "Target", ADAPTER, .flags = XML_EXPECTED | XML_ALWAYS),
    ROW_NUMBER("address/@unit", unit, "Unit", ADAPTER, .flags = XML_EXPECTED | XML_ALWAYS),
    ROW_LIST("host", hosts, source_host, "Server", ISCSI),
    ROW_CHILD("auth", auth, source_auth, "Credentials", ISCSI),
    ROW_STRING("initiator/iqn/@name", initiator_iqn, "Name of the initiator", ISCSI),
};
#undef ROWS_OF
XML_SCHEMA(hostdev_scsi, "source", .doc = "A SCSI device of the host");

#define TYPE(name) WHEN(type, BIT(HOSTDEV_##name))
#define ROWS_OF struct domain_hostdev
static const struct xml_row domain_hostdev_rows[] = {
    ROW_ENUM("@mode", mode, hostdev_mode_names, "A device, or (containers) a capability",
             DEFAULT(HOSTDEV_MODE_SUBSYSTEM), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_ALWAYS),
    ROW_ENUM("@type", type, hostdev_type_names, "Kind of device", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_REQUIRED | XML_ABI),
    ROW_YES_NO("@managed", managed, "The host's driver is taken away and given back",
               WHEN(mode, BIT(HOSTDEV_MODE_SUBSYSTEM)), DEFAULT(TRISTATE_NO),
               .flags = XML_ALWAYS | XML_BLANK),
    ROW_ENUM("@sgio", sgio, disk_sgio_names, "Whether the kernel filters SCSI commands",
             TYPE(SCSI)),
    ROW_YES_NO("@rawio", rawio, "QEMU may send any SCSI command", TYPE(SCSI)),
    ROW_STRING("@model", model, "Kind of device in the guest", TYPE(MDEV), .flags = XML_ABI),
    ROW_STRING("@model", model, "Kind of virtio device", TYPE(SCSI_HOST), WORDS(virtio_model_names),
               .flags = XML_ABI),
    ROW_ON_OFF("@display", display, "Its display is shown", TYPE(MDEV)),
    ROW_ON_OFF("@ramfb", ramfb, "Firmware has a frame buffer", TYPE(MDEV)),
    ROW_STRING("driver/@name", driver_name, "Driver on the host: vfio, xen", TYPE(PCI),
               WORDS(hostdev_driver_names)),
    ROW_STRING("driver/@model", driver_model, "Kernel module on the host", TYPE(PCI)),
    ROW_YES_NO("driver/@iommufd", iommufd, "Passed by iommufd", TYPE(PCI)),
    ROW_ENUM("source/@startupPolicy", startup_policy, startup_policy_names,
             "What to do when it is missing at start"),
    ROW_ENUM("source/@guestReset", guest_reset, hostdev_guest_reset_names,
             "Whether the guest may reset it", TYPE(USB)),
    ROW_CHILD("source/.", pci, hostdev_pci, "PCI device", TYPE(PCI)),
    ROW_CHILD("source/.", usb, hostdev_usb, "USB device", TYPE(USB)),
    ROW_CHILD("source/.", scsi, hostdev_scsi, "SCSI device", TYPE(SCSI)),
    ROW_STRING("source/@protocol", protocol, "vhost", TYPE(SCSI_HOST)),
    ROW_STRING("source/@wwpn", wwpn, "World wide port name", TYPE(SCSI_HOST)),
    ROW_CHILD("source/.", mdev, hostdev_mdev, "Mediated device", TYPE(MDEV)),
    ROW_STRING("source/block", path, "Block device", TYPE(STORAGE)),
    ROW_STRING("source/char", path, "Character device", TYPE(MISC)),
    ROW_STRING("source/interface", path, "Network interface", TYPE(NET)),
    ROW_CHILD("teaming", teaming, net_teaming, "Pair of interfaces", TYPE(PCI)),
    ROW_FLAG("readonly", readonly, "The guest can't write", TYPE(SCSI)),
    ROW_FLAG("shareable", shareable, "Several guests may use it at once", TYPE(SCSI)),
    ROW_LIST("ip", ips, net_ip, "Address", TYPE(NET)),
    ROW_LIST("route", routes, net_route, "Route", TYPE(NET)),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_hostdev, "hostdev", .doc = "A device of the host");

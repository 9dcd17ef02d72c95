/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-address.h"

#include <string.h>

#include "model/rows.h"

NAMES(address_type_names, NULL, "pci", "drive", "virtio-serial", "ccid", "usb", "spapr-vio",
      "virtio-s390", "ccw", "virtio-mmio", "isa", "dimm", "unassigned");

/* ---- "1.2.3", the path of a USB device through hubs ---- */

static int usb_port_parse(const struct xml_row *row, const char *text, struct arena *arena,
                          void *member, GString *problem)
{
    struct usb_port port = {0};
    g_auto(GStrv) words = g_strsplit(text, ".", USB_PORT_DEPTH + 1);

    for (unsigned i = 0; words[i]; i++) {
        guint64 number;

        if (i == USB_PORT_DEPTH ||
            !g_ascii_string_to_unsigned(words[i], 10, 1, 255, &number, NULL)) {
            g_string_append_printf(problem, "'%s' is not a USB port such as 1 or 1.2", text);
            return -1;
        }
        port.path[i] = (uint8_t)number;
    }
    *(struct usb_port *)member = port;
    return 0;
}

static void usb_port_append(const struct usb_port *port, GString *out)
{
    for (unsigned i = 0; i < usb_port_depth(port); i++)
        g_string_append_printf(out, "%s%u", i ? "." : "", port->path[i]);
}

static void usb_port_format(const struct xml_row *row, const void *member, GString *out)
{
    usb_port_append(member, out);
}

const struct xml_type usb_port_type = {
    .name = "USB port",
    .rng =
        "<data type='string'><param name='pattern'>[0-9]{1,3}(\\.[0-9]{1,3}){0,3}</param></data>",
    .size = sizeof(struct usb_port),
    .parse = usb_port_parse,
    .format = usb_port_format,
};

/* ---- tables ---- */

#define ROWS_OF struct pci_address
static const struct xml_row pci_address_rows[] = {
    ROW_HEX("@domain", domain, 4, "PCI domain", .flags = XML_ALWAYS | XML_ABI),
    ROW_HEX("@bus", bus, 2, "Bus: the index of the controller that the device is plugged into",
            .flags = XML_ALWAYS | XML_ABI),
    ROW_HEX("@slot", slot, 2, "Slot", RANGE(0, 31), .flags = XML_ALWAYS | XML_ABI),
    ROW_HEX("@function", function, 1, "Function", RANGE(0, 7), .flags = XML_ALWAYS | XML_ABI),
    ROW_ON_OFF("@multifunction", multifunction, "More functions share the slot", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(pci_address, "address", .doc = "Place on a PCI bus");

#define ROWS_OF struct guest_pci_address
static const struct xml_row guest_pci_address_rows[] = {
    ROW_EMBED(".", at, pci_address),
    ROW_HEX("zpci/@uid", zpci_uid, 4, "User-defined identifier of a PCI device of s390x",
            RANGE(0, 0xffff), .flags = XML_ABI),
    ROW_HEX("zpci/@fid", zpci_fid, 8, "Function identifier of a PCI device of s390x",
            .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(guest_pci_address, "address", .doc = "Place on a PCI bus of the guest");

#define ROWS_OF struct drive_address
static const struct xml_row drive_address_rows[] = {
    ROW_NUMBER_ANY("@controller", controller, "Index of the controller",
                   .flags = XML_ALWAYS | XML_ABI),
    ROW_NUMBER_ANY("@bus", bus, "Bus of the controller", .flags = XML_ALWAYS | XML_ABI),
    ROW_NUMBER_ANY("@target", target, "SCSI target", .flags = XML_ALWAYS | XML_ABI),
    ROW_NUMBER_ANY("@unit", unit, "Unit, or logical unit number", .flags = XML_ALWAYS | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(drive_address, "address", .doc = "Place on a disk controller");

#define ROWS_OF struct virtio_serial_address
static const struct xml_row virtio_serial_address_rows[] = {
    ROW_NUMBER_ANY("@controller", controller, "Index of the controller",
                   .flags = XML_EXPECTED | XML_ALWAYS | XML_ABI, FORM_RANGE(0, 99)),
    ROW_NUMBER_ANY("@bus", bus, "Bus of the controller", .flags = XML_ALWAYS | XML_ABI,
                   FORM_RANGE(0, 99)),
    ROW_NUMBER("@port", port, "Port; 0: the next free one", .flags = XML_ALWAYS | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(virtio_serial_address, "address", .doc = "Port of a virtio-serial controller");

#define ROWS_OF struct ccid_address
static const struct xml_row ccid_address_rows[] = {
    ROW_NUMBER_ANY("@controller", controller, "Index of the controller",
                   .flags = XML_ALWAYS | XML_ABI),
    ROW_NUMBER_ANY("@slot", slot, "Slot of the card reader", .flags = XML_ALWAYS | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(ccid_address, "address", .doc = "Slot of a smart card reader");

#define ROWS_OF struct usb_address
static const struct xml_row usb_address_rows[] = {
    ROW_NUMBER_ANY("@bus", bus, "Index of the USB controller", .flags = XML_ALWAYS | XML_ABI),
    ROW_TYPE("@port", port, usb_port_type, "Port, through hubs: 1 or 1.2", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(usb_address, "address", .doc = "Place on a USB bus");

#define ROWS_OF struct spapr_vio_address
static const struct xml_row spapr_vio_address_rows[] = {
    ROW_HEX("@reg", reg, 8, "Register of the virtual I/O bus of pseries", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(spapr_vio_address, "address", .doc = "Place on the virtual I/O bus of pseries");

#define ROWS_OF struct ccw_address
static const struct xml_row ccw_address_rows[] = {
    ROW_HEX("@cssid", cssid, 1, "Channel subsystem", RANGE(0, 0xfe), .flags = XML_ABI),
    ROW_HEX("@ssid", ssid, 1, "Subchannel set", RANGE(0, 3), .flags = XML_ABI),
    ROW_HEX("@devno", devno, 4, "Device number", RANGE(0, 0xffff), .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(ccw_address, "address", .doc = "Place on the channel subsystem of s390x");

#define ROWS_OF struct isa_address
static const struct xml_row isa_address_rows[] = {
    ROW_HEX("@iobase", iobase, 1, "I/O port", .flags = XML_ABI, FORM_RANGE(1, 0xffff)),
    ROW_HEX("@irq", irq, 1, "Interrupt", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(isa_address, "address", .doc = "Place on the ISA bus");

#define ROWS_OF struct dimm_address
static const struct xml_row dimm_address_rows[] = {
    ROW_NUMBER("@slot", slot, "Memory slot", .flags = XML_ABI),
    ROW_HEX("@base", base, 1, "Guest physical address", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(dimm_address, "address", .doc = "Slot of a memory module");

#define ROWS_OF struct domain_address
static const struct xml_row domain_address_rows[] = {
    ROW_ENUM("@type", type, address_type_names, "Kind of bus", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_NEEDED | XML_ABI),
    ROW_EMBED(".", pci, guest_pci_address, WHEN(type, BIT(ADDRESS_PCI))),
    ROW_EMBED(".", drive, drive_address, WHEN(type, BIT(ADDRESS_DRIVE))),
    ROW_EMBED(".", virtio_serial, virtio_serial_address, WHEN(type, BIT(ADDRESS_VIRTIO_SERIAL))),
    ROW_EMBED(".", ccid, ccid_address, WHEN(type, BIT(ADDRESS_CCID))),
    ROW_EMBED(".", usb, usb_address, WHEN(type, BIT(ADDRESS_USB))),
    ROW_EMBED(".", spapr_vio, spapr_vio_address, WHEN(type, BIT(ADDRESS_SPAPR_VIO))),
    ROW_EMBED(".", ccw, ccw_address, WHEN(type, BIT(ADDRESS_CCW))),
    ROW_EMBED(".", isa, isa_address, WHEN(type, BIT(ADDRESS_ISA))),
    ROW_EMBED(".", dimm, dimm_address, WHEN(type, BIT(ADDRESS_DIMM))),
};
#undef ROWS_OF
XML_SCHEMA(domain_address, "address", .doc = "Where the device sits in the guest");

/* ---- questions ---- */

bool pci_address_is_empty(const struct pci_address *address)
{
    return !(address->domain | address->bus | address->slot | address->function);
}

char *pci_address_print(const struct pci_address *address)
{
    return g_strdup_printf("%04x:%02x:%02x.%u", address->domain, address->bus, address->slot,
                           address->function);
}

unsigned usb_port_depth(const struct usb_port *port)
{
    unsigned depth = 0;

    while (depth < USB_PORT_DEPTH && port->path[depth])
        depth++;
    return depth;
}

char *usb_port_print(const struct usb_port *port)
{
    GString *out = g_string_new(NULL);

    usb_port_append(port, out);
    return g_string_free(out, FALSE);
}

bool domain_address_is_empty(const struct domain_address *address)
{
    switch (address->type) {
    case ADDRESS_NONE:
        return true;
    case ADDRESS_PCI:
        return pci_address_is_empty(&address->pci.at);
    case ADDRESS_USB:
        return !usb_port_depth(&address->usb.port);
    case ADDRESS_VIRTIO_SERIAL:
        return !address->virtio_serial.port;
    case ADDRESS_CCW:
        return !address->ccw.devno.set;
    case ADDRESS_SPAPR_VIO:
        return !address->spapr_vio.reg.set;
    case ADDRESS_ISA:
        return !address->isa.iobase;
    default:
        return false;
    }
}

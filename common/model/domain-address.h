/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xml/schema.h"

/* Where a device sits in the guest: <address type='...'/>. */

enum address_type {
    ADDRESS_NONE,
    ADDRESS_PCI,
    ADDRESS_DRIVE,
    ADDRESS_VIRTIO_SERIAL,
    ADDRESS_CCID,
    ADDRESS_USB,
    ADDRESS_SPAPR_VIO,
    ADDRESS_VIRTIO_S390,
    ADDRESS_CCW,
    ADDRESS_VIRTIO_MMIO,
    ADDRESS_ISA,
    ADDRESS_DIMM,
    ADDRESS_UNASSIGNED,
};
extern const struct names address_type_names;

/* domain:bus:slot.function; all zero is "not assigned": no device of a guest sits there */
struct pci_address {
    unsigned domain;
    uint8_t bus;
    uint8_t slot;
    uint8_t function;
    uint8_t multifunction; /* enum tristate */
};

struct guest_pci_address {
    struct pci_address at;
    struct opt_uint zpci_uid; /* s390x */
    struct opt_uint zpci_fid;
};

struct drive_address {
    unsigned controller, bus, target, unit;
};

struct virtio_serial_address {
    unsigned controller, bus, port;
};

struct ccid_address {
    unsigned controller, slot;
};

enum { USB_PORT_DEPTH = 4 };

/* "1.2": {1, 2, 0, 0}; all zero: not assigned */
struct usb_port {
    uint8_t path[USB_PORT_DEPTH];
};
extern const struct xml_type usb_port_type;

struct usb_address {
    unsigned bus;
    struct usb_port port;
};

struct spapr_vio_address {
    struct opt_ulong reg;
};

struct ccw_address {
    struct opt_uint cssid, ssid, devno;
};

struct isa_address {
    unsigned iobase, irq;
};

struct dimm_address {
    struct opt_uint slot;
    struct opt_ulong base;
};

struct domain_address {
    uint8_t type; /* enum address_type */
    union {
        struct guest_pci_address pci;
        struct drive_address drive;
        struct virtio_serial_address virtio_serial;
        struct ccid_address ccid;
        struct usb_address usb;
        struct spapr_vio_address spapr_vio;
        struct ccw_address ccw;
        struct isa_address isa;
        struct dimm_address dimm;
    };
};
XML_SCHEMA_DECLARE(pci_address);
XML_SCHEMA_DECLARE(guest_pci_address);
XML_SCHEMA_DECLARE(drive_address);
XML_SCHEMA_DECLARE(virtio_serial_address);
XML_SCHEMA_DECLARE(ccid_address);
XML_SCHEMA_DECLARE(usb_address);
XML_SCHEMA_DECLARE(spapr_vio_address);
XML_SCHEMA_DECLARE(ccw_address);
XML_SCHEMA_DECLARE(isa_address);
XML_SCHEMA_DECLARE(dimm_address);
XML_SCHEMA_DECLARE(domain_address);

/* True if nothing was said beyond the type: the place is still to be assigned. */
bool domain_address_is_empty(const struct domain_address *address);

/* True if everything is zero. */
bool pci_address_is_empty(const struct pci_address *address);

/* "0000:00:02.0"; the caller frees. */
char *pci_address_print(const struct pci_address *address);

/* The number of hubs' and root's ports given: 0 (unassigned) to USB_PORT_DEPTH. */
unsigned usb_port_depth(const struct usb_port *port);

/* "1.2"; the caller frees. */
char *usb_port_print(const struct usb_port *port);

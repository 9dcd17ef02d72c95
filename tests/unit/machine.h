/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/xml.h"

/* A small document with every kind of row, for the tests of the table engine. */

enum machine_type { MACHINE_NONE, MACHINE_KVM, MACHINE_XEN };
enum disk_type { DISK_NONE, DISK_FILE, DISK_BLOCK, DISK_NETWORK };
enum disk_bus { BUS_NONE, BUS_IDE, BUS_SCSI, BUS_VIRTIO, BUS_USB };
enum address_type { ADDRESS_NONE, ADDRESS_PCI, ADDRESS_DRIVE, ADDRESS_NOTE };

struct machine_pci_address {
    uint16_t domain;
    uint8_t bus, slot, function;
};

struct machine_drive_address {
    struct opt_uint controller;
    unsigned unit;
};

struct machine_address {
    uint8_t type; /* enum address_type */
    union {
        struct machine_pci_address pci;
        struct machine_drive_address drive;
        const char *note;
    };
};

struct machine_device_info {
    const char *alias;
    unsigned boot;
    struct machine_address *address;
};

struct machine_network_host {
    const char *name;
    uint16_t port;
};

struct machine_network_source {
    const char *protocol, *volume;
    LIST_OF(struct machine_network_host) hosts;
};

struct machine_disk_driver {
    const char *name;
    uint8_t discard; /* enum tristate */
    struct opt_uint queues;
};

struct machine_store {
    const char *format;
    struct machine_store *backing;
};

struct machine_disk {
    uint8_t type, bus; /* enum disk_type, enum disk_bus */
    bool readonly, transient;
    struct machine_disk_driver *driver;
    const char *path, *target, *password;
    struct machine_network_source *network;
    struct machine_store *backing;
    struct machine_device_info info;
};

struct screen_size {
    uint16_t width, height;
};

struct machine_screen {
    struct screen_size size; /* a type of the model's own */
    double gamma;
    struct opt_int priority;
    unsigned mode; /* octal */
};

struct machine_timing {
    uint64_t period;
    struct opt_ulong quota;
    int shift;
};

struct machine {
    struct definition definition;
    uint8_t type; /* enum machine_type */
    bool acpi, apic;
    uint8_t eoi;     /* enum tristate */
    bool red, green; /* <colors>, by a hook */
    bool headless;   /* yes/no as a bool */
    struct opt_uint id;
    uint8_t uuid[16], mac[6];
    const char *name, *title, *metadata, *arch, *emulator, *secret, *socket;
    uint64_t memory;         /* KiB */
    struct opt_ulong window; /* bytes */
    unsigned vcpus;
    struct cpuset *cpus;
    struct machine_timing *timing;
    LIST_OF(struct machine_disk) disks;
    LIST_OF(struct machine_screen) screens;
    LIST_OF(const char) arguments, owners;
};

XML_SCHEMA_DECLARE(machine);
XML_SCHEMA_DECLARE(machine_disk);
XML_SCHEMA_DECLARE(machine_store);
XML_SCHEMA_DECLARE(machine_screen);
XML_SCHEMA_DECLARE(machine_address);

/* A machine inside of a status document. */
struct machine_status {
    struct definition definition;
    int pid;
    struct machine *machine;
};
XML_SCHEMA_DECLARE(machine_status);

/* A document with everything in it, formatted as it is written. */
extern const char machine_whole[];

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * What a machine brings with it: the little that defaults and addresses need to know about the
 * emulator. Plain values, so that both are pure.
 */
enum machine_family {
    MACHINE_OTHER, /* no PCI, nothing built in that is known here */
    MACHINE_PC,    /* i440fx: one conventional PCI bus */
    MACHINE_Q35,
    MACHINE_ISA,       /* of x86 without PCI: isapc, microvm */
    MACHINE_PCI_BOARD, /* of real hardware with one conventional PCI bus */
    MACHINE_SPARC,     /* of 32 bits: SBus, which is not known here */
    MACHINE_ARM_VIRT,
    MACHINE_RISCV_VIRT,
    MACHINE_LOONGARCH_VIRT,
    MACHINE_ARM_BOARD,   /* of real hardware without PCI */
    MACHINE_ARM_EXPRESS, /* such a one with slots for virtio devices */
    MACHINE_ARM_VERSATILE,
    MACHINE_RISCV_BOARD, /* without PCI */
    MACHINE_PSERIES,
    MACHINE_POWER, /* of real hardware of 64 bits */
    MACHINE_S390_CCW,
};

/* What the machine has, and what devices are when their documents do not say it. */
struct machine_devices {
    uint8_t root;          /* enum controller_pci_model of its PCI bus; 0: it has none */
    uint8_t first_usb;     /* enum controller_usb_model of a bus that it has unasked; 0: none */
    bool has_sata;         /* a controller that it has unasked */
    bool has_no_places;    /* devices of PCI go where QEMU puts them, if anywhere */
    uint8_t usb;           /* enum controller_usb_model */
    uint8_t scsi;          /* enum controller_scsi_model */
    uint8_t serial_target; /* enum serial_target; 0: a port of the board */
    uint8_t serial_model;  /* enum serial_model, of that target */
    uint8_t video;         /* enum video_type */
    uint8_t panic;         /* enum panic_model */
    bool has_panic;        /* the firmware's own, whether asked for or not */
    bool has_balloon;      /* unless told otherwise */
    const char *net;
};

struct machine_traits {
    const char *name;        /* what its alias stands for: pc-q35-7.2 */
    const char *default_cpu; /* QEMU's choice, by its name in documents: qemu64; NULL: unknown */
    enum machine_family family;
    /* Whether a PCI device of the host is not PCI Express; NULL: all are. */
    bool (*host_is_conventional)(const struct pci_address *address);
    const char *nvram_folder; /* where variables of firmware are kept; NULL: none is named */
};

/* The family of a machine of an architecture by its name (pc-q35-7.2, q35, virt-9.1 ...). */
enum machine_family machine_family_of(const char *arch, const char *name);

/* Borrowed. */
const struct machine_devices *machine_devices_of(enum machine_family family);

/* True if it is a PC of whatever age: it has a PS/2 controller, and with it always a mouse and a
 * keyboard. */
bool machine_is_x86(const struct machine_traits *machine);

/* True if disks can be on its own IDE. */
bool machine_has_ide(const char *arch, const char *name);

/* True if devices go to PCI Express ports. */
bool machine_has_pcie(const struct machine_traits *machine);

/* QEMU's name of its first PCI bus. Borrowed. */
const char *machine_root_bus(const char *arch, const char *name);

/* What implements a PCI controller that does not say it; PCI_MODEL_NAME_NONE: the machine has it,
 * or nothing here does. */
enum pci_model_name machine_pci_model_name(enum controller_pci_model model);

/* The model of a serial port that only says where it is; SERIAL_MODEL_NONE: that is not enough. */
enum serial_model machine_serial_model(enum serial_target target);

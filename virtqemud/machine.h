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
    MACHINE_ARM_VIRT,
    MACHINE_RISCV_VIRT,
    MACHINE_LOONGARCH_VIRT,
    MACHINE_ARM_BOARD, /* of real hardware: virtio devices have slots of their own, without PCI */
    MACHINE_PSERIES,
    MACHINE_S390_CCW,
};

/* What devices are when their documents do not say it. */
struct machine_devices {
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

/* True if the guest has a PS/2 controller, and with it always a mouse and a keyboard. */
bool machine_has_ps2(const struct machine_traits *machine);

/* True if devices go to PCI Express ports. */
bool machine_has_pcie(const struct machine_traits *machine);

/* What implements a PCI controller that does not say it; PCI_MODEL_NAME_NONE: the machine has it,
 * or nothing here does. */
enum pci_model_name machine_pci_model_name(enum controller_pci_model model);

/* The model of a serial port that only says where it is; SERIAL_MODEL_NONE: that is not enough. */
enum serial_model machine_serial_model(enum serial_target target);

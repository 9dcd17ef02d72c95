/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

#include <string.h>

static const struct {
    const char *arch; /* NULL: any */
    const char *prefix;
    enum machine_family family;
} families[] = {
    {"x86_64", "pc-q35", MACHINE_Q35},
    {"i686", "pc-q35", MACHINE_Q35},
    {"x86_64", "q35", MACHINE_Q35},
    {"i686", "q35", MACHINE_Q35},
    {"x86_64", "pc", MACHINE_PC},
    {"i686", "pc", MACHINE_PC},
    {"x86_64", "isapc", MACHINE_OTHER},
    {"i686", "isapc", MACHINE_OTHER},
    {"ppc64", "pseries", MACHINE_PSERIES},
    {"ppc64le", "pseries", MACHINE_PSERIES},
    {"s390x", "s390-ccw", MACHINE_S390_CCW},
    {"aarch64", "virt", MACHINE_ARM_VIRT},
    {"armv7l", "virt", MACHINE_ARM_VIRT},
    {"riscv64", "virt", MACHINE_RISCV_VIRT},
    {"riscv32", "virt", MACHINE_RISCV_VIRT},
    {"loongarch64", "virt", MACHINE_LOONGARCH_VIRT},
    {"aarch64", "", MACHINE_ARM_BOARD},
    {"armv7l", "", MACHINE_ARM_BOARD},
};

#define PC_DEVICES                                                                                 \
    .scsi = CONTROLLER_SCSI_LSILOGIC, .serial_target = SERIAL_TARGET_ISA,                          \
    .serial_model = SERIAL_MODEL_ISA_SERIAL, .video = VIDEO_CIRRUS, .panic = PANIC_ISA,            \
    .has_balloon = true, .net = "rtl8139"

static const struct machine_devices devices[] = {
    [MACHINE_OTHER] = {.usb = CONTROLLER_USB_QEMU_XHCI,
                       .scsi = CONTROLLER_SCSI_VIRTIO,
                       .video = VIDEO_VIRTIO,
                       .panic = PANIC_PVPANIC,
                       .has_balloon = true,
                       .net = "virtio"},
    [MACHINE_PC] = {.usb = CONTROLLER_USB_PIIX3_UHCI, PC_DEVICES},
    [MACHINE_Q35] = {.usb = CONTROLLER_USB_PIIX3_UHCI, PC_DEVICES},
    [MACHINE_ARM_VIRT] = {.usb = CONTROLLER_USB_QEMU_XHCI,
                          .scsi = CONTROLLER_SCSI_LSILOGIC,
                          .serial_target = SERIAL_TARGET_SYSTEM,
                          .serial_model = SERIAL_MODEL_PL011,
                          .video = VIDEO_VIRTIO,
                          .panic = PANIC_PVPANIC,
                          .net = "virtio"},
    [MACHINE_RISCV_VIRT] = {.usb = CONTROLLER_USB_QEMU_XHCI,
                            .scsi = CONTROLLER_SCSI_LSILOGIC,
                            .serial_target = SERIAL_TARGET_SYSTEM,
                            .serial_model = SERIAL_MODEL_16550A,
                            .video = VIDEO_VIRTIO,
                            .panic = PANIC_PVPANIC,
                            .has_balloon = true,
                            .net = "virtio"},
    [MACHINE_LOONGARCH_VIRT] = {.usb = CONTROLLER_USB_QEMU_XHCI,
                                .scsi = CONTROLLER_SCSI_VIRTIO,
                                .serial_target = SERIAL_TARGET_SYSTEM,
                                .serial_model = SERIAL_MODEL_16550A,
                                .video = VIDEO_VIRTIO,
                                .panic = PANIC_PVPANIC,
                                .has_balloon = true,
                                .net = "virtio"},
    [MACHINE_ARM_BOARD] = {.usb = CONTROLLER_USB_QEMU_XHCI,
                           .scsi = CONTROLLER_SCSI_VIRTIO,
                           .video = VIDEO_VIRTIO,
                           .panic = PANIC_PVPANIC,
                           .net = "lan9118"},
    [MACHINE_PSERIES] = {.usb = CONTROLLER_USB_QEMU_XHCI,
                         .scsi = CONTROLLER_SCSI_IBMVSCSI,
                         .serial_target = SERIAL_TARGET_SPAPR_VIO,
                         .serial_model = SERIAL_MODEL_SPAPR_VTY,
                         .video = VIDEO_VGA,
                         .panic = PANIC_PSERIES,
                         .has_panic = true,
                         .has_balloon = true,
                         .net = "rtl8139"},
    [MACHINE_S390_CCW] = {.usb = CONTROLLER_USB_QEMU_XHCI,
                          .scsi = CONTROLLER_SCSI_VIRTIO,
                          .serial_target = SERIAL_TARGET_SCLP,
                          .serial_model = SERIAL_MODEL_SCLPCONSOLE,
                          .video = VIDEO_VIRTIO,
                          .panic = PANIC_S390,
                          .has_panic = true,
                          .has_balloon = true,
                          .net = "virtio"},
};

const struct machine_devices *machine_devices_of(enum machine_family family)
{
    return &devices[family];
}

enum machine_family machine_family_of(const char *arch, const char *name)
{
    for (unsigned i = 0; name && i < G_N_ELEMENTS(families); i++)
        if ((!families[i].arch || g_strcmp0(families[i].arch, arch) == 0) &&
            g_str_has_prefix(name, families[i].prefix))
            return families[i].family;
    return MACHINE_OTHER;
}

bool machine_has_ps2(const struct machine_traits *machine)
{
    return machine->family == MACHINE_PC || machine->family == MACHINE_Q35;
}

bool machine_has_pcie(const struct machine_traits *machine)
{
    return machine->family == MACHINE_Q35 ||
           (machine->family >= MACHINE_ARM_VIRT && machine->family <= MACHINE_LOONGARCH_VIRT);
}

enum pci_model_name machine_pci_model_name(enum controller_pci_model model)
{
    static const uint8_t names[] = {
        [CONTROLLER_PCI_BRIDGE] = PCI_MODEL_NAME_PCI_BRIDGE,
        [CONTROLLER_PCI_DMI_BRIDGE] = PCI_MODEL_NAME_I82801B11_BRIDGE,
        [CONTROLLER_PCIE_ROOT_PORT] = PCI_MODEL_NAME_PCIE_ROOT_PORT,
        [CONTROLLER_PCIE_SWITCH_UPSTREAM_PORT] = PCI_MODEL_NAME_X3130_UPSTREAM,
        [CONTROLLER_PCIE_SWITCH_DOWNSTREAM_PORT] = PCI_MODEL_NAME_XIO3130_DOWNSTREAM,
        [CONTROLLER_PCI_EXPANDER_BUS] = PCI_MODEL_NAME_PXB,
        [CONTROLLER_PCIE_EXPANDER_BUS] = PCI_MODEL_NAME_PXB_PCIE,
        [CONTROLLER_PCIE_TO_PCI_BRIDGE] = PCI_MODEL_NAME_PCIE_PCI_BRIDGE,
    };

    return model < G_N_ELEMENTS(names) ? names[model] : PCI_MODEL_NAME_NONE;
}

enum serial_model machine_serial_model(enum serial_target target)
{
    static const uint8_t models[] = {
        [SERIAL_TARGET_ISA] = SERIAL_MODEL_ISA_SERIAL,
        [SERIAL_TARGET_USB] = SERIAL_MODEL_USB_SERIAL,
        [SERIAL_TARGET_PCI] = SERIAL_MODEL_PCI_SERIAL,
        [SERIAL_TARGET_SPAPR_VIO] = SERIAL_MODEL_SPAPR_VTY,
        [SERIAL_TARGET_SCLP] = SERIAL_MODEL_SCLPCONSOLE,
        [SERIAL_TARGET_ISA_DEBUG] = SERIAL_MODEL_ISA_DEBUGCON,
    };

    return target < G_N_ELEMENTS(models) ? models[target] : SERIAL_MODEL_NONE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

#include <string.h>

static const struct {
    const char *arch;
    const char *prefix;
    enum machine_family family;
} families[] = {
    {"x86_64", "pc-q35", MACHINE_Q35},
    {"i686", "pc-q35", MACHINE_Q35},
    {"x86_64", "q35", MACHINE_Q35},
    {"i686", "q35", MACHINE_Q35},
    {"x86_64", "pc", MACHINE_PC},
    {"i686", "pc", MACHINE_PC},
    {"x86_64", "", MACHINE_ISA},
    {"i686", "", MACHINE_ISA},
    {"ppc64", "pseries", MACHINE_PSERIES},
    {"ppc64le", "pseries", MACHINE_PSERIES},
    {"ppc64", "", MACHINE_POWER},
    {"ppc64le", "", MACHINE_POWER},
    {"ppc", "", MACHINE_PCI_BOARD},
    {"s390x", "s390-ccw", MACHINE_S390_CCW},
    {"aarch64", "virt", MACHINE_ARM_VIRT},
    {"armv7l", "virt", MACHINE_ARM_VIRT},
    {"armv6l", "virt", MACHINE_ARM_VIRT},
    {"riscv64", "virt", MACHINE_RISCV_VIRT},
    {"riscv32", "virt", MACHINE_RISCV_VIRT},
    {"loongarch64", "virt", MACHINE_LOONGARCH_VIRT},
    {"aarch64", "vexpress-", MACHINE_ARM_EXPRESS},
    {"armv7l", "vexpress-", MACHINE_ARM_EXPRESS},
    {"armv6l", "vexpress-", MACHINE_ARM_EXPRESS},
    {"aarch64", "versatilepb", MACHINE_ARM_VERSATILE},
    {"armv7l", "versatilepb", MACHINE_ARM_VERSATILE},
    {"armv6l", "versatilepb", MACHINE_ARM_VERSATILE},
    {"aarch64", "", MACHINE_ARM_BOARD},
    {"armv7l", "", MACHINE_ARM_BOARD},
    {"armv6l", "", MACHINE_ARM_BOARD},
    {"riscv64", "", MACHINE_RISCV_BOARD},
    {"riscv32", "", MACHINE_RISCV_BOARD},
    {"mips", "malta", MACHINE_PCI_BOARD},
    {"mipsel", "malta", MACHINE_PCI_BOARD},
    {"mips64", "malta", MACHINE_PCI_BOARD},
    {"mips64el", "malta", MACHINE_PCI_BOARD},
    {"alpha", "", MACHINE_PCI_BOARD},
    {"sh4", "", MACHINE_PCI_BOARD},
    {"sh4eb", "", MACHINE_PCI_BOARD},
    {"sparc64", "", MACHINE_PCI_BOARD},
    {"sparc", "", MACHINE_SPARC},
};

#define BOARD_DEVICES                                                                              \
    .usb = CONTROLLER_USB_PIIX3_UHCI, .scsi = CONTROLLER_SCSI_LSILOGIC, .video = VIDEO_CIRRUS,     \
    .panic = PANIC_PVPANIC

#define ARM_BOARD_DEVICES                                                                          \
    .usb = CONTROLLER_USB_QEMU_XHCI, .scsi = CONTROLLER_SCSI_LSILOGIC, .video = VIDEO_CIRRUS,      \
    .panic = PANIC_PVPANIC

#define PC_DEVICES                                                                                 \
    .usb = CONTROLLER_USB_PIIX3_UHCI, .scsi = CONTROLLER_SCSI_LSILOGIC,                            \
    .serial_target = SERIAL_TARGET_ISA, .serial_model = SERIAL_MODEL_ISA_SERIAL,                   \
    .video = VIDEO_CIRRUS, .panic = PANIC_ISA, .has_balloon = true, .net = "rtl8139"

#define POWER_DEVICES                                                                              \
    .root = CONTROLLER_PCI_ROOT, .first_usb = CONTROLLER_USB_QEMU_XHCI,                            \
    .usb = CONTROLLER_USB_QEMU_XHCI, .video = VIDEO_VGA, .has_balloon = true, .net = "rtl8139"

#define VIRT_DEVICES                                                                               \
    .root = CONTROLLER_PCIE_ROOT, .usb = CONTROLLER_USB_QEMU_XHCI,                                 \
    .serial_target = SERIAL_TARGET_SYSTEM, .video = VIDEO_VIRTIO, .panic = PANIC_PVPANIC,          \
    .net = "virtio"

static const struct machine_devices devices[] = {
    [MACHINE_OTHER] = {BOARD_DEVICES, .first_usb = CONTROLLER_USB_PIIX3_UHCI, .has_balloon = true,
                       .net = "rtl8139"},
    [MACHINE_PC] = {PC_DEVICES, .root = CONTROLLER_PCI_ROOT,
                    .first_usb = CONTROLLER_USB_PIIX3_UHCI},
    [MACHINE_Q35] = {PC_DEVICES, .root = CONTROLLER_PCIE_ROOT,
                     .first_usb = CONTROLLER_USB_QEMU_XHCI, .has_sata = true},
    [MACHINE_ISA] = {PC_DEVICES},
    [MACHINE_PCI_BOARD] = {BOARD_DEVICES, .root = CONTROLLER_PCI_ROOT,
                           .first_usb = CONTROLLER_USB_PIIX3_UHCI, .has_balloon = true,
                           .net = "rtl8139"},
    [MACHINE_SPARC] = {.usb = CONTROLLER_USB_PIIX3_UHCI,
                       .scsi = CONTROLLER_SCSI_NCR53C90,
                       .video = VIDEO_CIRRUS,
                       .panic = PANIC_PVPANIC,
                       .net = "lance"},
    [MACHINE_ARM_VIRT] = {VIRT_DEVICES, .scsi = CONTROLLER_SCSI_LSILOGIC,
                          .serial_model = SERIAL_MODEL_PL011},
    [MACHINE_RISCV_VIRT] = {VIRT_DEVICES, .scsi = CONTROLLER_SCSI_LSILOGIC,
                            .serial_model = SERIAL_MODEL_16550A, .has_balloon = true},
    [MACHINE_LOONGARCH_VIRT] = {VIRT_DEVICES, .scsi = CONTROLLER_SCSI_VIRTIO,
                                .serial_model = SERIAL_MODEL_16550A, .has_balloon = true},
    [MACHINE_ARM_BOARD] = {ARM_BOARD_DEVICES, .has_no_places = true, .net = "lan9118"},
    [MACHINE_ARM_EXPRESS] = {ARM_BOARD_DEVICES, .has_no_places = true, .net = "lan9118"},
    [MACHINE_ARM_VERSATILE] = {ARM_BOARD_DEVICES, .root = CONTROLLER_PCI_ROOT, .net = "smc91c111"},
    [MACHINE_RISCV_BOARD] = {BOARD_DEVICES, .has_no_places = true, .has_balloon = true,
                             .net = "rtl8139"},
    [MACHINE_PSERIES] = {POWER_DEVICES, .scsi = CONTROLLER_SCSI_IBMVSCSI,
                         .serial_target = SERIAL_TARGET_SPAPR_VIO,
                         .serial_model = SERIAL_MODEL_SPAPR_VTY, .panic = PANIC_PSERIES,
                         .has_panic = true},
    [MACHINE_POWER] = {POWER_DEVICES, .scsi = CONTROLLER_SCSI_LSILOGIC, .panic = PANIC_PVPANIC},
    [MACHINE_S390_CCW] = {.root = CONTROLLER_PCI_ROOT,
                          .usb = CONTROLLER_USB_DISABLED,
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
        if (g_strcmp0(families[i].arch, arch) == 0 && g_str_has_prefix(name, families[i].prefix))
            return families[i].family;
    return MACHINE_OTHER;
}

bool machine_is_x86(const struct machine_traits *machine)
{
    return machine->family == MACHINE_PC || machine->family == MACHINE_Q35 ||
           machine->family == MACHINE_ISA;
}

bool machine_has_ide(const char *arch, const char *name)
{
    return machine_family_of(arch, name) == MACHINE_PC || g_strcmp0(name, "malta") == 0 ||
           g_strcmp0(name, "sun4u") == 0 || g_strcmp0(name, "g3beige") == 0;
}

bool machine_has_pcie(const struct machine_traits *machine)
{
    return devices[machine->family].root == CONTROLLER_PCIE_ROOT;
}

const char *machine_root_bus(const char *arch, const char *name)
{
    enum machine_family family = machine_family_of(arch, name);

    if (devices[family].root == CONTROLLER_PCIE_ROOT)
        return "pcie.0";
    return family == MACHINE_ARM_VERSATILE ||
                   (family == MACHINE_PCI_BOARD && !g_str_equal(arch, "ppc"))
               ? "pci"
               : "pci.0";
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

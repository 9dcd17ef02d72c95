/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "emulator-override.h"

#include <string.h>

#include "base/error.h"

/* What is said of an emulator in documents, by the names that they use. */
static const struct {
    const char *name;
    unsigned flag;    /* an enum emulator_flag, and 1; 0: a device or object */
    const char *type; /* its QOM type */
} rows[] = {
    {"VGA", .type = "VGA"},
    {"acpi-index", .flag = EMULATOR_PCI_ACPI_INDEX + 1},
    {"aio.io_uring", .flag = EMULATOR_BLOCK_IO_URING + 1},
    {"am53c974", .type = "am53c974"},
    {"blockdev-reopen", .flag = EMULATOR_BLOCK_REOPEN + 1},
    {"bochs-display", .type = "bochs-display"},
    {"ccid-emulated", .type = "ccid-card-emulated"},
    {"ccid-passthru", .type = "ccid-card-passthru"},
    {"chardev-reconnect", .flag = EMULATOR_CHARDEV_RECONNECT + 1},
    {"chardev.qemu-vdagent", .flag = EMULATOR_CHARDEV_VDAGENT + 1},
    {"cirrus-vga", .type = "cirrus-vga"},
    {"dc390", .type = "dc390"},
    {"device.json+hotplug", .flag = EMULATOR_DEVICE_JSON + 1},
    {"display-dbus", .flag = EMULATOR_DISPLAY_DBUS + 1},
    {"dmi-to-pci-bridge", .type = "i82801b11-bridge"},
    {"e1000", .type = "e1000"},
    {"egl-headless", .flag = EMULATOR_DISPLAY_EGL + 1},
    {"fsdev.multidevs", .flag = EMULATOR_FSDEV_MULTIDEVS + 1},
    {"hda-duplex", .type = "hda-duplex"},
    {"hda-micro", .type = "hda-micro"},
    {"hda-output", .type = "hda-output"},
    {"ich9-ahci", .type = "ich9-ahci"},
    {"ich9-intel-hda", .type = "ich9-intel-hda"},
    {"ich9-usb-ehci1", .type = "ich9-usb-ehci1"},
    {"incremental-backup", .flag = EMULATOR_BACKUP + 1},
    {"intel-iommu", .type = "intel-iommu"},
    {"intel-iommu.aw-bits", .flag = EMULATOR_INTEL_IOMMU_AW_BITS + 1},
    {"ioh3420", .type = "ioh3420"},
    {"iothread", .type = "iothread"},
    {"isa-serial", .type = "isa-serial"},
    {"ivshmem-doorbell", .type = "ivshmem-doorbell"},
    {"ivshmem-plain", .type = "ivshmem-plain"},
    {"lsi", .type = "lsi"},
    {"megasas", .type = "megasas"},
    {"memory-backend-file.pmem", .flag = EMULATOR_MEMORY_PMEM + 1},
    {"memory-backend-file.reserve", .flag = EMULATOR_MEMORY_RESERVE + 1},
    {"memory-backend-memfd", .type = "memory-backend-memfd"},
    {"memory-backend-memfd.hugetlb", .flag = EMULATOR_MEMFD_HUGE + 1},
    {"migrate-rdma", .flag = EMULATOR_MIGRATION_RDMA + 1},
    {"mptsas1068", .type = "mptsas1068"},
    {"nec-usb-xhci", .type = "nec-usb-xhci"},
    {"netdev.json", .flag = EMULATOR_NETDEV_JSON + 1},
    {"netdev.stream", .flag = EMULATOR_NETDEV_STREAM + 1},
    {"netdev.vhost-vdpa", .flag = EMULATOR_NETDEV_VHOST_VDPA + 1},
    {"nvdimm", .type = "nvdimm"},
    {"object.qapified", .flag = EMULATOR_OBJECT_JSON + 1},
    {"pc-dimm", .type = "pc-dimm"},
    {"pci-bridge", .type = "pci-bridge"},
    {"pci-ohci", .type = "pci-ohci"},
    {"pci-serial", .type = "pci-serial"},
    {"pcie-pci-bridge", .type = "pcie-pci-bridge"},
    {"pcie-root-port", .type = "pcie-root-port"},
    {"pcie-root-port.hotplug", .flag = EMULATOR_ROOT_PORT_HOTPLUG + 1},
    {"piix3-usb-uhci", .type = "piix3-usb-uhci"},
    {"piix4-usb-uhci", .type = "piix4-usb-uhci"},
    {"pr-manager-helper", .type = "pr-manager-helper"},
    {"pvpanic", .type = "pvpanic"},
    {"pvscsi", .type = "pvscsi"},
    {"pxb", .type = "pxb"},
    {"pxb-pcie", .type = "pxb-pcie"},
    {"qemu-xhci", .type = "qemu-xhci"},
    {"query-named-block-nodes.flat", .flag = EMULATOR_BLOCK_NODES_FLAT + 1},
    {"qxl", .type = "qxl"},
    {"qxl.vram64_size_mb", .flag = EMULATOR_QXL_VRAM64 + 1},
    {"ramfb", .type = "ramfb"},
    {"rng-builtin", .type = "rng-builtin"},
    {"rng-egd", .type = "rng-egd"},
    {"rng-random", .type = "rng-random"},
    {"rotation-rate", .flag = EMULATOR_SCSI_ROTATION_RATE + 1},
    {"rtl8139", .type = "rtl8139"},
    {"screendump_device", .flag = EMULATOR_SCREENDUMP_DEVICE + 1},
    {"screenshot-format-png", .flag = EMULATOR_SCREENDUMP_PNG + 1},
    {"scsi-block", .type = "scsi-block"},
    {"sdl", .flag = EMULATOR_DISPLAY_SDL + 1},
    {"seccomp-sandbox", .flag = EMULATOR_SANDBOX + 1},
    {"set-action", .flag = EMULATOR_ACTION + 1},
    {"smp-dies", .flag = EMULATOR_SMP_DIES + 1},
    {"spice", .flag = EMULATOR_SPICE + 1},
    {"spice-gl", .flag = EMULATOR_SPICE_GL + 1},
    {"spice-rendernode", .flag = EMULATOR_SPICE_RENDERNODE + 1},
    {"thread-context", .flag = EMULATOR_THREAD_CONTEXT + 1},
    {"tpm-crb", .type = "tpm-crb"},
    {"tpm-emulator", .flag = EMULATOR_TPM_EMULATOR + 1},
    {"tpm-passthrough", .flag = EMULATOR_TPM_PASSTHROUGH + 1},
    {"tpm-tis", .type = "tpm-tis"},
    {"usb-audio", .type = "usb-audio"},
    {"usb-ehci", .type = "usb-ehci"},
    {"usb-host.guest-resets-all", .flag = EMULATOR_USB_HOST_RESET + 1},
    {"usb-hub", .type = "usb-hub"},
    {"usb-kbd", .type = "usb-kbd"},
    {"usb-redir", .type = "usb-redir"},
    {"usb-serial", .type = "usb-serial"},
    {"usb-storage", .type = "usb-storage"},
    {"vfio-pci", .type = "vfio-pci"},
    {"vhost-scsi", .type = "vhost-scsi-pci"},
    {"vhost-user-blk", .type = "vhost-user-blk-pci"},
    {"vhost-user-fs", .type = "vhost-user-fs-pci"},
    {"vhost-vsock", .type = "vhost-vsock-pci"},
    {"virtio-balloon-pci.deflate-on-oom", .flag = EMULATOR_BALLOON_DEFLATE + 1},
    {"virtio-balloon.free-page-reporting", .flag = EMULATOR_BALLOON_REPORTING + 1},
    {"virtio-blk.iothread-mapping", .flag = EMULATOR_BLK_VQ_MAPPING + 1},
    {"virtio-blk.queue-size", .flag = EMULATOR_BLK_QUEUE_SIZE + 1},
    {"virtio-gpu", .type = "virtio-gpu-pci"},
    {"virtio-gpu-gl-pci", .type = "virtio-gpu-gl-pci"},
    {"virtio-iommu-pci", .type = "virtio-iommu-pci"},
    {"virtio-keyboard", .type = "virtio-keyboard-pci"},
    {"virtio-mem-pci", .type = "virtio-mem-pci"},
    {"virtio-mem-pci.dynamic-memslots", .flag = EMULATOR_MEM_DYNAMIC_MEMSLOTS + 1},
    {"virtio-mouse", .type = "virtio-mouse-pci"},
    {"virtio-net", .type = "virtio-net-pci"},
    {"virtio-net.rss", .flag = EMULATOR_NET_RSS + 1},
    {"virtio-pmem-pci", .type = "virtio-pmem-pci"},
    {"virtio-rng", .type = "virtio-rng-pci"},
    {"virtio-scsi-pci", .type = "virtio-scsi-pci"},
    {"virtio-tablet", .type = "virtio-tablet-pci"},
    {"virtio-vga", .type = "virtio-vga"},
    {"virtio-vga-gl", .type = "virtio-vga-gl"},
    {"vmcoreinfo", .type = "vmcoreinfo"},
    {"vmgenid", .type = "vmgenid"},
    {"vmware-svga", .type = "vmware-svga"},
    {"vnc", .flag = EMULATOR_VNC + 1},
    {"vnc-power-control", .flag = EMULATOR_VNC_POWER_CONTROL + 1},
    {"x3130-upstream", .type = "x3130-upstream"},
    {"xio3130-downstream", .type = "xio3130-downstream"},
};

/* Said by many, and nothing here depends on them. */
static const char *const idle[] = {
    "VGA.vgamem_mb",
    "block-export-add",
    "blockdev-snapshot.allow-write-only-overlay",
    "blockdev.nbd.tls-hostname",
    "calc-dirty-rate",
    "canonical-cpu-features",
    "compat-deprecated",
    "confidential-guest-support",
    "cpu-cache",
    "cpu-max",
    "cpu-unavailable-features",
    "cpu.migratable",
    "dbus-vmstate",
    "dirtyrate-param.mode",
    "disable-s3",
    "disable-s4",
    "drive-nvme",
    "egl-headless.rendernode",
    "gpex-pcihost",
    "i8042",
    "ich9-disable-s3",
    "ich9-disable-s4",
    "ide-drive.wwn",
    "input-linux",
    "intel-iommu.caching-mode",
    "intel-iommu.device-iotlb",
    "intel-iommu.eim",
    "intel-iommu.intremap",
    "iothread.poll-max-ns",
    "iothread.thread-pool-max",
    "kvm-pit-lost-tick-policy",
    "machine-vmport-opt",
    "mch",
    "mch.extended-tseg-mbytes",
    "memory-backend-file.prealloc-threads",
    "memory-backend-file.x-use-canonical-path-for-ramblock-id",
    "migration-file-drop-cache",
    "migration-param.block-bitmap-mapping",
    "migration.blocked-reasons",
    "nbd-bitmap",
    "nbd-tls",
    "no-acpi",
    "no-hpet",
    "numa.hmat",
    "nvdimm.unarmed",
    "piix4.acpi-root-pci-hotplug",
    "query-cpu-definitions",
    "query-cpu-model-expansion",
    "query-dirty-rate",
    "query-hotpluggable-cpus",
    "query-stats",
    "query-stats-schemas",
    "qxl.vgamem_mb",
    "rbd-encryption",
    "rtc-reset-reinjection",
    "scsi-disk.channel",
    "scsi-disk.wwn",
    "sev-guest-kernel-hashes",
    "sev-inject-launch-secret",
    "tcg",
    "usb-host.hostdevice",
    "usb-redir.filter",
    "usb-storage.removable",
    "vfio-pci.display",
    "vhost-user-fs.bootindex",
    "vhost-user-gpu",
    "vhost-user-vga",
    "virtio-blk-pci.scsi",
    "virtio-blk-pci.scsi.default.disabled",
    "virtio-input-host",
    "virtio-iommu.boot-bypass",
    "virtio-mem-pci.prealloc",
    "virtio-mmio",
    "virtio-pci-non-transitional",
    "vmware-svga.vgamem_mb",
    "x86-max-cpu",
    "blockdev",
};

static bool is_idle(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(idle); i++)
        if (strcmp(idle[i], name) == 0)
            return true;
    return false;
}

static int change(struct emulator *emulator, const char *name, bool present, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        if (rows[i].flag)
            emulator->flags[rows[i].flag - 1] = present;
        else if (present)
            g_hash_table_add(emulator->types, (char *)rows[i].type);
        else
            g_hash_table_remove(emulator->types, rows[i].type);
        return 0;
    }
    if (is_idle(name))
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "invalid qemu namespace capability '%s'", name);
    return -1;
}

static int change_all(struct emulator *emulator, const struct domain *domain, GError **error)
{
    LIST_EACH (name, &domain->qemu_capabilities_add)
        if (change(emulator, name, true, error) < 0)
            return -1;
    LIST_EACH (name, &domain->qemu_capabilities_del)
        if (change(emulator, name, false, error) < 0)
            return -1;
    return 0;
}

int emulator_override(const struct domain *domain, struct emulator **emulator, GError **error)
{
    if (!domain->qemu_capabilities_add.count && !domain->qemu_capabilities_del.count)
        return 0;
    struct emulator *variant EMULATOR_AUTO = emulator_vary(*emulator);

    if (change_all(variant, domain, error) < 0)
        return -1;
    emulator_unref(*emulator);
    *emulator = g_steal_pointer(&variant);
    return 0;
}

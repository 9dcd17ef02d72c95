/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* No guard: a table, included with EMULATOR_FLAG(name, word, kind, a, b) defined. */
/*
 * One row per yes/no fact about an emulator that is not simply "has QOM type"
 * (emulator_has_type) or "has QMP command" (emulator_has_command), with the evidence for it:
 *   EVENT a         the QMP event a exists
 *   PROPERTY a b    devices (or objects) of type a have property b
 *   ARGUMENT a b    QMP command a takes what path b says: "member", "+case" (a branch of a union),
 *                   "=value" (of an enum), joined by '/'
 *   RETURN a b      QMP command a can answer what path b says
 *   FEATURE a b     QMP command a declares feature b
 *   OPTION a b      command line option a has parameter b ("": the option exists)
 * The words are written to the cache file: a changed or new row needs no new format number, because
 * the table itself is part of what validates the file.
 */

/* clang-format off */
/* Command line */
EMULATOR_FLAG(SANDBOX,             "sandbox",              OPTION,   "sandbox", "elevateprivileges")
EMULATOR_FLAG(SPICE,               "spice",                OPTION,   "spice", "port")
EMULATOR_FLAG(SPICE_GL,            "spice-gl",             OPTION,   "spice", "gl")
EMULATOR_FLAG(SPICE_RENDERNODE,    "spice-rendernode",     OPTION,   "spice", "rendernode")
EMULATOR_FLAG(SPICE_GL_REMOTE,     "spice-gl-remote",      OPTION,   "spice", "video-codecs")
EMULATOR_FLAG(SPICE_PASSWORD_SECRET, "spice-password-secret", OPTION, "spice", "password-secret")
EMULATOR_FLAG(VNC,                 "vnc",                  OPTION,   "vnc", "display")
EMULATOR_FLAG(VNC_POWER_CONTROL,   "vnc-power-control",    OPTION,   "vnc", "power-control")
EMULATOR_FLAG(VNC_AUDIODEV,        "vnc-audiodev",         OPTION,   "vnc", "audiodev")
EMULATOR_FLAG(BOOT_STRICT,         "boot-strict",          OPTION,   "boot-opts", "strict")
EMULATOR_FLAG(BOOT_REBOOT_TIMEOUT, "boot-reboot-timeout",  OPTION,   "boot-opts", "reboot-timeout")
EMULATOR_FLAG(SPLASH_TIMEOUT,      "boot-splash-time",     OPTION,   "boot-opts", "splash-time")
EMULATOR_FLAG(DEBUG_THREADS,       "debug-threads",        OPTION,   "name", "debug-threads")
EMULATOR_FLAG(MESSAGE_TIMESTAMP,   "message-timestamp",    OPTION,   "msg", "timestamp")
EMULATOR_FLAG(OVERCOMMIT,          "overcommit",           OPTION,   "overcommit", "mem-lock")
EMULATOR_FLAG(SMP_DIES,            "smp-dies",             OPTION,   "smp-opts", "dies")
EMULATOR_FLAG(SMP_CLUSTERS,        "smp-clusters",         OPTION,   "smp-opts", "clusters")
EMULATOR_FLAG(MEMORY_SLOTS,        "memory-slots",         OPTION,   "memory", "slots")
EMULATOR_FLAG(ACTION,              "action",               OPTION,   "action", "shutdown")
EMULATOR_FLAG(ASYNC_TEARDOWN,      "async-teardown",       OPTION,   "run-with", "async-teardown")
EMULATOR_FLAG(SHIM,                "shim",                 OPTION,   "machine", "shim")
EMULATOR_FLAG(FW_CFG,              "fw-cfg",               OPTION,   "fw_cfg", "file")
EMULATOR_FLAG(FSDEV_MULTIDEVS,     "fsdev-multidevs",      OPTION,   "fsdev", "multidevs")
EMULATOR_FLAG(CHARDEV_LOGFILE,     "chardev-logfile",      OPTION,   "chardev", "logfile")
EMULATOR_FLAG(CHARDEV_RECONNECT,   "chardev-reconnect",    OPTION,   "chardev", "reconnect")

/* JSON on the command line */
EMULATOR_FLAG(DEVICE_JSON,         "device-json",          FEATURE,  "device_add", "json-cli-hotplug")
EMULATOR_FLAG(NETDEV_JSON,         "netdev-json",          ARGUMENT, "netdev_add", "+stream")
EMULATOR_FLAG(OBJECT_JSON,         "object-json",          ARGUMENT, "object-add", "+secret")

/* Back ends */
EMULATOR_FLAG(BLOCK_IO_URING,      "block-io-uring",       ARGUMENT, "blockdev-add", "+file/aio/=io_uring")
EMULATOR_FLAG(BLOCK_NBD,           "block-nbd",            ARGUMENT, "blockdev-add", "+nbd")
EMULATOR_FLAG(BLOCK_RBD,           "block-rbd",            ARGUMENT, "blockdev-add", "+rbd")
EMULATOR_FLAG(BLOCK_ISCSI,         "block-iscsi",          ARGUMENT, "blockdev-add", "+iscsi")
EMULATOR_FLAG(BLOCK_NFS,           "block-nfs",            ARGUMENT, "blockdev-add", "+nfs")
EMULATOR_FLAG(BLOCK_SSH,           "block-ssh",            ARGUMENT, "blockdev-add", "+ssh")
EMULATOR_FLAG(BLOCK_HTTPS,         "block-https",          ARGUMENT, "blockdev-add", "+https")
EMULATOR_FLAG(BLOCK_GLUSTER,       "block-gluster",        ARGUMENT, "blockdev-add", "+gluster")
EMULATOR_FLAG(BLOCK_NVME,          "block-nvme",           ARGUMENT, "blockdev-add", "+nvme")
EMULATOR_FLAG(BLOCK_LUKS,          "block-luks",           ARGUMENT, "blockdev-add", "+luks")
EMULATOR_FLAG(BLOCK_RBD_ENCRYPT,   "block-rbd-encrypt",    ARGUMENT, "blockdev-add", "+rbd/encrypt")
EMULATOR_FLAG(BLOCK_RBD_LUKS_ANY,  "block-rbd-luks-any",   ARGUMENT, "blockdev-add", "+rbd/encrypt/format/=luks-any")
EMULATOR_FLAG(BLOCK_RBD_LAYERS,    "block-rbd-layers",     ARGUMENT, "blockdev-add", "+rbd/encrypt/parent")
EMULATOR_FLAG(BLOCK_VHOST_VDPA,    "block-vhost-vdpa",     ARGUMENT, "blockdev-add", "+virtio-blk-vhost-vdpa")
EMULATOR_FLAG(QCOW2_DISCARD_NO_UNREF, "qcow2-discard-no-unref", ARGUMENT, "blockdev-add", "+qcow2/discard-no-unref")
EMULATOR_FLAG(BLOCK_REOPEN    ,    "blockdev-reopen",      ARGUMENT, "blockdev-reopen", "options")
EMULATOR_FLAG(NETDEV_STREAM,       "netdev-stream",        ARGUMENT, "netdev_add", "+stream")
EMULATOR_FLAG(NETDEV_DGRAM,        "netdev-dgram",         ARGUMENT, "netdev_add", "+dgram")
EMULATOR_FLAG(NETDEV_USER,         "netdev-user",          ARGUMENT, "netdev_add", "+user")
EMULATOR_FLAG(NETDEV_VHOST_USER,   "netdev-vhost-user",    ARGUMENT, "netdev_add", "+vhost-user")
EMULATOR_FLAG(NETDEV_RECONNECT,    "netdev-reconnect",     ARGUMENT, "netdev_add", "+stream/reconnect")
EMULATOR_FLAG(NETDEV_RECONNECT_MS, "netdev-reconnect-ms",  ARGUMENT, "netdev_add", "+stream/reconnect-ms")
EMULATOR_FLAG(NETDEV_VHOST_VDPA,   "netdev-vhost-vdpa",    ARGUMENT, "netdev_add", "+vhost-vdpa")
EMULATOR_FLAG(CHARDEV_SPICEVMC,    "chardev-spicevmc",     ARGUMENT, "chardev-add", "backend/+spicevmc")
EMULATOR_FLAG(CHARDEV_VDAGENT,     "chardev-qemu-vdagent", ARGUMENT, "chardev-add", "backend/+qemu-vdagent")
EMULATOR_FLAG(CHARDEV_DBUS,        "chardev-dbus",         ARGUMENT, "chardev-add", "backend/+dbus")
EMULATOR_FLAG(MEMFD_HUGE,          "memfd-huge",           ARGUMENT, "object-add", "+memory-backend-memfd/hugetlb")
EMULATOR_FLAG(MEMORY_PMEM,         "memory-pmem",          ARGUMENT, "object-add", "+memory-backend-file/pmem")
EMULATOR_FLAG(MEMORY_RESERVE,      "memory-reserve",       ARGUMENT, "object-add", "+memory-backend-ram/reserve")
EMULATOR_FLAG(THREAD_CONTEXT,      "thread-context",       ARGUMENT, "object-add", "+thread-context")
EMULATOR_FLAG(IOTHREAD_POLL_WEIGHT, "iothread-poll-weight", ARGUMENT, "object-add", "+iothread/poll-weight")
EMULATOR_FLAG(TPM_PASSTHROUGH,     "tpm-passthrough",      RETURN,   "query-tpm-types", "=passthrough")
EMULATOR_FLAG(TPM_EMULATOR,        "tpm-emulator",         RETURN,   "query-tpm-types", "=emulator")

/* Displays */
EMULATOR_FLAG(DISPLAY_SDL,         "display-sdl",          RETURN,   "query-display-options", "+sdl")
EMULATOR_FLAG(DISPLAY_GTK,         "display-gtk",          RETURN,   "query-display-options", "+gtk")
EMULATOR_FLAG(DISPLAY_EGL,         "display-egl-headless", RETURN,   "query-display-options", "+egl-headless")
EMULATOR_FLAG(DISPLAY_DBUS,        "display-dbus",         RETURN,   "query-display-options", "+dbus")
EMULATOR_FLAG(SCREENDUMP_DEVICE,   "screendump-device",    ARGUMENT, "screendump", "device")
EMULATOR_FLAG(SCREENDUMP_PNG,      "screendump-png",       ARGUMENT, "screendump", "format/=png")

/* Monitor */
EMULATOR_FLAG(BLOCK_NODES_FLAT,    "block-nodes-flat",     ARGUMENT, "query-named-block-nodes", "flat")
EMULATOR_FLAG(BLOCKSTATS_NODES,    "blockstats-nodes",     ARGUMENT, "query-blockstats", "query-nodes")
EMULATOR_FLAG(BACKUP,              "backup",               ARGUMENT, "blockdev-backup", "bitmap-mode")
EMULATOR_FLAG(MIGRATION_RDMA,      "migration-rdma",       ARGUMENT, "migrate-set-capabilities", "capabilities/capability/=rdma-pin-all")
EMULATOR_FLAG(WAKEUP_SUPPORT,      "wakeup-support",       RETURN,   "query-current-machine", "wakeup-suspend-support")
EMULATOR_FLAG(EVENT_MEMORY_FAILURE, "event-memory-failure", EVENT,   "MEMORY_FAILURE", "")
EMULATOR_FLAG(EVENT_UNPLUG_ERROR,  "event-unplug-error",   EVENT,    "DEVICE_UNPLUG_GUEST_ERROR", "")

/* Devices */
EMULATOR_FLAG(BLK_QUEUE_SIZE,      "virtio-blk-queue-size", PROPERTY, "virtio-blk-pci", "queue-size")
EMULATOR_FLAG(BLK_WRITE_ZEROES,    "virtio-blk-write-zeroes", PROPERTY, "virtio-blk-pci", "write-zeroes")
EMULATOR_FLAG(BLK_VQ_MAPPING,      "virtio-blk-vq-mapping", PROPERTY, "virtio-blk-pci", "iothread-vq-mapping")
EMULATOR_FLAG(VIRTIO_IOMMU_GRANULE, "virtio-iommu-granule", PROPERTY, "virtio-iommu-pci", "granule")
EMULATOR_FLAG(SCSI_VQ_MAPPING,     "virtio-scsi-vq-mapping", PROPERTY, "virtio-scsi-pci", "iothread-vq-mapping")
EMULATOR_FLAG(PCI_MEM_RESERVE,     "pcie-root-port-mem-reserve", PROPERTY, "pcie-root-port", "mem-reserve")
EMULATOR_FLAG(VIRTIO_PACKED,       "virtio-packed",        PROPERTY, "virtio-blk-pci", "packed")
EMULATOR_FLAG(VIRTIO_IOMMU,        "virtio-iommu-platform", PROPERTY, "virtio-blk-pci", "iommu_platform")
EMULATOR_FLAG(VIRTIO_ATS,          "virtio-ats",           PROPERTY, "virtio-blk-pci", "ats")
EMULATOR_FLAG(VIRTIO_PAGE_PER_VQ,  "virtio-page-per-vq",   PROPERTY, "virtio-blk-pci", "page-per-vq")
EMULATOR_FLAG(VIRTIO_DISABLE_LEGACY, "virtio-disable-legacy", PROPERTY, "virtio-blk-pci", "disable-legacy")
EMULATOR_FLAG(PCI_ACPI_INDEX,      "pci-acpi-index",       PROPERTY, "virtio-net-pci", "acpi-index")
EMULATOR_FLAG(NET_HOST_MTU,        "virtio-net-host-mtu",  PROPERTY, "virtio-net-pci", "host_mtu")
EMULATOR_FLAG(NET_RX_QUEUE_SIZE,   "virtio-net-rx-queue-size", PROPERTY, "virtio-net-pci", "rx_queue_size")
EMULATOR_FLAG(NET_TX_QUEUE_SIZE,   "virtio-net-tx-queue-size", PROPERTY, "virtio-net-pci", "tx_queue_size")
EMULATOR_FLAG(NET_FAILOVER,        "virtio-net-failover",  PROPERTY, "virtio-net-pci", "failover")
EMULATOR_FLAG(NET_RSS,             "virtio-net-rss",       PROPERTY, "virtio-net-pci", "rss")
EMULATOR_FLAG(BALLOON_DEFLATE,     "balloon-deflate-on-oom", PROPERTY, "virtio-balloon-pci", "deflate-on-oom")
EMULATOR_FLAG(BALLOON_REPORTING,   "balloon-free-page-reporting", PROPERTY, "virtio-balloon-pci", "free-page-reporting")
EMULATOR_FLAG(SCSI_DISK_DEVICE_ID, "scsi-disk-device-id",  PROPERTY, "scsi-hd", "device_id")
EMULATOR_FLAG(SCSI_ROTATION_RATE,  "scsi-rotation-rate",   PROPERTY, "scsi-hd", "rotation_rate")
EMULATOR_FLAG(DISK_STATISTICS,     "disk-statistics",      PROPERTY, "scsi-hd", "stats-intervals")
EMULATOR_FLAG(MIGRATE_RESERVATIONS, "scsi-migrate-reservations", PROPERTY, "scsi-block", "migrate-pr")
EMULATOR_FLAG(USB_STORAGE_WERROR,  "usb-storage-werror",   PROPERTY, "usb-storage", "werror")
EMULATOR_FLAG(ROOT_PORT_HOTPLUG,   "pcie-root-port-hotplug", PROPERTY, "pcie-root-port", "hotplug")
EMULATOR_FLAG(ISA_SERIAL_ADDRESS,  "isa-serial-address",   PROPERTY, "isa-serial", "iobase")
EMULATOR_FLAG(VGA_EDID,            "vga-edid",             PROPERTY, "VGA", "edid")
EMULATOR_FLAG(QXL_VRAM64,          "qxl-vram64",           PROPERTY, "qxl", "vram64_size_mb")
EMULATOR_FLAG(QXL_MAX_OUTPUTS,     "qxl-max-outputs",      PROPERTY, "qxl", "max_outputs")
EMULATOR_FLAG(VIRTIO_GPU_MAX_OUTPUTS, "virtio-gpu-max-outputs", PROPERTY, "virtio-gpu-pci", "max_outputs")
EMULATOR_FLAG(VIRTIO_GPU_BLOB,     "virtio-gpu-blob",      PROPERTY, "virtio-gpu-pci", "blob")
EMULATOR_FLAG(USB_HOST_RESET,      "usb-host-guest-reset", PROPERTY, "usb-host", "guest-reset")
EMULATOR_FLAG(MEM_DYNAMIC_MEMSLOTS, "virtio-mem-dynamic-memslots", PROPERTY, "virtio-mem-pci", "dynamic-memslots")
EMULATOR_FLAG(VFIO_IOMMUFD,        "vfio-pci-iommufd",     PROPERTY, "vfio-pci", "iommufd")
EMULATOR_FLAG(INTEL_IOMMU_AW_BITS, "intel-iommu-aw-bits",  PROPERTY, "intel-iommu", "aw-bits")
/* clang-format on */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "address-pci.h"

/* What kind of PCI slot each device needs: one row per model that is not of its kind's default. */

static bool has_pci_address_type(const struct domain_device_info *info)
{
    return info->address.type == ADDRESS_NONE || info->address.type == ADDRESS_PCI;
}

static enum pci_need usb_controller_need(uint8_t model)
{
    switch (model) {
    case CONTROLLER_USB_NEC_XHCI:
    case CONTROLLER_USB_QEMU_XHCI:
        return PCI_NEED_EXPRESS;
    case CONTROLLER_USB_NONE:
    case CONTROLLER_USB_DISABLED:
    case CONTROLLER_USB_QUSB1:
    case CONTROLLER_USB_QUSB2:
        return PCI_NEED_NOTHING;
    default:
        return PCI_NEED_CONVENTIONAL;
    }
}

static enum pci_need scsi_controller_need(uint8_t model)
{
    switch (model) {
    case CONTROLLER_SCSI_VIRTIO:
    case CONTROLLER_SCSI_VIRTIO_NON_TRANSITIONAL:
        return PCI_NEED_EXPRESS;
    case CONTROLLER_SCSI_IBMVSCSI:
    case CONTROLLER_SCSI_NCR53C90:
        return PCI_NEED_NOTHING;
    default:
        return PCI_NEED_CONVENTIONAL;
    }
}

static enum pci_need pci_controller_need(uint8_t model)
{
    switch (model) {
    case CONTROLLER_PCI_BRIDGE:
        return PCI_NEED_BRIDGE;
    case CONTROLLER_PCIE_TO_PCI_BRIDGE:
    case CONTROLLER_PCIE_SWITCH_UPSTREAM_PORT:
        return PCI_NEED_EXPRESS;
    case CONTROLLER_PCIE_SWITCH_DOWNSTREAM_PORT:
        return PCI_NEED_SWITCH;
    case CONTROLLER_PCI_ROOT:
    case CONTROLLER_PCIE_ROOT:
        return PCI_NEED_NOTHING;
    default:
        return PCI_NEED_INTEGRATED;
    }
}

static enum pci_need controller_need(const struct domain_controller *controller)
{
    switch (controller->type) {
    case CONTROLLER_USB:
        return usb_controller_need(controller->model);
    case CONTROLLER_SCSI:
        return scsi_controller_need(controller->model);
    case CONTROLLER_PCI:
        return pci_controller_need(controller->model);
    case CONTROLLER_VIRTIO_SERIAL:
        return controller->model == VIRTIO_MODEL_TRANSITIONAL ? PCI_NEED_CONVENTIONAL
                                                              : PCI_NEED_EXPRESS;
    case CONTROLLER_SATA:
        return PCI_NEED_CONVENTIONAL;
    case CONTROLLER_NVME:
        return PCI_NEED_EXPRESS;
    default:
        return PCI_NEED_NOTHING;
    }
}

static const struct net_need {
    const char *model;
    enum pci_need need;
} net_needs[] = {
    {"rtl8139", PCI_NEED_CONVENTIONAL},
    {"e1000", PCI_NEED_CONVENTIONAL},
    {"virtio-transitional", PCI_NEED_CONVENTIONAL},
    {"netfront", PCI_NEED_CONVENTIONAL},
    {"vmxnet", PCI_NEED_CONVENTIONAL},
    {"vmxnet2", PCI_NEED_CONVENTIONAL},
    {"vmxnet3", PCI_NEED_CONVENTIONAL},
    {"vlance", PCI_NEED_CONVENTIONAL},
    {"usb-net", PCI_NEED_NOTHING},
    {"spapr-vlan", PCI_NEED_NOTHING},
    {"lan9118", PCI_NEED_NOTHING},
    {"smc91c111", PCI_NEED_NOTHING},
};

/* What the device is on the host. */
static enum pci_need host_need(const struct pci_address *address,
                               const struct machine_traits *machine)
{
    return machine->host_is_conventional && machine->host_is_conventional(address)
               ? PCI_NEED_CONVENTIONAL
               : PCI_NEED_EXPRESS;
}

static enum pci_need net_hostdev_need(const struct net_hostdev_source *source,
                                      const struct machine_traits *machine)
{
    if (!source)
        return PCI_NEED_EXPRESS;
    return source->type == NET_HOSTDEV_USB ? PCI_NEED_NOTHING : host_need(&source->pci, machine);
}

static enum pci_need net_need(const struct domain_net *net, const struct machine_traits *machine)
{
    if (net->type == NET_HOSTDEV)
        return net_hostdev_need(net->hostdev, machine);
    for (unsigned i = 0; net->model && i < G_N_ELEMENTS(net_needs); i++)
        if (g_str_equal(net_needs[i].model, net->model))
            return net_needs[i].need;
    return PCI_NEED_EXPRESS; /* also of a model that only QEMU knows */
}

static enum pci_need sound_need(const struct domain_sound *sound)
{
    switch (sound->model) {
    case SOUND_SB16:
    case SOUND_PCSPK:
    case SOUND_USB:
        return PCI_NEED_NOTHING;
    case SOUND_VIRTIO:
        return PCI_NEED_EXPRESS;
    default:
        return PCI_NEED_CONVENTIONAL;
    }
}

static enum pci_need virtio_need(uint8_t model)
{
    return model == VIRTIO_MODEL_TRANSITIONAL ? PCI_NEED_CONVENTIONAL : PCI_NEED_EXPRESS;
}

static enum pci_need hostdev_need(const struct domain_hostdev *hostdev,
                                  const struct machine_traits *machine)
{
    switch (hostdev->type) {
    case HOSTDEV_PCI:
        return hostdev->pci ? host_need(&hostdev->pci->address, machine) : PCI_NEED_EXPRESS;
    case HOSTDEV_MDEV:
        return g_strcmp0(hostdev->model, "vfio-pci") == 0 ? PCI_NEED_EXPRESS : PCI_NEED_NOTHING;
    case HOSTDEV_SCSI_HOST:
        return g_strcmp0(hostdev->model, "virtio-transitional") == 0 ? PCI_NEED_CONVENTIONAL
                                                                     : PCI_NEED_EXPRESS;
    default:
        return PCI_NEED_NOTHING;
    }
}

static enum pci_need video_need(const struct domain_video *video)
{
    switch (video->type) {
    case VIDEO_NONE:
    case VIDEO_RAMFB:
        return PCI_NEED_NOTHING;
    case VIDEO_VIRTIO:
    case VIDEO_BOCHS:
        return PCI_NEED_EXPRESS;
    default:
        return PCI_NEED_CONVENTIONAL;
    }
}

static enum pci_need memballoon_need(const struct domain_memballoon *balloon)
{
    switch (balloon->model) {
    case MEMBALLOON_VIRTIO:
    case MEMBALLOON_VIRTIO_NON_TRANSITIONAL:
        return PCI_NEED_EXPRESS;
    case MEMBALLOON_VIRTIO_TRANSITIONAL:
        return PCI_NEED_CONVENTIONAL;
    default:
        return PCI_NEED_NOTHING;
    }
}

static enum pci_need memory_need(const struct domain_memory *memory)
{
    return memory->model == MEMORY_MODEL_VIRTIO_MEM || memory->model == MEMORY_MODEL_VIRTIO_PMEM
               ? PCI_NEED_EXPRESS
               : PCI_NEED_NOTHING;
}

static enum pci_need need_by_kind(const struct device *device, const struct machine_traits *machine)
{
    const void *object = device->object;

    switch (device->kind) {
    case DEVICE_CONTROLLER:
        return controller_need(object);
    case DEVICE_FILESYSTEM:
        return virtio_need(((const struct domain_filesystem *)object)->model);
    case DEVICE_NET:
        return net_need(object, machine);
    case DEVICE_SOUND:
        return sound_need(object);
    case DEVICE_DISK:
        return ((const struct domain_disk *)object)->bus != DISK_BUS_VIRTIO
                   ? PCI_NEED_NOTHING
                   : virtio_need(((const struct domain_disk *)object)->model);
    case DEVICE_HOSTDEV:
        return hostdev_need(object, machine);
    case DEVICE_MEMBALLOON:
        return memballoon_need(object);
    case DEVICE_RNG:
        return virtio_need(((const struct domain_rng *)object)->model);
    case DEVICE_WATCHDOG:
        return ((const struct domain_watchdog *)object)->model == WATCHDOG_I6300ESB
                   ? PCI_NEED_CONVENTIONAL
                   : PCI_NEED_NOTHING;
    case DEVICE_VIDEO:
        return video_need(object);
    case DEVICE_SHMEM:
        return PCI_NEED_CONVENTIONAL;
    case DEVICE_INPUT:
        return ((const struct domain_input *)object)->bus == INPUT_BUS_VIRTIO
                   ? virtio_need(((const struct domain_input *)object)->model)
                   : PCI_NEED_NOTHING;
    case DEVICE_SERIAL:
        return ((const struct domain_serial *)object)->target == SERIAL_TARGET_PCI
                   ? PCI_NEED_CONVENTIONAL
                   : PCI_NEED_NOTHING;
    case DEVICE_VSOCK:
        return virtio_need(((const struct domain_vsock *)object)->model);
    case DEVICE_CRYPTO:
        return PCI_NEED_EXPRESS;
    case DEVICE_MEMORY:
        return memory_need(object);
    case DEVICE_IOMMU:
        return ((const struct domain_iommu *)object)->model == IOMMU_VIRTIO ? PCI_NEED_INTEGRATED
                                                                            : PCI_NEED_NOTHING;
    case DEVICE_PANIC:
        return ((const struct domain_panic *)object)->model == PANIC_PVPANIC ? PCI_NEED_INTEGRATED
                                                                             : PCI_NEED_NOTHING;
    default:
        return PCI_NEED_NOTHING;
    }
}

enum pci_need pci_need_of(const struct device *device, const struct machine_traits *machine)
{
    if (!device->info || !has_pci_address_type(device->info))
        return PCI_NEED_NOTHING;
    return need_by_kind(device, machine);
}

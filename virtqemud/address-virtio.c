/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address-virtio.h"

#include "base/error.h"

/* ---- which devices are virtio's ---- */

static bool is_virtio_controller(const struct domain_controller *controller)
{
    return controller->type == CONTROLLER_VIRTIO_SERIAL ||
           (controller->type == CONTROLLER_SCSI &&
            (controller->model == CONTROLLER_SCSI_VIRTIO ||
             controller->model == CONTROLLER_SCSI_VIRTIO_TRANSITIONAL ||
             controller->model == CONTROLLER_SCSI_VIRTIO_NON_TRANSITIONAL));
}

/* Mediated devices of channels sit where virtio devices do. */
static bool is_channel_hostdev(const struct domain_hostdev *hostdev)
{
    return hostdev->type == HOSTDEV_SCSI_HOST ||
           (hostdev->type == HOSTDEV_MDEV && g_strcmp0(hostdev->model, "vfio-ccw") == 0);
}

static bool is_virtio(const struct device *device)
{
    const void *object = device->object;

    switch (device->kind) {
    case DEVICE_DISK:
        return ((const struct domain_disk *)object)->bus == DISK_BUS_VIRTIO;
    case DEVICE_NET:
        return domain_net_is_virtio(object);
    case DEVICE_CONTROLLER:
        return is_virtio_controller(object);
    case DEVICE_VIDEO:
        return ((const struct domain_video *)object)->type == VIDEO_VIRTIO;
    case DEVICE_INPUT:
        return ((const struct domain_input *)object)->bus == INPUT_BUS_VIRTIO;
    case DEVICE_MEMBALLOON:
        return ((const struct domain_memballoon *)object)->model != MEMBALLOON_NONE &&
               ((const struct domain_memballoon *)object)->model != MEMBALLOON_XEN;
    case DEVICE_FILESYSTEM:
    case DEVICE_RNG:
    case DEVICE_VSOCK:
    case DEVICE_CRYPTO:
        return true;
    default:
        return false;
    }
}

/* ---- slots in memory ---- */

static bool has_slots(enum machine_family family)
{
    return family == MACHINE_ARM_VIRT || family == MACHINE_RISCV_VIRT;
}

static bool uses_slots(const struct device *devices, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (devices[i].info && devices[i].info->address.type == ADDRESS_VIRTIO_MMIO)
            return true;
    return false;
}

/* QEMU numbers them itself. File systems and sockets have always gone to PCI. */
static void assign_slots(const struct device *devices, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (is_virtio(&devices[i]) && devices[i].kind != DEVICE_FILESYSTEM &&
            devices[i].kind != DEVICE_VSOCK && devices[i].info->address.type == ADDRESS_NONE)
            devices[i].info->address.type = ADDRESS_VIRTIO_MMIO;
}

/* ---- channels ---- */

enum { VIRTUAL_CSSID = 0xfe, CHANNELS = 0x10000 };

/* Guests have counted on this order since it was first given. */
static const uint8_t channel_order[] = {
    DEVICE_DISK,       DEVICE_NET,   DEVICE_HOSTDEV,    DEVICE_VIDEO,
    DEVICE_CONTROLLER, DEVICE_INPUT, DEVICE_FILESYSTEM, DEVICE_MEMBALLOON,
    DEVICE_RNG,        DEVICE_VSOCK, DEVICE_CRYPTO,
};

static bool is_on_channel(const struct device *device)
{
    return is_virtio(device) ||
           (device->kind == DEVICE_HOSTDEV && is_channel_hostdev(device->object));
}

static void mark_channels(const struct device *devices, unsigned count, uint8_t *used)
{
    for (unsigned i = 0; i < count; i++) {
        const struct domain_address *address = devices[i].info ? &devices[i].info->address : NULL;

        if (address && address->type == ADDRESS_CCW && address->ccw.devno.set &&
            address->ccw.cssid.value == VIRTUAL_CSSID && address->ccw.ssid.value == 0)
            used[address->ccw.devno.value % CHANNELS] = true;
    }
}

static int give_channel(struct domain_address *address, uint8_t *used, GError **error)
{
    unsigned number = 0;

    while (number < CHANNELS && used[number])
        number++;
    if (number == CHANNELS) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "there are no more free CCW devnos");
        return -1;
    }
    used[number] = true;
    address->type = ADDRESS_CCW;
    address->ccw = (struct ccw_address){
        .cssid = OPT_UINT(VIRTUAL_CSSID), .ssid = OPT_UINT(0), .devno = OPT_UINT(number)};
    return 0;
}

static bool needs_channel(const struct device *device)
{
    const struct domain_address *address = &device->info->address;

    return is_on_channel(device) && (address->type == ADDRESS_NONE ||
                                     (address->type == ADDRESS_CCW && !address->ccw.devno.set));
}

static int assign_channels(const struct device *devices, unsigned count, GError **error)
{
    g_autofree uint8_t *used = g_malloc0(CHANNELS);

    mark_channels(devices, count, used);
    for (unsigned k = 0; k < G_N_ELEMENTS(channel_order); k++)
        for (unsigned i = 0; i < count; i++)
            if (devices[i].kind == channel_order[k] && needs_channel(&devices[i]) &&
                give_channel(&devices[i].info->address, used, error) < 0)
                return -1;
    return 0;
}

int address_assign_virtio(struct domain *domain, const struct machine_traits *machine,
                          GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    if (machine->family == MACHINE_S390_CCW)
        return assign_channels(devices, count, error);
    if (machine->family == MACHINE_ARM_EXPRESS ||
        (has_slots(machine->family) && uses_slots(devices, count)))
        assign_slots(devices, count);
    return 0;
}

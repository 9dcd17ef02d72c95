/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "base/uuid.h"
#include "host/usb.h"

#include "device-common.h"
#include "hostdev.h"

/* One being built. */
struct building {
    const struct domain *domain;
    const struct domain_hostdev *hostdev;
    const struct arguments_context *context;
};

static int refuse(const struct building *building, const char *reason, GError **error)
{
    return device_refuse(error, "hostdev", building->hostdev->info.alias, "%s", reason);
}

static void add_identity(struct json_object *json, const struct building *building)
{
    device_add_identity(json, building->domain, &building->hostdev->info);
}

/* ---- USB ---- */

static int build_usb(const struct building *building, struct json_object **ret_json, GError **error)
{
    const struct hostdev_usb *usb = building->hostdev->usb;
    unsigned reset = building->hostdev->guest_reset;

    if (reset && !emulator_has(building->context->emulator, EMULATOR_USB_HOST_RESET))
        return refuse(building, "the emulator has no guestReset", error);
    struct json_object *json = json_build("s:driver", "usb-host", NULL);
    if (usb->bus || usb->device) {
        g_autofree char *node = usb_node(usb->bus, usb->device);
        json_add(json, "s:hostdevice", node, NULL);
    } else
        json_add(json, "u:vendorid", usb->vendor, "u:productid", usb->product, NULL);
    add_identity(json, building);
    if (reset)
        json_add(json, "b:guest-reset", reset != GUEST_RESET_OFF, NULL);
    if (reset == GUEST_RESET_ON || reset == GUEST_RESET_UNINITIALIZED)
        json_add(json, "b:guest-resets-all", reset == GUEST_RESET_ON, NULL);
    *ret_json = json;
    return 0;
}

/* ---- PCI and mediated ---- */

/* QEMU has the other half of the pair wait until the guest has taken this one. */
static void add_teaming(struct json_object *json, const struct net_teaming *teaming)
{
    if (teaming && teaming->type == NET_TEAMING_TRANSIENT)
        json_add(json, "S:failover_pair_id", teaming->persistent, NULL);
}

static int build_pci(const struct building *building, struct json_object **ret_json, GError **error)
{
    const struct domain_hostdev *hostdev = building->hostdev;
    g_autofree char *address = pci_address_print(&hostdev->pci->address);

    bool iommufd = hostdev->iommufd == TRISTATE_YES;

    if (iommufd && !emulator_has(building->context->emulator, EMULATOR_VFIO_IOMMUFD))
        return refuse(building, "the emulator has no iommufd", error);
    if (hostdev->driver_name && strcmp(hostdev->driver_name, "vfio") != 0)
        return refuse(building, "the driver for PCI devices is 'vfio'", error);
    *ret_json = json_build("s:driver", "vfio-pci", "s:host", address, NULL);
    if (iommufd)
        json_add(*ret_json, "s:iommufd", HOSTDEV_IOMMUFD, NULL);
    add_identity(*ret_json, building);
    add_teaming(*ret_json, hostdev->teaming);
    return 0;
}

static int check_display(const struct building *building, GError **error)
{
    const struct domain *domain = building->domain;

    if (building->hostdev->display != TRISTATE_ON || domain->devices.graphics.count)
        return 0;
    return refuse(building, "display='on' needs a <graphics>", error);
}

static int build_mdev(const struct building *building, struct json_object **ret_json,
                      GError **error)
{
    const struct domain_hostdev *hostdev = building->hostdev;
    char uuid[UUID_TEXT];
    g_autofree char *path =
        g_strdup_printf("/sys/bus/mdev/devices/%s", uuid_format(hostdev->mdev->uuid, uuid));
    bool ramfb = hostdev->ramfb == TRISTATE_ON;
    const char *driver = hostdev->model ? hostdev->model : "vfio-pci";

    if (check_display(building, error) < 0)
        return -1;
    if (ramfb)
        driver = "vfio-pci-nohotplug";
    struct json_object *json = json_build("s:driver", driver, NULL);
    add_identity(json, building);
    json_add(json, "s:sysfsdev", path, NULL);
    device_add_on_off(json, "display", hostdev->display);
    if (ramfb)
        json_add(json, "b:ramfb", true, NULL);
    *ret_json = json;
    return 0;
}

/* ---- SCSI ---- */

static int build_scsi(const struct building *building, struct json_object **ret_json,
                      GError **error)
{
    const struct domain_hostdev *hostdev = building->hostdev;
    const struct drive_address *at = &hostdev->info.address.drive;
    const struct domain_controller *controller =
        domain_find_controller(building->domain, CONTROLLER_SCSI, at->controller);
    g_autofree char *node = g_strdup_printf("libvirt-%s-backend", hostdev->info.alias);
    g_autofree char *bus = device_bus_name(building->domain, CONTROLLER_SCSI, at->controller);

    if (!controller)
        return refuse(building, "its SCSI controller is missing", error);
    struct json_object *json = json_build("s:driver", "scsi-generic", "s:drive", node, NULL);
    if (hostdev->shareable)
        json_add(json, "b:share-rw", true, NULL);
    add_identity(json, building);
    json_add(json, "s:bus", bus, NULL);
    if (device_scsi_has_channels(controller))
        json_add(json, "u:channel", at->bus, "u:scsi-id", at->target, "u:lun", at->unit, NULL);
    else
        json_add(json, "u:scsi-id", at->unit, NULL);
    *ret_json = json;
    return 0;
}

static int build_scsi_host(const struct building *building, struct json_object **ret_json,
                           GError **error)
{
    const struct domain_hostdev *hostdev = building->hostdev;
    int model = hostdev->model ? names_find(&virtio_model_names, hostdev->model) : -1;
    g_autofree char *driver = device_virtio_name(
        "vhost-scsi", model > 0 ? (enum virtio_model)model : VIRTIO_MODEL_NONE, &hostdev->info);

    if (!hostdev->wwpn)
        return refuse(building, "its <source> has no wwpn", error);
    *ret_json = json_build("s:driver", driver, "s:wwpn", hostdev->wwpn, NULL);
    add_identity(*ret_json, building);
    return 0;
}

/* ---- all ---- */

static int (*const builders[])(const struct building *, struct json_object **, GError **) = {
    [HOSTDEV_USB] = build_usb,   [HOSTDEV_PCI] = build_pci,
    [HOSTDEV_SCSI] = build_scsi, [HOSTDEV_SCSI_HOST] = build_scsi_host,
    [HOSTDEV_MDEV] = build_mdev,
};

static bool has_source(const struct domain_hostdev *hostdev)
{
    const void *const sources[] = {[HOSTDEV_USB] = hostdev->usb,
                                   [HOSTDEV_PCI] = hostdev->pci,
                                   [HOSTDEV_SCSI] = hostdev->scsi,
                                   [HOSTDEV_SCSI_HOST] = hostdev,
                                   [HOSTDEV_MDEV] = hostdev->mdev};

    return sources[hostdev->type] != NULL;
}

int device_hostdev_properties(const struct domain *domain, const struct domain_hostdev *hostdev,
                              const struct arguments_context *context,
                              struct json_object **ret_properties, GError **error)
{
    const struct building building = {domain, hostdev, context};
    struct json_object *json = NULL;

    if (hostdev->mode == HOSTDEV_MODE_CAPABILITIES || hostdev->type >= G_N_ELEMENTS(builders) ||
        !builders[hostdev->type])
        return refuse(&building, "mode='capabilities' is for containers", error);
    if (hostdev->sgio == DISK_SGIO_UNFILTERED)
        return refuse(&building, "unfiltered sgio is no longer supported", error);
    if (!has_source(hostdev))
        return refuse(&building, "its <source> is missing", error);
    if (builders[hostdev->type](&building, &json, error) < 0)
        return -1;
    if (hostdev->type != HOSTDEV_SCSI)
        device_add_place(json, domain, &hostdev->info);
    *ret_properties = json;
    return 0;
}

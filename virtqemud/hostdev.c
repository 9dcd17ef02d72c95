/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostdev.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "host/pci.h"
#include "host/usb.h"
#include "host/virtual-function.h"

#include "block-nodes.h"
#include "block-secrets.h"
#include "claims.h"
#include "device-common.h"

#define VFIO "vfio-pci"
#define VFIO_NODE "/dev/vfio/vfio"

/* ---- SCSI ---- */

/* "/dev/sg3" of the device at an address of an adapter of the host. */
static int find_generic(const struct domain_hostdev *hostdev, char **ret_path, GError **error)
{
    const struct hostdev_scsi *scsi = hostdev->scsi;
    const char *number = scsi->adapter + strcspn(scsi->adapter, "0123456789");
    g_autofree char *folder =
        g_strdup_printf("/sys/bus/scsi/devices/%s:%u:%u:%" G_GUINT64_FORMAT "/scsi_generic", number,
                        scsi->bus, scsi->target, scsi->unit);
    g_auto(GStrv) names = NULL;

    if (file_list(folder, NULL, &names, error) < 0)
        return -1;
    if (!names[0]) {
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "hostdev '%s': there is no SCSI device %s:%u:%u:%" G_GUINT64_FORMAT,
                  hostdev->info.alias, scsi->adapter, scsi->bus, scsi->target, scsi->unit);
        return -1;
    }
    *ret_path = g_build_filename("/dev", names[0], NULL);
    return 0;
}

static int local_node(const struct domain_hostdev *hostdev, const struct arguments_context *context,
                      struct json_object **ret_node, GError **error)
{
    g_autofree char *path = NULL;

    if (!hostdev->scsi->adapter)
        return device_refuse(error, "hostdev", hostdev->info.alias, "its <adapter> is missing");
    if (!context->plan && find_generic(hostdev, &path, error) < 0)
        return -1;
    *ret_node = json_build("s:driver", "host_device", "s:filename", path ? path : "/dev/sg0", NULL);
    return 0;
}

static int network_node(const struct domain_hostdev *hostdev, const char *name,
                        const struct arguments_context *context, GPtrArray *nodes,
                        struct json_object **ret_node, GError **error)
{
    const struct hostdev_scsi *scsi = hostdev->scsi;
    struct source_network network = {.initiator_iqn = scsi->initiator_iqn};
    struct domain_source source = {.type = SOURCE_NETWORK,
                                   .protocol = SOURCE_PROTOCOL_ISCSI,
                                   .name = scsi->name,
                                   .auth = scsi->auth,
                                   .network = &network};
    struct json_object *node JSON_AUTO = NULL;

    source.hosts.items = scsi->hosts.items;
    source.hosts.count = scsi->hosts.count;
    if (block_network_properties(&source, context, &node, error) < 0 ||
        block_secrets_add_network(&source, name, context, node, nodes, error) < 0)
        return -1;
    *ret_node = g_steal_pointer(&node);
    return 0;
}

int hostdev_nodes(const struct domain_hostdev *hostdev, const struct arguments_context *context,
                  GPtrArray *nodes, GError **error)
{
    g_autofree char *name = g_strdup_printf("libvirt-%s-backend", hostdev->info.alias);
    struct json_object *node = NULL;

    if (hostdev->type != HOSTDEV_SCSI || !hostdev->scsi)
        return 0;
    int result = hostdev->scsi->protocol == HOSTDEV_SCSI_ISCSI
                     ? network_node(hostdev, name, context, nodes, &node, error)
                     : local_node(hostdev, context, &node, error);
    if (result < 0)
        return -1;
    json_add(node, "s:node-name", name, "b:read-only", hostdev->readonly, NULL);
    g_ptr_array_add(nodes, node);
    return 0;
}

/* ---- finding ---- */

static int find_usb(struct domain_hostdev *hostdev, GError **error)
{
    struct hostdev_usb *usb = hostdev->usb;

    if (hostdev->type != HOSTDEV_USB || !usb)
        return 0;
    if (usb_port_depth(&usb->port)) {
        g_autofree char *port = usb_port_print(&usb->port);
        return usb_find_at(usb->bus, port, &usb->device, error);
    }
    if (usb->bus || usb->device)
        return 0;
    return usb_find(usb->vendor, usb->product, &usb->bus, &usb->device, error);
}

static int find_mdev(const struct domain_hostdev *hostdev, GError **error)
{
    if (hostdev->type != HOSTDEV_MDEV || access(VFIO_NODE, F_OK) == 0)
        return 0;
    return device_refuse(error, "hostdev", hostdev->info.alias,
                         "Mediated host device assignment requires VFIO support: there is no %s",
                         VFIO_NODE);
}

int hostdev_find_net(struct domain_net *net, GError **error)
{
    struct net_hostdev_source *source = net->hostdev;

    if (net->type != NET_HOSTDEV || !source || source->type != NET_HOSTDEV_USB ||
        !usb_port_depth(&source->usb_port))
        return 0;
    g_autofree char *port = usb_port_print(&source->usb_port);
    return usb_find_at(source->usb_bus, port, &source->usb_device, error);
}

static void leave_out(struct domain *live, struct domain_hostdev *hostdev)
{
    const struct device device = {
        .kind = DEVICE_HOSTDEV, .object = hostdev, .info = &hostdev->info};

    domain_remove_device(live, &device);
}

int hostdev_find_all(struct domain *live, GError **error)
{
    for (unsigned i = live->devices.hostdevs.count; i-- > 0;) {
        struct domain_hostdev *hostdev = live->devices.hostdevs.items[i];
        g_autoptr(GError) missing = NULL;

        if (find_usb(hostdev, &missing) == 0 && find_mdev(hostdev, &missing) == 0)
            continue;
        if (hostdev->startup_policy < STARTUP_POLICY_REQUISITE) {
            g_propagate_error(error, g_steal_pointer(&missing));
            return -1;
        }
        log_info("%s: left out: %s", live->name, missing->message);
        leave_out(live, hostdev);
    }
    LIST_EACH (net, &live->devices.nets)
        if (hostdev_find_net(net, error) < 0)
            return -1;
    return 0;
}

/* ---- claims ---- */

/* What a device takes of the host. */
struct taking {
    char *name;                    /* "PCI device 0000:00:02.0", owned; NULL: nothing */
    const struct pci_address *pci; /* NULL: no PCI device */
    const char *driver;            /* of a PCI device that is managed: the host's for it */
    bool managed;
    bool shared;
};

static char *usb_name(unsigned bus, unsigned device)
{
    return g_strdup_printf("USB device %03u:%03u", bus, device);
}

static void take_pci(const struct pci_address *address, const char *driver, unsigned managed,
                     struct taking *taking)
{
    g_autofree char *text = pci_address_print(address);

    taking->name = g_strdup_printf("PCI device %s", text);
    taking->pci = address;
    taking->driver = driver ? driver : VFIO;
    taking->managed = managed == TRISTATE_YES;
}

static void take_scsi(const struct domain_hostdev *hostdev, struct taking *taking)
{
    const struct hostdev_scsi *scsi = hostdev->scsi;

    if (!scsi->adapter)
        return;
    taking->name = g_strdup_printf("SCSI device %s:%u:%u:%" G_GUINT64_FORMAT, scsi->adapter,
                                   scsi->bus, scsi->target, scsi->unit);
    taking->shared = hostdev->shareable;
}

static void taking_of_hostdev(const struct domain_hostdev *hostdev, struct taking *taking)
{
    char uuid[UUID_TEXT];

    if (hostdev->type == HOSTDEV_PCI && hostdev->pci)
        take_pci(&hostdev->pci->address, hostdev->driver_model, hostdev->managed, taking);
    else if (hostdev->type == HOSTDEV_USB && hostdev->usb)
        taking->name = usb_name(hostdev->usb->bus, hostdev->usb->device);
    else if (hostdev->type == HOSTDEV_SCSI && hostdev->scsi)
        take_scsi(hostdev, taking);
    else if (hostdev->type == HOSTDEV_SCSI_HOST && hostdev->wwpn)
        taking->name = g_strdup_printf("SCSI_host %s", hostdev->wwpn);
    else if (hostdev->type == HOSTDEV_MDEV && hostdev->mdev)
        taking->name =
            g_strdup_printf("mediated device %s", uuid_format(hostdev->mdev->uuid, uuid));
}

static void taking_of_net(const struct domain_net *net, struct taking *taking)
{
    if (net->type != NET_HOSTDEV || !net->hostdev)
        return;
    if (net->hostdev->type == NET_HOSTDEV_PCI)
        take_pci(&net->hostdev->pci, net->driver ? net->driver->model : NULL, net->managed, taking);
    else
        taking->name = usb_name(net->hostdev->usb_bus, net->hostdev->usb_device);
}

/* False: none of the host's devices. */
static bool taking_of(const struct device *device, struct taking *ret_taking)
{
    struct taking taking = {0};

    if (device->kind == DEVICE_HOSTDEV)
        taking_of_hostdev(device->object, &taking);
    else if (device->kind == DEVICE_NET)
        taking_of_net(device->object, &taking);
    if (!taking.name)
        return false;
    *ret_taking = taking;
    return true;
}

static struct claim claim_of(const char *guest, const struct device *device,
                             const struct taking *taking)
{
    return (struct claim){taking->name, guest, device->info->alias, taking->shared};
}

/* ---- PCI ---- */

/* The guest's end of an interface has the address of the document only if the adapter gives it. */
static int set_address(const struct device *device, const char *address, GError **error)
{
    const struct domain_net *net = device->object;

    if (device->kind != DEVICE_NET)
        return 0;
    if (!virtual_function_exists(address))
        return device_refuse(error, "interface", net->info.alias,
                             "Interface type hostdev is currently supported on SR-IOV Virtual "
                             "Functions only");
    unsigned vlan = net->vlan && net->vlan->tags.count ? net->vlan->tags.items[0]->id.value : 0;
    return virtual_function_set(address, net->mac, vlan, error);
}

static int take_from_driver(const struct device *device, const struct taking *taking,
                            GError **error)
{
    g_autofree char *address = pci_address_print(taking->pci);
    g_autofree char *driver = NULL;

    if (set_address(device, address, error) < 0)
        return -1;
    if (taking->managed)
        return pci_set_driver(address, taking->driver, error);
    if (pci_get_driver(address, &driver, error) < 0)
        return -1;
    if (driver && g_str_has_prefix(driver, "vfio"))
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID,
              "Unmanaged PCI device %s must be manually detached from the host", address);
    return -1;
}

static void give_to_driver(const struct taking *taking)
{
    g_autofree char *address = pci_address_print(taking->pci);
    g_autofree char *driver = NULL;
    g_autoptr(GError) error = NULL;

    /* a start that failed early has not taken it */
    if (pci_get_driver(address, &driver, NULL) < 0 || g_strcmp0(driver, taking->driver) != 0)
        return;
    if (pci_set_driver(address, NULL, &error) < 0)
        log_warn("the host does not get back its device: %s", error->message);
}

/* ---- taking ---- */

int hostdev_take(struct qemu *qemu, const char *guest, const struct device *device, GError **error)
{
    struct taking taking;

    if (!taking_of(device, &taking))
        return 0;
    g_autofree char *name = taking.name;
    const struct claim claim = claim_of(guest, device, &taking);
    if (claims_take(qemu->claims, &claim, error) < 0)
        return -1;
    return taking.pci ? take_from_driver(device, &taking, error) : 0;
}

void hostdev_give_back(struct qemu *qemu, const char *guest, const struct device *device)
{
    struct taking taking;

    if (!taking_of(device, &taking))
        return;
    g_autofree char *name = taking.name;
    const struct claim claim = claim_of(guest, device, &taking);
    /* dropped last: whoever gets the claim finds the driver as it is to stay */
    if (taking.pci && taking.managed && claims_holds_alone(qemu->claims, &claim))
        give_to_driver(&taking);
    claims_drop(qemu->claims, &claim);
}

int hostdev_take_all(struct qemu *qemu, const struct domain *live, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    for (unsigned i = 0; i < count; i++)
        if (hostdev_take(qemu, live->name, &devices[i], error) < 0)
            return -1;
    return 0;
}

void hostdev_give_back_all(struct qemu *qemu, const char *guest, const struct domain *devices)
{
    unsigned count;
    g_autofree struct device *list = domain_list_devices(devices, &count);

    for (unsigned i = 0; i < count; i++)
        hostdev_give_back(qemu, guest, &list[i]);
}

void hostdev_mark_all(struct qemu *qemu, const char *guest, const struct domain *devices)
{
    unsigned count;
    g_autofree struct device *list = domain_list_devices(devices, &count);

    for (unsigned i = 0; i < count; i++) {
        struct taking taking;

        if (!taking_of(&list[i], &taking))
            continue;
        g_autofree char *name = taking.name;
        const struct claim claim = claim_of(guest, &list[i], &taking);
        claims_mark(qemu->claims, &claim);
    }
}

/* ---- nodes ---- */

bool hostdev_brings_iommufd(const struct domain *domain, const struct domain_hostdev *hostdev)
{
    LIST_EACH (other, &domain->devices.hostdevs)
        if (other->type == HOSTDEV_PCI && other->iommufd == TRISTATE_YES)
            return other == hostdev;
    return false;
}

static char *pci_node(const struct pci_address *at)
{
    g_autofree char *address = pci_address_print(at);

    return pci_vfio_node(address);
}

static char *pci_device_node(const struct pci_address *at)
{
    g_autofree char *address = pci_address_print(at);

    return pci_vfio_device_node(address);
}

static char *mdev_node(const struct hostdev_mdev *mdev)
{
    char uuid[UUID_TEXT];
    g_autofree char *path =
        g_strdup_printf("/sys/bus/mdev/devices/%s/iommu_group", uuid_format(mdev->uuid, uuid));
    g_autofree char *target = g_file_read_link(path, NULL);
    g_autofree char *group = target ? g_path_get_basename(target) : NULL;

    return group ? g_strdup_printf("/dev/vfio/%s", group) : NULL;
}

char *hostdev_node(const struct domain_hostdev *hostdev)
{
    char *path = NULL;

    if (hostdev->type == HOSTDEV_USB && hostdev->usb)
        return usb_node(hostdev->usb->bus, hostdev->usb->device);
    if (hostdev->type == HOSTDEV_PCI && hostdev->pci)
        return hostdev->iommufd == TRISTATE_YES ? pci_device_node(&hostdev->pci->address)
                                                : pci_node(&hostdev->pci->address);
    if (hostdev->type == HOSTDEV_MDEV && hostdev->mdev)
        return mdev_node(hostdev->mdev);
    if (hostdev->type == HOSTDEV_SCSI && hostdev->scsi && hostdev->scsi->adapter)
        find_generic(hostdev, &path, NULL);
    return path;
}

char *hostdev_net_node(const struct domain_net *net)
{
    if (net->type != NET_HOSTDEV || !net->hostdev)
        return NULL;
    if (net->hostdev->type == NET_HOSTDEV_USB)
        return usb_node(net->hostdev->usb_bus, net->hostdev->usb_device);
    return pci_node(&net->hostdev->pci);
}

bool hostdev_locks_memory(const struct domain *domain)
{
    LIST_EACH (hostdev, &domain->devices.hostdevs)
        if (hostdev->type == HOSTDEV_PCI || hostdev->type == HOSTDEV_MDEV)
            return true;
    LIST_EACH (net, &domain->devices.nets)
        if (net->type == NET_VDPA ||
            (net->type == NET_HOSTDEV && net->hostdev && net->hostdev->type == NET_HOSTDEV_PCI))
            return true;
    LIST_EACH (disk, &domain->devices.disks)
        if (disk->source.type == SOURCE_NVME || disk->source.type == SOURCE_VHOST_VDPA)
            return true;
    return false;
}

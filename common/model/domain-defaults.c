/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/mac.h"
#include "base/uuid.h"
#include "model/domain-defaults-parts.h"

/* ---- controllers ---- */

static unsigned next_index(const struct domain *domain, enum controller_type type)
{
    unsigned index = 0;

    while (domain_find_controller(domain, type, index))
        index++;
    return index;
}

/* The EHCI controller that a companion without number belongs to: the last one before it. */
static unsigned companion_index(const struct domain *domain, const struct domain_controller *of)
{
    unsigned index = 0;

    LIST_EACH (controller, &domain->devices.controllers) {
        if (controller == of)
            break;
        if (controller->type == CONTROLLER_USB && controller->model == CONTROLLER_USB_ICH9_EHCI1 &&
            controller->index.set)
            index = controller->index.value;
    }
    return index;
}

static void controller_defaults(const struct domain *domain, struct domain_controller *controller)
{
    if (!controller->index.set)
        controller->index = OPT_UINT(controller_is_usb_companion(controller)
                                         ? companion_index(domain, controller)
                                         : next_index(domain, controller->type));
}

/* ---- interfaces ---- */

/* Names that the incumbent and we give to devices that live as long as the guest runs. */
static bool is_made_up(const char *target)
{
    return g_str_has_prefix(target, "vnet") || g_str_has_prefix(target, "vif") ||
           g_str_has_prefix(target, "macvtap") || g_str_has_prefix(target, "macvlan");
}

static void rate_defaults(struct net_rate **rate)
{
    if (*rate && !(*rate)->average && !(*rate)->floor)
        *rate = NULL;
}

/* What the switch knows the port by. */
static int port_defaults(struct net_virtual_port *port)
{
    uint8_t *id = port->type == VIRTUAL_PORT_8021QBG       ? port->instance_id
                  : port->type == VIRTUAL_PORT_OPENVSWITCH ? port->interface_id
                                                           : NULL;

    return id && !uuid_is_valid(id) ? uuid_generate(id) : 0;
}

static int net_defaults(struct domain_net *net, const struct domain_defaults *defaults,
                        GError **error)
{
    if (!defaults->live && net->target && is_made_up(net->target))
        net->target = NULL;
    if (net->backend && !domain_net_is_virtio(net))
        net->backend->vhost = NULL;
    if (net->bandwidth) {
        rate_defaults(&net->bandwidth->inbound);
        rate_defaults(&net->bandwidth->outbound);
    }
    if (net->virtual_port && !defaults->live && port_defaults(net->virtual_port) < 0) {
        error_set_errno(error, errno, "cannot make up an identity for a virtual port");
        return -1;
    }
    if (!bytes_are_zero(net->mac, sizeof(net->mac)) ||
        mac_generate(defaults->mac_prefix, net->mac) == 0)
        return 0;
    error_set_errno(error, errno, "cannot make up a MAC address");
    return -1;
}

/* ---- the rest ---- */

/* Who may do what is the business of a virtiofsd that others started. */
static void filesystem_defaults(struct domain_filesystem *filesystem)
{
    if (!filesystem->source_socket)
        default_to(&filesystem->access, FILESYSTEM_ACCESS_PASSTHROUGH);
}

static void memory_slot_defaults(struct domain *domain, struct domain_memory *memory)
{
    if (memory->model != MEMORY_MODEL_DIMM && memory->model != MEMORY_MODEL_NVDIMM)
        return;
    default_to(&memory->info.address.type, ADDRESS_DIMM);
}

static void vsock_defaults(struct domain_vsock *vsock)
{
    default_to(&vsock->auto_cid, vsock->cid ? TRISTATE_NO : TRISTATE_YES);
}

/* Ports, consoles and channels alone. */
static bool can_have_labels(enum device_kind kind)
{
    return kind != DEVICE_REDIRDEV && kind != DEVICE_RNG && kind != DEVICE_SMARTCARD;
}

static int one_device_defaults(struct domain *domain, const struct device *device,
                               const struct domain_defaults *defaults, GError **error)
{
    if (device->info && !defaults->live && !domain_alias_is_user(device->info->alias))
        device->info->alias = NULL;
    switch (device->kind) {
    case DEVICE_DISK:
        domain_defaults_disk(device->object, defaults);
        break;
    case DEVICE_CONTROLLER:
        controller_defaults(domain, device->object);
        break;
    case DEVICE_NET:
        return net_defaults(device->object, defaults, error);
    case DEVICE_GRAPHICS:
        domain_defaults_graphics(domain, device->object, defaults);
        break;
    case DEVICE_VIDEO:
        domain_defaults_video(domain, device->object);
        break;
    case DEVICE_FILESYSTEM:
        filesystem_defaults(device->object);
        break;
    case DEVICE_VSOCK:
        vsock_defaults(device->object);
        break;
    case DEVICE_MEMORY:
        memory_slot_defaults(domain, device->object);
        break;
    default:
        break;
    }
    if (device->kind == DEVICE_CONSOLE)
        default_to(&((struct domain_console *)device->object)->source.type, CHARDEV_PTY);
    struct chardev_source *source = device_chardev_source(device);
    if (source)
        domain_defaults_chardev_source(source, defaults);
    if (source && !can_have_labels(device->kind))
        LIST_EACH (end, &source->ends)
            end->labels.count = 0;
    return 0;
}

int domain_device_defaults(struct domain *domain, enum device_kind kind, void *object,
                           const struct domain_defaults *defaults, GError **error)
{
    struct device device = {
        .kind = kind,
        .object = object,
        .info = device_kind_has_info(kind) ? object : NULL,
    };

    return one_device_defaults(domain, &device, defaults, error);
}

int domain_apply_defaults(struct domain *domain, const struct domain_defaults *defaults,
                          GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    if (domain_defaults_guest(domain, error) < 0)
        return -1;
    LIST_EACH (disk, &domain->devices.disks)
        domain_defaults_disk(disk, defaults);
    if (domain_place_scsi_hostdevs(domain, error) < 0) /* where no disk is */
        return -1;
    for (unsigned i = 0; i < count; i++)
        if (one_device_defaults(domain, &devices[i], defaults, error) < 0)
            return -1;
    domain_defaults_first_video(domain);
    domain_defaults_sort_disks(domain);
    domain_defaults_chardevs(domain);
    return 0;
}

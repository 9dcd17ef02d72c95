/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address-usb.h"

#include <string.h>

/*
 * Ports of USB buses, as a tree: ports of the controller, and of hubs plugged into ports. As with
 * PCI, a round that finds no free port adds a hub, and starts again.
 */
enum { BUSES = 32, HUB_PORTS = 8, MAX_HUBS = 64 };

struct hub {
    struct usb_port at; /* depth 0: the controller itself */
    unsigned bus;
    unsigned ports;
    uint32_t used; /* a bit for each port, from bit 1 */
};

struct tree {
    struct domain *domain;
    struct hub hubs[BUSES + MAX_HUBS];
    unsigned count;
    GArray *given; /* struct given: to be taken back */
};

struct given {
    struct domain_device_info *info;
    struct domain_address before;
};

/* ---- what sits on USB ---- */

static bool is_usb_by_kind(const struct device *device)
{
    const void *object = device->object;

    switch (device->kind) {
    case DEVICE_HUB:
    case DEVICE_REDIRDEV:
        return true;
    case DEVICE_HOSTDEV:
        return ((const struct domain_hostdev *)object)->type == HOSTDEV_USB;
    case DEVICE_DISK:
        return ((const struct domain_disk *)object)->bus == DISK_BUS_USB;
    case DEVICE_CONTROLLER:
        return ((const struct domain_controller *)object)->type == CONTROLLER_CCID;
    case DEVICE_INPUT:
        return ((const struct domain_input *)object)->bus == INPUT_BUS_USB;
    case DEVICE_SERIAL:
        return ((const struct domain_serial *)object)->target == SERIAL_TARGET_USB;
    case DEVICE_SOUND:
        return ((const struct domain_sound *)object)->model == SOUND_USB;
    case DEVICE_NET:
        return g_strcmp0(((const struct domain_net *)object)->model, "usb-net") == 0;
    default:
        return false;
    }
}

bool address_is_usb(const struct device *device)
{
    return device->info && is_usb_by_kind(device) &&
           (device->info->address.type == ADDRESS_NONE ||
            device->info->address.type == ADDRESS_USB);
}

static const enum device_kind order[] = {
    DEVICE_HOSTDEV, DEVICE_DISK,   DEVICE_CONTROLLER, DEVICE_NET,
    DEVICE_INPUT,   DEVICE_SERIAL, DEVICE_SOUND,      DEVICE_REDIRDEV,
};

/* ---- the tree ---- */

static unsigned ports_of(const struct domain_controller *controller)
{
    if (controller->ports.set && controller->ports.value)
        return MIN(controller->ports.value, 31);
    switch (controller->model) {
    case CONTROLLER_USB_EHCI:
    case CONTROLLER_USB_ICH9_EHCI1:
        return 6;
    case CONTROLLER_USB_PCI_OHCI:
        return 3;
    case CONTROLLER_USB_NEC_XHCI:
    case CONTROLLER_USB_QEMU_XHCI:
        return 4;
    case CONTROLLER_USB_QUSB1:
    case CONTROLLER_USB_QUSB2:
        return 8;
    default:
        return 2;
    }
}

static struct hub *find_hub(struct tree *tree, unsigned bus, const struct usb_port *at)
{
    for (unsigned i = 0; i < tree->count; i++)
        if (tree->hubs[i].bus == bus && memcmp(&tree->hubs[i].at, at, sizeof(*at)) == 0)
            return &tree->hubs[i];
    return NULL;
}

static void add_controllers(struct tree *tree)
{
    LIST_EACH (controller, &tree->domain->devices.controllers) {
        if (controller->type != CONTROLLER_USB || controller->model == CONTROLLER_USB_DISABLED ||
            controller_is_usb_companion(controller) || tree->count == BUSES)
            continue;
        tree->hubs[tree->count++] = (struct hub){
            .bus = controller->index.value,
            .ports = ports_of(controller),
        };
    }
}

/* A bus after the other; on each, a hub before those that are plugged into it. */
static int compare_hubs(const void *a, const void *b)
{
    const struct hub *first = a, *second = b;
    int buses = (first->bus > second->bus) - (first->bus < second->bus);

    return buses ? buses : memcmp(first->at.path, second->at.path, sizeof(first->at.path));
}

static void sort_hubs(struct tree *tree)
{
    qsort(tree->hubs, tree->count, sizeof(*tree->hubs), compare_hubs);
}

/* The port that a port is reached through, and its number there. */
static struct usb_port parent_of(const struct usb_port *port, unsigned *ret_number)
{
    struct usb_port parent = *port;
    unsigned depth = usb_port_depth(port);

    *ret_number = port->path[depth - 1];
    parent.path[depth - 1] = 0;
    return parent;
}

static int refuse_hub(const struct usb_address *address, const struct usb_port *above,
                      GError **error)
{
    g_autofree char *port = usb_port_print(&address->port);
    g_autofree char *hub = usb_port_print(above);

    error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR,
                   "there is no hub at port %s in USB address bus: %u port: %s", hub, address->bus,
                   port);
    return -1;
}

static int refuse_port(const struct usb_address *address, bool is_used, GError **error)
{
    g_autofree char *port = usb_port_print(&address->port);

    error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR, "port %s of USB bus %u %s", port,
                   address->bus, is_used ? "is used by two devices" : "does not exist");
    return -1;
}

static int occupy(struct tree *tree, const struct device *device, GError **error)
{
    const struct usb_address *address = &device->info->address.usb;
    unsigned number;
    struct usb_port above = parent_of(&address->port, &number);
    struct hub *hub = find_hub(tree, address->bus, &above);

    if (!hub)
        return refuse_hub(address, &above, error);
    if (number > hub->ports || hub->used & 1u << number)
        return refuse_port(address, number <= hub->ports, error);
    hub->used |= 1u << number;
    if (device->kind != DEVICE_HUB || tree->count == G_N_ELEMENTS(tree->hubs))
        return 0;
    tree->hubs[tree->count++] =
        (struct hub){.at = address->port, .bus = address->bus, .ports = HUB_PORTS};
    sort_hubs(tree);
    return 0;
}

static bool has_port(const struct domain_device_info *info)
{
    return info->address.type == ADDRESS_USB && usb_port_depth(&info->address.usb.port);
}

static bool is_at_depth(const struct device *device, unsigned depth)
{
    return address_is_usb(device) && has_port(device->info) &&
           usb_port_depth(&device->info->address.usb.port) == depth;
}

/* Places in the document at one depth: hubs first. */
static int keep_ports(struct tree *tree, const struct device *devices, unsigned count,
                      unsigned depth, GError **error)
{
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < count; i++)
            if ((devices[i].kind == DEVICE_HUB) == (pass == 0) && is_at_depth(&devices[i], depth) &&
                occupy(tree, &devices[i], error) < 0)
                return -1;
    return 0;
}

static bool find_port(struct hub *hub, struct usb_port *ret_port)
{
    unsigned depth = usb_port_depth(&hub->at);

    for (unsigned port = 1; port <= hub->ports && depth < USB_PORT_DEPTH; port++)
        if (!(hub->used & 1u << port)) {
            *ret_port = hub->at;
            ret_port->path[depth] = (uint8_t)port;
            return true;
        }
    return false;
}

/* 0: given; -1: there is no free port. */
static int give_port(struct tree *tree, const struct device *device, GError **error)
{
    struct domain_address *address = &device->info->address;
    bool any_bus = address->type == ADDRESS_NONE;
    struct usb_address found = {0};

    for (unsigned i = 0; i < tree->count; i++) {
        struct hub *hub = &tree->hubs[i];

        if ((!any_bus && hub->bus != address->usb.bus) || !find_port(hub, &found.port))
            continue;
        found.bus = hub->bus;
        struct given given = {.info = device->info, .before = *address};
        g_array_append_val(tree->given, given);
        address->type = ADDRESS_USB;
        address->usb = found;
        return occupy(tree, device, error);
    }
    return -1;
}

static int give_ports(struct tree *tree, const struct device *devices, unsigned count,
                      enum device_kind kind, GError **error)
{
    for (unsigned i = 0; i < count; i++)
        if (devices[i].kind == kind && address_is_usb(&devices[i]) && !has_port(devices[i].info) &&
            give_port(tree, &devices[i], error) < 0)
            return -1;
    return 0;
}

static void take_back(struct tree *tree)
{
    for (unsigned i = 0; i < tree->given->len; i++) {
        const struct given *given = &g_array_index(tree->given, struct given, i);

        given->info->address = given->before;
    }
    g_array_set_size(tree->given, 0);
}

/* Hubs without a place get theirs before what is plugged into them is looked at. */
static int place_all(struct tree *tree, const struct device *devices, unsigned count,
                     GError **error)
{
    if (keep_ports(tree, devices, count, 1, error) < 0 ||
        give_ports(tree, devices, count, DEVICE_HUB, error) < 0)
        return -1;
    for (unsigned depth = 2; depth <= USB_PORT_DEPTH; depth++)
        if (keep_ports(tree, devices, count, depth, error) < 0)
            return -1;
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++)
        if (give_ports(tree, devices, count, order[i], error) < 0)
            return -1;
    return 0;
}

static int play_round(struct tree *tree, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(tree->domain, &count);

    tree->count = 0;
    add_controllers(tree);
    sort_hubs(tree);
    return place_all(tree, devices, count, error);
}

static int add_hub(struct tree *tree, GError **error)
{
    struct arena *arena = &tree->domain->definition.arena;

    if (!tree->count || tree->domain->devices.hubs.count >= MAX_HUBS) {
        if (tree->count)
            error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR, "No free USB ports");
        else
            error_set_from(error, VIR_FROM_QEMU, VIR_ERR_CONFIG_UNSUPPORTED,
                           "USB is disabled for this domain, but USB devices are present in the "
                           "domain XML");
        return -1;
    }
    struct domain_hub *hub = arena_new(arena, struct domain_hub);
    hub->type = "usb";
    LIST_APPEND(arena, &tree->domain->devices.hubs, hub);
    return 0;
}

static int play(struct tree *tree, bool may_grow, GError **error)
{
    for (;;) {
        GError *wrong = NULL;

        if (play_round(tree, &wrong) == 0)
            return 0;
        take_back(tree);
        if (wrong) {
            g_propagate_error(error, wrong);
            return -1;
        }
        if (!may_grow) {
            error_set(error, VIR_ERR_INTERNAL_ERROR, "No free USB ports");
            return -1;
        }
        if (add_hub(tree, error) < 0)
            return -1;
    }
}

int address_assign_usb(struct domain *domain, bool grow, GError **error)
{
    g_autofree struct tree *tree = g_new0(struct tree, 1);
    g_autoptr(GArray) given = g_array_new(FALSE, FALSE, sizeof(struct given));

    tree->domain = domain;
    tree->given = given;
    return play(tree, grow, error);
}

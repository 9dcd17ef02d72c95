/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults.h"

/* The buses that devices need, though the document does not mention them. */

struct domain_controller *domain_ensure_controller(struct domain *domain, enum controller_type type,
                                                   unsigned index)
{
    struct domain_controller *controller = domain_find_controller(domain, type, index);

    if (controller)
        return controller;
    controller = arena_new(&domain->definition.arena, struct domain_controller);
    controller->type = type;
    controller->index = OPT_UINT(index);
    LIST_APPEND(&domain->definition.arena, &domain->devices.controllers, controller);
    return controller;
}

/* All controllers of a type up to an index; the document's limit on them is the guest's. */
static int ensure_up_to(struct domain *domain, enum controller_type type, unsigned index,
                        GError **error)
{
    if (index > 255) {
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR,
                       "devices/controller: there can't be a %s controller with index %u",
                       names_word(&controller_type_names, type), index);
        return -1;
    }
    for (unsigned i = 0; i <= index; i++)
        domain_ensure_controller(domain, type, i);
    return 0;
}

static enum controller_type controller_of_bus(enum disk_bus bus)
{
    static const uint8_t types[] = {
        [DISK_BUS_IDE] = CONTROLLER_IDE,
        [DISK_BUS_FDC] = CONTROLLER_FDC,
        [DISK_BUS_SCSI] = CONTROLLER_SCSI,
        [DISK_BUS_SATA] = CONTROLLER_SATA,
    };

    return bus < G_N_ELEMENTS(types) ? types[bus] : CONTROLLER_NONE;
}

static int add_disk_controllers(struct domain *domain, enum controller_type type, GError **error)
{
    LIST_EACH (disk, &domain->devices.disks) {
        const struct domain_address *address = &disk->info.address;

        if (controller_of_bus(disk->bus) == type && address->type == ADDRESS_DRIVE &&
            ensure_up_to(domain, type, address->drive.controller, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- virtio-serial ---- */

enum { VIRTIO_SERIAL_PORTS = 31 };

static unsigned ports_of(const struct domain_controller *controller)
{
    return controller->ports.set && controller->ports.value ? controller->ports.value
                                                            : VIRTIO_SERIAL_PORTS;
}

static bool port_is_used(const struct domain *domain, unsigned controller, unsigned port)
{
    LIST_EACH (channel, &domain->devices.channels) {
        const struct domain_address *address = &channel->info.address;

        if (address->type == ADDRESS_VIRTIO_SERIAL &&
            address->virtio_serial.controller == controller && address->virtio_serial.port == port)
            return true;
    }
    LIST_EACH (console, &domain->devices.consoles) {
        const struct domain_address *address = &console->info.address;

        if (address->type == ADDRESS_VIRTIO_SERIAL &&
            address->virtio_serial.controller == controller && address->virtio_serial.port == port)
            return true;
    }
    return false;
}

/* The first free port of the controllers there are, or of one more; port 0 is for a console. */
static void assign_port(struct domain *domain, struct domain_address *address)
{
    bool anywhere = address->type == ADDRESS_NONE;
    unsigned index = anywhere ? 0 : address->virtio_serial.controller;
    unsigned port = 1;

    while (port_is_used(domain, index, port)) {
        const struct domain_controller *controller =
            domain_ensure_controller(domain, CONTROLLER_VIRTIO_SERIAL, index);

        if (++port < ports_of(controller) || !anywhere)
            continue;
        index++;
        port = 1;
    }
    address->type = ADDRESS_VIRTIO_SERIAL;
    address->virtio_serial =
        (struct virtio_serial_address){.controller = index, .bus = 0, .port = port};
}

static void add_virtio_serial(struct domain *domain)
{
    LIST_EACH (channel, &domain->devices.channels) {
        struct domain_address *address = &channel->info.address;

        if (channel->target != CHANNEL_TARGET_VIRTIO)
            continue;
        if (address->type == ADDRESS_NONE ||
            (address->type == ADDRESS_VIRTIO_SERIAL && !address->virtio_serial.port))
            assign_port(domain, address);
        if (address->type == ADDRESS_VIRTIO_SERIAL)
            domain_ensure_controller(domain, CONTROLLER_VIRTIO_SERIAL,
                                     address->virtio_serial.controller);
    }
    LIST_EACH (console, &domain->devices.consoles)
        if (console->target == CONSOLE_TARGET_VIRTIO)
            domain_ensure_controller(domain, CONTROLLER_VIRTIO_SERIAL, 0);
}

/* ---- smart cards ---- */

static bool slot_is_used(const struct domain *domain, unsigned controller, unsigned slot)
{
    LIST_EACH (card, &domain->devices.smartcards) {
        const struct domain_address *address = &card->info.address;

        if (address->type == ADDRESS_CCID && address->ccid.controller == controller &&
            address->ccid.slot == slot)
            return true;
    }
    return false;
}

static int add_card_readers(struct domain *domain, GError **error)
{
    LIST_EACH (card, &domain->devices.smartcards) {
        struct domain_address *address = &card->info.address;

        if (address->type == ADDRESS_NONE) {
            unsigned slot = 0;

            while (slot_is_used(domain, 0, slot))
                slot++;
            address->type = ADDRESS_CCID;
            address->ccid = (struct ccid_address){.controller = 0, .slot = slot};
        }
        if (address->type == ADDRESS_CCID &&
            ensure_up_to(domain, CONTROLLER_CCID, address->ccid.controller, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- SCSI devices of the host ---- */

static bool scsi_unit_is_used(const struct domain *domain, const struct drive_address *place)
{
    LIST_EACH (disk, &domain->devices.disks)
        if (disk->bus == DISK_BUS_SCSI && disk->info.address.type == ADDRESS_DRIVE &&
            disk->info.address.drive.controller == place->controller &&
            disk->info.address.drive.unit == place->unit)
            return true;
    LIST_EACH (hostdev, &domain->devices.hostdevs)
        if (hostdev->type == HOSTDEV_SCSI && hostdev->info.address.type == ADDRESS_DRIVE &&
            hostdev->info.address.drive.controller == place->controller &&
            hostdev->info.address.drive.unit == place->unit)
            return true;
    return false;
}

int domain_place_scsi_hostdevs(struct domain *domain, GError **error)
{
    LIST_EACH (hostdev, &domain->devices.hostdevs) {
        struct domain_address *address = &hostdev->info.address;

        if (hostdev->type != HOSTDEV_SCSI)
            continue;
        if (address->type == ADDRESS_NONE) {
            struct drive_address place = {0};

            while (scsi_unit_is_used(domain, &place)) {
                place.unit = (place.unit + 1) % 7;
                place.controller += !place.unit;
            }
            address->drive = place;
            address->type = ADDRESS_DRIVE;
        }
        if (address->type == ADDRESS_DRIVE &&
            ensure_up_to(domain, CONTROLLER_SCSI, address->drive.controller, error) < 0)
            return -1;
    }
    return 0;
}

int domain_add_controllers(struct domain *domain, GError **error)
{
    if (add_disk_controllers(domain, CONTROLLER_SCSI, error) < 0 ||
        add_disk_controllers(domain, CONTROLLER_FDC, error) < 0 ||
        add_disk_controllers(domain, CONTROLLER_IDE, error) < 0 ||
        add_disk_controllers(domain, CONTROLLER_SATA, error) < 0)
        return -1;
    add_virtio_serial(domain);
    return add_card_readers(domain, error);
}

/* ---- their order ---- */

/* An EHCI controller stands before its companions, which have its number. */
static bool stands_before(const struct domain_controller *controller,
                          const struct domain_controller *other)
{
    if (!controller->index.set || !other->index.set)
        return false;
    if (controller->index.value != other->index.value)
        return controller->index.value < other->index.value;
    return controller_is_usb_companion(other) && !controller_is_usb_companion(controller);
}

/* Where the controller that is i-th now belongs among those before it: with those of its type. */
static unsigned place_of_controller(struct domain_controller *const *controllers, unsigned i)
{
    unsigned place = i;

    while (place && controllers[place - 1]->type != controllers[i]->type)
        place--;
    if (!place)
        return i;
    for (unsigned k = place; k && controllers[k - 1]->type == controllers[i]->type; k--)
        if (stands_before(controllers[i], controllers[k - 1]))
            place = k - 1;
    return place;
}

void domain_sort_controllers(struct domain *domain)
{
    struct domain_controller **controllers = domain->devices.controllers.items;

    for (unsigned i = 1; i < domain->devices.controllers.count; i++) {
        struct domain_controller *controller = controllers[i];
        unsigned place = place_of_controller(controllers, i);

        memmove(&controllers[place + 1], &controllers[place], (i - place) * sizeof(*controllers));
        controllers[place] = controller;
    }
}

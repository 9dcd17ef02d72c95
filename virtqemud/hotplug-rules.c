/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hotplug-rules.h"

#include <string.h>

#include "model/domain-check.h"
#include "xml/xml.h"

#define REFUSE(error, code, ...) (error_set((error), (code), __VA_ARGS__), -1)
#define UNSUPPORTED(error, ...) REFUSE(error, VIR_ERR_OPERATION_UNSUPPORTED, __VA_ARGS__)

/* ---- by kind ---- */

enum change { ATTACH = 1, DETACH = 2, UPDATE = 4, PLUG = ATTACH | DETACH };

static const struct {
    uint8_t live, config; /* of enum change */
} changes[DEVICE_KINDS] = {
    [DEVICE_DISK] = {PLUG | UPDATE, PLUG | UPDATE},
    [DEVICE_CONTROLLER] = {PLUG, PLUG},
    [DEVICE_LEASE] = {PLUG, PLUG},
    [DEVICE_FILESYSTEM] = {PLUG, PLUG},
    [DEVICE_NET] = {PLUG | UPDATE, PLUG | UPDATE},
    [DEVICE_SERIAL] = {PLUG, PLUG},
    [DEVICE_PARALLEL] = {PLUG, PLUG},
    [DEVICE_CONSOLE] = {PLUG, PLUG},
    [DEVICE_CHANNEL] = {PLUG, PLUG},
    [DEVICE_INPUT] = {PLUG, PLUG},
    [DEVICE_TPM] = {0, PLUG},
    [DEVICE_GRAPHICS] = {UPDATE, UPDATE},
    [DEVICE_SOUND] = {0, PLUG},
    [DEVICE_HOSTDEV] = {PLUG, PLUG},
    [DEVICE_REDIRDEV] = {PLUG, PLUG},
    [DEVICE_WATCHDOG] = {PLUG, PLUG},
    [DEVICE_RNG] = {PLUG, PLUG},
    [DEVICE_SHMEM] = {PLUG, PLUG},
    [DEVICE_MEMORY] = {PLUG | UPDATE, PLUG | UPDATE},
    [DEVICE_VSOCK] = {PLUG, PLUG},
    [DEVICE_CRYPTO] = {PLUG, PLUG},
};

static bool is_possible(enum device_kind kind, enum change change, bool live)
{
    return (live ? changes[kind].live : changes[kind].config) & change;
}

static const char *word_of(const struct device *device)
{
    return names_word(&device_kind_names, device->kind);
}

/* ---- attaching ---- */

static int check_disk_type(const void *object, GError **error)
{
    const struct domain_disk *disk = object;

    if (disk->device == DISK_DEVICE_FLOPPY)
        return UNSUPPORTED(error, "floppy device hotplug isn't supported");
    return 0;
}

static int check_controller_type(const void *object, GError **error)
{
    const struct domain_controller *controller = object;

    if (controller->type != CONTROLLER_SCSI)
        return UNSUPPORTED(error, "'%s' controller cannot be hot plugged.",
                           names_word(&controller_type_names, controller->type));
    return 0;
}

static int check_net_type(const void *object, GError **error)
{
    const struct domain_net *net = object;

    if (net->type == NET_INTERNAL || net->type == NET_VDS)
        return UNSUPPORTED(error, "hotplug of interface type of %s is not implemented yet",
                           names_word(&net_type_names, net->type));
    return 0;
}

static int check_filesystem_type(const void *object, GError **error)
{
    const struct domain_filesystem *filesystem = object;

    if (filesystem->driver != FILESYSTEM_DRIVER_VIRTIOFS)
        return UNSUPPORTED(error, "only virtiofs filesystems can be hotplugged");
    return 0;
}

static int check_input_bus(const void *object, GError **error)
{
    const struct domain_input *input = object;

    if (input->type == INPUT_EVDEV ||
        (input->bus != INPUT_BUS_USB && input->bus != INPUT_BUS_VIRTIO &&
         input->bus != INPUT_BUS_ABSENT))
        return UNSUPPORTED(error, "input device on bus '%s' cannot be hot plugged.",
                           input->bus ? names_word(&input_bus_names, input->bus) : "none");
    return 0;
}

static int check_watchdog_model(const void *object, GError **error)
{
    const struct domain_watchdog *watchdog = object;

    if (watchdog->model != WATCHDOG_I6300ESB && watchdog->model != WATCHDOG_DIAG288)
        return UNSUPPORTED(error, "hotplug of watchdog of model %s is not supported",
                           names_word(&watchdog_model_names, watchdog->model));
    return 0;
}

static int check_memory_model(const void *object, GError **error)
{
    const struct domain_memory *memory = object;

    if (memory->model == MEMORY_MODEL_SGX_EPC)
        return UNSUPPORTED(error, "memory device of model '%s' cannot be hot plugged",
                           names_word(&memory_model_names, memory->model));
    return 0;
}

static int check_hostdev_door(const void *object, GError **error)
{
    const struct domain_hostdev *hostdev = object;

    if (hostdev->type == HOSTDEV_PCI && hostdev->iommufd == TRISTATE_YES)
        return UNSUPPORTED(error, "host devices passed by iommufd cannot be hot plugged");
    return 0;
}

/* Of a kind that can be plugged, those that can. */
static int (*const attach_checks[DEVICE_KINDS])(const void *object, GError **error) = {
    [DEVICE_DISK] = check_disk_type,      [DEVICE_CONTROLLER] = check_controller_type,
    [DEVICE_NET] = check_net_type,        [DEVICE_FILESYSTEM] = check_filesystem_type,
    [DEVICE_INPUT] = check_input_bus,     [DEVICE_WATCHDOG] = check_watchdog_model,
    [DEVICE_MEMORY] = check_memory_model, [DEVICE_HOSTDEV] = check_hostdev_door,
};

int hotplug_rules_check_attach(const struct device *device, bool live, GError **error)
{
    if (!is_possible(device->kind, ATTACH, live))
        return UNSUPPORTED(error, "%s attach of device '%s' is not supported",
                           live ? "live" : "persistent", word_of(device));
    return live && attach_checks[device->kind] ? attach_checks[device->kind](device->object, error)
                                               : 0;
}

/* ---- room ---- */

static bool same_drive(const struct domain_disk *a, const struct domain_disk *b)
{
    return a->bus == b->bus && a->info.address.type == ADDRESS_DRIVE &&
           b->info.address.type == ADDRESS_DRIVE &&
           memcmp(&a->info.address.drive, &b->info.address.drive, sizeof(struct drive_address)) ==
               0;
}

static int check_disk_room(const struct domain *domain, const void *object, bool live,
                           GError **error)
{
    const struct domain_disk *disk = object;

    LIST_EACH (other, &domain->devices.disks) {
        if (other == disk)
            continue;
        /* of a running guest domain_check() says it, in its own words */
        if (!live && g_strcmp0(other->target, disk->target) == 0)
            return REFUSE(error, VIR_ERR_OPERATION_INVALID, "target %s already exists",
                          disk->target);
        if (same_drive(other, disk))
            return REFUSE(error, VIR_ERR_OPERATION_INVALID,
                          "Domain already contains a disk with that address");
    }
    return 0;
}

static int check_controller_room(const struct domain *domain, const void *object, bool live,
                                 GError **error)
{
    const struct domain_controller *controller = object;

    LIST_EACH (other, &domain->devices.controllers) {
        if (other == controller || other->type != controller->type || !controller->index.set ||
            other->index.value != controller->index.value)
            continue;
        if (live)
            return REFUSE(error, VIR_ERR_OPERATION_FAILED, "target %s:%u already exists",
                          names_word(&controller_type_names, controller->type),
                          controller->index.value);
        return REFUSE(error, VIR_ERR_OPERATION_INVALID, "controller index='%u' already exists",
                      controller->index.value);
    }
    return 0;
}

static int check_lease_room(const struct domain *domain, const void *object, bool live,
                            GError **error)
{
    const struct domain_lease *lease = object;

    LIST_EACH (other, &domain->devices.leases)
        if (other != lease && g_strcmp0(other->key, lease->key) == 0 &&
            g_strcmp0(other->lockspace, lease->lockspace) == 0)
            return REFUSE(error, VIR_ERR_OPERATION_INVALID,
                          "Lease %s in lockspace %s already exists", lease->key,
                          lease->lockspace ? lease->lockspace : "");
    return 0;
}

static int check_filesystem_room(const struct domain *domain, const void *object, bool live,
                                 GError **error)
{
    const struct domain_filesystem *filesystem = object;

    LIST_EACH (other, &domain->devices.filesystems)
        if (other != filesystem && g_strcmp0(other->target, filesystem->target) == 0)
            return REFUSE(error, VIR_ERR_OPERATION_INVALID, "Target already exists");
    return 0;
}

/* QEMU says of a running guest what it does not bear. */
static int check_channel_room(const struct domain *domain, const void *object, bool live,
                              GError **error)
{
    const struct domain_channel *channel = object;

    LIST_EACH (other, &domain->devices.channels)
        if (!live && other != channel && channel->name &&
            g_strcmp0(other->name, channel->name) == 0)
            return REFUSE(error, VIR_ERR_OPERATION_INVALID, "chardev already exists");
    return 0;
}

static int check_watchdog_room(const struct domain *domain, const void *object, bool live,
                               GError **error)
{
    LIST_EACH (other, &domain->devices.watchdogs)
        if (other != object)
            return REFUSE(error, VIR_ERR_OPERATION_INVALID, "domain already has a watchdog");
    return 0;
}

static int check_vsock_room(const struct domain *domain, const void *object, bool live,
                            GError **error)
{
    if (domain->devices.vsock && domain->devices.vsock != object)
        return REFUSE(error, VIR_ERR_OPERATION_INVALID, "domain already has a vsock device");
    return 0;
}

static int check_shmem_room(const struct domain *domain, const void *object, bool live,
                            GError **error)
{
    const struct domain_shmem *shmem = object;

    LIST_EACH (other, &domain->devices.shmems)
        if (!live && other != shmem && g_strcmp0(other->name, shmem->name) == 0)
            return REFUSE(error, VIR_ERR_OPERATION_INVALID,
                          "device is already in the domain configuration");
    return 0;
}

static int check_hostdev_room(const struct domain *domain, const void *object, bool live,
                              GError **error)
{
    struct domain_hostdev bare = *(const struct domain_hostdev *)object;

    memset(&bare.info, 0, sizeof(bare.info));
    LIST_EACH (other, &domain->devices.hostdevs)
        if (other != object && xml_covers(&domain_hostdev_schema, &bare, other))
            return REFUSE(error, VIR_ERR_OPERATION_INVALID,
                          "device is already in the domain configuration");
    return 0;
}

static uint64_t plugged_memory(const struct domain *domain, const void *except)
{
    uint64_t sum = 0;

    LIST_EACH (memory, &domain->devices.memories)
        if (memory != except)
            sum += memory->size;
    return sum;
}

static int check_memory_room(const struct domain *domain, const void *object, bool live,
                             GError **error)
{
    const struct domain_memory *memory = object;
    const struct cpu_numa *numa = domain->cpu ? domain->cpu->numa : NULL;
    uint64_t boot = domain->memory - plugged_memory(domain, NULL);

    if (domain->max_memory &&
        boot + plugged_memory(domain, memory) + memory->size > domain->max_memory)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "Attaching memory device with size '%" G_GUINT64_FORMAT
                      "' would exceed domain's maxMemory config size '%" G_GUINT64_FORMAT "'",
                      memory->size, domain->max_memory);
    if (numa && memory->node.set && memory->node.value >= numa->cells.count)
        return REFUSE(error, VIR_ERR_XML_DETAIL,
                      "can't add memory backend for guest node '%u' as the guest has only '%u' "
                      "NUMA nodes configured",
                      memory->node.value, numa->cells.count);
    return domain_check_memory_module(memory, error);
}

static int (*const room_checks[DEVICE_KINDS])(const struct domain *, const void *, bool,
                                              GError **) = {
    [DEVICE_DISK] = check_disk_room,       [DEVICE_CONTROLLER] = check_controller_room,
    [DEVICE_LEASE] = check_lease_room,     [DEVICE_FILESYSTEM] = check_filesystem_room,
    [DEVICE_CHANNEL] = check_channel_room, [DEVICE_WATCHDOG] = check_watchdog_room,
    [DEVICE_VSOCK] = check_vsock_room,     [DEVICE_SHMEM] = check_shmem_room,
    [DEVICE_HOSTDEV] = check_hostdev_room, [DEVICE_MEMORY] = check_memory_room,
};

int hotplug_rules_check_room(const struct domain *domain, const struct device *device, bool live,
                             GError **error)
{
    return room_checks[device->kind]
               ? room_checks[device->kind](domain, device->object, live, error)
               : 0;
}

/* ---- detaching ---- */

static bool controller_is_used(const struct domain *domain,
                               const struct domain_controller *controller)
{
    LIST_EACH (disk, &domain->devices.disks)
        if (disk->bus == DISK_BUS_SCSI && disk->info.address.type == ADDRESS_DRIVE &&
            disk->info.address.drive.controller == controller->index.value)
            return true;
    LIST_EACH (hostdev, &domain->devices.hostdevs)
        if (hostdev->type == HOSTDEV_SCSI && hostdev->info.address.type == ADDRESS_DRIVE &&
            hostdev->info.address.drive.controller == controller->index.value)
            return true;
    return false;
}

static int check_disk_goes(const struct domain *domain, const void *object, GError **error)
{
    const struct domain_disk *disk = object;
    bool drive = domain_disk_is_drive(disk);

    if (drive && disk->bus != DISK_BUS_USB && disk->bus != DISK_BUS_SCSI)
        return UNSUPPORTED(error, "disk device type '%s' cannot be detached",
                           names_word(&disk_device_names, disk->device));
    if (disk->mirror)
        return REFUSE(error, VIR_ERR_BLOCK_COPY_ACTIVE, "disk '%s' is in an active block job",
                      disk->target);
    return 0;
}

static int check_controller_goes(const struct domain *domain, const void *object, GError **error)
{
    const struct domain_controller *controller = object;

    if (controller->type != CONTROLLER_SCSI)
        return UNSUPPORTED(error, "'%s' controller cannot be hot unplugged.",
                           names_word(&controller_type_names, controller->type));
    if (controller_is_used(domain, controller))
        return REFUSE(error, VIR_ERR_OPERATION_FAILED, "device cannot be detached: device is busy");
    return 0;
}

static int check_input_goes(const struct domain *domain, const void *object, GError **error)
{
    const struct domain_input *input = object;

    if (input->bus != INPUT_BUS_USB && input->bus != INPUT_BUS_VIRTIO)
        return UNSUPPORTED(error, "input device on bus '%s' cannot be detached",
                           names_word(&input_bus_names, input->bus));
    return 0;
}

static int check_filesystem_goes(const struct domain *domain, const void *object, GError **error)
{
    return check_filesystem_type(object, error);
}

static int (*const detach_checks[DEVICE_KINDS])(const struct domain *, const void *, GError **) = {
    [DEVICE_DISK] = check_disk_goes,
    [DEVICE_CONTROLLER] = check_controller_goes,
    [DEVICE_INPUT] = check_input_goes,
    [DEVICE_FILESYSTEM] = check_filesystem_goes,
};

int hotplug_rules_check_detach_kind(const struct device *device, bool live, GError **error)
{
    if (is_possible(device->kind, DETACH, live))
        return 0;
    return UNSUPPORTED(error, "%s detach of device '%s' is not supported",
                       live ? "live" : "persistent", word_of(device));
}

int hotplug_rules_check_detach(const struct domain *domain, const struct device *device, bool live,
                               GError **error)
{
    if (hotplug_rules_check_detach_kind(device, live, error) < 0)
        return -1;
    return live && detach_checks[device->kind]
               ? detach_checks[device->kind](domain, device->object, error)
               : 0;
}

/* ---- updating ---- */

int hotplug_rules_check_update(const struct device *device, bool live, GError **error)
{
    if (is_possible(device->kind, UPDATE, live))
        return 0;
    if (live)
        return REFUSE(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "live update of device '%s' is not supported", word_of(device));
    return UNSUPPORTED(error, "persistent update of device '%s' is not supported", word_of(device));
}

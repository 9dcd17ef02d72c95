/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "aliases.h"

#include "device-common.h"
#include "machine.h"

#include <string.h>

/* Kinds that are not called by the word of their element. "": they have no alias. */
static const char *const prefixes[DEVICE_KINDS] = {
    [DEVICE_FILESYSTEM] = "fs",      [DEVICE_NET] = "net",   [DEVICE_REDIRDEV] = "redir",
    [DEVICE_MEMBALLOON] = "balloon", [DEVICE_GRAPHICS] = "", [DEVICE_NVRAM] = "",
};

static const char *const memory_prefixes[] = {
    [MEMORY_MODEL_NONE] = "dimm",
    [MEMORY_MODEL_DIMM] = "dimm",
    [MEMORY_MODEL_NVDIMM] = "nvdimm",
    [MEMORY_MODEL_VIRTIO_PMEM] = "virtiopmem",
    [MEMORY_MODEL_VIRTIO_MEM] = "virtiomem",
    [MEMORY_MODEL_SGX_EPC] = "epc",
};

/* The lowest "prefixN" that no device has. */
static char *free_name(struct domain *live, const char *prefix)
{
    for (unsigned number = 0;; number++) {
        g_autofree char *name = g_strdup_printf("%s%u", prefix, number);
        struct device taken;

        if (!domain_find_alias(live, name, &taken))
            return arena_strdup(&live->definition.arena, name);
    }
}

/* Only the oldest controller's disks have names without a target. */
static bool has_targets(const struct domain *live, unsigned index)
{
    const struct domain_controller *controller =
        domain_find_controller(live, CONTROLLER_SCSI, index);

    return controller && controller->model != CONTROLLER_SCSI_LSILOGIC;
}

/* By the drive's address (ide0-1-0) or, on buses without such, by the letter of its target. */
static char *name_disk(struct domain *live, const struct domain_disk *disk)
{
    struct arena *arena = &live->definition.arena;
    const char *bus = names_word(&disk_bus_names, disk->bus);
    const struct drive_address *at = &disk->info.address.drive;
    int letter = disk->target ? disk_target_index(disk->target, NULL) : -1;

    if (disk->info.address.type != ADDRESS_DRIVE) {
        g_autofree char *prefix = g_strdup_printf("%s-disk", bus ? bus : "drive");
        return letter >= 0 ? arena_printf(arena, "%s%d", prefix, letter) : free_name(live, prefix);
    }
    if (disk->bus == DISK_BUS_SCSI && has_targets(live, at->controller))
        return arena_printf(arena, "%s%u-%u-%u-%u", bus, at->controller, at->bus, at->target,
                            at->unit);
    return arena_printf(arena, "%s%u-%u-%u", bus, at->controller, at->bus, at->unit);
}

/* Buses of the machine itself bear names that QEMU gave them, and the others follow. */
static char *name_controller(struct domain *live, const struct domain_controller *controller)
{
    struct arena *arena = &live->definition.arena;
    const char *type = names_word(&controller_type_names, controller->type);
    unsigned index = controller->index.value;
    const char *machine = live->os.machine ? live->os.machine : "";
    bool q35 = strstr(machine, "q35") != NULL;

    if (controller->type == CONTROLLER_PCI && index == 0)
        return arena_strdup(arena, machine_root_bus(live->os.arch, machine));
    if (controller->type == CONTROLLER_PCI)
        return arena_printf(arena, "%s.%u",
                            controller->model == CONTROLLER_PCIE_ROOT ? "pcie" : "pci", index);
    if (index == 0 &&
        (controller->type == CONTROLLER_IDE || (controller->type == CONTROLLER_SATA && q35)))
        return arena_strdup(arena, "ide");
    if (index == 0 && controller->type == CONTROLLER_USB)
        return arena_strdup(arena, "usb");
    if (controller->type == CONTROLLER_SCSI && controller->model == CONTROLLER_SCSI_NCR53C90)
        return arena_strdup(arena, "scsi");
    return arena_printf(arena, "%s%u", type ? type : "controller", index);
}

/* A module bears the number of its slot. */
static char *name_memory(struct domain *live, const struct domain_memory *memory)
{
    const char *prefix = memory_prefixes[memory->model];
    const struct opt_uint *slot = &memory->info.address.dimm.slot;

    if (memory->info.address.type == ADDRESS_DIMM && slot->set)
        return arena_printf(&live->definition.arena, "%s%u", prefix, slot->value);
    return free_name(live, prefix);
}

static char *name_kind(struct domain *live, enum device_kind kind)
{
    const char *prefix = prefixes[kind] ? prefixes[kind] : names_word(&device_kind_names, kind);

    return *prefix ? free_name(live, prefix) : NULL;
}

/* One that is a device of the host counts among those. */
static char *name_net(struct domain *live, const struct domain_net *net)
{
    return name_kind(live, net->type == NET_HOSTDEV ? DEVICE_HOSTDEV : DEVICE_NET);
}

/* What QEMU has no device for: a balloon that is none, and what POWER and Z do without one. */
static bool is_nothing(const struct device *device)
{
    const void *object = device->object;

    switch (device->kind) {
    case DEVICE_MEMBALLOON:
        return ((const struct domain_memballoon *)object)->model == MEMBALLOON_NONE;
    case DEVICE_PANIC:
        return ((const struct domain_panic *)object)->model == PANIC_PSERIES ||
               ((const struct domain_panic *)object)->model == PANIC_S390;
    default:
        return false;
    }
}

static char *name_device(struct domain *live, const struct device *device)
{
    if (is_nothing(device))
        return NULL;
    switch (device->kind) {
    case DEVICE_DISK:
        return name_disk(live, device->object);
    case DEVICE_CONTROLLER:
        return name_controller(live, device->object);
    case DEVICE_NET:
        return name_net(live, device->object);
    case DEVICE_MEMORY:
        return name_memory(live, device->object);
    default:
        return name_kind(live, device->kind);
    }
}

void aliases_assign_device(struct domain *live, const struct device *device)
{
    if (!device->info || domain_alias_is_user(device->info->alias))
        return;
    device->info->alias = NULL;
    device->info->alias = name_device(live, device);
}

static bool mirrors_serial(const struct domain *live)
{
    const struct domain_devices *devices = &live->devices;

    return devices->consoles.count && devices->serials.count &&
           devices->consoles.items[0]->target == CONSOLE_TARGET_SERIAL;
}

void aliases_assign(struct domain *live)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(live, &count);

    for (unsigned i = 0; i < count; i++)
        if (devices[i].info && !domain_alias_is_user(devices[i].info->alias))
            devices[i].info->alias = NULL;
    for (unsigned i = 0; i < count; i++)
        aliases_assign_device(live, &devices[i]);
    if (mirrors_serial(live))
        live->devices.consoles.items[0]->info.alias = live->devices.serials.items[0]->info.alias;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks: -drive, -hda and their like, and -device with a -drive or a chain of -blockdev. */
#include <string.h>

#include "native-images.h"
#include "native-parts.h"

/* ---- Names in the guest ---- */

#define MOST_NAMES (26 * 26)

static const char *target_prefix(enum disk_bus bus)
{
    switch (bus) {
    case DISK_BUS_IDE:
        return "hd";
    case DISK_BUS_FDC:
        return "fd";
    case DISK_BUS_VIRTIO:
        return "vd";
    default:
        return "sd";
    }
}

static char *target_name(struct native *native, enum disk_bus bus, unsigned index)
{
    const char *prefix = target_prefix(bus);

    if (index < 26)
        return arena_printf(native->arena, "%s%c", prefix, 'a' + index);
    return arena_printf(native->arena, "%s%c%c", prefix, 'a' + index / 26 - 1, 'a' + index % 26);
}

/* The first free name, or the one of the index (-1: none); NULL: it is in use. */
static const char *choose_target(struct native *native, enum disk_bus bus, int index)
{
    if (native->domain->devices.disks.count >= MOST_NAMES)
        return NULL;
    for (unsigned i = index < 0 ? 0 : (unsigned)index; i < MOST_NAMES; i++) {
        const char *name = target_name(native, bus, i);
        if (!domain_find_disk(native->domain, name))
            return name;
        if (index >= 0)
            return NULL;
    }
    return NULL;
}

/* ---- Devices ---- */

struct disk_driver {
    const char *name;
    enum disk_device device;
    enum disk_bus bus;
    uint8_t model;
};

static const struct disk_driver drivers[] = {
    {"virtio-blk-pci", DISK_DEVICE_DISK, DISK_BUS_VIRTIO},
    {"virtio-blk", DISK_DEVICE_DISK, DISK_BUS_VIRTIO},
    {"virtio-blk-pci-transitional", DISK_DEVICE_DISK, DISK_BUS_VIRTIO, VIRTIO_MODEL_TRANSITIONAL},
    {"virtio-blk-pci-non-transitional", DISK_DEVICE_DISK, DISK_BUS_VIRTIO,
     VIRTIO_MODEL_NON_TRANSITIONAL},
    {"scsi-hd", DISK_DEVICE_DISK, DISK_BUS_SCSI},
    {"scsi-cd", DISK_DEVICE_CDROM, DISK_BUS_SCSI},
    {"ide-hd", DISK_DEVICE_DISK, DISK_BUS_IDE},
    {"ide-cd", DISK_DEVICE_CDROM, DISK_BUS_IDE},
    {"usb-storage", DISK_DEVICE_DISK, DISK_BUS_USB},
    {"floppy", DISK_DEVICE_FLOPPY, DISK_BUS_FDC},
};

static const struct disk_driver *find_driver(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++)
        if (g_str_equal(drivers[i].name, name))
            return &drivers[i];
    return NULL;
}

static struct drive_address *drive_place(struct domain_disk *disk)
{
    disk->info.address.type = ADDRESS_DRIVE;
    return &disk->info.address.drive;
}

static bool place_scsi(struct native *native, struct native_list *list, struct domain_disk *disk)
{
    const char *bus = native_list_take(list, "bus");
    struct drive_address at = {0};

    if (bus && !native_find_bus(native, bus, CONTROLLER_SCSI, &at.controller))
        return false;
    native_list_take_uint(list, "channel", &at.bus);
    if (!native_list_find(list, "scsi-id"))
        return true;
    const struct domain_controller *controller =
        domain_find_controller(native->domain, CONTROLLER_SCSI, at.controller);
    bool is_flat = controller && controller->model == CONTROLLER_SCSI_LSILOGIC;
    if (!is_flat || native_list_find(list, "lun"))
        native_list_take_uint(list, "scsi-id", &at.target);
    else
        native_list_take_uint(list, "scsi-id", &at.unit); /* it has targets alone */
    native_list_take_uint(list, "lun", &at.unit);
    *drive_place(disk) = at;
    return true;
}

static bool place_ide(struct native *native, struct native_list *list, struct domain_disk *disk)
{
    const char *bus = native_list_take(list, "bus");
    unsigned number = bus ? native_bus_number(bus) : 0, unit = 0, controller = 0;

    if (bus && !g_str_has_prefix(bus, "ide.") &&
        !native_find_bus(native, bus, CONTROLLER_SATA, &controller))
        return false;
    if (native->is_q35 || (bus && !g_str_has_prefix(bus, "ide.")))
        disk->bus = DISK_BUS_SATA;
    native_list_take_uint(list, "unit", &unit);
    if (!bus)
        return true;
    if (disk->bus == DISK_BUS_SATA)
        *drive_place(disk) = (struct drive_address){.controller = controller, .unit = number};
    else
        *drive_place(disk) = (struct drive_address){.bus = number, .unit = unit};
    return true;
}

static bool place_floppy(struct native_list *list, struct domain_disk *disk)
{
    unsigned unit;

    if (native_list_take_uint(list, "unit", &unit))
        *drive_place(disk) = (struct drive_address){.unit = unit};
    return true;
}

static bool place_disk(struct native *native, struct native_list *list, struct domain_disk *disk)
{
    switch (disk->bus) {
    case DISK_BUS_SCSI:
        return place_scsi(native, list, disk);
    case DISK_BUS_IDE:
        return place_ide(native, list, disk);
    case DISK_BUS_FDC:
        return place_floppy(list, disk);
    case DISK_BUS_USB:
        return native_place_usb(native, list, &disk->info);
    default:
        return native_place_pci(native, list, &disk->info);
    }
}

/* The image by the name of a -drive or of a node. */
static bool find_image(struct native *native, struct native_list *list, struct domain_disk *disk,
                       GPtrArray *used)
{
    const char *name = native_list_take(list, "drive");
    struct native_option *drive = name ? native_find_backend(native, "drive", name) : NULL;

    if (drive) {
        if (disk->device == DISK_DEVICE_DISK)
            disk->device = (uint8_t)native_image_media(native_list_find(&drive->list, "media"));
        g_ptr_array_add(used, drive);
        return g_strcmp0(native_list_find(&drive->list, "if"), "none") == 0 &&
               native_image_read_drive(&drive->list, disk);
    }
    if (!name || !*name)
        return disk->device == DISK_DEVICE_CDROM;
    struct native_option *node = native_image_find_node(native, name);
    if (node)
        disk->cache = native_image_cache(&node->list, list);
    return native_image_read_node(native, name, disk, &disk->source, used);
}

/* What a disk may be told and a document says. */
static void take_properties(struct native_list *list, struct domain_disk *disk)
{
    bool shareable;

    native_list_take_uint(list, "bootindex", &disk->info.boot_order);
    if (native_list_find(list, "serial"))
        disk->serial = native_list_take(list, "serial");
    disk->wwn = native_list_take(list, "wwn");
    native_take_word(list, "werror", &disk_error_policy_names, &disk->error_policy);
    native_take_word(list, "rerror", &disk_error_policy_names, &disk->rerror_policy);
    native_list_take_uint(list, "num-queues", &disk->queues);
    native_list_take_uint(list, "rotation_rate", &disk->rotation_rate);
    if (native_list_take_bool(list, "share-rw", &shareable))
        disk->shareable = shareable;
    if (disk->bus == DISK_BUS_USB)
        native_list_take_tristate(list, "removable", &disk->removable);
    native_list_ignore(list, "id", "device_id", NULL);
}

bool native_disk_device(struct native *native, struct native_list *list, const char *driver_name)
{
    const struct disk_driver *driver = find_driver(driver_name);
    struct domain_disk *disk = arena_new(native->arena, struct domain_disk);
    g_autoptr(GPtrArray) used = g_ptr_array_new();

    if (!driver)
        return false;
    disk->device = (uint8_t)driver->device;
    disk->bus = (uint8_t)driver->bus;
    disk->model = driver->model;
    take_properties(list, disk);
    if (!find_image(native, list, disk, used) || !place_disk(native, list, disk))
        return false;
    if (disk->device == DISK_DEVICE_CDROM)
        disk->readonly = true;
    disk->target = choose_target(native, disk->bus, -1);
    if (!disk->target || !native_list_done(list))
        return false;
    for (guint i = 0; i < used->len; i++)
        ((struct native_option *)used->pdata[i])->taken = true;
    native_add(native, disks, disk);
    return true;
}

/* ---- -drive, -hda, -cdrom ... ---- */

static enum disk_bus default_bus(const struct native *native)
{
    if (native->is_x86)
        return native->is_q35 ? DISK_BUS_SATA : DISK_BUS_IDE;
    return DISK_BUS_VIRTIO;
}

static enum disk_bus interface_bus(const struct native *native, const char *interface)
{
    static const struct {
        const char *name;
        enum disk_bus bus;
    } interfaces[] = {{"scsi", DISK_BUS_SCSI},
                      {"floppy", DISK_BUS_FDC},
                      {"virtio", DISK_BUS_VIRTIO},
                      {"sd", DISK_BUS_SD}};

    if (!interface || g_str_equal(interface, "ide"))
        return default_bus(native);
    for (size_t i = 0; i < G_N_ELEMENTS(interfaces); i++)
        if (g_str_equal(interfaces[i].name, interface))
            return interfaces[i].bus;
    return DISK_BUS_NONE;
}

/* Which of its bus: index, or bus and unit. -1: the next one. */
static int take_index(struct native_list *list, enum disk_bus bus)
{
    unsigned number = 0, bus_number = 0, unit = 0;
    unsigned per_bus = bus == DISK_BUS_IDE ? 2 : bus == DISK_BUS_SCSI ? 7 : 1;

    if (native_list_take_uint(list, "index", &number))
        return number < 26 ? (int)number : 25;
    bool has_bus = native_list_take_uint(list, "bus", &bus_number);
    bool has_unit = native_list_take_uint(list, "unit", &unit);
    if (!has_bus && !has_unit)
        return -1;
    return (int)MIN((uint64_t)bus_number * per_bus + unit, 25);
}

/* Firmware, and what it remembers: unit 0 and 1. */
static bool read_flash(struct native *native, struct native_list *list)
{
    struct domain_os *os = &native->domain->os;
    struct domain_disk image = {0};
    unsigned unit = os->loader ? 1 : 0;

    native_list_take_uint(list, "unit", &unit);
    native_list_take_uint(list, "index", &unit);
    if (!native_image_read_drive(list, &image) || image.source.format != IMAGE_FORMAT_RAW ||
        !image.source.path || image.source.path[0] != '/')
        return false;
    if (unit == 0 && !os->loader) {
        os->loader = arena_new(native->arena, struct os_loader);
        os->loader->path = image.source.path;
        os->loader->type = LOADER_PFLASH;
        os->loader->readonly = tristate_of(image.readonly);
        return true;
    }
    if (unit != 1 || os->nvram || !os->loader || os->loader->type != LOADER_PFLASH)
        return false;
    os->nvram = arena_new(native->arena, struct os_nvram);
    os->nvram->path = image.source.path;
    return true;
}

static int read_drive(struct native *native, struct native_option *option, GError **error)
{
    struct native_list *list = &option->list;
    const char *interface = native_list_find(list, "if");
    struct domain_disk *disk = arena_new(native->arena, struct domain_disk);

    if (list->count == 0)
        return native_fault(option, "this is no drive", error);
    if (g_strcmp0(interface, "none") == 0)
        return native_note_backend(native, option, error);
    if (g_strcmp0(interface, "pflash") == 0) {
        option->taken = read_flash(native, list);
        return 0;
    }
    disk->bus = (uint8_t)interface_bus(native, interface);
    disk->device = disk->bus == DISK_BUS_FDC
                       ? DISK_DEVICE_FLOPPY
                       : (uint8_t)native_image_media(native_list_find(list, "media"));
    if (disk->bus == DISK_BUS_NONE)
        return 0;
    disk->target = choose_target(native, disk->bus, take_index(list, disk->bus));
    if (!native_image_read_drive(list, disk) || !disk->target)
        return 0;
    option->taken = true;
    native_add(native, disks, disk);
    return 0;
}

/* A disk by the last letter of its option. */
static int read_image(struct native *native, struct native_option *option, GError **error)
{
    const char *name = option->row->name;
    struct domain_disk *disk = arena_new(native->arena, struct domain_disk);
    bool is_cdrom = g_str_equal(name, "cdrom"), is_floppy = name[0] == 'f';
    int index = is_cdrom ? 2 : name[2] - 'a';

    disk->device = is_cdrom ? DISK_DEVICE_CDROM : is_floppy ? DISK_DEVICE_FLOPPY : DISK_DEVICE_DISK;
    disk->bus = is_floppy ? DISK_BUS_FDC : (uint8_t)default_bus(native);
    disk->readonly = is_cdrom;
    disk->target = choose_target(native, disk->bus, index);
    if (!disk->target || !native_image_is_path(option->value))
        return 0;
    native_image_set_path(&disk->source, option->value);
    disk->source.format = native_image_guess_format(&disk->source);
    option->taken = true;
    native_add(native, disks, disk);
    return 0;
}

const struct native_row native_disk_rows[] = {
    {"drive", NULL, NATIVE_DRIVE, .read = read_drive},
    {"blockdev", "driver", NATIVE_BACKEND, .read = native_note_backend},
    {"hda", NULL, NATIVE_DRIVE, .read = read_image},
    {"hdb", NULL, NATIVE_DRIVE, .read = read_image},
    {"hdc", NULL, NATIVE_DRIVE, .read = read_image},
    {"hdd", NULL, NATIVE_DRIVE, .read = read_image},
    {"cdrom", NULL, NATIVE_DRIVE, .read = read_image},
    {"fda", NULL, NATIVE_DRIVE, .read = read_image},
    {"fdb", NULL, NATIVE_DRIVE, .read = read_image},
    {NULL},
};

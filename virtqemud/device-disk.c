/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/error.h"

#include "block-nodes.h"
#include "device-common.h"

static int refuse(const struct domain_disk *disk, const char *reason, GError **error)
{
    return device_refuse(error, "disk", disk->target, "%s", reason);
}

/* ---- what can't be ---- */

static int check_disk(const struct domain_disk *disk, const struct arguments_context *context,
                      GError **error)
{
    bool direct = disk->cache == DISK_CACHE_DISABLE || disk->cache == DISK_CACHE_DIRECTSYNC;
    bool virtio = disk->bus == DISK_BUS_VIRTIO, scsi = disk->bus == DISK_BUS_SCSI;
    const struct {
        bool used;
        const char *reason;
    } gaps[] = {
        {disk->mirror != NULL, "a copy job cannot be part of a start"},
        {disk->throttle_groups.count > 0 && disk->source.type == SOURCE_VHOST_USER,
         "<throttlefilters> needs an image that QEMU reads itself"},
        {disk->io == DISK_IO_NATIVE && !direct,
         "io='native' needs cache='none' or cache='directsync'"},
        {disk->io == DISK_IO_URING && !emulator_has(context->emulator, EMULATOR_BLOCK_IO_URING),
         "the emulator has no io='io_uring'"},
        {disk->iothreads.count && !emulator_has(context->emulator, EMULATOR_BLK_VQ_MAPPING),
         "the emulator cannot spread queues over iothreads"},
        {disk->statistics.count && !emulator_has(context->emulator, EMULATOR_DISK_STATISTICS),
         "the emulator has no <statistic> of intervals"},
        {disk->histograms.count &&
             !emulator_has_command(context->emulator, "block-latency-histogram-set"),
         "the emulator has no <latency-histogram>"},
        {disk->histograms.count && disk->source.type == SOURCE_VHOST_USER,
         "<latency-histogram> needs an image that QEMU reads itself"},
        {disk->source.reservations && disk->source.reservations->migration &&
             !emulator_has(context->emulator, EMULATOR_MIGRATE_RESERVATIONS),
         "the emulator has no migration of <reservations>"},
        {disk->iothread && !virtio, "an iothread needs bus='virtio'"},
        {disk->queues && !virtio, "queues need bus='virtio'"},
        {disk->model == DISK_MODEL_USB_BOT, "model='usb-bot' is not in this version"},
        {virtio && domain_disk_is_drive(disk), "drives with removable media have no bus='virtio'"},
        {disk->device == DISK_DEVICE_LUN && !scsi, "device='lun' needs bus='scsi'"},
        {disk->device == DISK_DEVICE_LUN && domain_source_type(&disk->source) != SOURCE_BLOCK,
         "device='lun' needs a block device of the host"},
        {disk->device == DISK_DEVICE_FLOPPY && disk->bus != DISK_BUS_FDC,
         "floppy drives need bus='fdc'"},
        {disk->bus == DISK_BUS_FDC && disk->device != DISK_DEVICE_FLOPPY,
         "bus='fdc' is for floppy drives"},
        {!domain_disk_is_drive(disk) && domain_source_is_empty(&disk->source), "it has no source"},
        {disk->copy_on_read == TRISTATE_ON && disk->readonly,
         "copy_on_read='on' needs a disk that can be written"},
        {domain_source_type(&disk->source) == SOURCE_DIR && !disk->readonly &&
             disk->device == DISK_DEVICE_DISK,
         "a folder of the host needs <readonly/>"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++)
        if (gaps[i].used)
            return refuse(disk, gaps[i].reason, error);
    return 0;
}

/* ---- what all have ---- */

/* What SCSI shows as the device's name: without a serial, the name that older QEMU would give. */
static void add_device_id(struct json_object *json, const struct domain_disk *disk)
{
    g_autofree char *name = g_strdup_printf("drive-%s", disk->info.alias);

    json_add(json, "s:device_id", disk->serial ? disk->serial : name, NULL);
}

static void add_geometry(struct json_object *json, const struct disk_geometry *geometry)
{
    static const char *const translations[] = {
        [DISK_TRANS_SKIP] = "none", [DISK_TRANS_AUTO] = "auto", [DISK_TRANS_LBA] = "lba"};

    if (geometry)
        json_add(json, "u:cyls", geometry->cylinders, "u:heads", geometry->heads, "u:secs",
                 geometry->sectors, "S:bios-chs-trans", translations[geometry->trans], NULL);
}

static void add_blockio(struct json_object *json, const struct disk_blockio *blockio)
{
    if (!blockio)
        return;
    if (blockio->logical_block_size)
        json_add(json, "u:logical_block_size", blockio->logical_block_size, NULL);
    if (blockio->physical_block_size)
        json_add(json, "u:physical_block_size", blockio->physical_block_size, NULL);
    if (blockio->discard_granularity.set)
        json_add(json, "u:discard_granularity", blockio->discard_granularity.value, NULL);
}

/* The write cache that the guest sees, which is its to switch where nothing is said. */
static void add_write_cache(struct json_object *json, const struct domain_disk *disk)
{
    enum disk_cache cache = block_cache_of_disk(disk);
    bool through = cache == DISK_CACHE_WRITETHROUGH || cache == DISK_CACHE_DIRECTSYNC;

    if (cache != DISK_CACHE_NONE && cache != DISK_CACHE_DEFAULT &&
        disk->device != DISK_DEVICE_LUN) /* whose own matter it is */
        json_add(json, "s:write-cache", through ? "off" : "on", NULL);
}

static const char *policy_word(unsigned policy)
{
    return policy > DISK_ERROR_POLICY_DEFAULT ? names_word(&disk_error_policy_names, policy) : NULL;
}

static void add_error_policy(struct json_object *json, const struct domain_disk *disk,
                             const struct arguments_context *context)
{
    const char *on_write = policy_word(disk->error_policy);
    const char *on_read = policy_word(disk->rerror_policy);

    if (disk->device == DISK_DEVICE_LUN ||
        (disk->bus == DISK_BUS_USB &&
         !emulator_has(context->emulator, EMULATOR_USB_STORAGE_WERROR)))
        return;
    /* a word for writing alone is meant for both; only writing can run out of space */
    if (!on_read && disk->error_policy != DISK_ERROR_POLICY_ENOSPACE)
        on_read = on_write;
    json_add(json, "S:werror",
             on_write ? disk->error_policy == DISK_ERROR_POLICY_ENOSPACE ? "enospc" : on_write
                      : NULL,
             "S:rerror", on_read, NULL);
}

/* "0x5000c50015ea71ac": a number for QEMU */
static void add_wwn(struct json_object *json, const char *wwn)
{
    if (wwn)
        json_add(json, "U:wwn", g_ascii_strtoull(wwn, NULL, 16), NULL);
}

/* With a backslash before each space, as guests know their disks by it since ever. */
static void add_serial(struct json_object *json, const char *serial)
{
    g_auto(GStrv) words = serial ? g_strsplit(serial, " ", -1) : NULL;
    g_autofree char *shown = words ? g_strjoinv("\\ ", words) : NULL;

    json_add(json, "S:serial", shown, NULL);
}

static void add_statistics(struct json_object *json, const struct domain_disk *disk)
{
    struct json_object *intervals = json_object_new_array();

    LIST_EACH (statistic, &disk->statistics)
        json_object_array_add(intervals, json_object_new_int64(statistic->interval));
    json_add(json, "j:stats-intervals", intervals, NULL);
}

static void add_common(struct json_object *json, const struct domain *domain,
                       const struct domain_disk *disk, const struct arguments_context *context)
{
    g_autofree char *node = block_node_of_disk(disk);

    if (disk->shareable)
        json_add(json, "b:share-rw", true, NULL);
    json_add(json, "S:drive", node, NULL);
    /* the boot order of floppies is their controller's */
    if (disk->bus == DISK_BUS_FDC)
        json_add(json, "S:id", disk->info.alias, NULL);
    else
        device_add_identity(json, domain, &disk->info);
    add_geometry(json, disk->geometry);
    add_blockio(json, disk->blockio);
    add_wwn(json, disk->wwn);
    if (disk->rotation_rate)
        json_add(json, "u:rotation_rate", disk->rotation_rate, NULL);
    device_add_bool(json, "dpofua", disk->dpofua);
    json_add(json, "S:vendor", disk->vendor, "S:product", disk->product, NULL);
    add_serial(json, disk->serial);
    add_write_cache(json, disk);
    add_error_policy(json, disk, context);
    if (disk->statistics.count)
        add_statistics(json, disk);
    if (disk->source.reservations)
        device_add_bool(json, "migrate-pr", disk->source.reservations->migration);
}

/* ---- by bus ---- */

static void add_iothreads(struct json_object *json, const struct domain_disk *disk)
{
    if (disk->iothread) {
        g_autofree char *name = g_strdup_printf("iothread%u", disk->iothread);
        json_add(json, "s:iothread", name, NULL);
    }
    if (disk->iothreads.count)
        device_add_iothreads(json, disk->iothreads.items, disk->iothreads.count);
}

static int build_virtio(const struct domain *domain, const struct domain_disk *disk,
                        struct json_object **ret_json, GError **error)
{
    bool elsewhere = disk->source.type == SOURCE_VHOST_USER;
    g_autofree char *driver =
        device_virtio_name(elsewhere ? "vhost-user-blk" : "virtio-blk", disk->model, &disk->info);
    g_autofree char *stream = elsewhere ? g_strdup_printf("char%s", disk->info.alias) : NULL;
    struct json_object *json = json_build("s:driver", driver, NULL);

    add_iothreads(json, disk);
    device_add_bool(json, "ioeventfd", disk->ioeventfd);
    device_add_bool(json, "event_idx", disk->event_idx);
    if (disk->queues)
        json_add(json, "u:num-queues", disk->queues, NULL);
    if (disk->queue_size)
        json_add(json, "u:queue-size", disk->queue_size, NULL);
    device_add_virtio(json, &disk->virtio);
    device_add_place(json, domain, &disk->info);
    json_add(json, "S:chardev", stream, NULL);
    *ret_json = json;
    return 0;
}

/* The machine's own controllers have buses ide.0 and ide.1 with two units each. */
static int build_ide(const struct domain *domain, const struct domain_disk *disk,
                     struct json_object **ret_json, GError **error)
{
    const struct drive_address *at = &disk->info.address.drive;
    g_autofree char *bus = g_strdup_printf("ide.%u", at->bus);

    if (at->controller > 0)
        return refuse(disk, "the machine has one IDE controller", error);
    *ret_json = json_build("s:driver", disk->device == DISK_DEVICE_CDROM ? "ide-cd" : "ide-hd",
                           "s:bus", bus, "u:unit", at->unit, NULL);
    return 0;
}

/* A SATA controller has a bus for each port. */
static int build_sata(const struct domain *domain, const struct domain_disk *disk,
                      struct json_object **ret_json, GError **error)
{
    const struct drive_address *at = &disk->info.address.drive;
    bool built_in = at->controller == 0 && device_machine_is_q35(domain);
    g_autofree char *alias = device_controller_alias(domain, CONTROLLER_SATA, at->controller);
    g_autofree char *bus = g_strdup_printf("%s.%u", built_in ? "ide" : alias, at->unit);

    *ret_json = json_build("s:driver", disk->device == DISK_DEVICE_CDROM ? "ide-cd" : "ide-hd",
                           "s:bus", bus, NULL);
    return 0;
}

static const char *scsi_driver(const struct domain_disk *disk)
{
    if (disk->device == DISK_DEVICE_LUN)
        return "scsi-block";
    return disk->device == DISK_DEVICE_CDROM ? "scsi-cd" : "scsi-hd";
}

static int build_scsi(const struct domain *domain, const struct domain_disk *disk,
                      struct json_object **ret_json, GError **error)
{
    const struct drive_address *at = &disk->info.address.drive;
    const struct domain_controller *controller =
        domain_find_controller(domain, CONTROLLER_SCSI, at->controller);
    g_autofree char *bus = device_bus_name(domain, CONTROLLER_SCSI, at->controller);
    struct json_object *json;

    if (!controller)
        return refuse(disk, "its SCSI controller is missing", error);
    if (device_scsi_has_channels(controller))
        json = json_build("s:driver", scsi_driver(disk), "s:bus", bus, "u:channel", at->bus,
                          "u:scsi-id", at->target, "u:lun", at->unit, NULL);
    else if (at->target)
        return refuse(disk, "target must be 0 on a SCSI controller of this model", error);
    else
        json = json_build("s:driver", scsi_driver(disk), "s:bus", bus, "u:scsi-id", at->unit, NULL);
    if (disk->device != DISK_DEVICE_LUN)
        add_device_id(json, disk);
    *ret_json = json;
    return 0;
}

static int build_usb(const struct domain *domain, const struct domain_disk *disk,
                     struct json_object **ret_json, GError **error)
{
    struct json_object *json = json_build("s:driver", "usb-storage", NULL);

    device_add_place(json, domain, &disk->info);
    json_add(json, "b:removable", disk->removable == TRISTATE_ON, NULL);
    *ret_json = json;
    return 0;
}

static int build_floppy(const struct domain *domain, const struct domain_disk *disk,
                        struct json_object **ret_json, GError **error)
{
    *ret_json = json_build("s:driver", "floppy", "u:unit", disk->info.address.drive.unit, NULL);
    return 0;
}

static int (*const builders[])(const struct domain *, const struct domain_disk *,
                               struct json_object **, GError **) = {
    [DISK_BUS_IDE] = build_ide,   [DISK_BUS_FDC] = build_floppy, [DISK_BUS_SCSI] = build_scsi,
    [DISK_BUS_SATA] = build_sata, [DISK_BUS_USB] = build_usb,    [DISK_BUS_VIRTIO] = build_virtio,
};

int device_disk_properties(const struct domain *domain, const struct domain_disk *disk,
                           const struct arguments_context *context,
                           struct json_object **ret_properties, GError **error)
{
    struct json_object *json = NULL;

    if (disk->bus >= G_N_ELEMENTS(builders) || !builders[disk->bus])
        return device_refuse(error, "disk", disk->target, "bus='%s' is not in this version",
                             names_word(&disk_bus_names, disk->bus));
    if (check_disk(disk, context, error) < 0 || builders[disk->bus](domain, disk, &json, error) < 0)
        return -1;
    add_common(json, domain, disk, context);
    *ret_properties = json;
    return 0;
}

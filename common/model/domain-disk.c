/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-disk.h"

#include <string.h>

#include "model/rows.h"

NAMES(disk_device_names, NULL, "disk", "cdrom", "floppy", "lun");
NAMES(disk_bus_names, NULL, "ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd",
      "nvme");
NAMES(disk_cache_names, NULL, "default", "none", "writethrough", "writeback", "directsync",
      "unsafe");
NAMES(disk_io_names, NULL, "native", "threads", "io_uring");
NAMES(disk_error_policy_names, NULL, "default", "stop", "report", "ignore", "enospace");
NAMES(disk_discard_names, NULL, "unmap", "ignore");
NAMES(disk_detect_zeroes_names, NULL, "off", "on", "unmap");
NAMES(disk_tray_names, NULL, "closed", "open");
NAMES(disk_snapshot_names, NULL, "no", "internal", "external", "manual");
NAMES(disk_sgio_names, NULL, "filtered", "unfiltered");
NAMES(disk_trans_names, NULL, "default", "none", "auto", "lba");
NAMES(disk_mirror_job_names, NULL, "copy", "active-commit");
NAMES(disk_mirror_ready_names, NULL, "yes", "abort", "pivot");

NAMES(disk_model_names, NULL, "virtio", "virtio-transitional", "virtio-non-transitional",
      "usb-storage", "usb-bot");
NAMES(disk_histogram_names, NULL, "read", "write", "zone", "flush");

/* ---- names of targets ---- */

static const struct {
    const char *prefix;
    enum disk_bus bus;
} target_prefixes[] = {
    {"hd", DISK_BUS_IDE}, {"sd", DISK_BUS_SCSI}, {"vd", DISK_BUS_VIRTIO}, {"xvd", DISK_BUS_XEN},
    {"fd", DISK_BUS_FDC}, {"ubd", DISK_BUS_UML}, {"nvme", DISK_BUS_NVME},
};

static const char *after_prefix(const char *target, enum disk_bus *ret_bus)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(target_prefixes); i++)
        if (g_str_has_prefix(target, target_prefixes[i].prefix)) {
            *ret_bus = target_prefixes[i].bus;
            return target + strlen(target_prefixes[i].prefix);
        }
    return NULL;
}

/* Xen's own form has "ioemu:" before it. */
static int disk_target_parse(const struct xml_row *row, const char *text, struct arena *arena,
                             void *member, GString *problem)
{
    const char *name = g_str_has_prefix(text, "ioemu:") ? text + strlen("ioemu:") : text;
    enum disk_bus bus;
    const char *rest = after_prefix(name, &bus);

    if (rest && *rest && !rest[strspn(rest, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_")])
        return 0;
    g_string_append_printf(problem, "'%.80s' is not a target like vda, sda, hda, fda", text);
    return -1;
}

static const struct xml_type disk_target_form = {
    .name = "prefix of a bus, and letters",
    .rng = "<data type='string'><param name='pattern'>"
           "(ioemu:)?(hd|sd|vd|xvd|fd|ubd|nvme)[a-zA-Z0-9_]+</param></data>",
    .size = sizeof(char *),
    .parse = disk_target_parse,
};

#define ROWS_OF struct disk_iothread_queue
static const struct xml_row disk_iothread_queue_rows[] = {
    ROW_NUMBER("@id", id, "Number of the queue, from 0", .flags = XML_ALWAYS),
};
#undef ROWS_OF
XML_SCHEMA(disk_iothread_queue, "queue", .doc = "A virtqueue served by an I/O thread");

#define ROWS_OF struct disk_iothread
static const struct xml_row disk_iothread_rows[] = {
    ROW_NUMBER("@id", id, "Number of the I/O thread", .flags = XML_NEEDED),
    ROW_LIST("queue", queues, disk_iothread_queue, "Queue that it serves"),
};
#undef ROWS_OF
XML_SCHEMA(disk_iothread, "iothread", .doc = "One of several I/O threads of a disk");

#define ROWS_OF struct disk_statistic
static const struct xml_row disk_statistic_rows[] = {
    ROW_NUMBER("@interval", interval, "Seconds", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(disk_statistic, "statistic", .doc = "Figures of the last seconds");

#define ROWS_OF struct disk_latency_bin
static const struct xml_row disk_latency_bin_rows[] = {
    ROW_NUMBER("@start", start, "Nanoseconds", .flags = XML_NEEDED | XML_ALWAYS),
};
#undef ROWS_OF
XML_SCHEMA(disk_latency_bin, "bin", .doc = "Where a class of latencies begins");

#define ROWS_OF struct disk_histogram
static const struct xml_row disk_histogram_rows[] = {
    ROW_ENUM("@type", type, disk_histogram_names, "Kind of requests; all without it"),
    ROW_LIST("bin", bins, disk_latency_bin, "Class of latencies"),
};
#undef ROWS_OF
XML_SCHEMA(disk_histogram, "latency-histogram", .doc = "How many requests took how long");

/* The limits of one disk, and of a named group of filters, which must have its name. */
#define RATE(name, about) ROW_NUMBER(#name, name, about, .flags = XML_EXPECTED)
#define LIMITS(name_flags)                                                                         \
    RATE(total_bytes_sec, "Bytes per second"), RATE(read_bytes_sec, "Bytes read per second"),      \
        RATE(write_bytes_sec, "Bytes written per second"),                                         \
        RATE(total_iops_sec, "Requests per second"), RATE(read_iops_sec, "Reads per second"),      \
        RATE(write_iops_sec, "Writes per second"),                                                 \
        RATE(total_bytes_sec_max, "Bytes per second in a burst"),                                  \
        RATE(read_bytes_sec_max, "Bytes read per second in a burst"),                              \
        RATE(write_bytes_sec_max, "Bytes written per second in a burst"),                          \
        RATE(total_iops_sec_max, "Requests per second in a burst"),                                \
        RATE(read_iops_sec_max, "Reads per second in a burst"),                                    \
        RATE(write_iops_sec_max, "Writes per second in a burst"),                                  \
        RATE(size_iops_sec, "Bytes that count as one request"),                                    \
        ROW_STRING("group_name", group_name, "Disks of one group share the limits",                \
                   .flags = (name_flags)),                                                         \
        RATE(total_bytes_sec_max_length, "Seconds of a burst"),                                    \
        RATE(read_bytes_sec_max_length, "Seconds of a burst of reads"),                            \
        RATE(write_bytes_sec_max_length, "Seconds of a burst of writes"),                          \
        RATE(total_iops_sec_max_length, "Seconds of a burst of requests"),                         \
        RATE(read_iops_sec_max_length, "Seconds of a burst of reads, by requests"),                \
        RATE(write_iops_sec_max_length, "Seconds of a burst of writes, by requests")

#define ROWS_OF struct disk_iotune
static const struct xml_row disk_iotune_rows[] = {LIMITS(0)};
XML_SCHEMA(disk_iotune, "iotune", .doc = "Limits of a disk's throughput");

static const struct xml_row throttle_group_rows[] = {LIMITS(XML_REQUIRED)};
#undef ROWS_OF
#undef LIMITS
#undef RATE
XML_SCHEMA_OF(throttle_group, struct disk_iotune, "throttlegroup",
              .doc = "Limits that filters of disks share");

#define ROWS_OF struct disk_geometry
static const struct xml_row disk_geometry_rows[] = {
    ROW_NUMBER("@cyls", cylinders, "Cylinders", .flags = XML_EXPECTED | XML_ABI),
    ROW_NUMBER("@heads", heads, "Heads", .flags = XML_EXPECTED | XML_ABI),
    ROW_NUMBER("@secs", sectors, "Sectors of a track", .flags = XML_EXPECTED | XML_ABI),
    ROW_ENUM("@trans", trans, disk_trans_names, "BIOS translation", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(disk_geometry, "geometry", .doc = "Geometry that the guest sees");

#define ROWS_OF struct disk_blockio
static const struct xml_row disk_blockio_rows[] = {
    ROW_NUMBER("@logical_block_size", logical_block_size, "Smallest unit of a transfer, in bytes",
               .flags = XML_ABI),
    ROW_NUMBER("@physical_block_size", physical_block_size, "Unit written without a read, in bytes",
               .flags = XML_ABI),
    ROW_NUMBER("@discard_granularity", discard_granularity, "Smallest discard, in bytes",
               .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(disk_blockio, "blockio", .doc = "Block sizes that the guest sees");

#define ROWS_OF struct disk_mirror
static const struct xml_row disk_mirror_rows[] = {
    ROW_ENUM("@type", source.type, source_type_names, "Kind of storage"),
    ROW_STRING("@file", file, "Path of the file (older form)"),
    ROW_STRING("@format", format, "Format of the file (older form)"),
    ROW_ENUM("@job", job, disk_mirror_job_names, "Block job that writes it",
             DEFAULT(DISK_MIRROR_COPY), .flags = XML_ALWAYS),
    ROW_ENUM("@ready", ready, disk_mirror_ready_names, "How far the job is"),
    ROW_ENUM("format/@type", source.format, image_format_names, "Format of the image"),
    ROW_CHILD("format/metadata_cache", source.metadata_cache, source_metadata_cache,
              "Cache of a qcow2 image's tables"),
    ROW_EMBED(".", source, domain_source),
    ROW_NUMBER("source/@index", source.index, "Number of the image, for block jobs",
               .flags = XML_LIVE),
};
#undef ROWS_OF
XML_SCHEMA(disk_mirror, "mirror", .doc = "Second image that a running block job writes");

#define ROWS_OF struct domain_disk
static const struct xml_row domain_disk_rows[] = {
    ROW_ENUM("@type", source.type, source_type_names, "Kind of storage", DEFAULT(SOURCE_FILE),
             .flags = XML_ALWAYS),
    ROW_ENUM("@device", device, disk_device_names, "What the guest sees", DEFAULT(DISK_DEVICE_DISK),
             .flags = XML_ALWAYS | XML_ABI),
    ROW_ENUM("@model", model, disk_model_names, "Kind of virtio device, or of USB storage",
             .flags = XML_ABI),
    ROW_YES_NO("@rawio", rawio, "QEMU may send any SCSI command"),
    ROW_ENUM("@sgio", sgio, disk_sgio_names, "Whether the kernel filters SCSI commands"),
    ROW_ENUM("@snapshot", snapshot, disk_snapshot_names, "What snapshots do with the disk"),
    ROW_STRING("driver/@name", driver_name, "Back end: qemu; Xen has others"),
    ROW_ENUM("driver/@type", source.format, image_format_names, "Format of the image",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_ENUM("driver/@cache", cache, disk_cache_names, "Use of the host's page cache",
             DEFAULT(DISK_CACHE_DEFAULT)),
    ROW_ENUM("driver/@error_policy", error_policy, disk_error_policy_names,
             "What to do when a write fails"),
    ROW_ENUM("driver/@rerror_policy", rerror_policy, disk_error_policy_names,
             "What to do when a read fails"),
    ROW_ENUM("driver/@io", io, disk_io_names, "Kind of asynchronous I/O"),
    ROW_ON_OFF("driver/@ioeventfd", ioeventfd, "I/O is handled outside of the vcpu threads"),
    ROW_ON_OFF("driver/@event_idx", event_idx, "Fewer interrupts and notifications",
               .flags = XML_ABI),
    ROW_ON_OFF("driver/@copy_on_read", copy_on_read,
               "What is read from below is kept in the image"),
    ROW_ENUM("driver/@discard", discard, disk_discard_names, "Whether discards reach the storage"),
    ROW_ON_OFF("driver/@discard_no_unref", discard_no_unref,
               "Discarded clusters of a qcow2 image stay allocated"),
    ROW_NUMBER("driver/@iothread", iothread, "Number of the I/O thread that serves it"),
    ROW_ENUM("driver/@detect_zeroes", detect_zeroes, disk_detect_zeroes_names,
             "Whether writes of zeros become discards"),
    ROW_NUMBER("driver/@queues", queues, "Virtqueues", .flags = XML_ABI, FORM_RANGE(1, UINT32_MAX)),
    ROW_NUMBER("driver/@queue_size", queue_size, "Length of a virtqueue", .flags = XML_ABI,
               FORM_RANGE(1, UINT32_MAX)),
    ROW_EMBED("driver", virtio, domain_virtio),
    ROW_LIST("driver/iothreads/iothread", iothreads, disk_iothread, "I/O thread of some queues"),
    ROW_CHILD("driver/metadata_cache", source.metadata_cache, source_metadata_cache,
              "Cache of a qcow2 image's tables"),
    ROW_LIST("driver/statistics/statistic", statistics, disk_statistic,
             "Figures of the last seconds"),
    ROW_LIST("driver/statistics/latency-histogram", histograms, disk_histogram,
             "How many requests took how long"),
    ROW_CHILD("auth", source.disk_auth, source_auth, "Credentials (older place)"),
    ROW_EMBED(".", source, domain_source),
    ROW_NUMBER("source/@index", source.index, "Number of the image, for block jobs",
               .flags = XML_LIVE),
    ROW_STRING("backenddomain/@name", backend_domain, "Xen domain that serves the disk"),
    ROW_CHILD("geometry", geometry, disk_geometry, "Geometry that the guest sees",
              .flags = XML_ABI),
    ROW_CHILD("blockio", blockio, disk_blockio, "Block sizes that the guest sees",
              .flags = XML_ABI),
    ROW_CHILD("mirror", mirror, disk_mirror, "Second image of a block job", .flags = XML_LIVE),
    ROW_STRING("target/@dev", target, "Name: vda, sda, hda, fda", .flags = XML_REQUIRED | XML_ABI,
               .code = VIR_ERR_NO_TARGET, FORM(disk_target_form)),
    ROW_ENUM("target/@bus", bus, disk_bus_names, "Bus of the guest", .flags = XML_ABI),
    ROW_ENUM("target/@tray", tray, disk_tray_names, "Whether the tray is open",
             DEFAULT(DISK_TRAY_CLOSED)),
    ROW_ON_OFF("target/@removable", removable, "The guest sees removable media (usb)",
               .flags = XML_ABI),
    ROW_NUMBER("target/@rotation_rate", rotation_rate, "Turns a minute; 1: no moving parts",
               RANGE(0, 65534), .flags = XML_ABI, FORM_RANGE(1, 65535)),
    ROW_ON_OFF("target/@dpofua", dpofua, "Single writes may skip the cache (SCSI)",
               .flags = XML_ABI),
    ROW_CHILD("iotune", iotune, disk_iotune, "Limits of throughput"),
    ROW_STRINGS("throttlefilters/throttlefilter/@group", throttle_groups,
                "Throttle group, nearest to the image first"),
    ROW_FLAG("readonly", readonly, "The guest can't write", .flags = XML_ABI),
    ROW_FLAG("shareable", shareable, "Several guests may use the image at once"),
    ROW_FLAG("transient", transient, "What the guest writes is dropped when it stops"),
    ROW_YES_NO("transient/@shareBacking", share_backing,
               "Several guests may use the image below at once"),
    ROW_STRING("serial", serial, "Serial number", .flags = XML_EXPECTED | XML_ABI),
    ROW_STRING("wwn", wwn, "World wide name", .flags = XML_EXPECTED | XML_ABI),
    ROW_STRING("vendor", vendor, "Vendor", .flags = XML_ABI),
    ROW_STRING("product", product, "Product", .flags = XML_ABI),
    ROW_CHILD("encryption", source.disk_encryption, source_encryption, "Encryption (older place)"),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF

static int disk_check(struct xml_at *at, void *object, GError **error)
{
    struct domain_disk *disk = object;

    if (disk->device == DISK_DEVICE_LUN && disk->source.type != SOURCE_BLOCK &&
        disk->source.type != SOURCE_NETWORK && disk->source.type != SOURCE_VOLUME)
        return xml_at_fail(
            at, "@device", VIR_ERR_CONFIG_UNSUPPORTED, error,
            "a disk of device 'lun' needs a source of type block, network or volume");
    if (disk->source.volume && (!disk->source.volume->pool || !disk->source.volume->volume))
        return xml_at_fail(at, "source", VIR_ERR_XML_ERROR, error,
                           "a volume needs the names of its 'pool' and of the 'volume'");
    if (disk->rawio && disk->device != DISK_DEVICE_LUN)
        return xml_at_fail(at, "@rawio", VIR_ERR_CONFIG_UNSUPPORTED, error,
                           "rawio is for disks of device 'lun' only");
    if (disk->sgio && disk->device != DISK_DEVICE_LUN)
        return xml_at_fail(at, "@sgio", VIR_ERR_CONFIG_UNSUPPORTED, error,
                           "sgio is for disks of device 'lun' only");
    return 0;
}
XML_SCHEMA(domain_disk, "disk", .doc = "A disk, CD-ROM or floppy drive", .check = disk_check);

/* ---- numbers of targets ---- */

int disk_target_index(const char *target, int *ret_partition)
{
    enum disk_bus bus;
    const char *letters = after_prefix(target, &bus);
    const char *at = letters;
    int index = -1;

    for (; at && g_ascii_islower(*at) && at - letters < 5; at++)
        index = (index + 1) * 26 + (*at - 'a');
    if (!at || at == letters)
        return -1;
    int partition = 0;
    for (const char *digit = at; *digit; digit++) {
        if (!g_ascii_isdigit(*digit) || digit - at > 4 || (digit == at && *digit == '0'))
            return -1;
        partition = partition * 10 + (*digit - '0');
    }
    if (ret_partition)
        *ret_partition = partition;
    return index;
}

enum disk_bus disk_target_bus(const char *target)
{
    enum disk_bus bus = DISK_BUS_NONE;

    return after_prefix(target, &bus) ? bus : DISK_BUS_NONE;
}

bool domain_disk_is_drive(const struct domain_disk *disk)
{
    return disk->device == DISK_DEVICE_CDROM || disk->device == DISK_DEVICE_FLOPPY;
}

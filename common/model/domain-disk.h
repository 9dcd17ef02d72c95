/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-source.h"

enum disk_device {
    DISK_DEVICE_NONE,
    DISK_DEVICE_DISK,
    DISK_DEVICE_CDROM,
    DISK_DEVICE_FLOPPY,
    DISK_DEVICE_LUN,
};
extern const struct names disk_device_names;

enum disk_bus {
    DISK_BUS_NONE,
    DISK_BUS_IDE,
    DISK_BUS_FDC,
    DISK_BUS_SCSI,
    DISK_BUS_VIRTIO,
    DISK_BUS_XEN,
    DISK_BUS_USB,
    DISK_BUS_UML,
    DISK_BUS_SATA,
    DISK_BUS_SD,
    DISK_BUS_NVME,
};
extern const struct names disk_bus_names;

enum disk_cache {
    DISK_CACHE_NONE, /* not given */
    DISK_CACHE_DEFAULT,
    DISK_CACHE_DISABLE, /* "none" */
    DISK_CACHE_WRITETHROUGH,
    DISK_CACHE_WRITEBACK,
    DISK_CACHE_DIRECTSYNC,
    DISK_CACHE_UNSAFE,
};
extern const struct names disk_cache_names;

enum disk_io { DISK_IO_NONE, DISK_IO_NATIVE, DISK_IO_THREADS, DISK_IO_URING };
extern const struct names disk_io_names;

enum disk_error_policy {
    DISK_ERROR_POLICY_NONE,
    DISK_ERROR_POLICY_DEFAULT,
    DISK_ERROR_POLICY_STOP,
    DISK_ERROR_POLICY_REPORT,
    DISK_ERROR_POLICY_IGNORE,
    DISK_ERROR_POLICY_ENOSPACE,
};
extern const struct names disk_error_policy_names;

enum disk_discard { DISK_DISCARD_NONE, DISK_DISCARD_UNMAP, DISK_DISCARD_IGNORE };
extern const struct names disk_discard_names;

enum disk_detect_zeroes {
    DISK_DETECT_ZEROES_NONE,
    DISK_DETECT_ZEROES_OFF,
    DISK_DETECT_ZEROES_ON,
    DISK_DETECT_ZEROES_UNMAP,
};
extern const struct names disk_detect_zeroes_names;

enum disk_tray { DISK_TRAY_NONE, DISK_TRAY_CLOSED, DISK_TRAY_OPEN };
extern const struct names disk_tray_names;

enum disk_snapshot {
    DISK_SNAPSHOT_NONE,
    DISK_SNAPSHOT_NO,
    DISK_SNAPSHOT_INTERNAL,
    DISK_SNAPSHOT_EXTERNAL,
    DISK_SNAPSHOT_MANUAL,
};
extern const struct names disk_snapshot_names;

enum disk_sgio { DISK_SGIO_NONE, DISK_SGIO_FILTERED, DISK_SGIO_UNFILTERED };
extern const struct names disk_sgio_names;

enum disk_geometry_trans {
    DISK_TRANS_NONE,
    DISK_TRANS_DEFAULT,
    DISK_TRANS_SKIP, /* "none" */
    DISK_TRANS_AUTO,
    DISK_TRANS_LBA,
};
extern const struct names disk_trans_names;

enum disk_mirror_job { DISK_MIRROR_NONE, DISK_MIRROR_COPY, DISK_MIRROR_ACTIVE_COMMIT };
extern const struct names disk_mirror_job_names;

enum disk_mirror_ready {
    DISK_MIRROR_READY_NONE,
    DISK_MIRROR_READY_YES,
    DISK_MIRROR_READY_ABORT,
    DISK_MIRROR_READY_PIVOT,
};
extern const struct names disk_mirror_ready_names;

enum disk_histogram_type {
    DISK_HISTOGRAM_ALL,
    DISK_HISTOGRAM_READ,
    DISK_HISTOGRAM_WRITE,
    DISK_HISTOGRAM_ZONE,
    DISK_HISTOGRAM_FLUSH,
};
extern const struct names disk_histogram_names;

struct disk_iothread_queue {
    unsigned id;
};

struct disk_iothread {
    unsigned id;
    LIST_OF(struct disk_iothread_queue) queues;
};

/* Figures of what the disk did in the last so many seconds. */
struct disk_statistic {
    unsigned interval;
};

/* Where a class of latencies begins, in nanoseconds. */
struct disk_latency_bin {
    uint64_t start;
};

/* How many requests took how long: of one kind, or of all. */
struct disk_histogram {
    uint8_t type; /* enum disk_histogram_type */
    LIST_OF(struct disk_latency_bin) bins;
};

struct disk_iotune {
    uint64_t total_bytes_sec;
    uint64_t read_bytes_sec;
    uint64_t write_bytes_sec;
    uint64_t total_iops_sec;
    uint64_t read_iops_sec;
    uint64_t write_iops_sec;
    uint64_t total_bytes_sec_max;
    uint64_t read_bytes_sec_max;
    uint64_t write_bytes_sec_max;
    uint64_t total_iops_sec_max;
    uint64_t read_iops_sec_max;
    uint64_t write_iops_sec_max;
    uint64_t size_iops_sec;
    const char *group_name;
    uint64_t total_bytes_sec_max_length;
    uint64_t read_bytes_sec_max_length;
    uint64_t write_bytes_sec_max_length;
    uint64_t total_iops_sec_max_length;
    uint64_t read_iops_sec_max_length;
    uint64_t write_iops_sec_max_length;
};

struct disk_geometry {
    unsigned cylinders;
    unsigned heads;
    unsigned sectors;
    uint8_t trans; /* enum disk_geometry_trans */
};

struct disk_blockio {
    unsigned logical_block_size;
    unsigned physical_block_size;
    struct opt_uint discard_granularity;
};

/* A job that writes to a second image as well (block copy, active commit). */
struct disk_mirror {
    struct domain_source source;
    uint8_t job;      /* enum disk_mirror_job */
    uint8_t ready;    /* enum disk_mirror_ready */
    const char *file; /* the older, flat form: file= format= */
    const char *format;
};

/* Kinds of USB storage, after those of virtio. */
enum disk_model {
    DISK_MODEL_USB_STORAGE = VIRTIO_MODEL_NON_TRANSITIONAL + 1,
    DISK_MODEL_USB_BOT,
};
extern const struct names disk_model_names;

struct domain_disk {
    struct domain_device_info info;
    uint8_t device;       /* enum disk_device */
    uint8_t bus;          /* enum disk_bus */
    uint8_t model;        /* enum virtio_model, or enum disk_model */
    uint8_t snapshot;     /* enum disk_snapshot */
    uint8_t rawio;        /* enum tristate */
    uint8_t sgio;         /* enum disk_sgio */
    uint8_t cache;        /* enum disk_cache */
    uint8_t io;           /* enum disk_io */
    uint8_t error_policy; /* enum disk_error_policy */
    uint8_t rerror_policy;
    uint8_t discard;          /* enum disk_discard */
    uint8_t detect_zeroes;    /* enum disk_detect_zeroes */
    uint8_t discard_no_unref; /* enum tristate, as the next three */
    uint8_t ioeventfd;
    uint8_t event_idx;
    uint8_t copy_on_read;
    uint8_t tray;      /* enum disk_tray */
    uint8_t removable; /* enum tristate */
    bool readonly;
    bool shareable;
    bool transient;
    uint8_t share_backing; /* enum tristate: of transient */
    struct domain_virtio virtio;
    unsigned queues;
    unsigned queue_size;
    unsigned iothread; /* 0: none */
    unsigned rotation_rate;
    uint8_t dpofua;          /* enum tristate: writes that skip the cache */
    const char *target;      /* vda, sda, hdc, fda: unique in the guest */
    const char *driver_name; /* qemu; Xen: tap, phy, file, qemu */
    const char *serial;
    const char *wwn;
    const char *vendor;
    const char *product;
    const char *backend_domain; /* xen */
    struct domain_source source;
    LIST_OF(struct disk_iothread) iothreads; /* queues spread over several threads */
    LIST_OF(const char) throttle_groups;     /* filters, nearest to the image first */
    LIST_OF(struct disk_statistic) statistics;
    LIST_OF(struct disk_histogram) histograms;
    struct disk_iotune *iotune;
    struct disk_geometry *geometry;
    struct disk_blockio *blockio;
    struct disk_mirror *mirror;
};

XML_SCHEMA_DECLARE(disk_iothread_queue);
XML_SCHEMA_DECLARE(disk_iothread);
XML_SCHEMA_DECLARE(disk_statistic);
XML_SCHEMA_DECLARE(disk_latency_bin);
XML_SCHEMA_DECLARE(disk_histogram);
XML_SCHEMA_DECLARE(disk_iotune);
XML_SCHEMA_DECLARE(throttle_group); /* of struct disk_iotune too */
XML_SCHEMA_DECLARE(disk_geometry);
XML_SCHEMA_DECLARE(disk_blockio);
XML_SCHEMA_DECLARE(disk_mirror);
XML_SCHEMA_DECLARE(domain_disk);

/* Whether it is a drive, whose medium can be changed and missing. */
bool domain_disk_is_drive(const struct domain_disk *disk);

/* The index that a target name means: vda 0, vdz 25, vdaa 26; -1 if it is not such a name. A
 * partition number after it (xvda1) goes to *ret_partition if that is not NULL. */
int disk_target_index(const char *target, int *ret_partition);

/* The bus that a target's first letters mean: hd ide, sd scsi, vd virtio, xvd xen, fd fdc, ubd
 * uml. DISK_BUS_NONE if none. */
enum disk_bus disk_target_bus(const char *target);

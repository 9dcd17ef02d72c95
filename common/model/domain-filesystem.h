/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

/* Folders of the host shown to the guest. */

enum filesystem_type {
    FILESYSTEM_NONE,
    FILESYSTEM_MOUNT,
    FILESYSTEM_BLOCK,
    FILESYSTEM_FILE,
    FILESYSTEM_TEMPLATE,
    FILESYSTEM_RAM,
    FILESYSTEM_BIND,
    FILESYSTEM_VOLUME,
    FILESYSTEM_MTP,
};
extern const struct names filesystem_type_names;

enum filesystem_driver {
    FILESYSTEM_DRIVER_NONE,
    FILESYSTEM_DRIVER_PATH,
    FILESYSTEM_DRIVER_HANDLE,
    FILESYSTEM_DRIVER_LOOP,
    FILESYSTEM_DRIVER_NBD,
    FILESYSTEM_DRIVER_PLOOP,
    FILESYSTEM_DRIVER_VIRTIOFS,
    FILESYSTEM_DRIVER_MTP,
};
extern const struct names filesystem_driver_names;

enum filesystem_access {
    FILESYSTEM_ACCESS_NONE,
    FILESYSTEM_ACCESS_PASSTHROUGH,
    FILESYSTEM_ACCESS_MAPPED,
    FILESYSTEM_ACCESS_SQUASH,
};
extern const struct names filesystem_access_names;

enum filesystem_multidevs {
    FILESYSTEM_MULTIDEVS_NONE,
    FILESYSTEM_MULTIDEVS_DEFAULT,
    FILESYSTEM_MULTIDEVS_REMAP,
    FILESYSTEM_MULTIDEVS_FORBID,
    FILESYSTEM_MULTIDEVS_WARN,
};
extern const struct names filesystem_multidevs_names;

/* <binary>: virtiofsd */
struct filesystem_binary {
    const char *path;
    uint8_t xattr;       /* enum tristate */
    const char *cache;   /* none, always, metadata, auto */
    const char *sandbox; /* namespace, chroot */
    uint8_t posix_lock;  /* enum tristate */
    uint8_t flock;       /* enum tristate */
    unsigned thread_pool_size;
    unsigned openfiles;
};

struct filesystem_map {
    struct opt_uint start;
    struct opt_uint target;
    unsigned count;
};

struct domain_filesystem {
    struct domain_device_info info;
    uint8_t type;      /* enum filesystem_type */
    uint8_t access;    /* enum filesystem_access */
    uint8_t multidevs; /* enum filesystem_multidevs */
    uint8_t model;     /* enum virtio_model */
    uint8_t driver;    /* enum filesystem_driver */
    uint8_t format;    /* enum image_format */
    bool readonly;
    struct domain_virtio virtio;
    unsigned fmode; /* octal */
    unsigned dmode;
    const char *wrpolicy;
    unsigned queue_size;
    struct filesystem_binary *binary;
    const char *source_dir;
    const char *source_socket;
    const char *source_dev;
    const char *source_file;
    const char *source_name;
    const char *source_pool;
    const char *source_volume;
    uint64_t usage; /* KiB, of a RAM disk */
    const char *usage_unit;
    const char *target;
    LIST_OF(struct filesystem_map) uid_map;
    LIST_OF(struct filesystem_map) gid_map;
    uint64_t space_hard_limit; /* bytes */
    uint64_t space_soft_limit;
};

XML_SCHEMA_DECLARE(filesystem_binary);
XML_SCHEMA_DECLARE(filesystem_map);
XML_SCHEMA_DECLARE(domain_filesystem);

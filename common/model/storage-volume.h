/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/storage-parts.h"
#include "model/storage-pool.h"

/* <volume>: a disk image, a partition, a logical volume. */

enum storage_volume_type {
    STORAGE_VOLUME_NONE,
    STORAGE_VOLUME_FILE,
    STORAGE_VOLUME_BLOCK,
    STORAGE_VOLUME_DIR,
    STORAGE_VOLUME_NETWORK,
    STORAGE_VOLUME_NETDIR,
};
extern const struct names storage_volume_type_names;

/* Where a part of the volume is on its pool's devices. */
struct storage_volume_device {
    const char *path;
    LIST_OF(struct storage_extent) extents;
};

/* Seconds and nanoseconds since 1970; zero seconds is a time, too. */
struct storage_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

struct storage_timestamps {
    struct storage_time atime, mtime, ctime, btime;
};

struct storage_target {
    const char *path;
    uint8_t format; /* enum storage_format */
    struct storage_permissions *permissions;
    struct storage_timestamps *timestamps;
    struct source_encryption *encryption;
    const char *compat; /* qcow2: "0.10", "1.1" */
    bool nocow;
    uint64_t cluster_size; /* bytes */
    bool lazy_refcounts, extended_l2;
};

/* Work that is being done on a volume. */
struct storage_volume_job {
    const char *name;     /* create, clone, wipe, resize, delete, upload, download */
    uint64_t done, total; /* bytes; total is 0 where nobody knows it */
};

struct storage_volume {
    struct definition definition;
    uint8_t type; /* enum storage_volume_type */
    const char *name, *key;
    LIST_OF(struct storage_volume_device) devices;
    struct opt_ulong capacity, allocation, physical; /* bytes */
    struct storage_target target;
    struct storage_target *backing;          /* the image below */
    LIST_OF(struct storage_volume_job) jobs; /* at work now */
};

XML_SCHEMA_DECLARE(storage_volume_device);
XML_SCHEMA_DECLARE(storage_timestamps);
XML_SCHEMA_DECLARE(storage_target);
XML_SCHEMA_DECLARE(storage_volume_job);
XML_SCHEMA_DECLARE(storage_volume);

/* VIR_ERR_OPERATION_INVALID when a name can't be that of a file in a folder: empty, with a slash or
 * a control character, not UTF-8, "." or "..", too long, or one of our own for files under
 * construction. Pure.
 */
int storage_volume_check_name(const char *name, GError **error);

/* What is not said of a file that is to be in folder: its path, key, type and format, and that all
 * of it is allocated. */
void storage_volume_place(struct storage_volume *volume, const char *folder);

/* Names of files under construction begin so. */
#define STORAGE_VOLUME_PART ".modvirt-part-"

/* Are its bytes those that a guest sees? Of raw and ISO files, of devices. */
bool storage_volume_is_plain(const struct storage_volume *volume);

/* The same format of a file as an image's; NONE when it is none. */
enum image_format storage_volume_image_format(const struct storage_volume *volume);

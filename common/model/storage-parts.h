/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-source.h"
#include "xml/schema.h"

/* What storage pools and volumes have in common. */

/* "0744" and whose: 4294967295 and -1 are nobody, and so absent. */
struct storage_permissions {
    struct opt_uint mode;
    struct opt_uint owner, group;
    const char *label;
};

/*
 * What is in a volume. The words of image_format come first, with its numbers; those behind are of
 * volumes that are devices: file systems, partitions, partition tables.
 */
enum storage_format {
    STORAGE_FORMAT_ABSENT,
    STORAGE_FORMAT_NONE = IMAGE_FORMAT_VHDX + 1,
    STORAGE_FORMAT_UNKNOWN,
    STORAGE_FORMAT_AUTO,
    STORAGE_FORMAT_EXT2,
    STORAGE_FORMAT_EXT3,
    STORAGE_FORMAT_EXT4,
    STORAGE_FORMAT_UFS,
    STORAGE_FORMAT_ISO9660,
    STORAGE_FORMAT_UDF,
    STORAGE_FORMAT_GFS,
    STORAGE_FORMAT_GFS2,
    STORAGE_FORMAT_VFAT,
    STORAGE_FORMAT_HFSPLUS,
    STORAGE_FORMAT_XFS,
    STORAGE_FORMAT_OCFS2,
    STORAGE_FORMAT_VMFS,
    STORAGE_FORMAT_LINUX,
    STORAGE_FORMAT_FAT16,
    STORAGE_FORMAT_FAT32,
    STORAGE_FORMAT_LINUX_SWAP,
    STORAGE_FORMAT_LINUX_LVM,
    STORAGE_FORMAT_LINUX_RAID,
    STORAGE_FORMAT_EXTENDED,
    STORAGE_FORMAT_DOS,
    STORAGE_FORMAT_DVH,
    STORAGE_FORMAT_GPT,
    STORAGE_FORMAT_MAC,
    STORAGE_FORMAT_BSD,
    STORAGE_FORMAT_PC98,
    STORAGE_FORMAT_SUN,
    STORAGE_FORMAT_LVM2,
};
extern const struct names storage_format_names;

XML_SCHEMA_DECLARE(storage_permissions);

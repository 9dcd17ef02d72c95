/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-address.h"
#include "model/storage-parts.h"

/* <pool>: storage that volumes are made of. */

enum storage_pool_type {
    STORAGE_POOL_NONE,
    STORAGE_POOL_DIR,
    STORAGE_POOL_FS,
    STORAGE_POOL_NETFS,
    STORAGE_POOL_LOGICAL,
    STORAGE_POOL_DISK,
    STORAGE_POOL_ISCSI,
    STORAGE_POOL_ISCSI_DIRECT,
    STORAGE_POOL_SCSI,
    STORAGE_POOL_MPATH,
    STORAGE_POOL_RBD,
    STORAGE_POOL_SHEEPDOG,
    STORAGE_POOL_GLUSTER,
    STORAGE_POOL_ZFS,
    STORAGE_POOL_VSTORAGE,
    STORAGE_POOL_TYPES,
};
extern const struct names storage_pool_type_names;

/* Formats of sources; which of these a pool's is depends on its type. */
enum storage_fs_format {
    STORAGE_FS_NONE,
    STORAGE_FS_AUTO,
    STORAGE_FS_EXT2,
    STORAGE_FS_EXT3,
    STORAGE_FS_EXT4,
    STORAGE_FS_UFS,
    STORAGE_FS_ISO9660,
    STORAGE_FS_UDF,
    STORAGE_FS_GFS,
    STORAGE_FS_GFS2,
    STORAGE_FS_VFAT,
    STORAGE_FS_HFSPLUS,
    STORAGE_FS_XFS,
    STORAGE_FS_OCFS2,
    STORAGE_FS_VMFS,
};
enum storage_netfs_format {
    STORAGE_NETFS_NONE,
    STORAGE_NETFS_AUTO,
    STORAGE_NETFS_NFS,
    STORAGE_NETFS_GLUSTERFS,
    STORAGE_NETFS_CIFS,
};
enum storage_logical_format {
    STORAGE_LOGICAL_NONE,
    STORAGE_LOGICAL_UNKNOWN,
    STORAGE_LOGICAL_LVM2,
};
enum storage_disk_format {
    STORAGE_DISK_NONE,
    STORAGE_DISK_UNKNOWN,
    STORAGE_DISK_DOS,
    STORAGE_DISK_DVH,
    STORAGE_DISK_GPT,
    STORAGE_DISK_MAC,
    STORAGE_DISK_BSD,
    STORAGE_DISK_PC98,
    STORAGE_DISK_SUN,
    STORAGE_DISK_LVM2,
};
extern const struct names storage_fs_format_names, storage_netfs_format_names,
    storage_logical_format_names, storage_disk_format_names;

enum storage_adapter_type {
    STORAGE_ADAPTER_NONE,
    STORAGE_ADAPTER_SCSI_HOST,
    STORAGE_ADAPTER_FC_HOST,
};
extern const struct names storage_adapter_type_names;

enum storage_auth_type { STORAGE_AUTH_NONE, STORAGE_AUTH_CHAP, STORAGE_AUTH_CEPH };
extern const struct names storage_auth_type_names;

enum storage_refresh_allocation {
    STORAGE_REFRESH_NONE,
    STORAGE_REFRESH_DEFAULT,
    STORAGE_REFRESH_CAPACITY,
};
extern const struct names storage_refresh_allocation_names;

struct storage_host {
    const char *name;
    unsigned port; /* 0: the protocol's own */
};

struct storage_extent {
    uint64_t start, end;
};

struct storage_device {
    const char *path;
    uint8_t part_separator; /* enum tristate: "p" between a disk's name and a partition's number */
    LIST_OF(struct storage_extent) free_extents; /* of a disk pool that runs */
};

/* An HBA: by name or by the address of its parent; or a virtual one, made on an FC host. */
struct storage_adapter {
    uint8_t type; /* enum storage_adapter_type */
    const char *name;
    struct opt_uint unique_id; /* scsi_host by address: which of the hosts there */
    struct pci_address *address;
    const char *parent; /* fc_host, as the rest */
    const char *parent_wwnn, *parent_wwpn, *parent_fabric_wwn;
    uint8_t managed; /* enum tristate */
    const char *wwnn, *wwpn;
};

struct storage_auth {
    uint8_t type; /* enum storage_auth_type */
    const char *username;
    uint8_t secret_uuid[16];
    const char *secret_usage;
};

struct storage_option {
    const char *name, *value;
};

struct storage_pool {
    struct definition definition;
    uint8_t type; /* enum storage_pool_type */
    const char *name;
    uint8_t uuid[16];
    uint64_t capacity, allocation, available; /* bytes: of a pool that runs */
    uint8_t cow;                              /* enum tristate: copy on write on btrfs */
    struct {
        LIST_OF(struct storage_host) hosts;
        LIST_OF(struct storage_device) devices;
        const char *dir;
        struct storage_adapter *adapter;
        const char *name;
        const char *initiator;
        uint8_t format; /* the enum of its type */
        struct storage_auth *auth;
        const char *protocol_version;
        const char *vendor, *product;
    } source;
    struct {
        const char *path;
        struct storage_permissions *permissions;
    } target;
    uint8_t refresh_allocation; /* enum storage_refresh_allocation */
    LIST_OF(const char) mount_options;
    LIST_OF(struct storage_option) rbd_options;
};

XML_SCHEMA_DECLARE(storage_host);
XML_SCHEMA_DECLARE(storage_extent);
XML_SCHEMA_DECLARE(storage_device);
XML_SCHEMA_DECLARE(storage_adapter);
XML_SCHEMA_DECLARE(storage_auth);
XML_SCHEMA_DECLARE(storage_option);
XML_SCHEMA_DECLARE(storage_pool);

/* The source of a pool yet to be found: what to look for, and what was found. */
struct storage_source {
    struct definition definition;
    LIST_OF(struct storage_host) hosts;
    LIST_OF(struct storage_device) devices;
    const char *dir, *name, *initiator, *format;
};
struct storage_sources {
    struct definition definition;
    LIST_OF(struct storage_source) sources;
};
XML_SCHEMA_DECLARE(storage_source);
XML_SCHEMA_DECLARE(storage_sources);

/* A path with one slash between names, and none at the end: of many spellings the one that
 * documents have. A copy in arena. */
const char *storage_pool_tidy_path(struct arena *arena, const char *path);

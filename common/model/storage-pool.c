/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/storage-pool.h"

#include <string.h>

#include "base/bytes.h"
#include "model/text-types.h"

NAMES(storage_pool_type_names, NULL, "dir", "fs", "netfs", "logical", "disk", "iscsi",
      "iscsi-direct", "scsi", "mpath", "rbd", "sheepdog", "gluster", "zfs", "vstorage");
NAMES(storage_fs_format_names, NULL, "auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs",
      "gfs2", "vfat", "hfs+", "xfs", "ocfs2", "vmfs");
NAMES(storage_netfs_format_names, NULL, "auto", "nfs", "glusterfs", "cifs");
NAMES(storage_logical_format_names, NULL, "unknown", "lvm2");
NAMES(storage_disk_format_names, NULL, "unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun",
      "lvm2");
NAMES(storage_adapter_type_names, NULL, "scsi_host", "fc_host");
NAMES(storage_auth_type_names, NULL, "chap", "ceph");
NAMES(storage_refresh_allocation_names, NULL, "default", "capacity");

#define REFUSE(at, path, code, ...) xml_at_fail((at), (path), (code), error, __VA_ARGS__)

/* ---- source ---- */

#define ROWS_OF struct storage_host
static const struct xml_row storage_host_rows[] = {
    ROW_TYPE("@name", name, line_type, "Name or address", .flags = XML_REQUIRED, FORM(filled_type)),
    ROW_NUMBER("@port", port, "Port; the protocol's own, if not given", RANGE(0, 65535)),
};
#undef ROWS_OF
XML_SCHEMA(storage_host, "host", .doc = "A server");

#define ROWS_OF struct storage_extent
static const struct xml_row storage_extent_rows[] = {
    ROW_NUMBER("@start", start, "First byte", .flags = XML_ALWAYS),
    ROW_NUMBER("@end", end, "The byte behind the last", .flags = XML_ALWAYS),
};
#undef ROWS_OF
XML_SCHEMA(storage_extent, "extent", .doc = "A range of bytes");

#define ROWS_OF struct storage_device
static const struct xml_row storage_device_rows[] = {
    ROW_TYPE("@path", path, line_type, "Device, or name of an iSCSI target", .flags = XML_REQUIRED,
             FORM(filled_type)),
    ROW_YES_NO("@part_separator", part_separator,
               "Whether a \"p\" is between the disk's name and a partition's number"),
    ROW_LIST("freeExtent", free_extents, storage_extent, "What is free", .flags = XML_LIVE),
};
#undef ROWS_OF
XML_SCHEMA(storage_device, "device", .doc = "A device that the pool is on");

static int check_wwn(struct xml_at *at, const char *path, const char *wwn, GError **error)
{
    if (wwn && (strlen(wwn) != 16 || strspn(wwn, "0123456789abcdefABCDEF") != 16))
        return REFUSE(at, path, VIR_ERR_XML_ERROR,
                      "malformed wwn '%s': 16 hexadecimal digits are one", wwn);
    return 0;
}

static int check_fc_host(struct xml_at *at, const struct storage_adapter *adapter, GError **error)
{
    if (!adapter->wwnn || !adapter->wwpn)
        return REFUSE(at, "", VIR_ERR_XML_ERROR,
                      "'wwnn' and 'wwpn' must be specified for adapter type 'fc_host'");
    if (!adapter->parent_wwnn != !adapter->parent_wwpn)
        return REFUSE(at, "", VIR_ERR_XML_ERROR,
                      "'parent_wwnn' and 'parent_wwpn' go together for adapter type 'fc_host'");
    if (check_wwn(at, "@wwnn", adapter->wwnn, error) < 0 ||
        check_wwn(at, "@wwpn", adapter->wwpn, error) < 0 ||
        check_wwn(at, "@parent_wwnn", adapter->parent_wwnn, error) < 0 ||
        check_wwn(at, "@parent_wwpn", adapter->parent_wwpn, error) < 0)
        return -1;
    return check_wwn(at, "@parent_fabric_wwn", adapter->parent_fabric_wwn, error);
}

static int adapter_check(struct xml_at *at, void *object, GError **error)
{
    struct storage_adapter *adapter = object;

    if (adapter->type == STORAGE_ADAPTER_FC_HOST)
        return check_fc_host(at, adapter, error);
    if (!adapter->name == !adapter->address)
        return REFUSE(at, "", VIR_ERR_XML_ERROR,
                      "either 'name' or 'parentaddr' must be specified for adapter type "
                      "'scsi_host'");
    if (adapter->address && !adapter->unique_id.set)
        return REFUSE(at, "parentaddr", VIR_ERR_XML_ERROR,
                      "missing 'unique_id', which of the hosts at the address it is");
    return 0;
}

#define FC WHEN(type, BIT(STORAGE_ADAPTER_FC_HOST))
#define HBA WHEN(type, BIT(STORAGE_ADAPTER_SCSI_HOST))
#define ROWS_OF struct storage_adapter
static const struct xml_row storage_adapter_rows[] = {
    ROW_ENUM("@type", type, storage_adapter_type_names, "Kind", DEFAULT(STORAGE_ADAPTER_SCSI_HOST),
             .flags = XML_ALWAYS),
    ROW_TYPE("@name", name, line_type, "Name: host5 or scsi_host5", HBA),
    ROW_NUMBER("parentaddr/@unique_id", unique_id, "Which of the hosts at the address", HBA),
    ROW_CHILD("parentaddr/address", address, pci_address, "Address of its parent", HBA),
    ROW_TYPE("@parent", parent, line_type, "Host that the virtual one is made on, by name", FC),
    ROW_STRING("@parent_wwnn", parent_wwnn, "The same, by node", FC),
    ROW_STRING("@parent_wwpn", parent_wwpn, "The same, by port", FC),
    ROW_STRING("@parent_fabric_wwn", parent_fabric_wwn, "The same, by fabric", FC),
    ROW_YES_NO("@managed", managed, "Removed when the pool stops", FC),
    ROW_STRING("@wwnn", wwnn, "Its node", FC),
    ROW_STRING("@wwpn", wwpn, "Its port", FC),
};
#undef ROWS_OF
XML_SCHEMA(storage_adapter, "adapter", .doc = "A host bus adapter", .check = adapter_check);

static int auth_check(struct xml_at *at, void *object, GError **error)
{
    const struct storage_auth *auth = object;
    bool has_uuid = !bytes_are_zero(auth->secret_uuid, sizeof(auth->secret_uuid));

    if (!has_uuid && !auth->secret_usage)
        return REFUSE(at, "secret", VIR_ERR_XML_ERROR, "Missing <secret> element in auth");
    if (has_uuid && auth->secret_usage)
        return REFUSE(at, "secret", VIR_ERR_XML_ERROR, "a secret is named by either uuid or usage");
    return 0;
}

#define ROWS_OF struct storage_auth
static const struct xml_row storage_auth_rows[] = {
    ROW_ENUM("@type", type, storage_auth_type_names, "Protocol", CODE(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_REQUIRED),
    ROW_TYPE("@username", username, line_type, "User at the server", .flags = XML_REQUIRED),
    ROW_UUID("secret/@uuid", secret_uuid, "The secret, by uuid"),
    ROW_STRING("secret/@usage", secret_usage, "The secret, by what it is used for"),
};
#undef ROWS_OF
XML_SCHEMA(storage_auth, "auth", .doc = "Credentials for the server", .check = auth_check);

#define ROWS_OF struct storage_option
static const struct xml_row storage_option_rows[] = {
    ROW_TYPE("@name", name, line_type, "Name", .flags = XML_REQUIRED),
    ROW_TYPE("@value", value, line_type, "Value", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(storage_option, "option", .doc = "An option of the RBD client");

/* ---- rules ---- */

enum need {
    NEEDS_HOST = 1 << 0,
    NEEDS_DEVICE = 1 << 1,
    NEEDS_DIR = 1 << 2,
    NEEDS_ADAPTER = 1 << 3,
    NEEDS_NAME = 1 << 4,      /* the pool's own, if not given */
    NEEDS_INITIATOR = 1 << 5, /* CONFIG_UNSUPPORTED, other than the rest */
    NEEDS_PATH = 1 << 6,
};

static const struct {
    unsigned needs;
    const char *folder; /* of the target path, when not given; NULL: none */
} rules[STORAGE_POOL_TYPES] = {
    [STORAGE_POOL_DIR] = {NEEDS_PATH},
    [STORAGE_POOL_FS] = {NEEDS_DEVICE | NEEDS_PATH},
    [STORAGE_POOL_NETFS] = {NEEDS_HOST | NEEDS_DIR | NEEDS_PATH},
    [STORAGE_POOL_LOGICAL] = {NEEDS_NAME, "/dev"},
    [STORAGE_POOL_DISK] = {NEEDS_DEVICE | NEEDS_PATH},
    [STORAGE_POOL_ISCSI] = {NEEDS_HOST | NEEDS_PATH},
    [STORAGE_POOL_ISCSI_DIRECT] = {NEEDS_HOST | NEEDS_INITIATOR},
    [STORAGE_POOL_SCSI] = {NEEDS_ADAPTER | NEEDS_PATH},
    [STORAGE_POOL_MPATH] = {NEEDS_PATH},
    [STORAGE_POOL_RBD] = {NEEDS_HOST | NEEDS_NAME},
    [STORAGE_POOL_SHEEPDOG] = {NEEDS_HOST | NEEDS_NAME},
    [STORAGE_POOL_GLUSTER] = {NEEDS_HOST | NEEDS_NAME},
    [STORAGE_POOL_ZFS] = {NEEDS_NAME, "/dev/zvol"},
    [STORAGE_POOL_VSTORAGE] = {NEEDS_NAME | NEEDS_PATH},
};

static unsigned find_missing(const struct storage_pool *pool)
{
    unsigned given =
        (pool->source.hosts.count ? NEEDS_HOST : 0) |
        (pool->source.devices.count ? NEEDS_DEVICE : 0) | (pool->source.dir ? NEEDS_DIR : 0) |
        (pool->source.adapter ? NEEDS_ADAPTER : 0) |
        (pool->source.initiator ? NEEDS_INITIATOR : 0) | (pool->target.path ? NEEDS_PATH : 0);

    return rules[pool->type].needs & ~given;
}

static int check_complete(struct xml_at *at, const struct storage_pool *pool, GError **error)
{
    static const struct {
        unsigned need;
        enum error_code code;
        const char *path, *message;
    } complaints[] = {
        {NEEDS_HOST, VIR_ERR_XML_ERROR, "source/host", "missing storage pool source host name"},
        {NEEDS_DEVICE, VIR_ERR_XML_ERROR, "source/device",
         "missing storage pool source device name"},
        {NEEDS_DIR, VIR_ERR_XML_ERROR, "source/dir", "missing storage pool source path"},
        {NEEDS_ADAPTER, VIR_ERR_XML_ERROR, "source/adapter", "missing storage pool source adapter"},
        {NEEDS_INITIATOR, VIR_ERR_CONFIG_UNSUPPORTED, "source/initiator", "missing initiator IQN"},
        {NEEDS_PATH, VIR_ERR_XML_ERROR, "target/path", "missing storage pool target path"},
    };
    unsigned missing = find_missing(pool);

    for (size_t i = 0; i < G_N_ELEMENTS(complaints); i++)
        if (missing & complaints[i].need)
            return REFUSE(at, complaints[i].path, complaints[i].code, "%s", complaints[i].message);
    return 0;
}

const char *storage_pool_tidy_path(struct arena *arena, const char *path)
{
    char *tidy = arena_strdup(arena, path);
    size_t length = 0;

    for (const char *c = path; *c; c++)
        if (*c != '/' || length == 0 || tidy[length - 1] != '/')
            tidy[length++] = *c;
    if (length > 1 && tidy[length - 1] == '/')
        length--;
    tidy[length] = '\0';
    return tidy;
}

static void fill_in(struct arena *arena, struct storage_pool *pool)
{
    const char *folder = rules[pool->type].folder;

    /* sizes are what the storage has, not what somebody writes */
    pool->capacity = pool->allocation = pool->available = 0;
    if (rules[pool->type].needs & NEEDS_NAME && !pool->source.name)
        pool->source.name = pool->name;
    if (folder) /* where the kernel puts them: nobody's choice */
        pool->target.path = arena_printf(arena, "%s/%s", folder, pool->source.name);
    if (pool->target.path)
        pool->target.path = storage_pool_tidy_path(arena, pool->target.path);
    if (pool->type == STORAGE_POOL_GLUSTER && !pool->source.dir)
        pool->source.dir = "/";
}

static int check_protocol(struct xml_at *at, const struct storage_pool *pool, GError **error)
{
    const char *version = pool->source.protocol_version;

    if (!version || pool->type != STORAGE_POOL_NETFS)
        return 0;
    if (pool->source.format != STORAGE_NETFS_AUTO && pool->source.format != STORAGE_NETFS_NFS)
        return REFUSE(at, "source/protocol", VIR_ERR_CONFIG_UNSUPPORTED,
                      "storage pool protocol ver unsupported for pool type '%s'",
                      names_word(&storage_netfs_format_names, pool->source.format));
    if (strchr(version, ',')) /* it becomes an option of mount */
        return REFUSE(at, "source/protocol", VIR_ERR_XML_DETAIL,
                      "storage pool protocol ver '%s' must not contain ','", version);
    return 0;
}

static int pool_check(struct xml_at *at, void *object, GError **error)
{
    struct storage_pool *pool = object;

    if (!pool->name)
        pool->name = pool->source.name;
    if (!pool->name)
        return REFUSE(at, "name", VIR_ERR_XML_ERROR, "missing pool source name element");
    if (pool->cow && pool->type != STORAGE_POOL_DIR && pool->type != STORAGE_POOL_FS)
        return REFUSE(at, "features/cow", VIR_ERR_NO_SUPPORT,
                      "cow feature may only be used for 'fs' and 'dir' pools");
    fill_in(xml_at_arena(at), pool);
    return check_complete(at, pool, error) < 0 ? -1 : check_protocol(at, pool, error);
}

/* ---- the pool ---- */

static const struct xml_namespace namespaces[] = {
    {"fs", "http://libvirt.org/schemas/storagepool/fs/1.0"},
    {"rbd", "http://libvirt.org/schemas/storagepool/rbd/1.0"},
    {NULL, NULL},
};

#define TYPE(name) WHEN(type, BIT(STORAGE_POOL_##name))
#define FORMAT(kind, words, fallback)                                                              \
    ROW_ENUM("source/format/@type", source.format, words, "Format", TYPE(kind), DEFAULT(fallback), \
             CODE(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ALWAYS)
#define WITHOUT_TARGET                                                                             \
    (BIT(STORAGE_POOL_RBD) | BIT(STORAGE_POOL_SHEEPDOG) | BIT(STORAGE_POOL_GLUSTER) |              \
     BIT(STORAGE_POOL_ISCSI_DIRECT))
#define ROWS_OF struct storage_pool
static const struct xml_row storage_pool_rows[] = {
    ROW_ENUM("@type", type, storage_pool_type_names, "Kind of storage", .flags = XML_REQUIRED),
    ROW_STRING("name", name, "Name, unique on the host"),
    ROW_UUID("uuid", uuid, "Identity, unique everywhere", .flags = XML_EXPECTED),
    ROW_SIZE("capacity", capacity, UNIT_BYTES, "All there is", .flags = XML_ALWAYS),
    ROW_SIZE("allocation", allocation, UNIT_BYTES, "What is used", .flags = XML_ALWAYS),
    ROW_SIZE("available", available, UNIT_BYTES, "What is free", .flags = XML_ALWAYS),
    ROW_YES_NO("features/cow/@state", cow, "Copy on write, where the file system can choose"),
    ROW_ELEMENT("source", "What the pool is on", .flags = XML_ALWAYS | XML_SPREAD),
    ROW_LIST("source/host", source.hosts, storage_host, "Server"),
    ROW_LIST("source/device", source.devices, storage_device, "Device"),
    ROW_TYPE("source/dir/@path", source.dir, line_type, "Folder of the server", FORM(filled_type)),
    ROW_CHILD("source/adapter", source.adapter, storage_adapter, "Host bus adapter"),
    ROW_TYPE("source/name", source.name, line_type, "Name: of a volume group, of a pool of disks"),
    ROW_TYPE("source/initiator/iqn/@name", source.initiator, line_type, "Our name for iSCSI"),
    FORMAT(FS, storage_fs_format_names, STORAGE_FS_AUTO),
    FORMAT(NETFS, storage_netfs_format_names, STORAGE_NETFS_AUTO),
    FORMAT(LOGICAL, storage_logical_format_names, STORAGE_LOGICAL_LVM2),
    FORMAT(DISK, storage_disk_format_names, STORAGE_DISK_UNKNOWN),
    ROW_CHILD("source/auth", source.auth, storage_auth, "Credentials for the server"),
    ROW_TYPE("source/protocol/@ver", source.protocol_version, line_type, "Version of NFS: 4.2"),
    ROW_TYPE("source/vendor/@name", source.vendor, line_type, "Who made it"),
    ROW_TYPE("source/product/@name", source.product, line_type, "What it is called"),
    ROW_TYPE("target/path", target.path, line_type, "Where volumes are found on this host",
             WHEN(type, ~WITHOUT_TARGET), FORM(absolute_path_type)),
    ROW_CHILD("target/permissions", target.permissions, storage_permissions,
              "Who may read and write the folder", WHEN(type, ~WITHOUT_TARGET)),
    ROW_ENUM("refresh/volume/@allocation", refresh_allocation, storage_refresh_allocation_names,
             "How the allocation of a volume is found out: capacity spares asking for each",
             CODE(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_STRINGS("fs:mount_opts/fs:option/@name", mount_options, "Option of mount",
                WHEN(type, BIT(STORAGE_POOL_FS) | BIT(STORAGE_POOL_NETFS))),
    ROW_LIST("rbd:config_opts/rbd:option", rbd_options, storage_option, "Option of the RBD client",
             TYPE(RBD)),
};
#undef ROWS_OF
XML_SCHEMA(storage_pool, "pool", .doc = "Storage that volumes are made of", .check = pool_check,
           .namespaces = namespaces);

/* ---- sources ---- */

#define ROWS_OF struct storage_source
static const struct xml_row storage_source_rows[] = {
    ROW_LIST("host", hosts, storage_host, "Server"),
    ROW_LIST("device", devices, storage_device, "Device"),
    ROW_TYPE("dir/@path", dir, line_type, "Folder of the server"),
    ROW_TYPE("name", name, line_type, "Name of a volume group"),
    ROW_TYPE("initiator/iqn/@name", initiator, line_type, "Our name for iSCSI"),
    ROW_TYPE("format/@type", format, line_type, "Format"),
};
#undef ROWS_OF
XML_SCHEMA(storage_source, "source", .doc = "What a pool could be on", .spread = true);

#define ROWS_OF struct storage_sources
static const struct xml_row storage_sources_rows[] = {
    ROW_LIST("source", sources, storage_source, "What a pool could be on"),
};
#undef ROWS_OF
XML_SCHEMA(storage_sources, "sources", .doc = "What pools could be on", .spread = true);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-filesystem.h"

#include "model/domain-source.h"
#include "model/text-types.h"

NAMES(filesystem_type_names, NULL, "mount", "block", "file", "template", "ram", "bind", "volume",
      "mtp");
NAMES(filesystem_driver_names, NULL, "path", "handle", "loop", "nbd", "ploop", "virtiofs", "mtp");
NAMES(filesystem_access_names, NULL, "passthrough", "mapped", "squash");
NAMES(filesystem_multidevs_names, NULL, "default", "remap", "forbid", "warn");

static NAMES(filesystem_cache_names, NULL, "none", "metadata", "always");
static NAMES(filesystem_sandbox_names, NULL, "namespace", "chroot");
static NAMES(filesystem_wrpolicy_names, NULL, "immediate");

#define ROWS_OF struct filesystem_binary
static const struct xml_row filesystem_binary_rows[] = {
    ROW_STRING("@path", path, "Path of virtiofsd", FORM(absolute_path_type)),
    ROW_ON_OFF("@xattr", xattr, "Extended attributes"),
    ROW_STRING("cache/@mode", cache, "How much the guest caches: none, metadata, always",
               WORDS(filesystem_cache_names)),
    ROW_STRING("sandbox/@mode", sandbox, "namespace or chroot", WORDS(filesystem_sandbox_names)),
    ROW_ON_OFF("lock/@posix", posix_lock, "POSIX locks"),
    ROW_ON_OFF("lock/@flock", flock, "BSD locks"),
    ROW_NUMBER("thread_pool/@size", thread_pool_size, "Threads", .flags = XML_BLANK),
    ROW_NUMBER("openfiles/@max", openfiles, "Most open files"),
};
#undef ROWS_OF
XML_SCHEMA(filesystem_binary, "binary", .doc = "The virtiofs daemon");

#define ROWS_OF struct filesystem_map
static const struct xml_row filesystem_map_rows[] = {
    ROW_NUMBER("@start", start, "First of the guest", .flags = XML_REQUIRED),
    ROW_NUMBER("@target", target, "First of the host", .flags = XML_REQUIRED),
    ROW_NUMBER("@count", count, "How many", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(filesystem_map, "uid", .doc = "A range of users or groups");

#define TYPE(name) WHEN(type, BIT(FILESYSTEM_##name))
#define FOLDER WHEN(type, BIT(FILESYSTEM_MOUNT) | BIT(FILESYSTEM_BIND) | BIT(FILESYSTEM_MTP))
#define ROWS_OF struct domain_filesystem
static const struct xml_row domain_filesystem_rows[] = {
    ROW_ENUM("@type", type, filesystem_type_names, "Kind of source", DEFAULT(FILESYSTEM_MOUNT),
             .flags = XML_ALWAYS),
    ROW_ENUM("@accessmode", access, filesystem_access_names, "Whose rights count",
             .flags = XML_BLANK),
    ROW_ENUM("@model", model, virtio_model_names, "Kind of virtio device", .flags = XML_ABI),
    ROW_ENUM("@multidevs", multidevs, filesystem_multidevs_names,
             "What to do with more than one file system below",
             DEFAULT(FILESYSTEM_MULTIDEVS_DEFAULT)),
    ROW_OCTAL("@fmode", fmode, 4, "Mode of new files", RANGE(0, 0777)),
    ROW_OCTAL("@dmode", dmode, 4, "Mode of new folders", RANGE(0, 0777)),
    ROW_ENUM("driver/@type", driver, filesystem_driver_names, "What serves it"),
    ROW_ENUM("driver/@format", format, image_format_names, "Format of the image"),
    ROW_STRING("driver/@wrpolicy", wrpolicy, "immediate: the host's writeback starts at once",
               WORDS(filesystem_wrpolicy_names)),
    ROW_NUMBER("driver/@queue", queue_size, "Length of the queue", .flags = XML_BLANK),
    ROW_EMBED("driver", virtio, domain_virtio),
    ROW_CHILD("binary", binary, filesystem_binary, "The virtiofs daemon"),
    ROW_LIST("idmap/uid", uid_map, filesystem_map, "Users"),
    ROW_LIST("idmap/gid", gid_map, filesystem_map, "Groups"),
    ROW_STRING("source/@dir", source_dir, "Folder", FOLDER, FORM(absolute_path_type)),
    ROW_STRING("source/@socket", source_socket, "Socket of a virtiofsd started elsewhere", FOLDER,
               FORM(absolute_path_type)),
    ROW_STRING("source/@dev", source_dev, "Block device", TYPE(BLOCK)),
    ROW_STRING("source/@file", source_file, "Image", TYPE(FILE)),
    ROW_STRING("source/@name", source_name, "Template", TYPE(TEMPLATE)),
    ROW_STRING("source/@pool", source_pool, "Storage pool", TYPE(VOLUME)),
    ROW_STRING("source/@volume", source_volume, "Volume of the pool", TYPE(VOLUME)),
    ROW_NUMBER("source/@usage", usage, "Size of a RAM disk", TYPE(RAM), .flags = XML_REQUIRED),
    ROW_STRING("source/@units", usage_unit, "Unit of the size", TYPE(RAM)),
    ROW_STRING("target/@dir", target, "Where the guest finds it: a tag, or a folder",
               CODE(VIR_ERR_NO_TARGET), .flags = XML_REQUIRED | XML_ABI),
    ROW_FLAG("readonly", readonly, "The guest can't write", .flags = XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
    ROW_SIZE("space_hard_limit", space_hard_limit, UNIT_BYTES, "Most that can be written"),
    ROW_SIZE("space_soft_limit", space_soft_limit, UNIT_BYTES, "Most that should be written"),
};
#undef ROWS_OF

/* A RAM disk's size has its unit in "units", and is kept in KiB. */
static int filesystem_check(struct xml_at *at, void *object, GError **error)
{
    struct domain_filesystem *filesystem = object;
    uint64_t unit = filesystem->usage_unit ? unit_find(filesystem->usage_unit) : UNIT_KIB;

    if (xml_at_validates(at) && filesystem->queue_size &&
        filesystem->driver != FILESYSTEM_DRIVER_VIRTIOFS)
        return xml_at_fail(at, "driver/@queue", VIR_ERR_XML_ERROR, error,
                           "has no meaning for other drivers than virtiofs");
    if (filesystem->type != FILESYSTEM_RAM)
        return 0;
    if (!unit || unit_convert(filesystem->usage, unit, UNIT_KIB, &filesystem->usage) < 0)
        return xml_at_fail(at, "source/@units", VIR_ERR_XML_ERROR, error,
                           "'%s' is not a unit for this size", filesystem->usage_unit);
    filesystem->usage_unit = "KiB";
    return 0;
}
XML_SCHEMA(domain_filesystem, "filesystem", .doc = "A folder of the host shown to the guest",
           .check = filesystem_check);

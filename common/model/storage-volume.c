/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/storage-volume.h"

#include <limits.h>
#include <string.h>

#include "model/rows.h"
#include "model/text-types.h"

NAMES(storage_volume_type_names, NULL, "file", "block", "dir", "network", "netdir");

/* ---- times ---- */

static int parse_time(const struct xml_row *row, const char *text, struct arena *arena,
                      void *member, GString *problem)
{
    struct storage_time *time = member;
    char *end;

    time->seconds = g_ascii_strtoll(text, &end, 10);
    if (*end == '.') {
        guint64 fraction = 0;
        unsigned digits = 0;
        for (end++; g_ascii_isdigit(*end) && digits < 9; end++, digits++)
            fraction = 10 * fraction + (guint64)g_ascii_digit_value(*end);
        for (; digits < 9; digits++)
            fraction *= 10;
        time->nanoseconds = (uint32_t)fraction;
    }
    if (!*end && end != text)
        return 0;
    g_string_append_printf(problem, "'%.40s' is not a time in seconds", text);
    return -1;
}

static void format_time(const struct xml_row *row, const void *member, GString *out)
{
    const struct storage_time *time = member;

    g_string_append_printf(out, "%" G_GINT64_FORMAT, time->seconds);
    if (time->nanoseconds)
        g_string_append_printf(out, ".%09u", time->nanoseconds);
}

/* All four are told, as they are told by everybody, once there are any. */
static bool time_is_set(const struct xml_row *row, const void *member)
{
    return true;
}

static const struct xml_type time_type = {
    .name = "seconds since 1970",
    .rng = "<data type='string'><param name='pattern'>-?[0-9]+(\\.[0-9]{0,9})?</param></data>",
    .size = sizeof(struct storage_time),
    .parse = parse_time,
    .format = format_time,
    .is_set = time_is_set,
};

#define ROWS_OF struct storage_timestamps
static const struct xml_row storage_timestamps_rows[] = {
    ROW_TYPE("atime", atime, time_type, "Last read", .flags = XML_ALWAYS),
    ROW_TYPE("mtime", mtime, time_type, "Last written", .flags = XML_ALWAYS),
    ROW_TYPE("ctime", ctime, time_type, "Last changed", .flags = XML_ALWAYS),
    ROW_TYPE("btime", btime, time_type, "Made", .flags = XML_ALWAYS),
};
#undef ROWS_OF
XML_SCHEMA(storage_timestamps, "timestamps", .doc = "When it was read and written");

/* ---- parts ---- */

#define ROWS_OF struct storage_volume_device
static const struct xml_row storage_volume_device_rows[] = {
    ROW_TYPE("@path", path, line_type, "Device of the pool", .flags = XML_REQUIRED),
    ROW_LIST("extent", extents, storage_extent, "Part of it"),
};
#undef ROWS_OF
XML_SCHEMA(storage_volume_device, "device", .doc = "What the volume takes of a device");

static int target_check(struct xml_at *at, void *object, GError **error)
{
    struct storage_target *target = object;
    const char *compat = target->compat;

    if (compat && (!g_ascii_isdigit(compat[0]) || strspn(compat, "0123456789.") != strlen(compat) ||
                   !strchr(compat, '.')))
        return xml_at_fail(at, "compat", VIR_ERR_XML_ERROR, error,
                           "forbidden characters in 'compat' attribute");
    if (!target->lazy_refcounts && !target->extended_l2)
        return 0;
    if (!compat)
        target->compat = "1.1";
    else if (strcmp(compat, "0.10") == 0)
        return xml_at_fail(at, "features", VIR_ERR_CONFIG_UNSUPPORTED, error,
                           "%s not supported with compat level 0.10",
                           target->lazy_refcounts ? "lazy_refcounts" : "extended_l2");
    return 0;
}

#define ROWS_OF struct storage_target
static const struct xml_row storage_target_rows[] = {
    ROW_TYPE("path", path, line_type, "Where it is on this host"),
    ROW_ENUM("format/@type", format, storage_format_names, "Format",
             CODE(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_CHILD("permissions", permissions, storage_permissions, "Who may read and write it"),
    ROW_CHILD("timestamps", timestamps, storage_timestamps, "When it was read and written"),
    ROW_CHILD("encryption", encryption, source_encryption, "How it is encrypted"),
    ROW_STRING("compat", compat, "Version of the format, qcow2: 0.10 or 1.1"),
    ROW_FLAG("nocow", nocow, "No copy on write, where the file system can choose"),
    ROW_SIZE_IN("clusterSize", cluster_size, UNIT_BYTES, "B", "Bytes of a cluster, qcow2"),
    ROW_FLAG("features/lazy_refcounts", lazy_refcounts, "Reference counts are written later"),
    ROW_FLAG("features/extended_l2", extended_l2, "Parts of clusters are allocated"),
};
#undef ROWS_OF
XML_SCHEMA(storage_target, "target", .doc = "The volume on this host", .check = target_check);

#define ROWS_OF struct storage_volume_job
static const struct xml_row storage_volume_job_rows[] = {
    ROW_STRING("@name", name, "What is being done"),
    ROW_NUMBER("@done", done, "Bytes of it that are done", .flags = XML_ALWAYS),
    ROW_NUMBER("@total", total, "Bytes in all, if they are known"),
};
#undef ROWS_OF
XML_SCHEMA(storage_volume_job, "modvirt:job", .doc = "Work on the volume");

static const struct xml_namespace namespaces[] = {
    {"modvirt", "urn:modvirt:storage:1"},
    {NULL, NULL},
};

static int volume_check(struct xml_at *at, void *object, GError **error)
{
    struct storage_volume *volume = object;

    if (volume->backing && !volume->backing->path) /* what many write for none */
        volume->backing = NULL;
    if (volume->capacity.value > INT64_MAX || volume->allocation.value > INT64_MAX)
        return xml_at_fail(at, "capacity", VIR_ERR_OVERFLOW, error, "value too large");
    return 0;
}

#define ROWS_OF struct storage_volume
static const struct xml_row storage_volume_rows[] = {
    ROW_ENUM("@type", type, storage_volume_type_names, "Kind; the pool knows it",
             CODE(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_STRING("name", name, "Name, unique in the pool", .flags = XML_REQUIRED),
    ROW_STRING("key", key, "Name, unique everywhere; the pool knows it"),
    ROW_LIST("source/device", devices, storage_volume_device, "What it takes of a device"),
    ROW_SIZE("capacity", capacity, UNIT_BYTES, "Bytes that a guest sees"),
    ROW_SIZE("allocation", allocation, UNIT_BYTES, "Bytes that it takes of the pool"),
    ROW_SIZE("physical", physical, UNIT_BYTES, "Bytes of the file"),
    ROW_EMBED("target", target, storage_target),
    ROW_CHILD("backingStore", backing, storage_target, "The image below it"),
    ROW_LIST("modvirt:job", jobs, storage_volume_job, "Work on it that is going on",
             .flags = XML_LIVE),
};
#undef ROWS_OF
XML_SCHEMA(storage_volume, "volume", .doc = "A disk image, a partition, a logical volume",
           .check = volume_check, .namespaces = namespaces);

int storage_volume_check_name(const char *name, GError **error)
{
    const char *wrong = NULL;

    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        wrong = "is not the name of a file";
    else if (strchr(name, '/'))
        wrong = "cannot contain '/'";
    else if (strlen(name) > NAME_MAX)
        wrong = "is longer than 255 bytes";
    else if (!g_utf8_validate(name, -1, NULL))
        wrong = "is not UTF-8, as documents are";
    else if (!line_is_valid(name))
        wrong = "cannot contain control characters";
    else if (g_str_has_prefix(name, STORAGE_VOLUME_PART))
        wrong = "is kept for files under construction";
    if (!wrong)
        return 0;
    g_autofree char *shown = g_strescape(name, NULL);
    error_set(error, VIR_ERR_OPERATION_INVALID, "volume name '%.80s' %s", shown, wrong);
    return -1;
}

bool storage_volume_is_plain(const struct storage_volume *volume)
{
    return volume->type == STORAGE_VOLUME_BLOCK || volume->target.format == IMAGE_FORMAT_RAW ||
           volume->target.format == IMAGE_FORMAT_ISO;
}

enum image_format storage_volume_image_format(const struct storage_volume *volume)
{
    return volume->target.format <= IMAGE_FORMAT_VHDX ? volume->target.format : IMAGE_FORMAT_NONE;
}

void storage_volume_place(struct storage_volume *volume, const char *folder)
{
    struct arena *arena = &volume->definition.arena;

    volume->type = STORAGE_VOLUME_FILE;
    volume->target.path = arena_printf(arena, "%s/%s", folder, volume->name);
    volume->key = volume->target.path;
    if (!volume->target.format)
        volume->target.format = IMAGE_FORMAT_RAW;
    if (!volume->allocation.set)
        volume->allocation = volume->capacity;
    volume->physical = (struct opt_ulong){0};
    volume->target.timestamps = NULL; /* those of the file, once there is one */
    if (volume->backing)
        volume->backing->timestamps = NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images behind disks: what -drive says of one, and chains of -blockdev. */
#include "native-images.h"

#include <string.h>

#define DEEPEST_CHAIN 64

/* ---- One image ---- */

void native_image_set_path(struct domain_source *source, const char *path)
{
    if (!*path)
        return;
    source->type = g_str_has_prefix(path, "/dev/") ? SOURCE_BLOCK : SOURCE_FILE;
    source->path = path;
}

/* A path, and no "nbd:..." or "json:...", which would be a server's. */
bool native_image_is_path(const char *file)
{
    const char *colon = strchr(file, ':'), *slash = strchr(file, '/');

    return !colon || (slash && slash < colon);
}

static bool take_format(struct native_list *list, const char *key, uint8_t *ret_format)
{
    const char *word = native_list_find(list, key);
    int format = word ? names_find(&image_format_names, word) : 0;

    if (format <= 0)
        return false;
    native_list_take(list, key);
    *ret_format = (uint8_t)format;
    return true;
}

void native_take_word(struct native_list *list, const char *key, const struct names *names,
                      uint8_t *ret_value)
{
    const char *word = native_list_find(list, key);
    int value = word ? names_find(names, word) : -1;

    if (value <= 0)
        return;
    native_list_take(list, key);
    *ret_value = (uint8_t)value;
}

/* QEMU would look into the image. */
uint8_t native_image_guess_format(const struct domain_source *source)
{
    const char *dot = source->path ? strrchr(source->path, '.') : NULL;
    int format = dot ? names_find(&image_format_names, dot + 1) : 0;

    return format > IMAGE_FORMAT_RAW && format != IMAGE_FORMAT_ISO ? (uint8_t)format
                                                                   : IMAGE_FORMAT_RAW;
}

/* Switches that -drive and -blockdev have alike. */
static void take_block_options(struct native_list *list, struct domain_disk *disk)
{
    bool read_only;

    if (native_list_take_bool(list, "readonly", &read_only) ||
        native_list_take_bool(list, "read-only", &read_only))
        disk->readonly = read_only;
    native_take_word(list, "aio", &disk_io_names, &disk->io);
    native_take_word(list, "discard", &disk_discard_names, &disk->discard);
    native_take_word(list, "detect-zeroes", &disk_detect_zeroes_names, &disk->detect_zeroes);
}

enum disk_device native_image_media(const char *media)
{
    return g_strcmp0(media, "cdrom") == 0 ? DISK_DEVICE_CDROM : DISK_DEVICE_DISK;
}

/* All that is said of the image; true if the list has nothing else then. */
bool native_image_read_drive(struct native_list *list, struct domain_disk *disk)
{
    const char *file = native_list_find(list, "file");

    if (file && native_image_is_path(file))
        native_image_set_path(&disk->source, native_list_take(list, "file"));
    if (!take_format(list, "format", &disk->source.format))
        disk->source.format = native_image_guess_format(&disk->source);
    native_take_word(list, "cache", &disk_cache_names, &disk->cache);
    native_take_word(list, "werror", &disk_error_policy_names, &disk->error_policy);
    native_take_word(list, "rerror", &disk_error_policy_names, &disk->rerror_policy);
    native_list_take_tristate(list, "copy-on-read", &disk->copy_on_read);
    if (native_list_find(list, "serial"))
        disk->serial = native_list_take(list, "serial");
    take_block_options(list, disk);
    if (disk->device == DISK_DEVICE_CDROM)
        disk->readonly = true;
    native_list_ignore(list, "id", "media", "if", NULL);
    return native_list_done(list);
}

/* ---- Chains of -blockdev ---- */

struct native_option *native_image_find_node(struct native *native, const char *name)
{
    return name ? native_find_backend(native, "blockdev", name) : NULL;
}

/* The file below a format: a node of its own, or members of this one. */
static const char *take_node_file(struct native *native, struct native_list *list,
                                  struct domain_disk *disk, struct native_option **ret_below)
{
    const char *driver = native_list_find(list, "file.driver");
    struct native_option *below = native_image_find_node(native, native_list_find(list, "file"));
    struct native_list *from = below ? &below->list : list;
    const char *filename = below ? "filename" : "file.filename";

    if (below)
        driver = native_list_find(from, "driver");
    if (g_strcmp0(driver, "file") != 0 && g_strcmp0(driver, "host_device") != 0)
        return NULL;
    native_list_ignore(list, "file", "file.driver", NULL);
    if (below) {
        native_list_ignore(from, "driver", "node-name", "auto-read-only", "cache.direct",
                           "cache.no-flush", "read-only", NULL);
        take_block_options(from, disk);
        if (!native_list_find(from, filename) || !native_list_take(from, filename) ||
            !native_list_done(from))
            return NULL;
        *ret_below = below;
        return native_list_find(from, filename);
    }
    return native_list_take(list, filename);
}

/* Fills in source from a node; marks the nodes it is made of in used. */
bool native_image_read_node(struct native *native, const char *name, struct domain_disk *disk,
                            struct domain_source *source, GPtrArray *used)
{
    struct native_option *node = native_image_find_node(native, name), *below = NULL;
    const char *backing, *path;

    if (!node || used->len > DEEPEST_CHAIN || g_ptr_array_find(used, node, NULL))
        return false;
    if (!take_format(&node->list, "driver", &source->format))
        return false;
    path = take_node_file(native, &node->list, disk, &below);
    if (!path)
        return false;
    native_image_set_path(source, path);
    g_ptr_array_add(used, node);
    if (below)
        g_ptr_array_add(used, below);
    native_list_ignore(&node->list, "node-name", "cache.direct", "cache.no-flush", NULL);
    if (source == &disk->source)
        take_block_options(&node->list, disk);
    else
        native_list_ignore(&node->list, "read-only", "discard", NULL);
    backing = native_list_take(&node->list, "backing");
    if (!native_list_done(&node->list))
        return false;
    if (!backing || !*backing)
        return true;
    source->backing = arena_new(native->arena, struct domain_source);
    return native_image_read_node(native, backing, disk, source->backing, used);
}

/* The mode that libvirt's words mean by the switches of the node and of the device. */
uint8_t native_image_cache(const struct native_list *node, struct native_list *device)
{
    static const uint8_t modes[2][2] = {{DISK_CACHE_WRITETHROUGH, DISK_CACHE_WRITEBACK},
                                        {DISK_CACHE_DIRECTSYNC, DISK_CACHE_DISABLE}};
    const char *direct = native_list_find(node, "cache.direct");
    const char *no_flush = native_list_find(node, "cache.no-flush");
    bool write_cache = true;

    if (!native_list_take_bool(device, "write-cache", &write_cache) && !direct && !no_flush)
        return DISK_CACHE_NONE;
    if (g_strcmp0(no_flush, "on") == 0)
        return DISK_CACHE_UNSAFE;
    return modes[g_strcmp0(direct, "on") == 0][write_cache];
}

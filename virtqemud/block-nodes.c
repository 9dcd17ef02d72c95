/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "block-nodes.h"

#include <json-c/json.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"

#include "block-secrets.h"
#include "fd-group.h"
#include "reservations.h"
#include "throttle.h"

#define CDROM_MAJOR 11

/* What of a disk's cache mode concerns block nodes; the rest is the device's write-cache. */
static const struct {
    bool direct, no_flush;
} cache_modes[] = {
    [DISK_CACHE_DISABLE] = {.direct = true},
    [DISK_CACHE_WRITETHROUGH] = {0},
    [DISK_CACHE_WRITEBACK] = {0},
    [DISK_CACHE_DIRECTSYNC] = {.direct = true},
    [DISK_CACHE_UNSAFE] = {.no_flush = true},
};

/* Block drivers of QEMU; NULL: it has none. */
static const char *const format_drivers[] = {
    [IMAGE_FORMAT_NONE] = "raw",    [IMAGE_FORMAT_RAW] = "raw",
    [IMAGE_FORMAT_DIR] = "raw",     [IMAGE_FORMAT_BOCHS] = "bochs",
    [IMAGE_FORMAT_CLOOP] = "cloop", [IMAGE_FORMAT_DMG] = "dmg",
    [IMAGE_FORMAT_ISO] = "raw",     [IMAGE_FORMAT_VPC] = "vpc",
    [IMAGE_FORMAT_VDI] = "vdi",     [IMAGE_FORMAT_FAT] = "raw",
    [IMAGE_FORMAT_VHD] = "vpc",     [IMAGE_FORMAT_PLOOP] = "parallels",
    [IMAGE_FORMAT_COW] = NULL,      [IMAGE_FORMAT_QCOW] = "qcow",
    [IMAGE_FORMAT_QCOW2] = "qcow2", [IMAGE_FORMAT_QED] = "qed",
    [IMAGE_FORMAT_VMDK] = "vmdk",   [IMAGE_FORMAT_LUKS] = NULL,
    [IMAGE_FORMAT_AIO] = "raw",     [IMAGE_FORMAT_VHDX] = "vhdx",
};

/* Formats that can have an image below. */
#define LAYERED_FORMATS                                                                            \
    (1u << IMAGE_FORMAT_QCOW | 1u << IMAGE_FORMAT_QCOW2 | 1u << IMAGE_FORMAT_QED |                 \
     1u << IMAGE_FORMAT_VMDK)

/* NULL: the emulator has none for its format. */
static const char *driver_of(const struct domain_source *source)
{
    const char *driver = block_secrets_driver(source);

    if (driver || source->format >= G_N_ELEMENTS(format_drivers))
        return driver;
    return format_drivers[source->format];
}

static void free_node(void *node)
{
    json_object_put(node);
}

GPtrArray *block_nodes_new(void)
{
    return g_ptr_array_new_with_free_func(free_node);
}

static char *node_name(const char *name, const char *layer)
{
    return g_strdup_printf("libvirt-%s-%s", name, layer);
}

char *block_node_format_name(const struct domain_source *source)
{
    return g_strdup_printf("libvirt-%u-format", source->index);
}

char *block_node_storage_name(const struct domain_source *source)
{
    return g_strdup_printf("libvirt-%u-storage", source->index);
}

static char *name_below_filters(const struct domain_disk *disk)
{
    if (disk->copy_on_read == TRISTATE_ON)
        return g_strdup_printf("libvirt-CoR-%s", disk->target);
    return block_node_format_name(&disk->source);
}

static char *filter_name(const struct domain_disk *disk, unsigned index)
{
    return g_strdup_printf("libvirt-%u-filter%u", disk->source.index, index);
}

char *block_node_of_disk(const struct domain_disk *disk)
{
    if (domain_source_is_empty(&disk->source) || disk->source.type == SOURCE_VHOST_USER)
        return NULL;
    if (disk->throttle_groups.count)
        return filter_name(disk, disk->throttle_groups.count - 1);
    return name_below_filters(disk);
}

enum disk_cache block_cache_of_disk(const struct domain_disk *disk)
{
    bool said = disk->cache != DISK_CACHE_NONE && disk->cache != DISK_CACHE_DEFAULT;

    return !said && disk->shareable && !disk->readonly ? DISK_CACHE_DISABLE : disk->cache;
}

static const char *shown_source(const struct domain_source *source)
{
    if (source->volume)
        return source->volume->volume;
    return source->path ? source->path : source->name ? source->name : "?";
}

static int refuse(const struct domain_source *source, const char *reason, GError **error)
{
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "image '%s': %s", shown_source(source), reason);
    return -1;
}

/* What a client has opened in our place; NULL: it is opened by its path. */
static const struct fd_group_set *fd_set_of(const struct domain_source *source,
                                            const struct arguments_context *context)
{
    return source->fdgroup && context->fd_sets
               ? g_hash_table_lookup(context->fd_sets, source->fdgroup)
               : NULL;
}

/* What cannot be had, and what running without it would get wrong. */
static int check_source(const struct domain_source *source, const struct arguments_context *context,
                        GError **error)
{
    const struct {
        bool used;
        const char *reason;
    } gaps[] = {
        {domain_source_type(source) == SOURCE_VOLUME,
         "which storage a volume is, is known when its guest starts"},
        {source->type == SOURCE_NVME && !emulator_has(context->emulator, EMULATOR_BLOCK_NVME),
         "the emulator has no NVMe driver of its own"},
        {source->type == SOURCE_VHOST_VDPA &&
             !emulator_has(context->emulator, EMULATOR_BLOCK_VHOST_VDPA),
         "the emulator has no vhost-vdpa"},
        {source->type == SOURCE_CTL, "type 'ctl' is for other hypervisors"},
        {source->fdgroup && !fd_set_of(source, context),
         "descriptors passed by clients are for images of disks"},
        {source->reservations && source->reservations->managed != TRISTATE_YES &&
             !source->reservations->path,
         "the <source> of its <reservations> has no path"},
        {source->data_file && source->format != IMAGE_FORMAT_QCOW2,
         "qcow2 images alone have a <dataStore>"},
        {source->data_file && source->data_file->format != IMAGE_FORMAT_RAW,
         "the format of its <dataStore> is not raw"},
        {!driver_of(source), "the emulator has no driver for its format"},
        {domain_source_is_local(source) && !source->path && !source->fdgroup, "it has no path"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++)
        if (gaps[i].used)
            return refuse(source, gaps[i].reason, error);
    return block_secrets_check_emulator(source, context->emulator, error);
}

static void add_cache(struct json_object *json, unsigned cache)
{
    if (cache == DISK_CACHE_NONE || cache == DISK_CACHE_DEFAULT)
        return;
    json_add(json, "j:cache",
             json_build("b:direct", cache_modes[cache].direct, "b:no-flush",
                        cache_modes[cache].no_flush, NULL),
             NULL);
}

/* ---- the node that reaches the bytes ---- */

/* A real drive, whose media the guest may change, and not an image on a block device. */
static bool is_host_cdrom(const struct domain_source *source,
                          const struct arguments_context *context)
{
    struct stat about;

    return !context->plan && !source->fdgroup && stat(source->path, &about) == 0 &&
           S_ISBLK(about.st_mode) && major(about.st_rdev) == CDROM_MAJOR;
}

static struct json_object *nvme_properties(const struct source_nvme *nvme)
{
    g_autofree char *address = pci_address_print(&nvme->address);

    return json_build("s:driver", "nvme", "s:device", address, "u:namespace", nvme->namespace,
                      NULL);
}

static struct json_object *local_properties(const struct domain_source *source,
                                            const struct block_options *options,
                                            const struct arguments_context *context)
{
    static const char *const aio[] = {
        [DISK_IO_NATIVE] = "native", [DISK_IO_THREADS] = "threads", [DISK_IO_URING] = "io_uring"};
    g_autofree char *manager = reservations_manager(source);
    const struct fd_group_set *set = fd_set_of(source, context);
    const char *driver = "file";

    if (source->type == SOURCE_NVME)
        return nvme_properties(source->nvme);
    if (source->type == SOURCE_VHOST_VDPA)
        return json_build("s:driver", "virtio-blk-vhost-vdpa", "s:path", source->path, NULL);
    if (domain_source_type(source) == SOURCE_DIR)
        return json_build("s:driver", "vvfat", "s:dir", source->path, "b:floppy", options->floppy,
                          "b:rw", !options->readonly, NULL);
    if (domain_source_type(source) == SOURCE_BLOCK)
        driver = is_host_cdrom(source, context) ? "host_cdrom" : "host_device";
    return json_build("s:driver", driver, "s:filename", set ? set->path : source->path, "S:aio",
                      aio[options->io], "S:pr-manager", manager, NULL);
}

/* QEMU opens for reading first, and again when something writes. Of descriptors that were all
 * opened in one way it can only have that. */
static void add_mode(struct json_object *node, const struct fd_group_set *set)
{
    if (!set || (set->readable && set->writable))
        json_add(node, "b:auto-read-only", true, NULL);
    else
        json_add(node, "b:read-only", !set->writable, NULL);
}

static int check_mode(const struct domain_source *source, const struct fd_group_set *set,
                      const struct block_options *options, GError **error)
{
    if (!set || set->writable || (set->readable && options->readonly))
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG,
              "file descriptor group '%s' has none that is open for reading%s", source->fdgroup,
              options->readonly ? "" : " and writing");
    return -1;
}

static int build_storage(const struct domain_source *source, const char *name,
                         const struct block_options *options,
                         const struct arguments_context *context, GPtrArray *nodes, GError **error)
{
    struct json_object *node JSON_AUTO = NULL;

    if (domain_source_type(source) != SOURCE_NETWORK)
        node = local_properties(source, options, context);
    else if (block_network_properties(source, context, &node, error) < 0 ||
             block_secrets_add_network(source, name, context, node, nodes, error) < 0)
        return -1;
    json_add(node, "s:node-name", name, NULL);
    add_cache(node, options->cache);
    add_mode(node, fd_set_of(source, context));
    json_add(node, "s:discard", "unmap", NULL);
    g_ptr_array_add(nodes, g_steal_pointer(&node));
    return 0;
}

/* ---- the node that knows the format ---- */

static const char *detect_zeroes_word(const struct block_options *options)
{
    /* without discard there is nothing that zeroes could be turned into */
    if (options->detect_zeroes == DISK_DETECT_ZEROES_UNMAP &&
        options->discard != DISK_DISCARD_UNMAP)
        return "on";
    return options->detect_zeroes ? names_word(&disk_detect_zeroes_names, options->detect_zeroes)
                                  : NULL;
}

static const struct source_slice *storage_slice(const struct domain_source *source)
{
    LIST_EACH (slice, &source->slices)
        if (g_strcmp0(slice->type, "storage") == 0)
            return slice;
    return NULL;
}

static void add_slice(struct json_object *node, const struct source_slice *slice)
{
    if (slice)
        json_add(node, "U:offset", slice->offset.value, "U:size", slice->size, NULL);
}

/* Only it can be a window of what is below. */
static bool is_raw(const struct domain_source *source)
{
    return g_strcmp0(driver_of(source), "raw") == 0;
}

/* Below: the name of the node of the image below; NULL: none, or not known in a plan. */
static struct json_object *build_format(const struct domain_source *source, const char *name,
                                        const char *file, const char *below,
                                        const struct block_options *options)
{
    struct json_object *node =
        json_build("s:node-name", name, "b:read-only", options->readonly, "S:discard",
                   options->discard ? names_word(&disk_discard_names, options->discard) : NULL,
                   "S:detect-zeroes", detect_zeroes_word(options), NULL);

    add_cache(node, options->cache);
    json_add(node, "s:driver", driver_of(source), NULL);
    if (source->metadata_cache)
        json_add(node, "U:cache-size", source->metadata_cache->max_size, NULL);
    if (options->discard_no_unref != TRISTATE_ABSENT)
        json_add(node, "b:discard-no-unref", options->discard_no_unref == TRISTATE_ON, NULL);
    if (is_raw(source))
        add_slice(node, storage_slice(source));
    json_add(node, "s:file", file, NULL);
    if (below)
        json_add(node, "s:backing", below, NULL);
    else if (source->backing && LAYERED_FORMATS >> source->format & 1)
        json_add(node, "j:backing", NULL, NULL);
    return node;
}

/* A window of an image of any format but raw, which does it by itself: *ret_name, NULL where there
 * is none. */
static void add_window(const struct domain_source *source, const char *name, const char *file,
                       const struct block_options *options, GPtrArray *nodes, char **ret_name)
{
    *ret_name = NULL;
    if (!storage_slice(source) || is_raw(source))
        return;
    *ret_name = node_name(name, "slice-sto");
    struct json_object *node = json_build("s:node-name", *ret_name, "s:driver", "raw",
                                          "b:auto-read-only", true, "s:discard", "unmap", NULL);
    add_cache(node, options->cache);
    add_slice(node, storage_slice(source));
    json_add(node, "s:file", file, NULL);
    g_ptr_array_add(nodes, node);
}

/* ---- images and chains ---- */

static int add_image(const struct domain_source *source, const char *name, const char *below,
                     const struct block_options *options, const struct arguments_context *context,
                     GPtrArray *nodes, GError **error);

/* The file that has the data of an image; *ret_name: its node, NULL where there is none. */
static int add_data(const struct domain_source *source, const struct block_options *options,
                    const struct arguments_context *context, GPtrArray *nodes, char **ret_name,
                    GError **error)
{
    const struct domain_source *data = source->data_file;
    g_autofree char *name = data ? g_strdup_printf("%u", data->index) : NULL;

    if (data && add_image(data, name, NULL, options, context, nodes, error) < 0)
        return -1;
    *ret_name = data ? block_node_format_name(data) : NULL;
    return 0;
}

static int add_image(const struct domain_source *source, const char *name, const char *below,
                     const struct block_options *options, const struct arguments_context *context,
                     GPtrArray *nodes, GError **error)
{
    g_autofree char *storage = node_name(name, "storage");
    g_autofree char *format = node_name(name, "format");
    g_autofree char *window = NULL;
    g_autofree char *data = NULL;

    if (check_source(source, context, error) < 0 ||
        add_data(source, options, context, nodes, &data, error) < 0 ||
        check_mode(source, fd_set_of(source, context), options, error) < 0 ||
        build_storage(source, storage, options, context, nodes, error) < 0)
        return -1;
    add_window(source, name, storage, options, nodes, &window);
    struct json_object *node JSON_AUTO =
        build_format(source, format, window ? window : storage, below, options);
    json_add(node, "S:data-file", data, NULL);
    if (block_secrets_add_format(source, format, context, node, nodes, error) < 0)
        return -1;
    g_ptr_array_add(nodes, g_steal_pointer(&node));
    return 0;
}

int block_nodes_image(const struct domain_source *source, const char *name,
                      const struct block_options *options, const struct arguments_context *context,
                      GPtrArray *nodes, GError **error)
{
    return add_image(source, name, NULL, options, context, nodes, error);
}

/* QEMU must never look for itself what is below: it would believe any image. */
static int check_known(const struct domain_source *source, const struct arguments_context *context,
                       GError **error)
{
    if (context->plan || source->backing || !(LAYERED_FORMATS >> source->format & 1))
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "what is below image '%s' was not looked up",
              shown_source(source));
    return -1;
}

static int add_chain(const struct domain_source *source, const struct block_options *options,
                     const struct arguments_context *context, GPtrArray *nodes, GError **error)
{
    struct block_options lower = *options;
    g_autofree char *name = g_strdup_printf("%u", source->index);
    g_autofree char *below = NULL;

    lower.readonly = true;
    lower.detect_zeroes = DISK_DETECT_ZEROES_NONE; /* nobody writes there */
    if (check_known(source, context, error) < 0)
        return -1;
    if (source->backing && source->backing->type != SOURCE_NONE) {
        below = block_node_format_name(source->backing);
        if (add_chain(source->backing, &lower, context, nodes, error) < 0)
            return -1;
    }
    return add_image(source, name, below, options, context, nodes, error);
}

static void add_copy_on_read(const struct domain_disk *disk, GPtrArray *nodes)
{
    g_autofree char *name = name_below_filters(disk);
    g_autofree char *file = block_node_format_name(&disk->source);

    g_ptr_array_add(nodes, json_build("s:driver", "copy-on-read", "s:node-name", name, "s:file",
                                      file, "s:discard", "unmap", NULL));
}

static void add_filters(const struct domain_disk *disk, GPtrArray *nodes)
{
    LIST_EACH (group, &disk->throttle_groups) {
        g_autofree char *name = filter_name(disk, group_i);
        g_autofree char *below =
            group_i > 0 ? filter_name(disk, group_i - 1) : name_below_filters(disk);
        g_autofree char *object = throttle_object_name(group);

        g_ptr_array_add(nodes, json_build("s:driver", "throttle", "s:node-name", name,
                                          "s:throttle-group", object, "s:file", below, NULL));
    }
}

int block_nodes_disk(const struct domain_disk *disk, const struct arguments_context *context,
                     GPtrArray *nodes, GError **error)
{
    const struct block_options options = {
        .readonly = disk->readonly || disk->device == DISK_DEVICE_CDROM,
        .cache = block_cache_of_disk(disk),
        .io = disk->io,
        .discard = disk->discard,
        .detect_zeroes = disk->detect_zeroes,
        .discard_no_unref = disk->discard_no_unref,
        .floppy = disk->device == DISK_DEVICE_FLOPPY,
    };

    if (domain_source_is_empty(&disk->source) || disk->source.type == SOURCE_VHOST_USER)
        return 0;
    if (add_chain(&disk->source, &options, context, nodes, error) < 0)
        return -1;
    if (disk->copy_on_read == TRISTATE_ON)
        add_copy_on_read(disk, nodes);
    add_filters(disk, nodes);
    return 0;
}

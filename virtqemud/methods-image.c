/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "driver/domains.h"
#include "protocol/remote-handlers.h"

#include "block-nodes.h"
#include "guest.h"
#include "methods.h"
#include "qmp-commands.h"

/* Images of running guests: their size, and how full they may get before somebody is told. */

/* ---- size ---- */

#define SECTOR 512

static int check_resizable(const struct domain_disk *disk, const char *name, GError **error)
{
    if (!disk) {
        error_set(error, VIR_ERR_INVALID_ARG, "disk '%s' was not found in the domain config", name);
        return -1;
    }
    if (domain_source_is_empty(&disk->source) || disk->readonly) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "disk '%s' is empty or read-only", name);
        return -1;
    }
    return 0;
}

/* In bytes. A device of the host is as large as it is; to say so needs no number. */
static int wanted_size(const struct remote_domain_block_resize_args *args,
                       const struct domain_disk *disk, struct qmp *qmp, struct arena *arena,
                       uint64_t *ret_size, GError **error)
{
    g_autofree char *node = block_node_storage_name(&disk->source);
    struct qmp_block_node *nodes;
    unsigned count;

    *ret_size = args->flags & VIR_DOMAIN_BLOCK_RESIZE_BYTES ? args->size : args->size * 1024;
    if (!(args->flags & VIR_DOMAIN_BLOCK_RESIZE_CAPACITY))
        return 0;
    if (domain_source_type(&disk->source) != SOURCE_BLOCK ||
        disk->source.format != IMAGE_FORMAT_RAW) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "block resize to the full capacity is only supported for raw block devices");
        return -1;
    }
    if (qmp_get_named_block_nodes(qmp, 0, arena, &nodes, &count, error) < 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        if (g_strcmp0(nodes[i].node, node) == 0 && *ret_size == 0)
            *ret_size = nodes[i].capacity;
    return 0;
}

static int check_growing(const struct domain_disk *disk, struct qmp *qmp, struct arena *arena,
                         uint64_t size, GError **error)
{
    g_autofree char *node = block_node_format_name(&disk->source);
    struct qmp_block_node *nodes;
    unsigned count;

    if (qmp_get_named_block_nodes(qmp, 0, arena, &nodes, &count, error) < 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        if (g_strcmp0(nodes[i].node, node) == 0 && nodes[i].capacity > size) {
            error_set(error, VIR_ERR_INVALID_ARG,
                      "disk '%s' is larger already: %" G_GUINT64_FORMAT " bytes", disk->target,
                      nodes[i].capacity);
            return -1;
        }
    return 0;
}

static int resize(struct call *call, const struct remote_domain_block_resize_args *args,
                  const struct domain_disk *disk, struct qmp *qmp, GError **error)
{
    g_autofree char *node = block_node_format_name(&disk->source);
    uint64_t size;

    if (wanted_size(args, disk, qmp, &call->arena, &size, error) < 0 ||
        (args->flags & VIR_DOMAIN_BLOCK_RESIZE_EXTEND &&
         check_growing(disk, qmp, &call->arena, size, error) < 0))
        return -1;
    if (size > INT64_MAX - SECTOR) {
        error_set(error, VIR_ERR_OVERFLOW, "%" G_GUINT64_FORMAT " is no size of an image",
                  args->size);
        return -1;
    }
    return qmp_block_resize(qmp, node, (size + SECTOR - 1) / SECTOR * SECTOR, 0, error);
}

int domain_block_resize(struct call *call, const struct remote_domain_block_resize_args *args,
                        void *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (!(args->flags & VIR_DOMAIN_BLOCK_RESIZE_BYTES) && args->size > UINT64_MAX / 1024) {
        error_set(error, VIR_ERR_OVERFLOW, "size must be less than %" G_GUINT64_FORMAT,
                  UINT64_MAX / 1024);
        return -1;
    }
    object_get_view(call->object, &view);
    const struct domain_disk *disk = domain_find_disk_or_path(view_live(&view), args->disk);
    if (check_resizable(disk, args->disk, error) < 0)
        return -1;
    struct qmp *qmp = guest_get_qmp(guest_of(call->object), error);
    if (!qmp)
        return -1;
    int result = resize(call, args, disk, qmp, error);
    qmp_unref(qmp);
    return result;
}

/* ---- warnings ---- */

/* "vda" is a disk's image, "vda[3]" the one in its chain with that number. Borrowed. */
static const struct domain_source *find_image(const struct domain *live, const char *name,
                                              GError **error)
{
    const char *bracket = strchr(name, '[');
    g_autofree char *target = bracket ? g_strndup(name, (size_t)(bracket - name)) : g_strdup(name);
    const struct domain_disk *disk = domain_find_disk(live, target);
    unsigned long index = bracket ? strtoul(bracket + 1, NULL, 10) : 0;

    for (const struct domain_source *source = disk ? &disk->source : NULL; source;
         source = source->backing)
        if (!bracket || source->index == index)
            return source;
    error_set(error, VIR_ERR_INVALID_ARG, "failed to find disk '%s'", name);
    return NULL;
}

int domain_set_block_threshold(struct call *call,
                               const struct remote_domain_set_block_threshold_args *args, void *ret,
                               GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(call->object, &view);
    const struct domain_source *source = find_image(view_live(&view), args->dev, error);
    if (!source)
        return -1;
    if (domain_source_is_empty(source)) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "threshold currently can't be set for block device '%s'", args->dev);
        return -1;
    }
    g_autofree char *node = block_node_storage_name(source);
    struct qmp *qmp = guest_get_qmp(guest_of(call->object), error);
    if (!qmp)
        return -1;
    int result = qmp_set_write_threshold(qmp, node, args->threshold, 0, error);
    qmp_unref(qmp);
    return result;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_block_resize),
     .flags = VIR_DOMAIN_BLOCK_RESIZE_BYTES | VIR_DOMAIN_BLOCK_RESIZE_CAPACITY |
              VIR_DOMAIN_BLOCK_RESIZE_EXTEND,
     .job = true,
     .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_set_block_threshold), .job = true, .state = METHOD_ACTIVE},
};

const struct driver_methods image_methods = DRIVER_METHODS(rows);

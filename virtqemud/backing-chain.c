/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backing-chain.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-below.h"
#include "image/image-server.h"

#define LONGEST_CHAIN 200

static int refuse(const struct domain_source *source, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static int refuse(const struct domain_source *source, GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "image '%s': %s",
              source->path ? source->path : source->name, reason);
    return -1;
}

static int make_backing(struct domain_source *source, const struct image_header *header,
                        struct arena *arena, GError **error)
{
    struct domain_source *backing = arena_new(arena, struct domain_source);
    struct image_below below IMAGE_BELOW_AUTO = {0};

    if (header->backing) {
        if (image_below_find(source->path, header, &below, error) < 0)
            return -1;
        if (!below.path) {
            if (image_server_read(source->path, header->backing, arena, backing, error) < 0)
                return -1;
        } else {
            backing->path = arena_strdup(arena, below.path);
            backing->type = below.is_device ? SOURCE_BLOCK : SOURCE_FILE;
        }
        backing->format = (uint8_t)below.format;
        backing->detected = TRISTATE_YES;
    }
    source->backing = backing;
    return 0;
}

/* ---- chains ---- */

static int load_one(struct domain_source *source, struct arena *arena, GError **error)
{
    struct image_header header IMAGE_HEADER_AUTO = {0};
    autofd int fd = -1;

    /* over the network, and in folders, nothing is looked up: the document tells, or there is
     * nothing */
    enum source_type type = domain_source_type(source);
    if ((type != SOURCE_FILE && type != SOURCE_BLOCK) || !source->path || source->fdgroup)
        return make_backing(source, &header, arena, error);
    if (!image_header_has_backing(source->format)) {
        if (access(source->path, F_OK) == 0 || errno == EACCES)
            return make_backing(source, &header, arena, error);
        error_set_errno(error, errno, "Cannot access storage file '%s'", source->path);
        return -1;
    }
    if (image_open(source->path, &fd, error) < 0 ||
        image_header_read(fd, source->format, source->path, &header, error) < 0)
        return -1;
    if (header.data_file)
        return refuse(source, error, "external data files are not in this version");
    return make_backing(source, &header, arena, error);
}

int backing_chain_load_source(struct domain_source *source, struct arena *arena, GError **error)
{
    struct domain_source *at = source;

    for (unsigned depth = 0; at && at->type != SOURCE_NONE; depth++, at = at->backing) {
        if (depth == LONGEST_CHAIN)
            return refuse(source, error, "more than %d images are below it, or it is below itself",
                          LONGEST_CHAIN);
        if (!at->backing && load_one(at, arena, error) < 0)
            return -1;
    }
    return 0;
}

/* A drive may do without a medium that is not there. */
static void drop_missing(struct domain_disk *disk)
{
    struct domain_source *source = &disk->source;

    if (source->startup_policy != STARTUP_POLICY_OPTIONAL || !source->path ||
        access(source->path, F_OK) == 0 || errno != ENOENT)
        return;
    source->path = NULL;
    source->volume = NULL;
    source->index = 0;
    source->backing = NULL;
}

unsigned backing_chain_highest(const struct domain *live)
{
    unsigned highest = 0;

    LIST_EACH (disk, &live->devices.disks)
        for (const struct domain_source *at = &disk->source; at; at = at->backing)
            highest = MAX(highest, at->index);
    return highest;
}

unsigned backing_chain_number_source(struct domain_source *source, unsigned highest)
{
    for (struct domain_source *at = source; at && !domain_source_is_empty(at); at = at->backing)
        if (at->index == 0)
            at->index = ++highest;
    return highest;
}

void backing_chain_number(struct domain *live)
{
    unsigned highest = backing_chain_highest(live);

    /* from the last disk on, as everybody is used to */
    for (unsigned i = live->devices.disks.count; i-- > 0;)
        highest = backing_chain_number_source(&live->devices.disks.items[i]->source, highest);
}

int backing_chain_load(struct domain *live, GError **error)
{
    LIST_EACH (disk, &live->devices.disks) {
        drop_missing(disk);
        if (!domain_source_is_empty(&disk->source) &&
            backing_chain_load_source(&disk->source, &live->definition.arena, error) < 0)
            return -1;
    }
    backing_chain_number(live);
    return 0;
}

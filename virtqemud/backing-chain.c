/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backing-chain.h"

#include <errno.h>
#include <json-c/json.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-below.h"
#include "image/image-server.h"

#include "block-nodes.h"
#include "json.h"

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

/* A guest would write to whatever file the image names: the document must have it, too. */
static int check_data(const struct domain_source *source, bool elsewhere, GError **error)
{
    if (elsewhere && !source->data_file)
        return refuse(source, error, "its data are in another file, which a <dataStore> must name");
    if (!elsewhere && source->data_file)
        return refuse(source, error, "it has its data itself, and a <dataStore>");
    return 0;
}

static int load_one(struct domain_source *source, struct arena *arena, GError **error)
{
    struct image_header header IMAGE_HEADER_AUTO = {0};
    autofd int fd = -1;

    /* over the network, and in folders, nothing is looked up: the document tells, or there is
     * nothing */
    enum source_type type = domain_source_type(source);
    if ((type != SOURCE_FILE && type != SOURCE_BLOCK) || !source->path || source->fdgroup) {
        if (make_backing(source, &header, arena, error) < 0)
            return -1;
        source->backing->detected = TRISTATE_YES; /* until QEMU has looked */
        return 0;
    }
    if (!image_header_has_backing(source->format)) {
        if (access(source->path, F_OK) == 0 || errno == EACCES)
            return make_backing(source, &header, arena, error);
        error_set_errno(error, errno, "Cannot access storage file '%s'", source->path);
        return -1;
    }
    if (image_open(source->path, &fd, error) < 0 ||
        image_header_read(fd, source->format, source->path, &header, error) < 0 ||
        check_data(source, header.data_file, error) < 0)
        return -1;
    return make_backing(source, &header, arena, error);
}

/* What is below is known; where its own data are is in the header, which root may be unable to read
 * where QEMU is not. */
static int check_one(const struct domain_source *source, GError **error)
{
    struct image_header header IMAGE_HEADER_AUTO = {0};
    autofd int fd = -1;

    if (!domain_source_is_local(source) || source->format != IMAGE_FORMAT_QCOW2 || !source->path ||
        source->fdgroup || image_open(source->path, &fd, NULL) < 0)
        return 0;
    if (image_header_read(fd, source->format, source->path, &header, error) < 0)
        return -1;
    return check_data(source, header.data_file, error);
}

int backing_chain_load_source(struct domain_source *source, struct arena *arena, GError **error)
{
    struct domain_source *at = source;

    for (unsigned depth = 0; at && at->type != SOURCE_NONE; depth++, at = at->backing) {
        if (depth == LONGEST_CHAIN)
            return refuse(source, error, "more than %d images are below it, or it is below itself",
                          LONGEST_CHAIN);
        if ((at->backing ? check_one(at, error) : load_one(at, arena, error)) < 0)
            return -1;
    }
    return 0;
}

/* ---- what QEMU has seen ---- */

static bool is_assumed(const struct domain_source *source)
{
    return domain_source_type(source) == SOURCE_NETWORK &&
           image_header_has_backing(source->format) && source->backing &&
           source->backing->type == SOURCE_NONE && source->backing->detected == TRISTATE_YES;
}

/* NULL: there is none, or there is no such node. Borrowed from the nodes. */
static const char *find_below(struct json_object *nodes, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(nodes); i++) {
        struct json_object *node = json_object_array_get_idx(nodes, i);

        if (g_strcmp0(json_string_member(node, "node-name"), name) == 0)
            return json_string_member(json_member(node, "image"), "backing-filename");
    }
    return NULL;
}

static int confirm(const struct domain_source *source, struct json_object *nodes, GError **error)
{
    g_autofree char *name = block_node_format_name(source);
    const char *below = find_below(nodes, name);

    return below ? refuse(source, error,
                          "it is on a server and has '%s' below it, which a "
                          "<backingStore> must say",
                          below)
                 : 0;
}

int backing_chain_confirm_source(const struct domain_source *source, struct qmp *qmp,
                                 GError **error)
{
    struct json_object *nodes JSON_AUTO = NULL;

    for (; source; source = source->backing) {
        if (!is_assumed(source))
            continue;
        if (!nodes && qmp_execute(qmp, "query-named-block-nodes", json_build("b:flat", true, NULL),
                                  0, &nodes, error) < 0)
            return -1;
        if (confirm(source, nodes, error) < 0)
            return -1;
    }
    return 0;
}

int backing_chain_confirm(const struct domain *live, struct qmp *qmp, GError **error)
{
    LIST_EACH (disk, &live->devices.disks)
        if (backing_chain_confirm_source(&disk->source, qmp, error) < 0)
            return -1;
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
            highest = MAX(highest, MAX(at->index, at->data_file ? at->data_file->index : 0));
    return highest;
}

unsigned backing_chain_number_source(struct domain_source *source, unsigned highest)
{
    for (struct domain_source *at = source; at && !domain_source_is_empty(at); at = at->backing) {
        if (at->index == 0)
            at->index = ++highest;
        if (at->data_file && at->data_file->index == 0)
            at->data_file->index = ++highest;
    }
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

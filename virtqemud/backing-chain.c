/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backing-chain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-header.h"


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

/* What is a regular file or a block device is opened for reading; a pipe would stop us for good. */
static int open_image(const char *path, int *ret_fd, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat about;

    if (fd < 0 || fstat(fd, &about) < 0) {
        error_set_errno(error, errno, "Cannot access storage file '%s'", path);
        return -1;
    }
    if (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode)) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "image '%s' is neither a file nor a block device", path);
        return -1;
    }
    *ret_fd = fd_take(&fd);
    return 0;
}

/* ---- what a header names ---- */

/* A name with a protocol: "json:...", "nbd://host/". A path may have colons behind a slash. */
static bool has_protocol(const char *name)
{
    size_t word = strcspn(name, ":/");

    return name[word] == ':';
}

/* Relative to the folder of the image that names it. */
static char *resolve_path(const char *image, const char *name, struct arena *arena)
{
    if (g_path_is_absolute(name))
        return arena_strdup(arena, name);
    g_autofree char *folder = g_path_get_dirname(image);
    return arena_printf(arena, "%s/%s", folder, name);
}

/* QEMU's words for formats, some of which are the drivers that reach the bytes. */
static int format_of_word(const char *word)
{
    if (strcmp(word, "file") == 0 || strcmp(word, "host_device") == 0)
        return IMAGE_FORMAT_RAW;
    return names_find(&image_format_names, word);
}

/* An image without a word about its format, and not looking raw: whoever wrote its first bytes
 * would choose what else is opened. */
static int check_raw(const struct domain_source *above, const char *path, GError **error)
{
    autofd int fd = -1;

    if (open_image(path, &fd, error) < 0)
        return -1;
    enum image_format looks = image_header_guess(fd);
    if (looks == IMAGE_FORMAT_RAW)
        return 0;
    return refuse(above, error,
                  "format of backing image '%s' was not specified in the image metadata: it looks "
                  "like %s; say so with 'qemu-img rebase -u -F' or in <backingStore>",
                  path, names_word(&image_format_names, looks));
}

static int find_format(const struct domain_source *above, const struct image_header *header,
                       const char *path, uint8_t *ret_format, GError **error)
{
    int format = header->backing_format ? format_of_word(header->backing_format) : IMAGE_FORMAT_RAW;

    if (format <= 0)
        return refuse(above, error, "unknown format '%s' of the image below",
                      header->backing_format);
    if (!header->backing_format && check_raw(above, path, error) < 0)
        return -1;
    *ret_format = (uint8_t)format;
    return 0;
}

static int make_backing(struct domain_source *source, const struct image_header *header,
                        struct arena *arena, GError **error)
{
    struct domain_source *backing = arena_new(arena, struct domain_source);
    const char *name = header->backing;
    struct stat about;

    if (name && g_str_has_prefix(name, "file:"))
        name += strlen("file:");
    if (!name) {
        source->backing = backing;
        return 0;
    }
    if (has_protocol(name))
        return refuse(source, error,
                      "the image below is '%s': this version needs a <backingStore> for it", name);
    backing->path = resolve_path(source->path, name, arena);
    if (stat(backing->path, &about) < 0) {
        error_set_errno(error, errno, "Cannot access backing file '%s' of storage file '%s'",
                        backing->path, source->path);
        return -1;
    }
    backing->type = S_ISBLK(about.st_mode) ? SOURCE_BLOCK : SOURCE_FILE;
    backing->detected = TRISTATE_YES;
    if (find_format(source, header, backing->path, &backing->format, error) < 0)
        return -1;
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
    if (open_image(source->path, &fd, error) < 0 ||
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transient.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"

#include "backing-chain.h"

#define MARK ".TRANSIENT-"
#define MAKE_DEADLINE_MS 30000

const struct domain_source *transient_image(const struct domain_disk *disk)
{
    const char *path = disk->source.path;
    const struct domain_source *below = disk->source.backing;

    if (!disk->transient || !path || !below || !below->path ||
        !g_str_has_prefix(path, below->path) ||
        !g_str_has_prefix(path + strlen(below->path), MARK))
        return NULL;
    return below;
}

/* ---- in the document ---- */

int transient_choose(struct domain *live, struct domain_disk *disk, unsigned *highest,
                     GError **error)
{
    struct arena *arena = &live->definition.arena;

    if (!disk->transient || transient_image(disk))
        return 0;
    const char *path = arena_printf(arena, "%s" MARK "%s", disk->source.path, live->name);
    if (access(path, F_OK) == 0 || errno != ENOENT) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "Overlay file '%s' for transient disk '%s' already exists", path, disk->target);
        return -1;
    }
    struct domain_source *image = arena_new(arena, struct domain_source);
    *image = disk->source;
    disk->source = (struct domain_source){
        .type = SOURCE_FILE, .format = IMAGE_FORMAT_QCOW2, .path = path, .backing = image};
    *highest = backing_chain_number_source(&disk->source, *highest);
    return 0;
}

int transient_choose_all(struct domain *live, GError **error)
{
    unsigned highest = backing_chain_highest(live);

    LIST_EACH (disk, &live->devices.disks)
        if (transient_choose(live, disk, &highest, error) < 0)
            return -1;
    return 0;
}

/* ---- on the disk ---- */

static int make(const struct domain_disk *disk, const char *program, GError **error)
{
    const struct domain_source *image = transient_image(disk);
    const char *format = names_word(&image_format_names, image->format ?: IMAGE_FORMAT_RAW);
    const char *argv[] = {program, "create", "-q",        "-f", "qcow2",           "-F",
                          format,  "-b",     image->path, "--", disk->source.path, NULL};
    const struct process_spec spec = {.argv = argv, .umask = 0077};

    if (process_run(&spec, 65536, MAKE_DEADLINE_MS, NULL, error) == 0)
        return 0;
    g_prefix_error(error, "disk '%s': cannot make its overlay: ", disk->target);
    return -1;
}

int transient_make(const struct domain *live, GError **error)
{
    g_autofree char *program = NULL;

    LIST_EACH (disk, &live->devices.disks) {
        if (!transient_image(disk))
            continue;
        if (!program && !(program = g_find_program_in_path("qemu-img"))) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                      "disk '%s': <transient/> needs the program 'qemu-img': install the package "
                      "qemu-utils",
                      disk->target);
            return -1;
        }
        if (make(disk, program, error) < 0)
            return -1;
    }
    return 0;
}

void transient_remove(const struct domain *live)
{
    LIST_EACH (disk, &live->devices.disks)
        if (transient_image(disk) && unlink(disk->source.path) < 0 && errno != ENOENT)
            log_warn("cannot remove %s: %s", disk->source.path, g_strerror(errno));
}

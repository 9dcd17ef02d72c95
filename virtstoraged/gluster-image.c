/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gluster-image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-header.h"

#include "folder.h"

/* What is read of an image to know it: formats keep what is asked for at its beginning, or in its
 * last sector. */
#define GUESS_BYTES 65536
#define HEADER_BYTES (1024 * 1024)
#define TRAILER_BYTES 512

static void glfs_close_at(glfs_fd_t **file)
{
    if (*file)
        glfs_close(*file);
}

static int copy_range(glfs_fd_t *file, int to, off_t start, off_t end)
{
    g_autofree char *buffer = g_malloc(GUESS_BYTES);

    while (start < end) {
        ssize_t got =
            glfs_pread(file, buffer, (size_t)MIN(GUESS_BYTES, end - start), start, 0, NULL);
        if (got <= 0)
            return (int)got;
        if (pwrite(to, buffer, (size_t)got, start) != got)
            return -1;
        start += got;
    }
    return 0;
}

/* The readers of images want a file: this is one with the same size and those parts. */
static int read_header(glfs_fd_t *file, off_t size, struct storage_volume *volume,
                       const struct volumes *volumes)
{
    autofd int copy = memfd_create("image", MFD_CLOEXEC);

    if (copy < 0 || ftruncate(copy, size) < 0 ||
        copy_range(file, copy, 0, MIN(size, GUESS_BYTES)) < 0 ||
        copy_range(file, copy, MAX(size - TRAILER_BYTES, 0), size) < 0)
        return -1;
    if (image_header_guess(copy) != IMAGE_FORMAT_RAW &&
        copy_range(file, copy, GUESS_BYTES, MIN(size, HEADER_BYTES)) < 0)
        return -1;
    folder_fill_header(volume, volumes, copy);
    return 0;
}

static int fill_image(const struct gluster_link *link, const struct volumes *volumes,
                      const struct stat *about, struct storage_volume *volume, GError **error)
{
    g_autofree char *path = gluster_link_path(link, volume->name);
    glfs_fd_t *file __attribute__((cleanup(glfs_close_at))) =
        glfs_open(link->volume, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);

    if (file && read_header(file, about->st_size, volume, volumes) == 0)
        return 0;
    error_set_errno(error, errno, "cannot read '%s'", volume->target.path);
    return -1;
}

static struct storage_volume *new_volume(const struct gluster_link *link, const char *name,
                                         const struct stat *about)
{
    struct storage_volume *volume = (struct storage_volume *)definition_new(&storage_volume_schema);
    struct arena *arena = &volume->definition.arena;
    g_autofree char *escaped = g_uri_escape_string(name, "~!$&'()*+,;=:@", FALSE);

    volume->name = arena_strdup(arena, name);
    volume->key = arena_printf(arena, "%s/%s", link->uri, escaped);
    volume->target.path = volume->key;
    folder_fill_stat(volume, about);
    if (S_ISDIR(about->st_mode)) {
        volume->type = STORAGE_VOLUME_NETDIR;
        volume->target.format = IMAGE_FORMAT_DIR;
        volume->capacity = volume->allocation = OPT_ULONG(0);
        volume->physical = (struct opt_ulong){0};
    } else {
        volume->type = STORAGE_VOLUME_NETWORK;
        volume->target.format = IMAGE_FORMAT_RAW;
    }
    return volume;
}

int gluster_image_describe(const struct gluster_link *link, const struct volumes *volumes,
                           const char *name, const struct stat *about, bool known_raw,
                           struct storage_volume **ret_found, GError **error)
{
    DEFINITION_AUTO struct storage_volume *volume = NULL;

    if (S_ISDIR(about->st_mode) || S_ISREG(about->st_mode))
        volume = new_volume(link, name, about);
    if (S_ISREG(about->st_mode) && !known_raw &&
        fill_image(link, volumes, about, volume, error) < 0)
        return -1;
    *ret_found = g_steal_pointer(&volume);
    return 0;
}

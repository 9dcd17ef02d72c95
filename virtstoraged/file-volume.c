/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/image-header.h"

#include "backend.h"
#include "bytes.h"
#include "folder.h"
#include "part.h"
#include "qemu-img.h"
#include "volume-key.h"

/* Volumes that are files of the pool's folder. Whatever happens to its path: it is reached by a
 * descriptor, and no link is followed. */

#define SECTOR 512

/* Raw, and what a guest writes is what is in it. */
static bool is_open(const struct storage_volume *definition)
{
    return storage_volume_is_plain(definition) && !definition->target.encryption;
}

/* ---- what is to be made ---- */

/* By a path of the host, or of the pool's folder, which it then does not leave. */
static int open_backing(const struct volumes *volumes, const struct storage_volume *definition,
                        int *ret_fd, GError **error)
{
    const char *path = definition->backing->path;

    if (!path)
        return volume_refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition->name,
                             "the path of the image below is missing", error);
    int fd = g_path_is_absolute(path) ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
                                      : folder_open_within(volumes, path, O_RDONLY);
    if (fd < 0 && (errno == EXDEV || errno == ELOOP))
        return volume_refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition->name,
                             "the path of the image below leads out of the pool's folder", error);
    if (fd < 0) {
        error_set_errno(error, errno, "inaccessible backing store volume %s", path);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

/* qemu-img looks for itself how large what is below is, but not behind a relative path. */
static int take_capacity_below(struct storage_volume *definition, int fd, GError **error)
{
    const struct storage_target *backing = definition->backing;
    struct image_header header IMAGE_HEADER_AUTO = {0};
    uint64_t size;

    if (definition->capacity.set || g_path_is_absolute(backing->path))
        return 0;
    if (image_header_read(fd, backing->format, backing->path, &header, error) < 0 ||
        bytes_size(fd, &size, error) < 0)
        return -1;
    definition->capacity = OPT_ULONG(header.capacity ? header.capacity : size);
    return 0;
}

/* The format of the image below decides what is read of it: it is said, or known, or raw. */
static int complete_backing(const struct volumes *volumes, struct storage_volume *definition,
                            GError **error)
{
    struct storage_target *backing = definition->backing;
    autofd int fd = -1;

    if (storage_volume_is_plain(definition) || definition->target.format == IMAGE_FORMAT_DIR) {
        error_set(error, VIR_ERR_NO_SUPPORT, "backing storage not supported for %s volumes",
                  names_word(&storage_format_names, definition->target.format));
        return -1;
    }
    if (open_backing(volumes, definition, &fd, error) < 0)
        return -1;
    if (!backing->format && image_header_guess(fd) == IMAGE_FORMAT_RAW)
        backing->format = IMAGE_FORMAT_RAW;
    if (!backing->format || backing->format > IMAGE_FORMAT_VHDX)
        return volume_refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition->name,
                             "the format of the image below must be said, in <backingStore>",
                             error);
    return take_capacity_below(definition, fd, error);
}

static int file_complete(struct volumes *volumes, struct storage_volume *definition, GError **error)
{
    unsigned format;

    if (storage_volume_check_name(definition->name, error) < 0)
        return -1;
    if (definition->target.format == STORAGE_FORMAT_NONE)
        definition->target.format = IMAGE_FORMAT_RAW;
    storage_volume_place(definition, volumes->path);
    format = definition->target.format;
    if (format > IMAGE_FORMAT_VMDK) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "unknown volume format type %s",
                  names_word(&storage_format_names, format));
        return -1;
    }
    if (volume_key_check(definition, error) < 0)
        return -1;
    return definition->backing ? complete_backing(volumes, definition, error) : 0;
}

/* ---- making ---- */

static int make_raw(struct volume_job *job, const struct storage_volume *definition, int fd,
                    GError **error)
{
    uint64_t capacity = definition->capacity.value;

    if (ftruncate(fd, (off_t)capacity) < 0) {
        error_set_errno(error, errno, "cannot extend volume '%s' to %" G_GUINT64_FORMAT " bytes",
                        definition->name, capacity);
        return -1;
    }
    return bytes_allocate(job, fd, 0, MIN(definition->allocation.value, capacity), error);
}

/* Of a file that is a volume of capacity bytes as it is; before them is the header of what is
 * encrypted. */
static int find_header(const struct storage_volume *definition, int fd, uint64_t capacity,
                       uint64_t *ret_header, GError **error)
{
    uint64_t size;

    if (bytes_size(fd, &size, error) < 0)
        return -1;
    *ret_header = definition->target.encryption && size > capacity ? size - capacity : 0;
    return 0;
}

static int set_size(const struct storage_volume *definition, int fd, uint64_t from, uint64_t to,
                    GError **error)
{
    uint64_t header;

    if (find_header(definition, fd, from, &header, error) < 0)
        return -1;
    if (ftruncate(fd, (off_t)(header + to)) == 0)
        return 0;
    error_set_errno(error, errno, "cannot set the size of volume '%s'", definition->name);
    return -1;
}

/* Byte by byte, if nothing is to become different but its size. */
static bool may_copy(const struct storage_volume *definition, const struct storage_volume *other)
{
    const struct storage_target *target = &definition->target, *source = &other->target;

    if (target->encryption && !source->encryption)
        return false;
    if (storage_volume_is_plain(definition) && storage_volume_is_plain(other))
        return true;
    return target->format == source->format && !other->backing && !definition->backing &&
           (!target->cluster_size || target->cluster_size == source->cluster_size) &&
           target->lazy_refcounts == source->lazy_refcounts &&
           target->extended_l2 == source->extended_l2 &&
           g_strcmp0(target->compat, source->compat) == 0;
}

/* A copy has the key that its original has. */
static int open_key(const struct storage_volume *definition, const struct storage_volume *other,
                    int *ret_key, GError **error)
{
    const struct source_encryption *encryption = definition->target.encryption;

    return encryption && !encryption->secrets.count ? volume_key_find(other, ret_key, error)
                                                    : volume_key_open(definition, ret_key, error);
}

static int grow(struct volume_job *job, const struct storage_volume *definition, int fd,
                const struct storage_volume *other, GError **error)
{
    uint64_t capacity = definition->capacity.value;
    autofd int key = -1;

    if (capacity <= other->capacity.value)
        return 0;
    if (storage_volume_is_plain(definition))
        return set_size(definition, fd, other->capacity.value, capacity, error);
    if (open_key(definition, other, &key, error) < 0)
        return -1;
    return qemu_img_resize(job, definition, fd, key, capacity, false, error);
}

/* What is encrypted stays so in a copy, by the key that it has; to write anew takes a secret. */
static int check_clone(const struct storage_volume *definition, const struct storage_volume *other,
                       GError **error)
{
    const struct source_encryption *encryption = definition->target.encryption;

    if (!other->target.encryption)
        return 0;
    if (!encryption || encryption->secrets.count || !may_copy(definition, other))
        return volume_refuse(
            VIR_ERR_CONFIG_UNSUPPORTED, definition->name,
            "an encrypted volume is cloned as it is: in its format, with <encryption> and "
            "without <secret>",
            error);
    return 0;
}

/* qemu-img measures by CPU time what a second has of a passphrase's rounds: on a busy host it finds
 * now and then that it can't, and for one try that is no reason to refuse. */
#define MEASURE_TRIES 10

static int make_image_once(struct volume_job *job, const struct storage_volume *definition, int fd,
                           const struct storage_volume *other, int other_fd, bool metadata,
                           GError **error)
{
    autofd int key = -1;

    if (volume_key_open(definition, &key, error) < 0)
        return -1;
    return other ? qemu_img_convert(job, definition, fd, key, other, other_fd, metadata, error)
                 : qemu_img_create(job, definition, fd, key, metadata, error);
}

/* other: what it is made of, or NULL. */
static int make_image(struct volume_job *job, const struct storage_volume *definition, int fd,
                      const struct storage_volume *other, int other_fd, bool metadata,
                      GError **error)
{
    g_autoptr(GError) why = NULL;

    for (int tries = 0; tries < MEASURE_TRIES; tries++) {
        g_clear_error(&why);
        if (make_image_once(job, definition, fd, other, other_fd, metadata, &why) == 0)
            return 0;
        if (!qemu_img_could_not_measure(why))
            break;
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return -1;
}

static int check_metadata(const struct storage_volume *definition, unsigned flags, GError **error)
{
    if (flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA && is_open(definition))
        return volume_refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition->name,
                             "metadata preallocation is not supported for raw volumes", error);
    return 0;
}

static int fill_clone(struct volume_job *job, const struct storage_volume *definition, int fd,
                      const struct storage_volume *other, int other_fd, unsigned flags,
                      GError **error)
{
    bool metadata = flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA;
    bool as_it_is = may_copy(definition, other) && !metadata;

    if (!(flags & VIR_STORAGE_VOL_CREATE_REFLINK))
        return as_it_is ? bytes_copy(job, other_fd, fd, error)
                        : make_image(job, definition, fd, other, other_fd, metadata, error);
    if (as_it_is)
        return bytes_share(other_fd, fd, error);
    return volume_refuse(VIR_ERR_CONFIG_UNSUPPORTED, definition->name,
                         "bytes are shared with the original by a clone that is just as that",
                         error);
}

static int make_clone(struct volume_job *job, const struct storage_volume *definition, int fd,
                      const struct storage_volume *other, int other_fd, unsigned flags,
                      GError **error)
{
    if (check_clone(definition, other, error) < 0 || check_metadata(definition, flags, error) < 0 ||
        fill_clone(job, definition, fd, other, other_fd, flags, error) < 0)
        return -1;
    return grow(job, definition, fd, other, error);
}

static int make_content(struct volume_job *job, const struct storage_volume *definition,
                        const struct storage_volume *other, int other_fd, int fd, unsigned flags,
                        GError **error)
{
    if (other)
        return make_clone(job, definition, fd, other, other_fd, flags, error);
    if (check_metadata(definition, flags, error) < 0)
        return -1;
    if (is_open(definition))
        return make_raw(job, definition, fd, error);
    return make_image(job, definition, fd, NULL, -1,
                      flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA, error);
}

static int make_folder(const struct volumes *volumes, const struct storage_volume *definition,
                       GError **error)
{
    const struct storage_permissions *permissions = definition->target.permissions;
    mode_t mode = permissions && permissions->mode.set ? permissions->mode.value : 0700;

    if (mkdirat(volumes->folder, definition->name, mode) == 0)
        return 0;
    error_set_errno(error, errno, "cannot make folder '%s'", definition->target.path);
    return -1;
}

static int look(struct volumes *volumes, const char *name, bool known_raw,
                struct storage_volume **ret_found, struct volume_signature *ret_signature,
                GError **error)
{
    struct storage_volume *found = NULL;
    struct stat about;
    int result = folder_stat(volumes, name, &about);

    if (result < 0 && errno != ENOENT && errno != ELOOP && errno != EXDEV) {
        error_set_errno(error, errno, "cannot stat '%s/%s'", volumes->path, name);
        return -1;
    }
    if (result == 0 && folder_look(volumes, name, &about, known_raw, &found, error) < 0)
        return -1;
    if (!found) {
        error_set(error, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
        return -1;
    }
    *ret_signature = folder_signature(&about);
    *ret_found = found;
    return 0;
}

static int finish(struct part *part, const struct storage_volume *definition, GError **error)
{
    if (is_open(definition))
        folder_mark_raw(part->fd, true);
    return part_finish(part, definition->name, error);
}

static int file_create(struct volume_job *job, struct volume *volume,
                       const struct storage_volume *definition, const struct storage_volume *other,
                       int other_fd, unsigned flags, struct storage_volume **ret_found,
                       struct volume_signature *ret_signature, GError **error)
{
    struct volumes *volumes = volume->volumes;
    struct part part PART_AUTO = {.fd = -1};

    if (definition->target.format == IMAGE_FORMAT_DIR) {
        if (make_folder(volumes, definition, error) < 0)
            return -1;
    } else if (part_begin(&part, volumes, definition, error) < 0 ||
               make_content(job, definition, other, other_fd, part.fd, flags, error) < 0 ||
               volume_job_check(job, error) < 0 || finish(&part, definition, error) < 0) {
        return -1;
    }
    return look(volumes, definition->name, is_open(definition), ret_found, ret_signature, error);
}

/* ---- what is there ---- */

static int file_look(struct volume *volume, struct storage_volume **ret_found,
                     struct volume_signature *ret_signature, GError **error)
{
    return look(volume->volumes, volume->name, volume_is_raw(volume), ret_found, ret_signature,
                error);
}

static int file_open(struct volume *volume, int mode, int *ret_fd, GError **error)
{
    int fd = folder_open_file(volume->volumes, volume->name, mode);
    struct stat about;

    if (fd < 0 || fstat(fd, &about) < 0) {
        error_set_errno(error, errno, "cannot open volume '%s'", volume->path);
        fd_clear(&fd);
        return -1;
    }
    if (!S_ISREG(about.st_mode)) {
        fd_clear(&fd);
        return volume_refuse(VIR_ERR_OPERATION_INVALID, volume->name, "is not a file", error);
    }
    *ret_fd = fd;
    return 0;
}

static int file_remove_one(struct volume *volume, GError **error)
{
    DEFINITION_AUTO struct storage_volume *definition = volume_get_definition(volume);
    int how = definition->type == STORAGE_VOLUME_DIR ? AT_REMOVEDIR : 0;
    int folder = volume->volumes->folder;
    int result = unlinkat(folder, volume->name, how);

    if (result < 0 && errno == ENOTDIR) /* a link to a folder */
        result = unlinkat(folder, volume->name, 0);
    if ((result == 0 || errno == ENOENT) && fsync(folder) == 0)
        return 0;
    error_set_errno(error, errno, "cannot unlink file '%s'", volume->path);
    return -1;
}

static int resize_image(struct volume_job *job, const struct storage_volume *definition, int fd,
                        uint64_t capacity, GError **error)
{
    autofd int key = -1;

    if (volume_key_find(definition, &key, error) < 0)
        return -1;
    /* images are of whole sectors */
    return qemu_img_resize(job, definition, fd, key, (capacity + SECTOR - 1) / SECTOR * SECTOR,
                           capacity < definition->capacity.value, error);
}

static int file_resize(struct volume_job *job, struct volume *volume, uint64_t capacity,
                       bool allocate, GError **error)
{
    DEFINITION_AUTO struct storage_volume *definition = volume_get_definition(volume);
    bool plain = storage_volume_is_plain(definition);
    autofd int fd = -1;

    if (!plain && allocate)
        return volume_refuse(VIR_ERR_OPERATION_UNSUPPORTED, volume->name,
                             "preallocate is only supported for raw type", error);
    if (file_open(volume, O_RDWR, &fd, error) < 0)
        return -1;
    if (!plain)
        return resize_image(job, definition, fd, capacity, error);
    if ((allocate && bytes_allocate(job, fd, 0, capacity, error) < 0) ||
        set_size(definition, fd, definition->capacity.value, capacity, error) < 0)
        return -1;
    if (fsync(fd) == 0)
        return 0;
    error_set_errno(error, errno, "cannot write '%s'", volume->path);
    return -1;
}

const struct volume_backend file_volumes = {
    .complete = file_complete,
    .create = file_create,
    .look = file_look,
    .remove = file_remove_one,
    .open = file_open,
    .resize = file_resize,
};

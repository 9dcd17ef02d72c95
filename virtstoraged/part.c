/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "part.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define DEFAULT_MODE 0600

static int make_file(struct part *part, GError **error)
{
    uint64_t random;

    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
        error_set_errno(error, errno, "no random numbers");
        return -1;
    }
    g_autofree char *name =
        g_strdup_printf(STORAGE_VOLUME_PART "%016" G_GINT64_MODIFIER "x", random);
    part->fd = openat(part->volumes->folder, name,
                      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, DEFAULT_MODE);
    if (part->fd < 0 || flock(part->fd, LOCK_EX | LOCK_NB) < 0) {
        error_set_errno(error, errno, "cannot make a file in '%s'", part->volumes->path);
        return -1;
    }
    part->name = g_steal_pointer(&name);
    return 0;
}

static int set_permissions(struct part *part, const struct storage_permissions *permissions,
                           GError **error)
{
    uid_t owner = permissions && permissions->owner.set ? permissions->owner.value : (uid_t)-1;
    gid_t group = permissions && permissions->group.set ? permissions->group.value : (gid_t)-1;
    mode_t mode = permissions && permissions->mode.set ? permissions->mode.value : DEFAULT_MODE;

    if (fchown(part->fd, owner, group) == 0 && fchmod(part->fd, mode) == 0)
        return 0;
    error_set_errno(error, errno, "cannot set owner and mode of a file in '%s'",
                    part->volumes->path);
    return -1;
}

/* Where there is copy on write; elsewhere there is nothing to switch off. */
static void set_nocow(int fd)
{
    int flags;

    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return;
    flags |= FS_NOCOW_FL;
    ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

int part_begin(struct part *part, const struct volumes *volumes,
               const struct storage_volume *definition, GError **error)
{
    *part = (struct part){.volumes = volumes, .fd = -1};
    if (make_file(part, error) < 0 ||
        set_permissions(part, definition->target.permissions, error) < 0)
        return -1;
    if (definition->target.nocow)
        set_nocow(part->fd);
    return 0;
}

/* File systems that can't rename without replacing can link. */
static int take_name(const struct part *part, const char *name)
{
    int folder = part->volumes->folder;

    if (renameat2(folder, part->name, folder, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(folder, part->name, folder, name, 0) < 0)
        return -1;
    unlinkat(folder, part->name, 0);
    return 0;
}

int part_finish(struct part *part, const char *name, GError **error)
{
    if (fsync(part->fd) < 0) {
        error_set_errno(error, errno, "cannot write '%s/%s'", part->volumes->path, name);
        return -1;
    }
    if (take_name(part, name) < 0) {
        if (errno == EEXIST)
            error_set(error, VIR_ERR_STORAGE_VOL_EXIST,
                      "storage volume '%s' exists already: there is a file of that name in '%s'",
                      name, part->volumes->path);
        else
            error_set_errno(error, errno, "Failed to create file '%s/%s'", part->volumes->path,
                            name);
        return -1;
    }
    g_clear_pointer(&part->name, g_free);
    if (fsync(part->volumes->folder) == 0)
        return 0;
    error_set_errno(error, errno, "cannot write folder '%s'", part->volumes->path);
    return -1;
}

void part_clear(struct part *part)
{
    if (part->name)
        unlinkat(part->volumes->folder, part->name, 0);
    g_clear_pointer(&part->name, g_free);
    fd_clear(&part->fd);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ownership.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

#include "dac.h"
#include "firmware.h"
#include "hostdev.h"
#include "launch-security.h"
#include "transient.h"

/* Where the owner before the guest is remembered: "UID:GID". */
#define OWNER_ATTRIBUTE "trusted.modvirt.owner"

typedef int path_function(const char *path, const struct dac_owner *owner,
                          const struct qemu_config *config, GError **error);

static void remember_owner(const char *path, const struct stat *info,
                           const struct qemu_config *config)
{
    g_autofree char *text = g_strdup_printf("%u:%u", info->st_uid, info->st_gid);

    if (!config->remember_owner)
        return;
    /* the first one counts: a file that is handed over twice was not ours before */
    if (setxattr(path, OWNER_ATTRIBUTE, text, strlen(text), XATTR_CREATE) < 0 && errno != EEXIST)
        log_debug("%s: its owner can't be remembered: %s", path, g_strerror(errno));
}

static int take_path(const char *path, const struct dac_owner *owner,
                     const struct qemu_config *config, GError **error)
{
    struct stat info;

    if (stat(path, &info) < 0) {
        error_set_errno(error, errno, "cannot access '%s'", path);
        return -1;
    }
    remember_owner(path, &info, config); /* also that it was QEMU's before */
    if (info.st_uid == owner->uid && info.st_gid == owner->gid)
        return 0;
    if (chown(path, owner->uid, owner->gid) < 0) {
        error_set_errno(error, errno, "unable to set user and group of '%s' to %u:%u", path,
                        owner->uid, owner->gid);
        return -1;
    }
    return 0;
}

/* Without a memory of it, the owner was most likely root. */
static int restore_path(const char *path, const struct dac_owner *owner,
                        const struct qemu_config *config, GError **error)
{
    char text[32] = {0};
    unsigned uid = 0, gid = 0;
    struct stat info;

    if (stat(path, &info) < 0 || info.st_uid != owner->uid)
        return 0;
    if (getxattr(path, OWNER_ATTRIBUTE, text, sizeof(text) - 1) > 0)
        sscanf(text, "%u:%u", &uid, &gid);
    removexattr(path, OWNER_ATTRIBUTE);
    if (chown(path, uid, gid) < 0)
        log_warn("cannot give '%s' back to %u:%u: %s", path, uid, gid, g_strerror(errno));
    return 0;
}

/* ---- what others may have too ---- */

/* wanted: bits of S_IRWXO */
static bool may_use(const char *path, const struct stat *info, const struct dac_owner *owner,
                    mode_t wanted)
{
    /* whoever has set an access list has decided */
    if (getxattr(path, "system.posix_acl_access", NULL, 0) > 0)
        return true;
    if (info->st_uid == owner->uid)
        wanted <<= 6;
    else if (info->st_gid == owner->gid)
        wanted <<= 3;
    return (info->st_mode & wanted) == wanted;
}

/* Maybe by many, so it is not taken back: nobody knows who else reads it. */
static int lend_path(const char *path, const struct dac_owner *owner, mode_t wanted, GError **error)
{
    struct stat info;

    if (stat(path, &info) < 0) {
        error_set_errno(error, errno, "cannot access '%s'", path);
        return -1;
    }
    if (may_use(path, &info, owner, wanted) || chown(path, owner->uid, owner->gid) == 0)
        return 0;
    error_set_errno(error, errno, "unable to set user and group of '%s' to %u:%u", path, owner->uid,
                    owner->gid);
    return -1;
}

/* ---- which paths ---- */

static bool find_owner(const struct domain_source *source, const struct qemu_config *config,
                       struct dac_owner *ret_owner)
{
    return dac_find_owner((const struct domain_source_label *const *)source->labels.items,
                          source->labels.count, config, ret_owner);
}

/* For what has no labels. */
static int each(const char *path, const struct qemu_config *config, path_function *function,
                GError **error)
{
    const struct dac_owner owner = {config->uid, config->gid};

    return function(path, &owner, config, error);
}

/* What an image of the guest's own has its data in. */
static int data_path(const struct domain_source *image, const struct qemu_config *config,
                     path_function *function, GError **error)
{
    const struct domain_source *data = image->data_file;
    struct dac_owner owner;

    if (!data || !domain_source_is_local(data) || !data->path || !find_owner(data, config, &owner))
        return 0;
    return function(data->path, &owner, config, error);
}

/* An image below an overlay of ours is the guest's own, unless others have it as well. */
static int image_path(const struct domain_disk *disk, const struct qemu_config *config,
                      path_function *function, GError **error)
{
    const struct domain_source *image = transient_image(disk);
    struct dac_owner owner;

    if (!image || disk->shareable || disk->share_backing == TRISTATE_YES ||
        !find_owner(image, config, &owner))
        return 0;
    return function(image->path, &owner, config, error);
}

/* An overlay of ours is nobody else's. */
static bool is_shared(const struct domain_disk *disk)
{
    return disk->shareable && !transient_image(disk);
}

/* Disks that a guest writes to, alone. */
static int disk_paths(const struct domain *live, const struct qemu_config *config,
                      path_function *function, GError **error)
{
    LIST_EACH (disk, &live->devices.disks) {
        struct dac_owner owner;

        if (!domain_source_is_local(&disk->source) || !disk->source.path || disk->source.fdgroup ||
            is_shared(disk) || disk->readonly || !find_owner(&disk->source, config, &owner))
            continue;
        if (function(disk->source.path, &owner, config, error) < 0 ||
            data_path(&disk->source, config, function, error) < 0 ||
            image_path(disk, config, function, error) < 0)
            return -1;
    }
    return 0;
}

static int lend_image(const struct domain_source *source, const struct qemu_config *config,
                      mode_t wanted, GError **error)
{
    struct dac_owner owner;

    if (!domain_source_is_local(source) || !source->path || source->fdgroup ||
        !find_owner(source, config, &owner))
        return 0;
    if (lend_path(source->path, &owner, wanted, error) < 0)
        return -1;
    return source->data_file ? lend_image(source->data_file, config, wanted, error) : 0;
}

/* Media, images below a disk's own, and those that guests share, as far as they are not everybody's
 * to read, or to write. */
static int lend_images(const struct domain *live, const struct qemu_config *config, GError **error)
{
    LIST_EACH (disk, &live->devices.disks) {
        mode_t wanted = disk->readonly ? S_IROTH : S_IROTH | S_IWOTH;

        if ((disk->readonly || is_shared(disk)) &&
            lend_image(&disk->source, config, wanted, error) < 0)
            return -1;
        for (const struct domain_source *at = disk->source.backing; at; at = at->backing)
            if (lend_image(at, config, S_IROTH, error) < 0)
                return -1;
    }
    return 0;
}

/* The security processor, which has many clients. */
static int lend_node(const struct domain *live, const struct qemu_config *config, GError **error)
{
    const struct dac_owner owner = {config->uid, config->gid};
    const char *node = launch_security_node(live);

    return node ? lend_path(node, &owner, S_IROTH | S_IWOTH, error) : 0;
}

static int chardev_path(const struct chardev_source *source, const struct qemu_config *config,
                        path_function *function, GError **error)
{
    const struct chardev_end *end = chardev_source_end(source);

    struct dac_owner owner;

    if (source->type != CHARDEV_DEV || !end || !end->path ||
        !dac_find_owner((const struct domain_source_label *const *)end->labels.items,
                        end->labels.count, config, &owner))
        return 0;
    return function(end->path, &owner, config, error);
}

static int chardev_paths(const struct domain *live, const struct qemu_config *config,
                         path_function *function, GError **error)
{
    LIST_EACH (serial, &live->devices.serials)
        if (chardev_path(&serial->source, config, function, error) < 0)
            return -1;
    LIST_EACH (parallel, &live->devices.parallels)
        if (chardev_path(&parallel->source, config, function, error) < 0)
            return -1;
    LIST_EACH (channel, &live->devices.channels)
        if (chardev_path(&channel->source, config, function, error) < 0)
            return -1;
    return 0;
}

static int firmware_paths(const struct domain *live, const struct qemu_config *config,
                          path_function *function, GError **error)
{
    const char *path = firmware_nvram_path(live);

    return path && firmware_has_variables(live) ? each(path, config, function, error) : 0;
}

static int node_path(char *path, const struct qemu_config *config, path_function *function,
                     GError **error)
{
    g_autofree char *owned = path;

    return owned ? each(owned, config, function, error) : 0;
}

static int device_paths(const struct domain *live, const struct qemu_config *config,
                        path_function *function, GError **error)
{
    LIST_EACH (hostdev, &live->devices.hostdevs)
        if (node_path(hostdev_node(hostdev), config, function, error) < 0)
            return -1;
    LIST_EACH (net, &live->devices.nets)
        if (node_path(hostdev_net_node(net), config, function, error) < 0)
            return -1;
    LIST_EACH (memory, &live->devices.memories)
        if (memory->path && each(memory->path, config, function, error) < 0)
            return -1;
    const struct domain_pstore *pstore = live->devices.pstore;
    return pstore && pstore->path ? each(pstore->path, config, function, error) : 0;
}

static int for_each_path(const struct domain *live, const struct qemu_config *config,
                         path_function *function, GError **error)
{
    if (!config->dynamic_ownership || !config->set_user)
        return 0;
    if (disk_paths(live, config, function, error) < 0 ||
        chardev_paths(live, config, function, error) < 0 ||
        firmware_paths(live, config, function, error) < 0 ||
        device_paths(live, config, function, error) < 0)
        return -1;
    return 0;
}

int ownership_take(const struct qemu_config *config, const struct domain *live, GError **error)
{
    if (for_each_path(live, config, take_path, error) < 0)
        return -1;
    /* after it: what a guest has for itself has its owner remembered */
    if (!config->dynamic_ownership || !config->set_user)
        return 0;
    return lend_images(live, config, error) < 0 ? -1 : lend_node(live, config, error);
}

void ownership_restore(const struct qemu_config *config, const struct domain *live)
{
    for_each_path(live, config, restore_path, NULL);
}

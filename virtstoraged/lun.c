/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lun.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/workers.h"

#include "block.h"
#include "program.h"

#define DEVICES "/sys/bus/scsi/devices"
#define ID_MS 30000
#define LABEL_SIZE 8192
#define TYPE_DISK 0
#define TYPE_CDROM 5

/* ---- pure ---- */

bool lun_read_address(const char *name, struct lun_address *ret_address)
{
    struct lun_address address;
    char rest;

    if (!g_ascii_isdigit(*name) ||
        sscanf(name, "%9u:%9u:%9u:%19" G_GUINT64_FORMAT "%c", &address.host, &address.bus,
               &address.target, &address.lun, &rest) != 4)
        return false;
    *ret_address = address;
    return true;
}

enum storage_format lun_guess_label(const uint8_t *bytes, size_t size)
{
    /* the more particular first: many have what a PC looks for as well */
    static const struct {
        enum storage_format format;
        uint16_t offset, length;
        const char *magic;
    } labels[] = {
        {STORAGE_FORMAT_LVM2, 536, 8, "LVM2 001"}, {STORAGE_FORMAT_GPT, 512, 8, "EFI PART"},
        {STORAGE_FORMAT_GPT, 4096, 8, "EFI PART"}, {STORAGE_FORMAT_DVH, 0, 4, "\x0b\xe5\xa9\x41"},
        {STORAGE_FORMAT_MAC, 0, 2, "ER"},          {STORAGE_FORMAT_BSD, 512, 4, "\x57\x45\x56\x82"},
        {STORAGE_FORMAT_SUN, 508, 2, "\xda\xbe"},  {STORAGE_FORMAT_DOS, 510, 2, "\x55\xaa"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++)
        if ((size_t)labels[i].offset + labels[i].length <= size &&
            memcmp(bytes + labels[i].offset, labels[i].magic, labels[i].length) == 0)
            return labels[i].format;
    return STORAGE_FORMAT_ABSENT;
}

/* ---- one LUN ---- */

static void fill_label(struct storage_volume *volume, const char *path)
{
    g_autofree uint8_t *bytes = g_malloc(LABEL_SIZE);
    autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : pread(fd, bytes, LABEL_SIZE, 0);

    volume->target.format = (uint8_t)lun_guess_label(bytes, (size_t)MAX(size, 0));
}

/* The name that the device itself has, whatever way leads to it; or the path, if it has none. */
static char *find_key(const char *path)
{
    const char *const argv[] = {
        "/lib/udev/scsi_id", "--replace-whitespace", "--whitelisted", "--device", path, NULL};
    struct program program = {.argv = argv, .milliseconds = ID_MS};
    char *text = NULL;

    if (program_run(&program, &text, NULL) < 0)
        return g_strdup(path);
    g_strstrip(text);
    if (*text && g_str_is_ascii(text) && !strpbrk(text, "\n\r\t"))
        return text;
    g_free(text);
    return g_strdup(path);
}

static int look_at(const char *name, const char *key, const char *path,
                   struct storage_volume **ret_found, struct volume_signature *ret_signature,
                   GError **error)
{
    DEFINITION_AUTO struct storage_volume *volume =
        (struct storage_volume *)definition_new(&storage_volume_schema);
    struct arena *arena = &volume->definition.arena;

    if (block_fill(volume, path, error) < 0)
        return -1;
    volume->name = arena_strdup(arena, name);
    volume->key = arena_strdup(arena, key);
    fill_label(volume, path);
    *ret_signature = block_signature(path);
    ret_signature->size = (off_t)volume->capacity.value;
    *ret_found = g_steal_pointer(&volume);
    return 0;
}

/* A device that does not answer keeps this thread until the kernel gives it up. */
static int lun_look(struct volume *volume, struct storage_volume **ret_found,
                    struct volume_signature *ret_signature, GError **error)
{
    workers_begin_wait();
    int result = look_at(volume->name, volume->key, volume->path, ret_found, ret_signature, error);
    workers_end_wait();
    return result;
}

/* ---- all of a host ---- */

static bool is_disk(const char *name)
{
    g_autofree char *path = g_strdup_printf(DEVICES "/%s/type", name);
    g_autofree char *text = NULL;

    if (file_read_all(path, 64, &text, NULL, NULL) < 0)
        return false;
    gint64 type = g_ascii_strtoll(text, NULL, 10);
    return type == TYPE_DISK || type == TYPE_CDROM;
}

/* /dev/sda; NULL: no driver has taken it. */
static char *find_device(const char *name)
{
    g_autofree char *folder = g_strdup_printf(DEVICES "/%s/block", name);
    g_auto(GStrv) names = NULL;

    if (file_list(folder, NULL, &names, NULL) < 0 || !names[0])
        return NULL;
    return g_strdup_printf("/dev/%s", g_strdelimit(names[0], "!", '/'));
}

/* NULL: it has no name in the pool's folder of names, by which it would be found after a restart.
 */
static char *find_path(const struct volumes *volumes, const char *device)
{
    const char *folder = volumes->on->target.path;
    g_autofree char *path = block_find_path(folder, device);

    return g_str_has_prefix(folder, "/dev/") && strcmp(path, device) == 0 ? NULL
                                                                          : g_steal_pointer(&path);
}

static bool is_known(struct volumes *volumes, const char *name, const char *path, char **ret_key)
{
    VOLUME_AUTO struct volume *volume = volumes_get_by_name(volumes, name);
    struct volume_signature now = block_signature(path);

    if (!volume || strcmp(volume->path, path) != 0 || volume->signature.device != now.device ||
        volume->signature.inode != now.inode)
        return false;
    *ret_key = g_strdup(volume->key);
    return true;
}

/* What can't be read is not shown, and does not hide the others. */
static void refresh_one(struct volumes *volumes, const struct lun_address *address,
                        const char *device)
{
    g_autofree char *path = find_path(volumes, device);
    g_autofree char *name = g_strdup_printf("unit:%u:%u:%" G_GUINT64_FORMAT, address->bus,
                                            address->target, address->lun);
    g_autofree char *key = NULL;
    struct storage_volume *found;
    struct volume_signature signature;

    if (!path)
        return;
    if (!is_known(volumes, name, path, &key))
        key = find_key(path);
    if (look_at(name, key, path, &found, &signature, NULL) == 0)
        volumes_found(volumes, found, &signature);
}

static int refresh_all(struct volumes *volumes, unsigned host, GError **error)
{
    g_auto(GStrv) names = NULL;
    struct lun_address address;

    block_settle();
    if (file_list(DEVICES, NULL, &names, error) < 0)
        return -1;
    for (char **name = names; *name; name++) {
        if (!lun_read_address(*name, &address) || address.host != host || !is_disk(*name))
            continue;
        g_autofree char *device = find_device(*name);
        if (device)
            refresh_one(volumes, &address, device);
    }
    return 0;
}

int lun_refresh(struct volumes *volumes, unsigned host, GError **error)
{
    const char *folder = volumes->on->target.path;

    if (access(folder, F_OK) < 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "unable to use target path '%s' of pool '%s'", folder,
                  volumes->pool);
        return -1;
    }
    workers_begin_wait();
    int result = refresh_all(volumes, host, error);
    workers_end_wait();
    return result;
}

int lun_measure(const struct storage_pool *pool, struct volumes *volumes,
                struct pool_facts *ret_facts, GError **error)
{
    g_autoptr(GPtrArray) all = volumes_list(volumes);

    for (guint i = 0; i < all->len; i++) {
        DEFINITION_AUTO struct storage_volume *volume = volume_get_definition(all->pdata[i]);

        ret_facts->capacity += volume->capacity.value;
        ret_facts->allocation += volume->allocation.value;
    }
    return 0;
}

const struct volume_backend lun_volumes = {
    .look = lun_look,
    .open = block_open,
};

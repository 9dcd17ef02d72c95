/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/process.h"

#include "backend.h"
#include "block.h"
#include "folder.h"
#include "mount.h"

/* A file system on a device of the host, mounted on a folder. */

#define PROBE_MS 30000
#define FORMAT_MS (30 * 60 * 1000)
#define OUTPUT_MOST 65536
#define BLKID_NOTHING 2

static const char *device_of(const struct storage_pool *pool)
{
    return pool->source.devices.items[0]->path;
}

static int check_device(const struct storage_pool *pool, GError **error)
{
    struct stat about;

    if (!g_path_is_absolute(device_of(pool))) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "device '%s' of pool '%s' is not a path",
                  device_of(pool), pool->name);
        return -1;
    }
    if (stat(device_of(pool), &about) == 0)
        return 0;
    error_set_errno(error, errno, "device '%s' of pool '%s'", device_of(pool), pool->name);
    return -1;
}

/* ---- build ---- */

/* VIR_ERR_OPERATION_INVALID names what there is. */
static int check_empty(const struct storage_pool *pool, GError **error)
{
    const char *const argv[] = {"blkid", "-p",     "-o", "value",         "-s", "TYPE",
                                "-s",    "PTTYPE", "--", device_of(pool), NULL};
    struct process_spec spec = {.argv = argv};
    struct process_output found = {0};

    if (process_capture(&spec, NULL, OUTPUT_MOST, PROBE_MS, &found, error) < 0)
        return -1;
    bool empty = WIFEXITED(found.status) && WEXITSTATUS(found.status) == BLKID_NOTHING;
    if (!empty)
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "device '%s' is in use, or has something on it already: %s", device_of(pool),
                  g_strstrip(found.output));
    process_output_clear(&found);
    return empty ? 0 : -1;
}

static int run(const char *const *argv, GError **error)
{
    struct process_spec spec = {.argv = argv};

    return process_run(&spec, OUTPUT_MOST, FORMAT_MS, NULL, error);
}

/* An old signature would be found beside the new one, or asked about. */
static int format(const struct storage_pool *pool, bool overwrite, GError **error)
{
    const char *word = names_word(&storage_fs_format_names, pool->source.format);
    const char *const clean[] = {"wipefs", "-a", "-q", "--", device_of(pool), NULL};
    const char *const make[] = {"mkfs", "-t", word, device_of(pool), NULL};

    if (pool->source.format == STORAGE_FS_AUTO) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "pool '%s' does not say which file system is to be made", pool->name);
        return -1;
    }
    if (overwrite && run(clean, error) < 0)
        return -1;
    return run(make, error);
}

static int fs_build(const struct storage_pool *pool, unsigned flags, GError **error)
{
    bool overwrite = flags & VIR_STORAGE_POOL_BUILD_OVERWRITE;

    if (folder_build(pool, error) < 0)
        return -1;
    if (!flags)
        return 0;
    if (check_device(pool, error) < 0 || block_check_unused(device_of(pool), error) < 0 ||
        (!overwrite && check_empty(pool, error) < 0))
        return -1;
    return format(pool, overwrite, error);
}

/* ---- start and stop ---- */

static int fs_start(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error)
{
    bool any = pool->source.format == STORAGE_FS_AUTO;
    struct mount_request request = {
        .source = device_of(pool),
        .target = pool->target.path,
        .type = any ? NULL : names_word(&storage_fs_format_names, pool->source.format),
        .options = (const char *const *)pool->mount_options.items,
        .option_count = pool->mount_options.count,
    };

    if (check_device(pool, error) < 0 || mount_begin(&request, error) < 0)
        return -1;
    if (folder_open(pool, ret_volumes, error) == 0)
        return 0;
    mount_end(pool->target.path, NULL);
    return -1;
}

static int fs_stop(const struct storage_pool *pool, GError **error)
{
    return mount_end(pool->target.path, error);
}

const struct backend fs_backend = {
    .needs = "mount",
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    .build = fs_build,
    .remove = folder_remove,
    .start = fs_start,
    .stop = fs_stop,
    .refresh = folder_refresh,
    .measure = folder_measure,
    .volumes = &file_volumes,
};

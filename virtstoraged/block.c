/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "block.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/process.h"

#include "bytes.h"
#include "folder.h"
#include "in-use.h"
#include "program.h"

#define PROBE_MS 30000
#define PROBE_MOST 65536
#define BLKID_NOTHING 2
#define SETTLE_MS 20000

/* ---- one device ---- */

/* Non-blocking for what is no block device: a FIFO, say. */
static int open_device(const char *path, int mode, struct stat *ret_about, GError **error)
{
    autofd int fd = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 && (errno == ENOENT || errno == ENXIO)) {
        error_set(error, VIR_ERR_NO_STORAGE_VOL, "no storage vol with matching path '%s'", path);
        return -1;
    }
    if (fd < 0 || fstat(fd, ret_about) < 0) {
        error_set_errno(error, errno, "cannot open volume '%s'", path);
        return -1;
    }
    if (S_ISBLK(ret_about->st_mode))
        return fd_take(&fd);
    error_set(error, VIR_ERR_OPERATION_INVALID, "'%s' is not a block device", path);
    return -1;
}

int block_fill(struct storage_volume *volume, const char *path, GError **error)
{
    struct stat about;
    uint64_t size;
    autofd int fd = open_device(path, O_RDONLY, &about, error);

    if (fd < 0 || bytes_size(fd, &size, error) < 0)
        return -1;
    volume->type = STORAGE_VOLUME_BLOCK;
    volume->target.path = arena_strdup(&volume->definition.arena, path);
    folder_fill_stat(volume, &about);
    volume->capacity = volume->allocation = volume->physical = OPT_ULONG(size);
    return 0;
}

struct volume_signature block_signature(const char *path)
{
    struct stat about = {0};

    if (stat(path, &about) < 0)
        return (struct volume_signature){0};
    return (struct volume_signature){
        .device = about.st_rdev, .inode = about.st_ino, .changed = about.st_ctim};
}

int block_open(struct volume *volume, int mode, int *ret_fd, GError **error)
{
    struct stat about;
    autofd int fd = open_device(volume->path, mode, &about, error);

    if (fd < 0 || fd_set_nonblock(fd, false, error) < 0)
        return -1;
    *ret_fd = fd_take(&fd);
    return 0;
}

/* ---- names ---- */

static bool leads_to(const char *link, const struct stat *device)
{
    struct stat about;

    return stat(link, &about) == 0 && S_ISBLK(about.st_mode) && about.st_rdev == device->st_rdev;
}

static int compare_words(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of several, the first by name: the same each time. */
static char *find_link(const char *folder, const struct stat *device)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    DIR *listing = opendir(folder);
    struct dirent *entry;

    while (listing && (entry = readdir(listing))) {
        g_autofree char *path = g_strdup_printf("%s/%s", folder, entry->d_name);

        if (entry->d_type == DT_LNK && leads_to(path, device))
            g_ptr_array_add(found, g_steal_pointer(&path));
    }
    if (listing)
        closedir(listing);
    g_ptr_array_sort(found, compare_words);
    return found->len ? g_strdup(found->pdata[0]) : NULL;
}

char *block_find_path(const char *folder, const char *device)
{
    struct stat about;

    if (!g_str_has_prefix(folder, "/dev/") || stat(device, &about) < 0)
        return g_strdup(device);
    return find_link(folder, &about) ?: g_strdup(device);
}

bool block_has_udev(void)
{
    return access("/run/udev/control", F_OK) == 0;
}

/* ---- waiting ---- */

void block_settle(void)
{
    const char *const argv[] = {"udevadm", "settle", "--timeout=10", NULL};
    struct program program = {.argv = argv, .milliseconds = SETTLE_MS};

    if (block_has_udev())
        program_run(&program, NULL, NULL);
}

static bool is_device(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISBLK(about.st_mode);
}

static bool is_file(const char *path)
{
    return access(path, F_OK) == 0;
}

/* 1: it is there; 0: it has not come in time; -1: errno says why that can't be told. */
static int await(const char *path, bool (*is_there)(const char *path), gint64 deadline)
{
    autofd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    g_autofree char *folder = g_path_get_dirname(path);
    char events[4096];

    if (is_there(path))
        return 1;
    if (watch < 0 || inotify_add_watch(watch, folder, IN_CREATE | IN_MOVED_TO) < 0)
        return -1;
    while (!is_there(path)) {
        gint64 left = (deadline - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;
        struct pollfd ready = {.fd = watch, .events = POLLIN};

        if (left <= 0)
            return 0;
        if (poll(&ready, 1, (int)left) > 0 && read(watch, events, sizeof(events)) < 0)
            return is_there(path);
    }
    return 1;
}

/* The node may be the kernel's own. Once udev has a record of the device, its links are there. */
static void await_links(const char *path, gint64 deadline)
{
    struct stat about;

    if (!block_has_udev() || stat(path, &about) < 0)
        return;
    g_autofree char *record =
        g_strdup_printf("/run/udev/data/b%u:%u", major(about.st_rdev), minor(about.st_rdev));
    await(record, is_file, deadline);
}

int block_await(const char *path, int milliseconds, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND;
    int there = await(path, is_device, deadline);

    if (there < 0) {
        error_set_errno(error, errno, "cannot wait for '%s'", path);
        return -1;
    }
    if (there) {
        await_links(path, deadline);
        return 0;
    }
    error_set(error, VIR_ERR_OPERATION_TIMEOUT,
              "the kernel has the device, but no '%s' has come within %d seconds", path,
              milliseconds / 1000);
    return -1;
}

/* ---- what is on it ---- */

int block_probe(const char *path, char **ret_what, GError **error)
{
    const char *const argv[] = {"blkid", "-p",     "-o", "value", "-s", "TYPE",
                                "-s",    "PTTYPE", "--", path,    NULL};
    struct process_spec spec = {.argv = argv};
    struct process_output found = {0};

    if (process_capture(&spec, NULL, PROBE_MOST, PROBE_MS, &found, error) < 0)
        return -1;
    bool nothing = WIFEXITED(found.status) && WEXITSTATUS(found.status) == BLKID_NOTHING;
    char *what = g_strdelimit(g_strstrip(found.output), "\n", ' ');
    *ret_what = nothing ? NULL : g_strdup(*what ? what : "something ambiguous");
    process_output_clear(&found);
    return 0;
}

/* ---- who uses it ---- */

static int check_one(const char *path, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? 0 : in_use_take(fd, path, error);
}

/* A folder within that of a disk in /sys is a partition, if it has a file of that name. */
static int check_part(const char *disk, const char *name, GError **error)
{
    g_autofree char *mark = g_build_filename(disk, name, "partition", NULL);
    g_autofree char *node = g_build_filename("/dev", name, NULL);

    return access(mark, F_OK) == 0 ? check_one(node, error) : 0;
}

int block_check_unused(const char *path, GError **error)
{
    struct stat about;

    if (check_one(path, error) < 0)
        return -1;
    if (stat(path, &about) < 0 || !S_ISBLK(about.st_mode))
        return 0;
    g_autofree char *disk =
        g_strdup_printf("/sys/dev/block/%u:%u", major(about.st_rdev), minor(about.st_rdev));
    DIR *listing = opendir(disk);
    struct dirent *entry;
    int result = 0;
    while (result == 0 && listing && (entry = readdir(listing)))
        result = check_part(disk, entry->d_name, error);
    if (listing)
        closedir(listing);
    return result;
}

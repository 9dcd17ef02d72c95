/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "image/image-header.h"

#define DEFAULT_MODE 0711
#define PARENT_MODE 0755 /* of folders that lead to a pool */
#define NAMES_AT_ONCE 64
#define SCAN_THREADS_MOST 4

/* ---- build and open ---- */

static int check_path(const struct storage_pool *pool, GError **error)
{
    if (g_path_is_absolute(pool->target.path))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "target path '%s' of pool '%s' is not absolute",
              pool->target.path, pool->name);
    return -1;
}

int folder_build(const struct storage_pool *pool, GError **error)
{
    const struct storage_permissions *permissions = pool->target.permissions;
    mode_t mode = permissions && permissions->mode.set ? permissions->mode.value : DEFAULT_MODE;
    uid_t owner = permissions && permissions->owner.set ? permissions->owner.value : (uid_t)-1;
    gid_t group = permissions && permissions->group.set ? permissions->group.value : (gid_t)-1;
    g_autofree char *parent = g_path_get_dirname(pool->target.path);

    if (check_path(pool, error) < 0 || file_make_folders(parent, PARENT_MODE, error) < 0 ||
        file_make_folders_owned(pool->target.path, mode, owner, group, error) < 0)
        return -1;
    autofd int folder = open(pool->target.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || (permissions && permissions->mode.set && fchmod(folder, mode) < 0) ||
        (permissions && fchown(folder, owner, group) < 0)) {
        error_set_errno(error, errno, "cannot make folder '%s'", pool->target.path);
        return -1;
    }
    return 0;
}

/* What is being made is locked by who makes it: the rest is of daemons that are gone. */
static void remove_part(int folder, const char *name)
{
    autofd int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
}

static DIR *open_listing(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);

    if (!listing)
        fd_clear(&fd);
    return listing;
}

static void sweep(int folder)
{
    DIR *listing = open_listing(folder);
    struct dirent *entry;

    while (listing && (entry = readdir(listing)))
        if (g_str_has_prefix(entry->d_name, STORAGE_VOLUME_PART))
            remove_part(folder, entry->d_name);
    if (listing)
        closedir(listing);
}

int folder_remove(const struct storage_pool *pool, unsigned flags, GError **error)
{
    if (rmdir(pool->target.path) == 0)
        return 0;
    error_set_errno(error, errno, "failed to remove pool '%s'", pool->target.path);
    return -1;
}

int folder_open(const struct storage_pool *pool, struct volumes **ret_volumes, GError **error)
{
    autofd int folder = -1;

    if (check_path(pool, error) < 0)
        return -1;
    folder = open(pool->target.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        error_set_errno(error, errno, "cannot open directory '%s'", pool->target.path);
        return -1;
    }
    sweep(folder);
    *ret_volumes = volumes_new(pool, pool->target.path, fd_take(&folder));
    return 0;
}

/* ---- one file ---- */

struct volume_signature folder_signature(const struct stat *about)
{
    return (struct volume_signature){.device = about->st_dev,
                                     .inode = about->st_ino,
                                     .changed = about->st_ctim,
                                     .size = about->st_size,
                                     .blocks = about->st_blocks};
}

static struct storage_time time_of(struct timespec time)
{
    return (struct storage_time){time.tv_sec, (uint32_t)time.tv_nsec};
}

void folder_fill_stat(struct storage_volume *volume, const struct stat *about)
{
    struct arena *arena = &volume->definition.arena;
    struct storage_permissions *permissions = arena_new(arena, struct storage_permissions);
    struct storage_timestamps *times = arena_new(arena, struct storage_timestamps);

    permissions->mode = OPT_UINT(about->st_mode & 0777);
    permissions->owner = OPT_UINT(about->st_uid);
    permissions->group = OPT_UINT(about->st_gid);
    times->atime = time_of(about->st_atim);
    times->mtime = time_of(about->st_mtim);
    times->ctime = time_of(about->st_ctim);
    volume->target.permissions = permissions;
    volume->target.timestamps = times;
    volume->allocation = OPT_ULONG((uint64_t)about->st_blocks * 512);
    volume->capacity = OPT_ULONG((uint64_t)about->st_size);
    volume->physical = volume->capacity;
}

/* As the header has it: it is nobody's right to learn by it what there is elsewhere. */
static void fill_backing(struct storage_volume *volume, const struct volumes *volumes,
                         const struct image_header *header)
{
    struct arena *arena = &volume->definition.arena;
    struct storage_target *backing = arena_new(arena, struct storage_target);
    const char *name = header->backing;
    bool is_path = name[strcspn(name, ":/")] != ':';
    int format =
        header->backing_format ? names_find(&storage_format_names, header->backing_format) : 0;

    backing->path = is_path && !g_path_is_absolute(name)
                        ? arena_printf(arena, "%s/%s", volumes->path, name)
                        : arena_strdup(arena, name);
    backing->format = (uint8_t)MAX(format, 0);
    volume->backing = backing;
}

static void fill_encryption(struct storage_volume *volume, const char *format)
{
    struct source_encryption *encryption =
        arena_new(&volume->definition.arena, struct source_encryption);

    encryption->format = format;
    volume->target.encryption = encryption;
}

static void fill_from_header(struct storage_volume *volume, const struct volumes *volumes,
                             const struct image_header *header)
{
    if (header->capacity && header->capacity <= INT64_MAX)
        volume->capacity = OPT_ULONG(header->capacity);
    if (header->backing)
        fill_backing(volume, volumes, header);
    if (header->encryption)
        fill_encryption(volume, header->encryption);
    if (volume->target.format == IMAGE_FORMAT_LUKS) /* a raw image to everybody but its key */
        volume->target.format = IMAGE_FORMAT_RAW;
    if (volume->target.format == IMAGE_FORMAT_QCOW2)
        volume->target.cluster_size = header->cluster_size;
    if (header->version < 3)
        return;
    volume->target.compat = "1.1";
    volume->target.lazy_refcounts = header->lazy_refcounts;
    volume->target.extended_l2 = header->extended_l2;
}

/* The first is out of reach of whoever owns the file; not every file system, and no session, has
 * it. */
static const char *const raw_marks[] = {"trusted.modvirt.format", "user.modvirt.format"};

void folder_mark_raw(int fd, bool raw)
{
    for (size_t i = 0; i < G_N_ELEMENTS(raw_marks); i++)
        if (!raw)
            fremovexattr(fd, raw_marks[i]);
        else if (fsetxattr(fd, raw_marks[i], "raw", strlen("raw"), 0) == 0)
            return;
}

static bool is_marked_raw(int fd)
{
    char value[8];

    for (size_t i = 0; i < G_N_ELEMENTS(raw_marks); i++)
        if (fgetxattr(fd, raw_marks[i], value, sizeof(value)) == (ssize_t)strlen("raw"))
            return true;
    return false;
}

/* A broken header is no reason not to show the file. */
static void fill_as(struct storage_volume *volume, const struct volumes *volumes, int fd,
                    enum image_format format)
{
    struct image_header header IMAGE_HEADER_AUTO = {0};

    volume->target.format = (uint8_t)format;
    if (image_header_read(fd, volume->target.format, volume->name, &header, NULL) == 0)
        fill_from_header(volume, volumes, &header);
}

void folder_fill_header(struct storage_volume *volume, const struct volumes *volumes, int fd)
{
    fill_as(volume, volumes, fd, image_header_guess(fd));
}

/* What looks raw needs no mark. */
static void look_into(struct storage_volume *volume, const struct volumes *volumes, int fd)
{
    enum image_format looks = image_header_guess(fd);

    if (looks == IMAGE_FORMAT_RAW || !is_marked_raw(fd))
        fill_as(volume, volumes, fd, looks);
}

static struct storage_volume *new_volume(const struct volumes *volumes, const char *name)
{
    struct storage_volume *volume = (struct storage_volume *)definition_new(&storage_volume_schema);

    volume->name = arena_strdup(&volume->definition.arena, name);
    storage_volume_place(volume, volumes->path);
    return volume;
}

int folder_open_within(const struct volumes *volumes, const char *path, int mode)
{
    int calm = mode & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY;
    struct open_how how = {.flags = (uint64_t)(mode | calm | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};

    return (int)syscall(SYS_openat2, volumes->folder, path, &how, sizeof(how));
}

int folder_open_file(const struct volumes *volumes, const char *name, int mode)
{
    int fd = openat(volumes->folder, name, mode | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 && errno == ELOOP ? folder_open_within(volumes, name, mode) : fd;
}

int folder_stat(const struct volumes *volumes, const char *name, struct stat *ret_about)
{
    struct stat about;

    if (fstatat(volumes->folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (S_ISLNK(about.st_mode)) {
        autofd int fd = folder_open_within(volumes, name, O_PATH);
        if (fd < 0 || fstat(fd, &about) < 0)
            return -1;
    }
    *ret_about = about;
    return 0;
}

/* A few bytes here and there are read of it, and no trace is left: who looks is not who uses it. */
static int open_to_look(const struct volumes *volumes, const char *name)
{
    int fd = folder_open_file(volumes, name, O_RDONLY | O_NOATIME);

    if (fd < 0 && errno == EPERM) /* neither ours, nor are we root */
        fd = folder_open_file(volumes, name, O_RDONLY);
    if (fd >= 0)
        posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    return fd;
}

int folder_look(struct volumes *volumes, const char *name, const struct stat *about, bool known_raw,
                struct storage_volume **ret_found, GError **error)
{
    DEFINITION_AUTO struct storage_volume *volume = NULL;

    if (S_ISDIR(about->st_mode)) {
        volume = new_volume(volumes, name);
        folder_fill_stat(volume, about);
        volume->type = STORAGE_VOLUME_DIR;
        volume->target.format = IMAGE_FORMAT_DIR;
        volume->capacity = volume->allocation = OPT_ULONG(0);
        volume->physical = (struct opt_ulong){0};
    } else if (S_ISREG(about->st_mode)) {
        autofd int fd = open_to_look(volumes, name);
        if (fd < 0 && errno != ENOENT) {
            error_set_errno(error, errno, "cannot open '%s/%s'", volumes->path, name);
            return -1;
        }
        if (fd >= 0) {
            volume = new_volume(volumes, name);
            folder_fill_stat(volume, about);
            if (!known_raw)
                look_into(volume, volumes, fd);
        }
    }
    *ret_found = g_steal_pointer(&volume);
    return 0;
}

/* ---- all files ---- */

/* What can't be read is not shown, and does not hide the others. */
static void refresh_one(struct volumes *volumes, const char *name)
{
    struct storage_volume *found;
    struct stat about;
    bool raw;

    if (storage_volume_check_name(name, NULL) < 0 || folder_stat(volumes, name, &about) < 0)
        return;
    struct volume_signature signature = folder_signature(&about);
    if (volumes_see(volumes, name, &signature, &raw))
        return;
    if (folder_look(volumes, name, &about, raw, &found, NULL) == 0 && found)
        volumes_found(volumes, found, &signature);
}

/* The folder that was opened must be the one that the path still leads to. */
static int check_same(const struct volumes *volumes, GError **error)
{
    struct stat now, then;

    if (stat(volumes->path, &now) < 0 || fstat(volumes->folder, &then) < 0) {
        error_set_errno(error, errno, "cannot open directory '%s'", volumes->path);
        return -1;
    }
    if (now.st_dev == then.st_dev && now.st_ino == then.st_ino)
        return 0;
    error_set(error, VIR_ERR_OPERATION_FAILED,
              "'%s' is another folder than when pool '%s' was started: stop and start the pool",
              volumes->path, volumes->pool);
    return -1;
}

/* What is in the folder, shared out among threads: most of the time goes into the kernel, which
 * looks at several files at once, and so does a server. */
struct scan {
    struct volumes *volumes;
    GPtrArray *names;
    gint next; /* the first that nobody has taken */
};

static gpointer scan_some(gpointer data)
{
    struct scan *scan = data;
    guint start;

    while ((start = (guint)g_atomic_int_add(&scan->next, NAMES_AT_ONCE)) < scan->names->len)
        for (guint i = start; i < MIN(start + NAMES_AT_ONCE, scan->names->len); i++)
            refresh_one(scan->volumes, scan->names->pdata[i]);
    return NULL;
}

/* Where there is no thread to be had, this one does it all. */
static void scan_all(struct scan *scan)
{
    guint wanted = MIN(g_get_num_processors(), SCAN_THREADS_MOST), share = 4 * NAMES_AT_ONCE;
    GThread *helpers[SCAN_THREADS_MOST] = {NULL};

    for (guint i = 1; i < wanted && i * share < scan->names->len; i++)
        helpers[i] = g_thread_try_new("scan", scan_some, scan, NULL);
    scan_some(scan);
    for (guint i = 0; i < SCAN_THREADS_MOST; i++)
        if (helpers[i])
            g_thread_join(helpers[i]);
}

int folder_refresh(const struct storage_pool *pool, struct volumes *volumes,
                   struct pool_facts *ret_facts, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    struct scan scan = {volumes, names, 0};
    struct dirent *entry;

    if (check_same(volumes, error) < 0)
        return -1;
    DIR *listing = open_listing(volumes->folder);
    if (!listing) {
        error_set_errno(error, errno, "cannot open directory '%s'", volumes->path);
        return -1;
    }
    while ((entry = readdir(listing)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            g_ptr_array_add(names, g_strdup(entry->d_name));
    closedir(listing);
    scan_all(&scan);
    return 0;
}

int folder_measure(const struct storage_pool *pool, struct volumes *volumes,
                   struct pool_facts *ret_facts, GError **error)
{
    struct statvfs space;
    struct stat about;

    if (fstatvfs(volumes->folder, &space) < 0 || fstat(volumes->folder, &about) < 0) {
        error_set_errno(error, errno, "cannot statvfs path '%s'", volumes->path);
        return -1;
    }
    *ret_facts = (struct pool_facts){
        .capacity = (uint64_t)space.f_blocks * space.f_frsize,
        .available = (uint64_t)space.f_bfree * space.f_frsize,
        .has_permissions = true,
        .mode = about.st_mode & 0777,
        .owner = about.st_uid,
        .group = about.st_gid,
    };
    ret_facts->allocation = ret_facts->capacity - ret_facts->available;
    return 0;
}

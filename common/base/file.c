/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define TEMPORARY_PREFIX ".modvirt-"
#define TEMPORARY_SIZE 64
#define READ_CHUNK 4096
#define LONGEST_PID 24
#define VALUE_MAX (64u << 10) /* far above a page, which is what sysfs gives at most */

/* What one replacement works on: errors show folder/name. */
struct target {
    int folder;
    const char *shown;
    const char *name;
    bool durable;
};

static int open_folder(const char *path, int *ret_fd, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        error_set_errno(error, errno, "cannot open folder '%s'", path);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

/* Reads to the end, so that pipes, /proc and /sys work, whose sizes say nothing. */
static int read_to_end(int fd, size_t limit, GByteArray *bytes)
{
    for (;;) {
        guint used = bytes->len;
        if (used > limit)
            return -EFBIG;
        g_byte_array_set_size(bytes, used + READ_CHUNK);
        ssize_t count = read(fd, bytes->data + used, READ_CHUNK);
        int cause = errno;
        g_byte_array_set_size(bytes, used + (count > 0 ? (guint)count : 0));
        if (count == 0)
            return 0;
        if (count < 0 && cause != EINTR)
            return -cause;
    }
}

static int read_all(int folder, const char *name, size_t limit, char **ret_text, size_t *ret_length)
{
    autofd int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return -errno;
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new(READ_CHUNK);
    int result = read_to_end(fd, limit, bytes);
    if (result < 0)
        return result;
    size_t length = bytes->len;
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    *ret_text = (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
    if (ret_length)
        *ret_length = length;
    return 0;
}

static int report_read(const char *name, size_t limit, int result, GError **error)
{
    if (result == -EFBIG)
        error_set_errno(error, EFBIG, "file '%s' has more than %zu bytes", name, limit);
    else if (result < 0)
        error_set_errno(error, -result, "cannot read file '%s'", name);
    return result < 0 ? -1 : 0;
}

int file_read_all_at(int folder, const char *name, size_t limit, char **ret_text,
                     size_t *ret_length, GError **error)
{
    return report_read(name, limit, read_all(folder, name, limit, ret_text, ret_length), error);
}

int file_read_all(const char *path, size_t limit, char **ret_text, size_t *ret_length,
                  GError **error)
{
    return file_read_all_at(AT_FDCWD, path, limit, ret_text, ret_length, error);
}

int file_read_optional(const char *path, size_t limit, char **ret_text, size_t *ret_length,
                       GError **error)
{
    int result = read_all(AT_FDCWD, path, limit, ret_text, ret_length);

    if (result != -ENOENT)
        return report_read(path, limit, result, error);
    *ret_text = NULL;
    if (ret_length)
        *ret_length = 0;
    return 0;
}

char *file_read_value(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    g_autofree char *path = g_strdup_vprintf(format, args);
    va_end(args);
    return file_read_all(path, VALUE_MAX, &text, NULL, NULL) < 0 ? NULL : g_strstrip(text);
}

static void temporary_name(char *name)
{
    static atomic_uint counter;

    snprintf(name, TEMPORARY_SIZE, TEMPORARY_PREFIX "%d-%u", getpid(),
             atomic_fetch_add(&counter, 1));
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return -1;
        bytes += count;
        length -= (size_t)count;
    }
    return 0;
}

static int fill_temporary(const struct target *target, int fd, const void *bytes, size_t length,
                          mode_t mode)
{
    if (fchmod(fd, mode) < 0 || write_all(fd, bytes, length) < 0)
        return -1;
    return target->durable ? fsync(fd) : 0;
}

/* Makes the temporary file whole on disk, or reports why not and leaves none. */
static int make_temporary(const struct target *target, const char *temporary, const void *bytes,
                          size_t length, mode_t mode, GError **error)
{
    int fd = openat(target->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        error_set_errno(error, errno, "cannot write file '%s/%s'", target->shown, target->name);
        return -1;
    }
    int cause = fill_temporary(target, fd, bytes, length, mode) < 0 ? errno : 0;
    /* Network file systems may report a full disk here only. */
    if (close(fd) < 0 && !cause)
        cause = errno;
    if (!cause)
        return 0;
    unlinkat(target->folder, temporary, 0);
    error_set_errno(error, cause, "cannot write file '%s/%s'", target->shown, target->name);
    return -1;
}

/* Puts the temporary file in the target's place. */
static int commit_temporary(const struct target *target, const char *temporary, GError **error)
{
    if (renameat(target->folder, temporary, target->folder, target->name) < 0) {
        int cause = errno;
        unlinkat(target->folder, temporary, 0);
        error_set_errno(error, cause, "cannot replace '%s/%s'", target->shown, target->name);
        return -1;
    }
    if (target->durable && fsync(target->folder) < 0) {
        error_set_errno(error, errno, "cannot flush folder '%s'", target->shown);
        return -1;
    }
    return 0;
}

static int replace(const struct target *target, const void *bytes, size_t length, mode_t mode,
                   GError **error)
{
    char temporary[TEMPORARY_SIZE];

    temporary_name(temporary);
    if (make_temporary(target, temporary, bytes, length, mode, error) < 0)
        return -1;
    return commit_temporary(target, temporary, error);
}

static int replace_path(const char *path, const void *bytes, size_t length, mode_t mode,
                        bool durable, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    autofd int fd = -1;

    if (open_folder(folder, &fd, error) < 0)
        return -1;
    struct target target = {fd, folder, name, durable};
    return replace(&target, bytes, length, mode, error);
}

int file_replace(const char *path, const void *bytes, size_t length, mode_t mode, GError **error)
{
    return replace_path(path, bytes, length, mode, true, error);
}

int file_replace_volatile(const char *path, const void *bytes, size_t length, mode_t mode,
                          GError **error)
{
    return replace_path(path, bytes, length, mode, false, error);
}

static int flush_folder_of(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    autofd int fd = -1;

    if (open_folder(folder, &fd, error) < 0)
        return -1;
    if (fsync(fd) == 0)
        return 0;
    error_set_errno(error, errno, "cannot flush folder '%s'", folder);
    return -1;
}

int file_remove(const char *path, GError **error)
{
    if (unlink(path) == 0)
        return flush_folder_of(path, error);
    if (errno == ENOENT)
        return 0;
    error_set_errno(error, errno, "cannot remove file '%s'", path);
    return -1;
}

int file_rename(const char *path, const char *new_path, GError **error)
{
    if (rename(path, new_path) < 0) {
        error_set_errno(error, errno, "cannot rename '%s' to '%s'", path, new_path);
        return -1;
    }
    return flush_folder_of(new_path, error);
}

int file_symlink(const char *link_target, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    char temporary[TEMPORARY_SIZE];
    autofd int fd = -1;

    if (open_folder(folder, &fd, error) < 0)
        return -1;
    temporary_name(temporary);
    if (symlinkat(link_target, fd, temporary) < 0) {
        error_set_errno(error, errno, "cannot make symlink '%s'", path);
        return -1;
    }
    struct target target = {fd, folder, name, true};
    return commit_temporary(&target, temporary, error);
}

static int make_folder(const char *path, mode_t mode, uid_t uid, gid_t gid, GError **error)
{
    struct stat info;

    if (mkdir(path, mode) < 0) {
        int cause = errno;
        /* EROFS and EACCES also come for folders that exist. */
        if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
            return 0;
        error_set_errno(error, cause == EEXIST ? ENOTDIR : cause, "cannot make folder '%s'", path);
        return -1;
    }
    bool owned = uid != (uid_t)-1 || gid != (gid_t)-1;
    if ((owned && lchown(path, uid, gid) < 0) || chmod(path, mode) < 0) {
        error_set_errno(error, errno, "cannot set owner and mode of folder '%s'", path);
        return -1;
    }
    return 0;
}

int file_make_folders_owned(const char *path, mode_t mode, uid_t uid, gid_t gid, GError **error)
{
    g_autofree char *copy = g_strdup(path);

    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (make_folder(copy, mode, uid, gid, error) < 0)
            return -1;
        *slash = '/';
    }
    return make_folder(copy, mode, uid, gid, error);
}

int file_make_folders(const char *path, mode_t mode, GError **error)
{
    return file_make_folders_owned(path, mode, (uid_t)-1, (gid_t)-1, error);
}

static bool is_listed(const char *name, const char *suffix)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    return !g_str_has_prefix(name, TEMPORARY_PREFIX) && (!suffix || g_str_has_suffix(name, suffix));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **sorted_names(DIR *folder, const char *suffix)
{
    GPtrArray *names = g_ptr_array_new();
    struct dirent *entry;

    while ((entry = readdir(folder)))
        if (is_listed(entry->d_name, suffix))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

int file_list(const char *folder, const char *suffix, char ***ret_names, GError **error)
{
    DIR *stream = opendir(folder);

    if (!stream && errno == ENOENT) {
        *ret_names = g_new0(char *, 1);
        return 0;
    }
    if (!stream) {
        error_set_errno(error, errno, "cannot list folder '%s'", folder);
        return -1;
    }
    errno = 0;
    char **names = sorted_names(stream, suffix);
    int cause = errno;
    closedir(stream);
    if (cause) {
        g_strfreev(names);
        error_set_errno(error, cause, "cannot list folder '%s'", folder);
        return -1;
    }
    *ret_names = names;
    return 0;
}

int file_sweep(const char *folder, GError **error)
{
    DIR *stream = opendir(folder);
    struct dirent *entry;

    if (!stream && errno == ENOENT)
        return 0;
    if (!stream) {
        error_set_errno(error, errno, "cannot list folder '%s'", folder);
        return -1;
    }
    while ((entry = readdir(stream)))
        if (g_str_has_prefix(entry->d_name, TEMPORARY_PREFIX))
            unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
    return 0;
}

static bool same_file(int fd, const char *path)
{
    struct stat open_info, path_info;

    return fstat(fd, &open_info) == 0 && stat(path, &path_info) == 0 &&
           open_info.st_dev == path_info.st_dev && open_info.st_ino == path_info.st_ino;
}

static void report_holder(const char *path, int fd, GError **error)
{
    char text[LONGEST_PID] = "";

    if (pread(fd, text, sizeof(text) - 1, 0) > 0)
        g_strstrip(text);
    error_set(error, VIR_ERR_OPERATION_FAILED, "pid file '%s' is locked: already running as pid %s",
              path, *text ? text : "unknown");
}

/* 1: locked, 0: somebody removed the file meanwhile, -1: error. */
static int try_lock(const char *path, int *ret_fd, GError **error)
{
    /* Owned by the open file, not the process: closing another descriptor of it changes nothing. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

    if (fd < 0) {
        error_set_errno(error, errno, "cannot open pid file '%s'", path);
        return -1;
    }
    if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            report_holder(path, fd, error);
        else
            error_set_errno(error, errno, "cannot lock pid file '%s'", path);
        return -1;
    }
    if (!same_file(fd, path))
        return 0;
    *ret_fd = fd_take(&fd);
    return 1;
}

int file_lock_pid(const char *path, int *ret_fd, GError **error)
{
    char text[LONGEST_PID];
    int result = 0, fd;

    /* A process that ends removes its file between our open and lock; a new one is there then. */
    while (result == 0)
        result = try_lock(path, &fd, error);
    if (result < 0)
        return -1;
    int length = snprintf(text, sizeof(text), "%d\n", getpid());
    if (fchmod(fd, 0644) < 0 || ftruncate(fd, 0) < 0 ||
        pwrite(fd, text, (size_t)length, 0) != length) {
        error_set_errno(error, errno, "cannot write pid file '%s'", path);
        close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

void file_unlock_pid(const char *path, int fd)
{
    if (same_file(fd, path))
        unlink(path);
    close(fd);
}

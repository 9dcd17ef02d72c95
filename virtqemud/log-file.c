/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

/* What of a long message a client's error can carry. */
#define WORDS_LIMIT 1024

static char *path_of(struct qemu *qemu, const char *name)
{
    return g_strdup_printf("%s/%s.log", qemu->log_folder, name);
}

static char *time_now(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");

    return g_strdup_printf("%s.%03d+0000", seconds, g_date_time_get_microsecond(now) / 1000);
}

static int write_all(int fd, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        text += written;
        length -= (size_t)written;
    }
    return 0;
}

static int open_append(const char *path, GError **error)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        error_set_errno(error, errno, "cannot open the log %s", path);
    return fd;
}

int log_file_open(struct qemu *qemu, const char *name, const char *versions, const char *command,
                  struct log_file *ret_file, GError **error)
{
    g_autofree char *path = path_of(qemu, name);
    g_autofree char *now = time_now();
    g_autofree char *heading = g_strdup_printf("%s: starting up %s\n%s\n", now, versions, command);
    int fd = -1;

    if (file_make_folders(qemu->log_folder, 0700, error) < 0 || (fd = open_append(path, error)) < 0)
        return -1;
    if (write_all(fd, heading) < 0) {
        error_set_errno(error, errno, "cannot write the log %s", path);
        close(fd);
        return -1;
    }
    *ret_file = (struct log_file){.fd = fd, .start = (size_t)lseek(fd, 0, SEEK_END)};
    return 0;
}

/* The text from start, at most its last WORDS_LIMIT bytes. */
static char *read_tail(const char *path, off_t start)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[WORDS_LIMIT + 1];
    struct stat info;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &info) == 0)
        start = MAX(start, info.st_size - WORDS_LIMIT);
    ssize_t length = pread(fd, text, WORDS_LIMIT, MAX(start, 0));
    close(fd);
    if (length <= 0)
        return NULL;
    text[length] = '\0';
    g_strstrip(text);
    return *text ? g_utf8_make_valid(text, -1) : NULL;
}

char *log_file_read(struct qemu *qemu, const char *name, size_t start)
{
    g_autofree char *path = path_of(qemu, name);

    return read_tail(path, (off_t)start);
}

size_t log_file_end(struct qemu *qemu, const char *name)
{
    g_autofree char *path = path_of(qemu, name);
    struct stat info;

    return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

char *log_file_last_words(struct qemu *qemu, const char *name, size_t start)
{
    g_autofree char *path = path_of(qemu, name);
    g_autofree char *text = read_tail(path, (off_t)start);
    const char *last = text ? strrchr(text, '\n') : NULL;

    return last ? g_strdup(last + 1) : g_steal_pointer(&text);
}

void log_file_note(struct qemu *qemu, const char *name, const char *text)
{
    g_autofree char *path = path_of(qemu, name);
    g_autofree char *now = time_now();
    g_autofree char *line = g_strdup_printf("%s: %s\n", now, text);
    int fd = open_append(path, NULL);

    if (fd < 0)
        return;
    if (write_all(fd, line) < 0)
        log_warn("cannot write %s: %s", path, g_strerror(errno));
    close(fd);
}

void log_file_remove(struct qemu *qemu, const char *name)
{
    g_autofree char *path = path_of(qemu, name);

    unlink(path);
}

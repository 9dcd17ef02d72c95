/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-use.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

/* Bytes that QEMU locks for what it does with an image (from 100 on), and for what others may not
 * (from 200 on): one for each permission. */
#define FIRST_USED 100
#define FIRST_DENIED 200
#define COUNT_EACH 64
#define WORDS_MOST (128 * 1024)

/* ---- who ---- */

struct holder {
    pid_t pid;
    char *guest; /* NULL: it is no QEMU with a name */
};

/* "guest=NAME,debug-threads=on" or "NAME"; a comma of the name is there twice. */
static char *name_of_option(const char *option)
{
    g_autoptr(GString) name = g_string_new(NULL);

    if (g_str_has_prefix(option, "guest="))
        option += strlen("guest=");
    for (; *option; option++) {
        if (*option == ',' && *++option != ',')
            break;
        g_string_append_c(name, *option);
    }
    return g_string_free(g_steal_pointer(&name), FALSE);
}

char *in_use_guest_name(const char *words, size_t size)
{
    const char *end = words + size;

    for (const char *word = words; word < end; word += strnlen(word, (size_t)(end - word)) + 1) {
        const char *next = word + strlen("-name") + 1;

        if ((size_t)(end - word) > sizeof("-name") && strcmp(word, "-name") == 0 &&
            memchr(next, '\0', (size_t)(end - next)))
            return name_of_option(next);
    }
    return NULL;
}

static char *guest_of_process(int process)
{
    g_autofree char *words = g_malloc(WORDS_MOST);
    autofd int fd = openat(process, "cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, words, WORDS_MOST);

    return got > 0 ? in_use_guest_name(words, (size_t)got) : NULL;
}

static bool has_open(int process, const struct stat *image)
{
    int folder = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;
    struct stat about;
    bool found = false;

    if (!listing) {
        fd_clear(&folder);
        return false;
    }
    while (!found && (entry = readdir(listing)))
        found = fstatat(folder, entry->d_name, &about, 0) == 0 && about.st_dev == image->st_dev &&
                about.st_ino == image->st_ino;
    closedir(listing);
    return found;
}

/* A guest counts more than any other process: whoever has handed it a descriptor has that, too. */
static void note_process(DIR *processes, const char *number, const struct stat *image,
                         struct holder *holder)
{
    pid_t pid = (pid_t)strtol(number, NULL, 10);
    autofd int process = -1;

    if (pid <= 0 || pid == getpid() || holder->guest)
        return;
    process = openat(dirfd(processes), number, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process < 0 || !has_open(process, image))
        return;
    holder->pid = pid;
    holder->guest = guest_of_process(process);
}

static void find_holder(int fd, struct holder *holder)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    struct stat image;

    if (processes && fstat(fd, &image) == 0)
        while ((entry = readdir(processes)))
            note_process(processes, entry->d_name, &image, holder);
    if (processes)
        closedir(processes);
}

static int refuse(int fd, const char *shown, GError **error)
{
    struct holder holder = {0};

    find_holder(fd, &holder);
    g_autofree char *guest = holder.guest ? g_strescape(holder.guest, NULL) : NULL;
    g_free(holder.guest);
    if (guest)
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "volume '%s' is in use by guest '%.128s' (process %d)", shown, guest, holder.pid);
    else if (holder.pid)
        error_set(error, VIR_ERR_OPERATION_INVALID, "volume '%s' is in use by process %d", shown,
                  holder.pid);
    else
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "volume '%s' is in use by a process that can't be seen here", shown);
    return -1;
}

/* ---- whether ---- */

static struct flock locks(short type, off_t start, off_t end)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = end - start};
}

int in_use_take(int fd, const char *shown, GError **error)
{
    struct flock lock = locks(F_WRLCK, FIRST_USED, FIRST_DENIED + COUNT_EACH);
    bool writes = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;

    if (writes)
        return fcntl(fd, F_OFD_SETLK, &lock) < 0 && (errno == EAGAIN || errno == EACCES)
                   ? refuse(fd, shown, error)
                   : 0;
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? refuse(fd, shown, error)
                                                                        : 0;
}

/* First said, then asked, as QEMU does it: of two at the same time one sees the other at least. */
int in_use_share(int fd, const char *shown, GError **error)
{
    struct flock deny = locks(F_RDLCK, FIRST_DENIED, FIRST_DENIED + COUNT_EACH);
    struct flock used = locks(F_WRLCK, FIRST_USED, FIRST_USED + COUNT_EACH);

    if (fcntl(fd, F_OFD_SETLK, &deny) < 0 && (errno == EAGAIN || errno == EACCES))
        return refuse(fd, shown, error);
    return fcntl(fd, F_OFD_GETLK, &used) == 0 && used.l_type != F_UNLCK ? refuse(fd, shown, error)
                                                                        : 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/presence.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"

#define TABLE_MAX (64 * 1024 * 1024)

const struct presence_daemon presence_daemons[PRESENCE_DAEMONS] = {
    {"virtqemud", "virtqemud"},         {"virtxend", "virtxend"},
    {"virtlxcd", "virtlxcd"},           {"virtvboxd", "virtvboxd"},
    {"virtbhyved", "virtbhyved"},       {"virtchd", "virtchd"},
    {"virtnetworkd", "virtnetworkd"},   {"virtstoraged", "virtstoraged"},
    {"virtnodedevd", "virtnodedevd"},   {"virtsecretd", "virtsecretd"},
    {"virtnwfilterd", "virtnwfilterd"}, {"virtinterfaced", "virtinterfaced"},
    {"virtproxyd", "libvirt"},
};

const char *const presence_suffixes[PRESENCE_SOCKETS] = {"-sock", "-sock-ro", "-admin-sock"};

/* The file alone may be what a crash left; its lock goes with the process. */
static bool is_running(const char *pid_file)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    autofd int fd = open(pid_file, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* By the kernel's table. */
static bool is_listened_on(const char *path)
{
    g_autofree char *table = NULL;
    g_autofree char *line = g_strdup_printf(" %s\n", path);

    return file_read_all("/proc/net/unix", TABLE_MAX, &table, NULL, NULL) == 0 &&
           strstr(table, line) != NULL;
}

enum presence presence_look(const struct presence_daemon *daemon, const char *runtime,
                            const char *pid_file)
{
    enum presence presence = PRESENCE_ABSENT;

    if (is_running(pid_file))
        return PRESENCE_RUNNING;
    for (size_t i = 0; i < PRESENCE_SOCKETS; i++) {
        g_autofree char *path =
            g_strdup_printf("%s/%s%s", runtime, daemon->stem, presence_suffixes[i]);

        if (access(path, F_OK) < 0)
            continue;
        if (!is_listened_on(path))
            return PRESENCE_DEAD;
        presence = PRESENCE_WAITING;
    }
    return presence;
}

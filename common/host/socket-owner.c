/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/socket-owner.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define TABLE_MOST (16 * 1024 * 1024)
#define LISTENING 0x0a

/* "  12: 00000000:0035 00000000:0000 07 ... UID TIMEOUT INODE": sockets of TCP that only wait for
 * others, all of UDP. */
static bool read_line(const char *line, bool udp, unsigned port, unsigned long *ret_inode)
{
    unsigned local, state;
    unsigned long inode;

    if (sscanf(line, " %*u: %*[0]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu", &local, &state,
               &inode) != 3 ||
        local != port || (!udp && state != LISTENING))
        return false;
    *ret_inode = inode;
    return true;
}

/* Adds the numbers of such sockets, as their descriptors show them. */
static void read_table(const char *table, bool udp, unsigned port, GHashTable *sockets)
{
    g_autofree char *text = NULL;
    unsigned long inode;

    if (file_read_all(table, TABLE_MOST, &text, NULL, NULL) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (read_line(*line, udp, port, &inode))
            g_hash_table_add(sockets, g_strdup_printf("socket:[%lu]", inode));
}

static bool has_socket(const char *pid, GHashTable *sockets)
{
    g_autofree char *folder = g_strdup_printf("/proc/%s/fd", pid);
    g_autoptr(GDir) descriptors = g_dir_open(folder, 0, NULL);
    const char *name;

    while (descriptors && (name = g_dir_read_name(descriptors))) {
        g_autofree char *path = g_strdup_printf("%s/%s", folder, name);
        g_autofree char *target = g_file_read_link(path, NULL);

        if (target && g_hash_table_contains(sockets, target))
            return true;
    }
    return false;
}

GArray *socket_owner_list(bool udp, unsigned port)
{
    g_autoptr(GHashTable) sockets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
    GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
    const char *name;

    read_table(udp ? "/proc/net/udp" : "/proc/net/tcp", udp, port, sockets);
    read_table(udp ? "/proc/net/udp6" : "/proc/net/tcp6", udp, port, sockets);
    while (g_hash_table_size(sockets) && processes && (name = g_dir_read_name(processes))) {
        pid_t pid = (pid_t)g_ascii_strtoll(name, NULL, 10);

        if (pid > 0 && has_socket(name, sockets))
            g_array_append_val(pids, pid);
    }
    return pids;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "port-debts.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"

/* The most of a network's name. */
#define NAME_LIMIT 4096

static char *folder_of(struct qemu *qemu)
{
    return g_build_filename(qemu->status_folder, "owed-ports", NULL);
}

static char *path_of(struct qemu *qemu, const struct remote_nonnull_network_port *port)
{
    g_autofree char *folder = folder_of(qemu);
    char uuid[UUID_TEXT];

    return g_build_filename(folder, uuid_format(port->uuid, uuid), NULL);
}

void port_debts_note(struct qemu *qemu, const struct remote_nonnull_network_port *port)
{
    g_autofree char *folder = folder_of(qemu);
    g_autofree char *path = path_of(qemu, port);
    g_autoptr(GError) error = NULL;

    if (file_make_folders(folder, 0700, &error) < 0 ||
        file_replace_volatile(path, port->net.name, strlen(port->net.name), 0600, &error) < 0)
        log_warn("%s", error->message);
}

void port_debts_clear(struct qemu *qemu, const struct remote_nonnull_network_port *port)
{
    g_autofree char *path = path_of(qemu, port);
    g_autoptr(GError) error = NULL;

    if (file_remove(path, &error) < 0)
        log_warn("%s", error->message);
}

struct remote_nonnull_network_port *port_debts_list(struct qemu *qemu, struct arena *arena,
                                                    unsigned *ret_count)
{
    g_autofree char *folder = folder_of(qemu);
    g_auto(GStrv) names = NULL;

    *ret_count = 0;
    if (file_list(folder, NULL, &names, NULL) < 0)
        return NULL;
    struct remote_nonnull_network_port *ports =
        arena_array(arena, g_strv_length(names), sizeof(*ports));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        g_autofree char *network = NULL;
        struct remote_nonnull_network_port *port = &ports[*ret_count];

        if (uuid_parse(*name, port->uuid) < 0 ||
            file_read_all(path, NAME_LIMIT, &network, NULL, NULL) < 0)
            continue;
        port->net.name = arena_strdup(arena, network);
        (*ret_count)++;
    }
    return ports;
}

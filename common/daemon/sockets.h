/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "daemon/settings.h"
#include "wire/server.h"

/*
 * The unix sockets of a daemon: rw, ro (system mode only) and admin. systemd passes them listening,
 * or the daemon makes them; with passed ones it makes none, and the settings about sockets do not
 * count. Loop thread.
 */
enum socket_role {
    SOCKET_RW,
    SOCKET_RO,
    SOCKET_ADMIN,
    SOCKET_ROLES,
};

struct sockets {
    char *paths[SOCKET_ROLES]; /* of those that we make; NULL: none */
    char *second_admin;        /* the same server under another name; NULL: none */
    mode_t modes[SOCKET_ROLES];
    gid_t groups[SOCKET_ROLES];
    GArray *passed; /* struct passed_socket, until they are opened */
    bool activated; /* systemd passed some */
};

struct passed_socket {
    enum socket_role role;
    int fd;
};

/*
 * Takes what systemd passed, and forgets the variables that say so; stem is the sockets'
 * ("libvirt"), name the daemon's. Sockets that it has no use for are closed with a warning. Before
 * the process forks. VIR_ERR_INVALID_ARG if none of several is of use.
 */
int sockets_take_passed(const char *name, const char *stem, struct sockets *sockets,
                        GError **error);

/* Decides on paths, modes and groups. VIR_ERR_CONFIG_UNSUPPORTED: no such group. */
int sockets_plan(const char *name, const char *stem, const char *runtime, bool session,
                 const struct settings *settings, struct sockets *sockets, GError **error);

/* Listens: on passed sockets at the first call, on our own always (again after server_withdraw). */
int sockets_open(struct sockets *sockets, struct server *server, struct server *admin,
                 GError **error);

/* True if somebody accepts at the rw socket that we would make. */
bool sockets_answer(const struct sockets *sockets);

void sockets_clear(struct sockets *sockets);

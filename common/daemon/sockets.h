/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "daemon/settings.h"
#include "wire/server.h"

/*
 * The sockets of a daemon: rw, ro (system mode only) and admin; TCP and TLS of those that serve
 * them. systemd passes them listening, or the daemon makes them; with passed ones it makes none,
 * and the settings about sockets do not count. Loop thread.
 */
enum socket_role {
    SOCKET_RW,
    SOCKET_RO,
    SOCKET_ADMIN,
    SOCKET_UNIX_ROLES,
    SOCKET_TCP = SOCKET_UNIX_ROLES,
    SOCKET_TLS,
    SOCKET_ROLES,
};

struct remote;
struct remote_settings;

struct sockets {
    char *paths[SOCKET_UNIX_ROLES]; /* of those that we make; NULL: none */
    char *second_admin;             /* the same server under another name; NULL: none */
    mode_t modes[SOCKET_UNIX_ROLES];
    gid_t groups[SOCKET_UNIX_ROLES];
    struct remote *remote;                         /* NULL: no TCP and TLS */
    const struct remote_settings *remote_settings; /* of the start: sockets stay as they are */
    GArray *passed;                                /* struct passed_socket, until they are opened */
    bool activated;                                /* systemd passed some */
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

/* True if clients may come by TLS: passed, or to be made. */
bool sockets_have_tls(const struct sockets *sockets);

/* Decides on paths, modes and groups. VIR_ERR_CONFIG_UNSUPPORTED: no such group. */
int sockets_plan(const char *name, const char *stem, const char *runtime, bool session,
                 const struct settings *settings, struct sockets *sockets, GError **error);

/* Listens: on passed sockets at the first call, on our own always (again after server_withdraw). */
int sockets_open(struct sockets *sockets, struct server *server, struct server *admin,
                 GError **error);

/* True if somebody accepts at the rw socket that we would make. */
bool sockets_answer(const struct sockets *sockets);

void sockets_clear(struct sockets *sockets);

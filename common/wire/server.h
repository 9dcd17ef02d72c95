/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "wire/connection.h"

/*
 * Listening sockets, the clients that came through them, and their number. Loop thread only.
 *
 * At max_clients accepting pauses: later clients wait in the kernel's backlog and are served when
 * one leaves. Peers that are not yet authenticated are limited by max_anonymous, local and remote
 * ones each by themselves: beyond it, of the user (or host) with the most of them, the one silent
 * longest is closed, if it has lingered: a local client authenticates within a millisecond or a few
 * of being accepted, a remote one within a few times the way there. A burst of clients that are all
 * that young waits in the backlog until some have spoken. One user's lingerers never push out
 * another's. When the process is out of descriptors, accepting
 * pauses for a second or until a client leaves.
 */
struct server;
struct server_client;

struct server_limits {
    unsigned max_clients;
    unsigned max_anonymous; /* 0: as many as max_clients */
    unsigned max_queued;    /* backlog of each listening socket */
    struct connection_limits connection;
};

/* 5000 clients, 20 anonymous, 1000 queued, connection_default_limits. */
void server_limits_init(struct server_limits *ret_limits);

/* What may differ between the sockets of one server; given to every client of it. */
struct server_service {
    const char *name; /* "rw", "ro", "admin", "tcp", "tls": must live as long as the server */
    bool read_only;
    bool admin;
    /* Makes the transport of an accepted socket, which it takes; NULL: it is a unix socket. */
    struct transport *(*transport)(int fd, void *data, GError **error);
    void *data; /* the owner's */
};

/* One client; valid until disconnected returns. Public members are read-only outside. */
struct server_client {
    uint64_t id;          /* from 1, never reused */
    int64_t connected_at; /* seconds since 1970 */
    int64_t accepted_at;  /* the same moment by loop_now() */
    const struct server_service *service;
    struct connection *connection;
    struct server *server;
    bool authenticated;
    void *data;           /* the owner's */
    void *authentication; /* of the code that asks the client who it is; NULL: nothing is known */
    struct server_client *older, *newer;
};

struct server_handlers {
    /* May set client->data. */
    void (*connected)(struct server_client *client, void *data);
    void (*frame)(struct server_client *client, struct frame *frame, void *data);
    /* reason: see connection_handlers. */
    void (*disconnected)(struct server_client *client, const GError *reason, void *data);
};

/* handlers and data are borrowed. name is shown by the admin interface. */
struct server *server_new(struct loop *loop, const char *name, const struct server_limits *limits,
                          const struct server_handlers *handlers, void *data);

/* Closes everything at once, calls disconnected for each client, unlinks own sockets, frees. */
void server_free(struct server *server);

/*
 * Creates a socket at path with this mode, and group unless it is -1. A file left by a dead daemon
 * is replaced (nothing answers a connect); a living one is VIR_ERR_OPERATION_FAILED, so hold the
 * pid file's lock before. service is copied. Blocks for a local connect at most.
 */
int server_listen(struct server *server, const struct server_service *service, const char *path,
                  mode_t mode, gid_t group, GError **error);

/*
 * Listens at a TCP port of an address (a host's name or number; NULL: of all), once for each family
 * of addresses that the host has. VIR_ERR_SYSTEM_ERROR if there is none, or the port is taken.
 * Blocks on the name service.
 */
int server_listen_tcp(struct server *server, const struct server_service *service,
                      const char *address, const char *port, GError **error);

/* Takes a listening socket made by someone else (socket activation); it is never unlinked. */
int server_adopt(struct server *server, const struct server_service *service, int fd,
                 GError **error);

/* Takes a connected socket as if it had been accepted through service (tests, hand-over). */
struct server_client *server_add_client(struct server *server, const struct server_service *service,
                                        int fd, GError **error);

/* To be called when a client has authenticated: it no longer counts as anonymous. */
void server_client_set_authenticated(struct server_client *client);

/*
 * For the idle exit, without losing a client: unlinks own sockets and shuts them, so that a later
 * connect fails as if no daemon ran; accepts who waits in their backlog already; leaves adopted
 * sockets (whose backlog the next daemon inherits). Returns the number of clients: when it is not
 * 0, server_listen again and go on.
 */
unsigned server_withdraw(struct server *server);

/* Stops listening and closes each client when its queue is sent or after milliseconds;
 * disconnected is called for each. */
void server_shutdown(struct server *server, unsigned milliseconds);

/* Admin interface. */
const char *server_name(const struct server *server);
void server_get_limits(const struct server *server, struct server_limits *ret_limits);
void server_set_limits(struct server *server, const struct server_limits *limits);
struct server_client *server_find_client(struct server *server, uint64_t id);
struct server_client *server_first_client(struct server *server); /* the oldest; then ->newer */

struct server_stats {
    unsigned clients, anonymous;
    uint64_t accepted; /* ever */
    uint64_t evicted;  /* anonymous ones closed to make room */
    bool accepting;    /* false: paused */
};
void server_get_stats(const struct server *server, struct server_stats *ret_stats);

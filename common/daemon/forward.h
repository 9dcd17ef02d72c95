/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "protocol/remote.h"

struct connection;
struct daemon;
struct request;
struct transport_peer;

/*
 * A client's link to another daemon. Calls go there as the bytes they came as, and so do replies,
 * errors, events, streams and descriptors on the way back; only serials are changed. Each client
 * has links of its own, so that a client or a daemon that is slow or hangs holds up nobody else:
 * one that does not read is not read from, in both directions. Loop thread only.
 *
 * Errors of a daemon that is absent, silent or gone name it, its socket and how to start it. In a
 * session one that does not run is started.
 */
struct forward;

struct forward_target {
    const char *daemon; /* "virtqemud" */
    const char *path;   /* of its socket */
    /* Who the client is, as far as this daemon, being trusted by the other, may say; NULL: nothing
     * is said. */
    const struct remote_connect_set_identity_args *identity;
};

struct forward_handlers {
    /* CONNECT_OPEN has been answered: the other daemon has opened its driver, or refuses (error):
     * then there is nothing left to do but forward_free(), also from within. */
    void (*opened)(struct forward *forward, const GError *error, void *data);
    /* The other daemon has gone; not after forward_free(). */
    void (*closed)(struct forward *forward, void *data);
};

/* Connects for the client, which a reference is kept of; all of target is copied, handlers are
 * borrowed. Does not wait: a daemon that is slow to answer, or a session's that can't be started,
 * is found out later. NULL with VIR_ERR_SYSTEM_ERROR when the socket can't be connected to. */
struct forward *forward_new(struct daemon *daemon, struct connection *client,
                            const struct forward_target *target,
                            const struct forward_handlers *handlers, void *data, GError **error);

/* Drops the link; calls under way are answered with an error. Accepts NULL. */
void forward_free(struct forward *forward);

/* Opens the other daemon's driver, and tells the identity: by a request for CONNECT_OPEN, taken
 * over, whose reply is the other daemon's. Once. */
void forward_open(struct forward *forward, struct request *request);

/* The same in this daemon's own name, for a driver that the client need not know of. */
void forward_open_uri(struct forward *forward, const char *uri, bool readonly);

/* Passes a request on, which is taken over and ended. Those that come before the other daemon has
 * opened its driver wait for it, in order. */
void forward_request(struct forward *forward, struct request *request);

/* What a peer's link tells of it, in the call's or other arena. */
struct arena;
void forward_identity_of(const struct transport_peer *peer, struct arena *arena,
                         struct remote_connect_set_identity_args *ret_args);

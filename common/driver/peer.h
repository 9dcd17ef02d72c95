/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/arena.h"
#include "protocol/protocol.h"
#include "protocol/remote.h"

struct daemon;
struct frame;

/*
 * Another daemon of this host, asked by this one in its own name: virtqemud asks virtnetworkd for a
 * port, virtstoraged for the path of a volume, virtsecretd for a value. One link serves all
 * callers: made by the first call, and again by the first one after it was lost; any number of
 * calls may be in flight. While nothing is asked for a minute, it is dropped, so that the other
 * daemon may end when idle; and when a call was not answered in time, nor any other meanwhile.
 */
struct peer;

struct peer_handlers {
    /* Linked anew, before any call: the place to register for events, by peer_call(). A failure
     * unlinks, and is that of the calls that wait. On a worker. May be NULL. */
    int (*linked)(struct peer *peer, void *data, GError **error);
    /* An event's message; borrowed. Loop thread. May be NULL. */
    void (*event)(struct peer *peer, const struct frame *frame, void *data);
    /* The link that was made is lost, or dropped for being idle. Loop thread. May be NULL. */
    void (*lost)(struct peer *peer, void *data);
    /* True: the link stays though nothing is asked, for its events. Loop thread. NULL: false. */
    bool (*needed)(struct peer *peer, void *data);
};

/* Links nothing yet. handlers may be NULL, and are borrowed. Loop thread. */
struct peer *peer_new(struct daemon *daemon, enum protocol_owner owner,
                      const struct peer_handlers *handlers, void *data);

/* The daemon ends: calls in flight fail now, and so do those to come. Loop thread, which need not
 * run for that. */
void peer_end(struct peer *peer);

/* At the daemon's end, when no call is in flight: no handler is called any more. Loop thread. NULL
 * is ok. */
void peer_free(struct peer *peer);

/*
 * Calls a procedure of the remote program, and waits for the reply, half a minute at most; to be
 * linked may take ten seconds more. Workers only. args may be NULL where there are none, ret where
 * nobody asks; what *ret points to is in the arena.
 *
 * Errors: the other daemon's own, unchanged. VIR_ERR_NO_CONNECT for one that is absent, silent or
 * gone names it, its socket and what to do. Whether the other daemon has done what it was asked is
 * then unknown, unless it is absent: a link that was lost before anything was sent is made anew
 * unseen.
 */
int peer_call(struct peer *peer, enum remote_procedure procedure, const void *args,
              struct arena *arena, void *ret, GError **error);

/* The same for a procedure of another program, which the other daemon has for its like alone. */
int peer_call_program(struct peer *peer, const struct protocol_program *program, uint32_t procedure,
                      const void *args, struct arena *arena, void *ret, GError **error);

struct peer_times {
    int open, call, idle; /* milliseconds */
};

/* Other times than the usual, before the first call. */
void peer_set_times(struct peer *peer, const struct peer_times *times);

/* True while there is a link, which may be lost at any moment. Any thread. */
bool peer_is_linked(struct peer *peer);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "base/error.h"
#include "protocol/protocol.h"
#include "wire/frame.h"
#include "wire/server.h"
#include "wire/stream.h"

/*
 * From a received call to the thread that serves it. Calls of unknown programs or procedures, or
 * before authentication, are answered here; all others become a request, which whoever serves it
 * ends with exactly one request_reply() or request_fail().
 */
struct daemon;
struct dispatch_table;
struct tally_row;

struct request {
    struct daemon *daemon;
    const struct dispatch_table *table;
    struct connection *connection; /* a reference */
    void *client;                  /* server_client->data at the time of the call */
    struct frame *frame;           /* owned: header, payload, descriptors */
    const struct protocol_method *method;
    struct stream *stream;   /* of methods that open one, else NULL; owned */
    struct workers *workers; /* of the server that the client is of */
    bool in_flight;          /* counted as such */
    int64_t began;           /* by g_get_monotonic_time() */
    struct tally_row *tally; /* where it is counted when it ends */
    bool failed;
};

enum dispatch_lane {
    DISPATCH_WORKER,  /* may block */
    DISPATCH_PATIENT, /* may block for long, for somebody whom nobody can trust to answer */
    DISPATCH_INLINE,  /* answers at once, on the loop thread */
};

struct dispatch_table {
    const struct protocol_program *const *programs; /* NULL at the end */
    /* Where it runs; on the loop thread, once, always followed by serve: the place to take a
     * reference to request->client. */
    enum dispatch_lane (*lane)(struct request *request);
    /* Serves and ends it; on the loop thread or a worker, as lane said. */
    void (*serve)(struct request *request);
    enum error_from error_from; /* of errors that don't say it themselves; 0: the daemon's */
};

/* Takes a frame of type call from a client of the daemon; loop thread. */
void dispatch_frame(struct daemon *daemon, const struct dispatch_table *table,
                    struct server_client *client, struct frame *frame);

/* Goes on with it on a worker, which runs run(data): for what turns out to block. Loop thread. */
void request_push(struct request *request, void (*run)(void *data), void *data);

/* It goes on after this callback, without a worker: a call in flight. Loop thread. */
void request_hold(struct request *request);

/* Ends a held request with the reply that another daemon gave to it, unchanged but for its serial;
 * the frame stays the caller's. Loop thread. */
void request_relay(struct request *request, struct frame *reply);

/*
 * Ends the request: encodes ret by the method's row, sends it with the descriptors (taken; -1 are
 * not allowed), starts the stream, and frees the request. A reply that breaks a limit of the
 * protocol becomes an error. Any thread.
 */
void request_reply(struct request *request, const void *ret, const int *fds, unsigned fd_count);

/* Same with an error, which stays the caller's. */
void request_fail(struct request *request, const GError *error);

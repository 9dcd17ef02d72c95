/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "wire/frame.h"
#include "wire/message.h"
#include "wire/transport.h"

/*
 * One end of a link. It reads packets, answers keepalive by itself, routes stream packets to their
 * streams, holds back a peer that asks too much, and hands everything else to its owner.
 *
 * Threads: the loop thread owns the socket and runs every callback. connection_send,
 * connection_call_end, connection_close, connection_finish, connection_ref, connection_unref and
 * the plain getters may be called by any thread; all else belongs to the loop thread. No function
 * here runs a callback before it returns.
 *
 * A peer is slowed, never dropped, for asking too much:
 *   calls in flight >= max_requests    further calls are read but parked, so that keepalive and
 *                                      streams move; reading stops when the park is full
 *   unread replies > queue_high        reading stops, until queue_low
 *   stream data not consumed           reading stops above stream_bytes
 * It is dropped for: bad framing, a packet not complete in time, no authentication in time,
 * unanswered pings, and for not reading its events (event_bytes, event_messages).
 */
struct connection;

struct connection_limits {
    unsigned max_requests;   /* calls in flight */
    unsigned parked_frames;  /* read beyond max_requests */
    size_t parked_bytes;     /* same; one frame may exceed it */
    size_t stream_bytes;     /* received stream data not yet consumed, all streams together */
    unsigned streams;        /* open at a time */
    size_t queue_high;       /* bytes not yet sent above which no more work is accepted */
    size_t queue_low;        /* ... until it has fallen to this */
    size_t event_bytes;      /* events not yet sent above which the peer is dropped */
    unsigned event_messages; /* same, as a count */
    unsigned packet_timeout; /* ms for a started packet, plus 1 s for each 64 KiB of it; 0: off */
    /* ms of silence before authentication is complete, and in all five times as much, so that
     * nobody stays by saying something now and then; 0: off */
    unsigned authenticate_timeout;
};

/* 5 calls, 16 frames / 1 MiB parked, 1 MiB of stream data, 256 streams, queue 1 MiB / 256 KiB,
 * events 32 MiB / 100,000, 30 s, 60 s. */
extern const struct connection_limits connection_default_limits;

enum connection_role {
    CONNECTION_SERVER, /* frame gets calls */
    CONNECTION_CLIENT, /* frame gets replies, events, and stream packets; no limit on calls */
};

/*
 * frame: one complete packet, now the callee's. Server role: type call or call-with-fds only.
 * closed: called once, last; reason is NULL when the peer closed the link in an orderly way or
 * connection_finish did. Streams have been aborted before.
 */
struct connection_handlers {
    void (*frame)(struct connection *connection, struct frame *frame, void *data);
    void (*closed)(struct connection *connection, const GError *reason, void *data);
    /* After connection_notify_drained(), once: the queue has fallen to queue_low. May be NULL. */
    void (*drained)(struct connection *connection, void *data);
};

/* Any thread. Takes the transport (on failure too) and starts reading; limits are copied, handlers
 * borrowed. The caller owns one reference. Until closed has been called the connection also keeps
 * itself alive. */
struct connection *connection_new(struct loop *loop, struct transport *transport,
                                  enum connection_role role, const struct connection_limits *limits,
                                  const struct connection_handlers *handlers, void *data,
                                  GError **error);

/* Any thread. */
struct connection *connection_ref(struct connection *connection);
void connection_unref(struct connection *connection);

/*
 * Any thread. Takes a finished message; keeps order. On the loop thread it is written at once
 * (inside frame: when the callbacks of this round are done), else the loop is woken. Dropped
 * silently when the link is gone. An event (type message) beyond the limits closes the link.
 */
void connection_send(struct connection *connection, struct message *message);

/* Any thread: drops the link soon; reason (taken, may be NULL) goes to closed. Queued messages are
 * lost. The first reason wins. */
void connection_close(struct connection *connection, GError *reason);

/* Any thread: no more frames are delivered; drops the link once everything queued has been sent, or
 * after milliseconds. */
void connection_finish(struct connection *connection, unsigned milliseconds);

/* Any thread: true from the moment when the link is being closed or finished. */
bool connection_is_closing(struct connection *connection);

/*
 * A call that outlives the frame callback: begin inside the callback (loop thread), end after its
 * reply was sent (any thread). Calls answered inside the callback need neither.
 */
void connection_call_begin(struct connection *connection);
void connection_call_end(struct connection *connection);

/* Any thread: ends the deadline of unauthenticated peers. Before the reply that says so is sent. */
void connection_set_authenticated(struct connection *connection);
bool connection_is_authenticated(struct connection *connection);

/* Loop thread: who the peer is, by SASL; once, before it counts as authenticated. */
void connection_set_sasl_user(struct connection *connection, const char *user);

/* Loop thread: what is sent and received from now on goes through the layer, which takes data. The
 * link is dropped if the peer has sent something ahead: it would pass for protected. */
void connection_add_layer(struct connection *connection, const struct transport_layer *layer,
                          void *data);

/* Sends a ping after each interval (ms) of silence and drops the peer when count pings in a row
 * stay unanswered. interval <= 0: off. Time during which we did not read does not count. */
void connection_enable_keepalive(struct connection *connection, int64_t interval, unsigned count);

/* New limits for what comes from now on (admin interface). */
void connection_set_limits(struct connection *connection, const struct connection_limits *limits);

/* For who passes on what comes in, and can't at the moment: reads nothing more from the peer until
 * told otherwise. What has been read is still delivered. */
void connection_hold(struct connection *connection, bool held);

/* Has handlers->drained called, in a round of its own, when the peer has read enough. */
void connection_notify_drained(struct connection *connection);

/* Borrowed, and valid as long as the connection. */
struct loop *connection_loop(struct connection *connection);
const struct transport_peer *connection_peer(struct connection *connection);
const char *connection_transport_name(struct connection *connection);

/* Any thread: bytes that wait to be sent. */
size_t connection_queued_bytes(struct connection *connection);

struct connection_stats {
    unsigned calls;        /* in flight */
    unsigned parked;       /* frames */
    unsigned streams;      /* open */
    size_t queued_bytes;   /* to be sent */
    int64_t last_received; /* loop_now() of the last bytes */
    bool reading;          /* false: held back */
};
/* Loop thread. */
void connection_get_stats(struct connection *connection, struct connection_stats *ret_stats);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "wire/assembler.h"
#include "wire/connection.h"
#include "wire/keepalive.h"
#include "wire/outbox.h"
#include "wire/park.h"
#include "wire/stream.h"

/*
 * What connection.c, connection-receive.c, stream.c and server.c have of each other. Loop thread
 * only, unless it says otherwise.
 */

/* How much of a packet is there; each stage has its own time. */
enum packet_stage {
    PACKET_NONE,
    PACKET_HEADER,
    PACKET_BODY,
};

struct connection {
    atomic_uint references;
    struct loop *loop;
    enum connection_role role;
    const struct connection_handlers *handlers;
    void *handlers_data;

    struct outbox outbox;
    atomic_uint calls;        /* in flight */
    atomic_bool calls_wait;   /* the end of a call lets something go on */
    atomic_bool flush_posted; /* by a thread that sends */
    atomic_bool work_posted;
    atomic_bool authenticated;

    pthread_mutex_t lock; /* of the next two */
    bool closing;
    GError *reason;
    atomic_bool ending;      /* closing or finishing */
    atomic_uint finish_wait; /* ms */

    /* all below: loop thread */
    struct transport *transport;
    struct loop_source *source;
    struct connection_limits limits;
    struct assembler assembler;
    GByteArray *leftover; /* read, not yet assembled: held back; NULL: nothing */
    struct park park;
    GHashTable *streams; /* NULL until there is one */
    GQueue waiting;      /* streams to be told when the queue has room, each once */
    size_t stream_bytes;
    struct keepalive keepalive;
    struct loop_timer *packet_timer, *authenticate_timer, *keepalive_timer, *finish_timer;
    enum packet_stage timed_stage; /* what packet_timer runs for */
    int64_t last_received;
    int64_t begun_at;
    bool handshaking;
    bool finishing;
    bool corked;    /* a round of callbacks is running: what they send goes out at its end */
    bool congested; /* the peer does not read: no work for it */
    bool blocked;   /* the socket takes no more */
    bool held;      /* the owner takes no more */
    bool notify_drained;
    bool reading;
    bool reads_large; /* the last read was: another one will follow */
    bool closed;
};

/* Has the loop thread run function(connection), which drops the reference held meanwhile. Any
 * thread. */
void connection_post(struct connection *connection, loop_function function);

/* connection_close with a reason of this text. Any thread. */
void connection_close_with(struct connection *connection, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

/* connection_close because the socket said so: a peer that went is no reason. */
void connection_link_broken(struct connection *connection, const char *what, int errnum);

/* No more callbacks about packets: what the peer still sends is not wanted. */
bool connection_is_ending(struct connection *connection);

/* Sends what is queued, as far as the socket takes it; inside a round, its end does. */
void connection_flush(struct connection *connection);

/* Something that was held back may go on: soon, in a round of its own. Any thread. */
void connection_schedule_work(struct connection *connection);
bool connection_has_work(struct connection *connection);

/* Watches the socket for what can be dealt with now. */
void connection_update_events(struct connection *connection);

/* The socket is readable. */
void connection_receive(struct connection *connection);

/* True while the queue has room for the data of streams. */
bool connection_streams_may_send(struct connection *connection);

/* A stream by the name in a packet's header, or NULL. Borrowed. */
struct stream *connection_find_stream(struct connection *connection,
                                      const struct frame_header *header);

/* Takes a reference until connection_remove_stream. VIR_ERR_RPC: name taken, or too many. */
int connection_add_stream(struct connection *connection, struct stream *stream,
                          const struct frame_header *header, GError **error);
void connection_remove_stream(struct connection *connection, const struct frame_header *header);

/* Stream data read and not consumed: a rise may stop reading, a fall takes it up again. */
void connection_count_stream_bytes(struct connection *connection, ssize_t change);

/* True if streams may add to the queue now; else stream_writable will be called. */
bool connection_stream_may_send(struct connection *connection, struct stream *stream);

/* Drops the link now, calling closed; not inside a callback of this connection. */
void connection_close_now(struct connection *connection);

/* Takes a packet that names this stream. */
void stream_handle_frame(struct stream *stream, struct frame *frame);

/* The queue has room. */
void stream_writable(struct stream *stream);

/* The link is gone. */
void stream_lost(struct stream *stream);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/connection.h"
#include "wire/frame.h"

/*
 * The server's end of a stream: bytes and holes both ways beside the calls, named by program,
 * version, procedure and serial of the call that opened it. Life of one:
 *
 *     dispatch, inside the frame callback:     stream_new
 *     handler, on any thread:                  stream_open(ops) or stream_attach_fd
 *     dispatch, after the reply was sent:      stream_start - or stream_discard if the call failed
 *     loop thread:                             ops, until finish or abort; then release
 *
 * Packets that come before stream_start are kept in order. Ends: finish -> stream_reply_finish or
 * stream_fail; abort (answered by itself); stream_fail at any time. Packets for a stream that is
 * gone are ignored, as the peer may have sent them before it knew.
 *
 * Threads: ops run on the loop thread, and so must the functions unless they say "any thread".
 */
struct stream;

struct stream_ops {
    /* The reply is out: sources may begin to send. NULL: nothing to do. */
    void (*start)(struct stream *stream, void *data);

    /* Data from the client; returns how much was consumed. Less than size: the rest is offered
     * again after stream_resume, and meanwhile the client is held back. NULL: data is an error. */
    size_t (*receive)(struct stream *stream, const uint8_t *bytes, size_t size, void *data);

    /* Instead of receive, for who keeps data: takes the packet, whose payload is the data. False:
     * it is offered again, as above. */
    bool (*take)(struct stream *stream, struct frame *frame, void *data);

    /* A hole from the client; true when consumed, false as above. NULL: the opening call did not
     * ask for sparse; a hole then drops the connection. */
    bool (*hole)(struct stream *stream, uint64_t length, void *data);

    /* All was sent (upload) or the end was seen (download): answer, now or later, with
     * stream_reply_finish or stream_fail. */
    void (*finish)(struct stream *stream, void *data);

    /* The client gave up, or its link is gone: tear down. Answered when this returns; call
     * stream_fail inside for a teardown that failed. NULL: nothing to do. */
    void (*abort)(struct stream *stream, void *data);

    /* After a send returned false: the queue has room again. NULL for pure sinks. */
    void (*writable)(struct stream *stream, void *data);

    /* Last call, exactly once if stream_open was called: after the end, and not before stream_start
     * or stream_discard. NULL: nothing to release. */
    void (*release)(void *data);
};

/* Loop thread, inside frame: makes the stream of this call; the caller owns a reference.
 * VIR_ERR_RPC: the serial is that of an open stream, or there are too many. */
struct stream *stream_new(struct connection *connection, const struct frame_header *call,
                          GError **error);

/* Any thread, once, before stream_start: gives it its owner. ops are borrowed for ever. */
void stream_open(struct stream *stream, const struct stream_ops *ops, void *data);

/* Any thread: the reply to the call has been handed to connection_send. */
void stream_start(struct stream *stream);

/* Any thread: the call failed, there will be no stream. */
void stream_discard(struct stream *stream);

/* Any thread. */
struct stream *stream_ref(struct stream *stream);
void stream_unref(struct stream *stream);

/* Sends data, in packets of at most FRAME_STREAM_DATA_MAX, size > 0. False: it was queued (or the
 * stream is gone), but wait for writable before sending more. */
bool stream_send(struct stream *stream, const void *bytes, size_t size);

/* Any thread: an empty packet of data, with room for size bytes, at most FRAME_STREAM_DATA_MAX, at
 * *ret_bytes. */
struct message *stream_packet_new(struct stream *stream, size_t size, uint8_t **ret_bytes);

/* Sends the first size bytes of one, size > 0, and takes it. Result as above. */
bool stream_send_packet(struct stream *stream, struct message *packet, size_t size);

/* Sends a hole; only if the client asked for sparse. Result as above. */
bool stream_send_hole(struct stream *stream, uint64_t length);

/* No more data, and no writable; the client will finish. */
void stream_send_eof(struct stream *stream);

/* Answers finish: the end of the stream. */
void stream_reply_finish(struct stream *stream);

/* Any thread: ends the stream with an error packet; abort is not called. error is copied; from is
 * the speaker when it names none. */
void stream_fail(struct stream *stream, const GError *error, enum error_from from);

/* Takes up receive and hole again. Never calls them before it returns. */
void stream_resume(struct stream *stream);

/* True once the stream has ended in any way. */
bool stream_is_gone(const struct stream *stream);

/* Any thread. Borrowed from the stream. */
struct connection *stream_connection(struct stream *stream);

enum stream_fd_mode {
    STREAM_FD_SOURCE, /* fd -> client, until end of file */
    STREAM_FD_SINK,   /* client -> fd; closed before finish is answered */
    STREAM_FD_BOTH,   /* a terminal or socket */
};

/*
 * stream_open with a pump between the stream and fd (taken; a pty, socket, pipe or file; made
 * non-blocking). Any thread. ended(data) is called once on the loop thread when the pump stops
 * for whatever reason; may be NULL. A regular file's reads and writes happen on the loop thread.
 * The process must ignore SIGPIPE.
 */
int stream_attach_fd(struct stream *stream, int fd, enum stream_fd_mode mode,
                     void (*ended)(void *data), void *data, GError **error);

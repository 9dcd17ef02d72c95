/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/loop.h"
#include "wire/codec.h"
#include "wire/connection.h"

/*
 * The calling side: a link to another daemon, as its client. The socket is served by a loop, which
 * must run in another thread than the ones that wait here. Any number of calls may be in flight;
 * every function may be called by any thread, upstream_call, _call_frame and _exchange not by the
 * loop's.
 *
 * Errors: what the server answered, with its code, speaker and message; VIR_ERR_RPC when the link
 * is gone; VIR_ERR_OPERATION_TIMEOUT when the deadline passed (the late reply is then dropped).
 */
struct upstream;

/* On the loop thread. Owned by the callee. */
typedef void (*upstream_function)(struct upstream *upstream, struct frame *frame, void *data);

struct upstream_handlers {
    upstream_function event;  /* type message; NULL: dropped */
    upstream_function stream; /* types stream and stream-hole; NULL: dropped */
    /* The link is gone; once, on the loop thread, never after upstream_free. NULL: nobody asks. */
    void (*closed)(struct upstream *upstream, const GError *reason, void *data);
    /* After upstream_notify_drained(), once; on the loop thread. May be NULL. */
    void (*drained)(struct upstream *upstream, void *data);
};

/* Connects to a unix socket, waiting at most milliseconds (-1: for ever). handlers may be NULL. */
struct upstream *upstream_connect(struct loop *loop, const char *path, int milliseconds,
                                  const struct upstream_handlers *handlers, void *data,
                                  GError **error);

/* Same for a connected socket, which is taken (on failure too). */
struct upstream *upstream_new(struct loop *loop, int fd, const struct upstream_handlers *handlers,
                              void *data, GError **error);

/* Drops the link: calls in flight fail, and handlers.closed follows as the last callback (its data
 * may be freed there), also when it has been called for another reason: then at once none follows.
 * Accepts NULL. */
void upstream_free(struct upstream *upstream);

/*
 * Calls and waits for the reply, at most milliseconds (-1: for ever). What *ret points to is in the
 * arena. Either type may be NULL (nothing).
 */
int upstream_call(struct upstream *upstream, uint32_t program, uint32_t version, int32_t procedure,
                  const struct codec_type *args_type, const void *args,
                  const struct codec_type *ret_type, struct arena *arena, void *ret,
                  int milliseconds, GError **error);

/*
 * Same with bytes: message is a finished call (its serial is overwritten) and is taken; *ret_frame
 * is an ok reply, owned by the caller: its payload and descriptors. *ret_serial, unless NULL, names
 * the call's stream.
 */
int upstream_call_frame(struct upstream *upstream, struct message *message, int milliseconds,
                        struct frame **ret_frame, uint32_t *ret_serial, GError **error);

/* Same for any reply, also one with status error: fails only when there is none. */
int upstream_exchange(struct upstream *upstream, struct message *message, int milliseconds,
                      struct frame **ret_frame, uint32_t *ret_serial, GError **error);

/*
 * Sends a call and returns; reply is called once on the loop thread with any reply (also one with
 * status error), which it owns, or with NULL when the link is gone: for forwarding. message is
 * taken, and its serial overwritten by the one returned.
 */
uint32_t upstream_call_async(struct upstream *upstream, struct message *message,
                             upstream_function reply, void *data);

/* Stream packets of the stream that the call with this serial opened. bytes NULL: end (status ok).
 */
void upstream_stream_send(struct upstream *upstream, const struct frame_header *call,
                          const void *bytes, size_t size);
void upstream_stream_send_hole(struct upstream *upstream, const struct frame_header *call,
                               uint64_t length);
void upstream_stream_abort(struct upstream *upstream, const struct frame_header *call);

/* Bytes queued and not sent: a producer should pause when they grow. */
size_t upstream_queued_bytes(struct upstream *upstream);

/* Loop thread: has handlers.drained called when few are. */
void upstream_notify_drained(struct upstream *upstream);

/* Calls in flight fail now, as if the link were gone: for an end that does not let its loop run.
 * Any thread. */
void upstream_cancel(struct upstream *upstream);

/* True until the link is gone. */
bool upstream_is_connected(struct upstream *upstream);

/* The link itself, borrowed: for connection_send of packets that are no calls. */
struct connection *upstream_connection(struct upstream *upstream);

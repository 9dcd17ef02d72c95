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
 * The calling side: a link to another daemon. The socket is served by a loop, which must run in
 * another thread than the ones that wait here. Any number of calls may be in flight; every function
 * may be called by any thread, client_call and client_call_frame not by the loop's.
 *
 * Errors: what the server answered, with its code, speaker and message; VIR_ERR_RPC when the link
 * is gone; VIR_ERR_OPERATION_TIMEOUT when the deadline passed (the late reply is then dropped).
 */
struct client;

/* On the loop thread. Owned by the callee. */
typedef void (*client_frame_function)(struct client *client, struct frame *frame, void *data);

struct client_handlers {
    client_frame_function event;  /* type message; NULL: dropped */
    client_frame_function stream; /* types stream and stream-hole; NULL: dropped */
    /* The link is gone; once, on the loop thread, never after client_free. NULL: nobody asks. */
    void (*closed)(struct client *client, const GError *reason, void *data);
};

/* Connects to a unix socket, waiting at most milliseconds (-1: for ever). handlers may be NULL. */
struct client *client_connect(struct loop *loop, const char *path, int milliseconds,
                              const struct client_handlers *handlers, void *data, GError **error);

/* Same for a connected socket, which is taken (on failure too). */
struct client *client_new(struct loop *loop, int fd, const struct client_handlers *handlers,
                          void *data, GError **error);

/* Drops the link. Calls in flight in other threads fail first; handlers may still be running on the
 * loop thread, but none starts afterwards. Accepts NULL. */
void client_free(struct client *client);

/*
 * Calls and waits for the reply, at most milliseconds (-1: for ever). What *ret points to is in the
 * arena. Either type may be NULL (nothing).
 */
int client_call(struct client *client, uint32_t program, uint32_t version, int32_t procedure,
                const struct codec_type *args_type, const void *args,
                const struct codec_type *ret_type, struct arena *arena, void *ret, int milliseconds,
                GError **error);

/*
 * Same with bytes: message is a finished call (its serial is overwritten) and is taken; *ret_frame
 * is an ok reply, owned by the caller: its payload and descriptors. *ret_serial, unless NULL, names
 * the call's stream.
 */
int client_call_frame(struct client *client, struct message *message, int milliseconds,
                      struct frame **ret_frame, uint32_t *ret_serial, GError **error);

/*
 * Sends a call and returns; reply is called once on the loop thread with any reply (also one with
 * status error), which it owns, or with NULL when the link is gone: for forwarding. message is
 * taken, and its serial overwritten by the one returned.
 */
uint32_t client_call_async(struct client *client, struct message *message,
                           client_frame_function reply, void *data);

/* Stream packets of the stream that the call with this serial opened. bytes NULL: end (status ok).
 */
void client_stream_send(struct client *client, const struct frame_header *call, const void *bytes,
                        size_t size);
void client_stream_send_hole(struct client *client, const struct frame_header *call,
                             uint64_t length);
void client_stream_abort(struct client *client, const struct frame_header *call);

/* Bytes queued and not sent: a producer should pause when they grow. */
size_t client_queued_bytes(struct client *client);

/* True until the link is gone. */
bool client_is_connected(struct client *client);

/* See connection_enable_keepalive; takes effect on the loop thread. */
void client_enable_keepalive(struct client *client, int64_t interval, unsigned count);

/* The link itself, borrowed: for connection_send of packets that are no calls. */
struct connection *client_connection(struct client *client);

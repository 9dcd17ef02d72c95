/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "wire/connection.h"
#include "wire/stream.h"

/* What connection.c and stream.c have of each other. Loop thread only. */

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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client that sends anything: first byte: how the bytes are cut; then what goes into the socket.
 * Calls are answered, or open a stream, or hang, by their procedure.
 */
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "wire/connection.h"
#include "wire/stream.h"

enum {
    ROUNDS_AFTER = 8,
};

static size_t take_half(struct stream *stream, const uint8_t *bytes, size_t size, void *data)
{
    if (size > 1)
        stream_resume(stream);
    return (size + 1) / 2;
}

static bool take_hole(struct stream *stream, uint64_t length, void *data)
{
    return true;
}

static const struct stream_ops plain_ops = {.receive = take_half};
static const struct stream_ops sparse_ops = {.receive = take_half, .hole = take_hole};

static void open_stream(struct connection *connection, const struct frame *frame)
{
    struct frame_header header = message_reply_header(&frame->header, FRAME_REPLY, FRAME_OK);
    struct stream *stream = stream_new(connection, &frame->header, NULL);

    if (!stream)
        return;
    stream_open(stream, frame->header.procedure & 4 ? &sparse_ops : &plain_ops, NULL);
    connection_send(connection, message_new_with(&header, NULL, 0));
    if (frame->header.procedure & 8)
        stream_discard(stream);
    else
        stream_start(stream);
    stream_unref(stream);
}

static void handle_frame(struct connection *connection, struct frame *frame, void *data)
{
    struct frame_header header = message_reply_header(&frame->header, FRAME_REPLY, FRAME_OK);

    if (frame->header.procedure & 1)
        open_stream(connection, frame);
    else if (frame->header.procedure & 2)
        connection_call_begin(connection);
    else
        connection_send(connection, message_new_with(&header, frame->payload, frame->payload_size));
    frame_free(frame);
}

static void handle_closed(struct connection *connection, const GError *reason, void *data)
{
    *(bool *)data = true;
}

static const struct connection_handlers handlers = {handle_frame, handle_closed};

static void send_pieces(struct loop *loop, int fd, const uint8_t *data, size_t size, size_t piece)
{
    uint8_t drain[4096];

    for (size_t at = 0; at < size; at += piece) {
        if (send(fd, data + at, MIN(piece, size - at), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            return;
        loop_step(loop, 0);
        if (recv(fd, drain, sizeof(drain), MSG_DONTWAIT) == 0)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct connection *connection;
    struct loop *loop = loop_new(NULL);
    bool closed = false;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    connection = connection_new(loop, transport_new_unix(pair[0], NULL), CONNECTION_SERVER,
                                &connection_default_limits, &handlers, &closed, NULL);
    if (size)
        send_pieces(loop, pair[1], data + 1, size - 1, data[0] % 64 ? data[0] : 65536);
    for (int i = 0; i < ROUNDS_AFTER; i++)
        loop_step(loop, 0);
    close(pair[1]);
    connection_close(connection, NULL);
    while (!closed)
        loop_step(loop, 0);
    connection_unref(connection);
    loop_free(loop);
    return 0;
}

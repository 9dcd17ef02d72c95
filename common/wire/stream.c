/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/stream.h"

#include <stdatomic.h>

#include "base/loop.h"
#include "wire/connection-internal.h"
#include "wire/error-message.h"
#include "wire/message.h"

enum {
    HOLE_SIZE = 12, /* hyper length, u32 flags */
};

struct stream {
    atomic_uint references;
    struct connection *connection;
    struct frame_header call;
    const struct stream_ops *ops; /* set before settled */
    void *data;
    atomic_bool resume_posted;

    /* all below: loop thread */
    struct frame *first, **last; /* received, not yet consumed */
    size_t offset;               /* consumed of first */
    GError *early_error;         /* failed before it was started */
    enum error_from early_from;
    bool settled; /* stream_start or stream_discard has run */
    bool started;
    bool delivering;
    bool held;     /* the owner did not take all: until stream_resume */
    bool finished; /* the client has sent all */
    bool aborted;  /* the client gave up */
    bool eof_sent;
    bool gone;
};

/* references */

struct stream *stream_ref(struct stream *stream)
{
    atomic_fetch_add(&stream->references, 1);
    return stream;
}

void stream_unref(struct stream *stream)
{
    if (atomic_fetch_sub(&stream->references, 1) != 1)
        return;
    connection_unref(stream->connection);
    g_clear_error(&stream->early_error);
    g_free(stream);
}

static void post(struct stream *stream, loop_function function)
{
    loop_post(connection_loop(stream->connection), function, stream_ref(stream));
}

struct connection *stream_connection(struct stream *stream)
{
    return stream->connection;
}

bool stream_is_gone(const struct stream *stream)
{
    return stream->gone;
}

/* received packets */

static size_t cost(const struct frame *frame)
{
    return sizeof(*frame) + frame->payload_size;
}

static void push(struct stream *stream, struct frame *frame)
{
    frame->next = NULL;
    *stream->last = frame;
    stream->last = &frame->next;
    connection_count_stream_bytes(stream->connection, (ssize_t)cost(frame));
}

static struct frame *pop(struct stream *stream)
{
    struct frame *frame = stream->first;

    stream->first = frame->next;
    if (!stream->first)
        stream->last = &stream->first;
    frame->next = NULL;
    return frame;
}

static void push_back(struct stream *stream, struct frame *frame)
{
    frame->next = stream->first;
    if (!stream->first)
        stream->last = &frame->next;
    stream->first = frame;
}

/* frame is NULL when its owner has taken it. */
static void drop(struct stream *stream, struct frame *frame, size_t counted)
{
    connection_count_stream_bytes(stream->connection, -(ssize_t)counted);
    frame_free(frame);
    stream->offset = 0;
}

static void drop_all(struct stream *stream)
{
    while (stream->first) {
        struct frame *frame = pop(stream);

        drop(stream, frame, cost(frame));
    }
}

/* the end */

static void release(struct stream *stream)
{
    const struct stream_ops *ops = g_steal_pointer(&stream->ops);

    if (ops && ops->release)
        ops->release(stream->data);
}

/* The owner of a stream that was not settled may still be at work on it: it is released later. */
static void end(struct stream *stream)
{
    stream->gone = true;
    drop_all(stream);
    if (stream->settled)
        release(stream);
    connection_remove_stream(stream->connection, &stream->call);
}

static void send_status(struct stream *stream, enum frame_status status)
{
    struct frame_header header = message_reply_header(&stream->call, FRAME_STREAM, status);

    connection_send(stream->connection, message_new_with(&header, NULL, 0));
}

void stream_reply_finish(struct stream *stream)
{
    if (stream->gone)
        return;
    send_status(stream, FRAME_OK);
    end(stream);
}

static void fail(struct stream *stream, const GError *error, enum error_from from)
{
    if (stream->gone || stream->early_error)
        return;
    if (!stream->started) {
        stream->early_error = g_error_copy(error);
        stream->early_from = from;
        return;
    }
    connection_send(stream->connection, error_message_new_stream(&stream->call, error, from));
    end(stream);
}

struct failure {
    struct stream *stream;
    GError *error;
    enum error_from from;
};

static void fail_posted(void *data)
{
    struct failure *failure = data;

    fail(failure->stream, failure->error, failure->from);
    stream_unref(failure->stream);
    g_error_free(failure->error);
    g_free(failure);
}

void stream_fail(struct stream *stream, const GError *error, enum error_from from)
{
    struct loop *loop = connection_loop(stream->connection);
    struct failure *failure;

    if (loop_is_current(loop)) {
        stream_ref(stream);
        fail(stream, error, from);
        stream_unref(stream);
        return;
    }
    failure = g_new(struct failure, 1);
    *failure = (struct failure){stream_ref(stream), g_error_copy(error), from};
    loop_post(loop, fail_posted, failure);
}

static void fail_with(struct stream *stream, const char *what)
{
    g_autoptr(GError) error = NULL;

    error_set(&error, VIR_ERR_RPC, "%s", what);
    fail(stream, error, VIR_FROM_STREAMS);
}

static void do_abort(struct stream *stream)
{
    drop_all(stream);
    if (stream->ops->abort)
        stream->ops->abort(stream, stream->data);
    if (!stream->gone) {
        send_status(stream, FRAME_OK);
        end(stream);
    }
}

void stream_lost(struct stream *stream)
{
    if (stream->gone)
        return;
    if (stream->started && stream->ops->abort)
        stream->ops->abort(stream, stream->data);
    if (!stream->gone)
        end(stream);
}

/* delivery: each function returns true when the packet is done with, false to keep it */

static bool deliver_whole(struct stream *stream, struct frame **frame)
{
    if (!stream->ops->take(stream, *frame, stream->data))
        return false;
    *frame = NULL;
    return true;
}

static bool deliver_data(struct stream *stream, const struct frame *frame)
{
    size_t left = frame->payload_size - stream->offset;

    if (!left)
        return true;
    if (!stream->ops->receive) {
        fail_with(stream, "this stream takes no data");
        return true;
    }
    left -= stream->ops->receive(stream, frame->payload + stream->offset, left, stream->data);
    stream->offset = frame->payload_size - left;
    return !left;
}

static bool deliver_hole(struct stream *stream, const struct frame *frame)
{
    uint64_t length;

    if (!stream->ops->hole) {
        GError *reason = NULL;

        error_set(&reason, VIR_ERR_RPC, "a hole in a stream that was not opened as sparse");
        connection_close(stream->connection, reason);
        return true;
    }
    if (frame->payload_size < HOLE_SIZE || frame_read_u32(frame->payload + 8)) {
        fail_with(stream, "malformed hole");
        return true;
    }
    length = (uint64_t)frame_read_u32(frame->payload) << 32 | frame_read_u32(frame->payload + 4);
    if (length > INT64_MAX) {
        fail_with(stream, "hole of negative length");
        return true;
    }
    return stream->ops->hole(stream, length, stream->data);
}

static bool deliver_finish(struct stream *stream)
{
    stream->finished = true;
    if (stream->ops->finish)
        stream->ops->finish(stream, stream->data);
    else
        stream_reply_finish(stream);
    return true;
}

static bool deliver(struct stream *stream, struct frame **frame)
{
    const struct frame_header *header = &(*frame)->header;

    if (header->type == FRAME_STREAM_HOLE)
        return deliver_hole(stream, *frame);
    if (header->status == FRAME_CONTINUE)
        return stream->ops->take && (*frame)->payload_size ? deliver_whole(stream, frame)
                                                           : deliver_data(stream, *frame);
    if (header->status == FRAME_OK)
        return deliver_finish(stream);
    fail_with(stream, "unknown status of a stream packet");
    return true;
}

/* The packet is taken off the queue meanwhile: an owner may end the stream inside its callback. */
static void deliver_all(struct stream *stream)
{
    bool consumed = true;

    if (stream->delivering || stream->held)
        return;
    stream->delivering = true;
    while (consumed && stream->first && !stream->gone && !stream->finished) {
        struct frame *frame = pop(stream);
        size_t counted = cost(frame);

        consumed = deliver(stream, &frame);
        if (consumed || stream->gone)
            drop(stream, frame, counted);
        else
            push_back(stream, frame);
    }
    stream->held = !consumed;
    stream->delivering = false;
}

static void advance(struct stream *stream)
{
    if (!stream->started || stream->gone)
        return;
    if (stream->aborted)
        do_abort(stream);
    else
        deliver_all(stream);
}

/* Giving up overtakes data that nobody wants any more. */
void stream_handle_frame(struct stream *stream, struct frame *frame)
{
    stream_ref(stream);
    if (frame->header.type == FRAME_STREAM && frame->header.status == FRAME_ERROR)
        stream->aborted = true;
    if (stream->aborted || stream->finished)
        frame_free(frame);
    else
        push(stream, frame);
    advance(stream);
    stream_unref(stream);
}

void stream_writable(struct stream *stream)
{
    stream_ref(stream);
    if (!stream->gone && !stream->eof_sent && stream->started && stream->ops->writable)
        stream->ops->writable(stream, stream->data);
    stream_unref(stream);
}

static void resume_posted(void *data)
{
    struct stream *stream = data;

    atomic_store(&stream->resume_posted, false);
    stream->held = false;
    advance(stream);
    stream_unref(stream);
}

void stream_resume(struct stream *stream)
{
    if (!atomic_exchange(&stream->resume_posted, true))
        post(stream, resume_posted);
}

/* the beginning */

struct stream *stream_new(struct connection *connection, const struct frame_header *call,
                          GError **error)
{
    struct stream *stream = g_new0(struct stream, 1);

    atomic_init(&stream->references, 1);
    stream->connection = connection_ref(connection);
    stream->call = *call;
    stream->last = &stream->first;
    if (connection_add_stream(connection, stream, &stream->call, error) < 0) {
        stream_unref(stream);
        return NULL;
    }
    return stream;
}

void stream_open(struct stream *stream, const struct stream_ops *ops, void *data)
{
    stream->ops = ops;
    stream->data = data;
}

static void begin(struct stream *stream)
{
    static const struct stream_ops no_ops = {0};
    g_autoptr(GError) error = g_steal_pointer(&stream->early_error);

    stream->started = true;
    if (!stream->ops) {
        stream->ops = &no_ops;
        fail_with(stream, "the call opened no stream");
        return;
    }
    if (error)
        fail(stream, error, stream->early_from);
    else if (!stream->aborted && stream->ops->start)
        stream->ops->start(stream, stream->data);
    advance(stream);
}

static void start_posted(void *data)
{
    struct stream *stream = data;

    stream->settled = true;
    if (stream->gone)
        release(stream);
    else
        begin(stream);
    stream_unref(stream);
}

void stream_start(struct stream *stream)
{
    post(stream, start_posted);
}

static void discard_posted(void *data)
{
    struct stream *stream = data;

    stream->settled = true;
    if (stream->gone)
        release(stream);
    else
        end(stream);
    stream_unref(stream);
}

void stream_discard(struct stream *stream)
{
    post(stream, discard_posted);
}

/* sending */

bool stream_send(struct stream *stream, const void *bytes, size_t size)
{
    struct frame_header header = message_reply_header(&stream->call, FRAME_STREAM, FRAME_CONTINUE);
    const uint8_t *at = bytes;

    if (stream->gone)
        return false;
    while (size) {
        size_t part = MIN(size, FRAME_STREAM_DATA_MAX);

        connection_send(stream->connection, message_new_with(&header, at, part));
        at += part;
        size -= part;
    }
    return connection_stream_may_send(stream->connection, stream);
}

struct message *stream_packet_new(struct stream *stream, size_t size, uint8_t **ret_bytes)
{
    struct frame_header header = message_reply_header(&stream->call, FRAME_STREAM, FRAME_CONTINUE);

    return message_new_empty(&header, size, ret_bytes);
}

bool stream_send_packet(struct stream *stream, struct message *packet, size_t size)
{
    if (stream->gone) {
        message_free(packet);
        return false;
    }
    message_set_payload_size(packet, size);
    connection_send(stream->connection, packet);
    return connection_stream_may_send(stream->connection, stream);
}

bool stream_send_hole(struct stream *stream, uint64_t length)
{
    struct frame_header header =
        message_reply_header(&stream->call, FRAME_STREAM_HOLE, FRAME_CONTINUE);
    uint8_t payload[HOLE_SIZE] = {0};

    if (stream->gone)
        return false;
    frame_write_u32(payload, length >> 32);
    frame_write_u32(payload + 4, (uint32_t)length);
    connection_send(stream->connection, message_new_with(&header, payload, sizeof(payload)));
    return connection_stream_may_send(stream->connection, stream);
}

void stream_send_eof(struct stream *stream)
{
    if (stream->gone || stream->eof_sent)
        return;
    stream->eof_sent = true;
    send_status(stream, FRAME_CONTINUE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The receiving half of a connection: bytes become packets, packets go to their place, and what
 * asks too much is held back until it may go on.
 */
#include <errno.h>

#include "base/error.h"
#include "wire/connection-internal.h"

enum {
    READ_SIZE_MIN = 16384,
    READ_SIZE_MAX = 262144,   /* while packets are large */
    FRAMES_PER_ROUND = 64,    /* then the other links have their turn */
    PACKET_BYTES_PER_MS = 64, /* slowest sender of a large packet: 64 KiB a second */
};

/* flow: what is held back, and why */

static bool is_congested(struct connection *connection)
{
    size_t limit =
        connection->congested ? connection->limits.queue_low : connection->limits.queue_high;

    connection->congested = outbox_bytes(&connection->outbox) > limit;
    return connection->congested;
}

static bool may_take_frames(struct connection *connection)
{
    return !connection_is_ending(connection) && !connection->held && !is_congested(connection) &&
           !park_is_full(&connection->park, connection->limits.parked_frames,
                         connection->limits.parked_bytes) &&
           connection->stream_bytes < connection->limits.stream_bytes;
}

static bool may_start_call(struct connection *connection)
{
    return atomic_load(&connection->calls) < connection->limits.max_requests;
}

static void packet_timeout(struct loop_timer *timer, void *data)
{
    connection_close_with(data, "a packet was begun and not completed in time");
}

static void start_packet_timer(struct connection *connection)
{
    int64_t wait = (int64_t)connection->limits.packet_timeout +
                   (int64_t)assembler_missing(&connection->assembler) / PACKET_BYTES_PER_MS;

    if (connection->packet_timer)
        loop_timer_restart(connection->packet_timer, wait);
    else
        connection->packet_timer =
            loop_add_timer(connection->loop, wait, packet_timeout, connection);
}

/* The clock runs only while we read: a peer that we hold back cannot complete anything. */
static void time_packet(struct connection *connection)
{
    enum packet_stage stage = PACKET_NONE;

    if (connection->reading && connection->limits.packet_timeout &&
        !assembler_is_idle(&connection->assembler))
        stage = connection->assembler.frame ? PACKET_BODY : PACKET_HEADER;
    if (stage == connection->timed_stage)
        return;
    connection->timed_stage = stage;
    if (stage == PACKET_NONE)
        loop_timer_stop(connection->packet_timer);
    else
        start_packet_timer(connection);
}

/* A packet is complete: the next one has its own time. */
static void end_packet_time(struct connection *connection)
{
    if (connection->timed_stage == PACKET_NONE)
        return;
    loop_timer_stop(connection->packet_timer);
    connection->timed_stage = PACKET_NONE;
}

void connection_update_events(struct connection *connection)
{
    bool reading;

    if (!connection->source || connection->handshaking)
        return;
    reading = may_take_frames(connection) && !connection->leftover;
    if (reading && !connection->reading)
        connection->last_received = loop_now(connection->loop);
    connection->reading = reading;
    loop_source_set_events(connection->source,
                           (reading ? EPOLLIN : 0) | (connection->blocked ? EPOLLOUT : 0));
    time_packet(connection);
}

static void work(struct connection *connection);

static void work_posted(void *data)
{
    struct connection *connection = data;

    atomic_store(&connection->work_posted, false);
    work(connection);
    connection_unref(connection);
}

void connection_schedule_work(struct connection *connection)
{
    if (!atomic_exchange(&connection->work_posted, true))
        connection_post(connection, work_posted);
}

bool connection_streams_may_send(struct connection *connection)
{
    return outbox_bytes(&connection->outbox) <= connection->limits.queue_low;
}

/* Bytes that epoll does not know of. */
static bool transport_has_bytes(struct connection *connection)
{
    struct transport *transport = connection->transport;

    return connection->reading && transport->ops->pending && transport->ops->pending(transport);
}

bool connection_has_work(struct connection *connection)
{
    if ((connection->waiting.length || connection->notify_drained) &&
        connection_streams_may_send(connection))
        return true;
    if (connection->leftover)
        return may_take_frames(connection);
    return transport_has_bytes(connection);
}

/* packets */

static void deliver(struct connection *connection, struct frame *frame)
{
    connection->handlers->frame(connection, frame, connection->handlers_data);
}

static void deliver_stream(struct connection *connection, struct frame *frame)
{
    struct stream *stream = connection_find_stream(connection, &frame->header);

    if (stream)
        stream_handle_frame(stream, frame);
    else
        frame_free(frame); /* of a stream that has ended, which its sender does not know yet */
}

/* Parked frames that may go on now, in order. */
static void run_park(struct connection *connection)
{
    struct frame *frame;

    while (!connection_is_ending(connection) &&
           (frame = park_take(&connection->park, may_start_call(connection)))) {
        if (frame_is_call(frame))
            deliver(connection, frame);
        else
            deliver_stream(connection, frame);
    }
    atomic_store(&connection->calls_wait, connection->park.count != 0);
}

/* calls_wait is set before the second look at the calls: the one that ends in between sees it. */
static void park_frame(struct connection *connection, struct frame *frame)
{
    park_add(&connection->park, frame);
    atomic_store(&connection->calls_wait, true);
    run_park(connection);
}

static void accept_server_frame(struct connection *connection, struct frame *frame)
{
    if (frame_is_call(frame)) {
        if (!connection->park.count && may_start_call(connection))
            deliver(connection, frame);
        else
            park_frame(connection, frame);
    } else if (frame_is_stream(frame)) {
        if (park_has_call(&connection->park, &frame->header))
            park_frame(connection, frame);
        else
            deliver_stream(connection, frame);
    } else {
        frame_free(frame); /* replies and messages are no client's to send */
    }
}

static void accept_keepalive(struct connection *connection, struct frame *frame)
{
    if (keepalive_is_ping(&frame->header))
        connection_send(connection, keepalive_message_new(KEEPALIVE_PROC_PONG));
    frame_free(frame);
}

static void accept_frame(struct connection *connection, struct frame *frame)
{
    end_packet_time(connection);
    if (keepalive_owns(&frame->header))
        accept_keepalive(connection, frame);
    else if (connection->role == CONNECTION_SERVER)
        accept_server_frame(connection, frame);
    else
        deliver(connection, frame);
}

static void keep_leftover(struct connection *connection, const uint8_t *bytes, size_t size)
{
    connection->leftover = g_byte_array_sized_new(size);
    g_byte_array_append(connection->leftover, bytes, size);
}

static void absorb(struct connection *connection, const uint8_t *bytes, size_t size)
{
    struct frame *frame = NULL;
    GError *error = NULL;

    for (int budget = FRAMES_PER_ROUND; size && budget && may_take_frames(connection);) {
        if (assembler_feed(&connection->assembler, &bytes, &size, &frame, &error) < 0) {
            connection_close(connection, error);
            return;
        }
        if (!frame)
            continue;
        accept_frame(connection, frame);
        budget--;
    }
    if (!size)
        assembler_drop_stray_fds(&connection->assembler);
    else if (!connection_is_ending(connection))
        keep_leftover(connection, bytes, size);
}

static void absorb_leftover(struct connection *connection)
{
    g_autoptr(GByteArray) leftover = NULL;

    if (!connection->leftover || !may_take_frames(connection))
        return;
    leftover = g_steal_pointer(&connection->leftover);
    absorb(connection, leftover->data, leftover->len);
    frame_wipe(leftover->data, leftover->len);
}

void connection_receive(struct connection *connection)
{
    const struct transport_ops *ops = connection->transport->ops;
    struct assembler *assembler = &connection->assembler;
    size_t size = connection->reads_large ? READ_SIZE_MAX : READ_SIZE_MIN;
    uint8_t *bytes = loop_scratch(connection->loop, READ_SIZE_MAX);
    ssize_t count =
        ops->read(connection->transport, bytes, size, assembler->fds, &assembler->fd_count);

    if (count == -EAGAIN || count == -EINTR)
        return;
    if (count == 0)
        connection_close(connection, NULL);
    else if (count < 0)
        connection_link_broken(connection, "receive", (int)-count);
    if (count <= 0)
        return;
    connection->last_received = loop_now(connection->loop);
    connection->reads_large = count >= READ_SIZE_MIN;
    connection->corked = true;
    absorb(connection, bytes, count);
    frame_wipe(loop_scratch(connection->loop, READ_SIZE_MAX), count);
    connection->corked = false;
    connection_flush(connection);
}

/* Everything that was held back and may go on: one round, so that what it sends goes out together.
 */
static void work(struct connection *connection)
{
    if (connection->closed)
        return;
    connection->corked = true;
    run_park(connection);
    absorb_leftover(connection);
    for (unsigned n = connection->waiting.length; n && connection_streams_may_send(connection);
         n--) {
        struct stream *stream = g_queue_pop_head(&connection->waiting);

        if (stream && !connection_is_ending(connection))
            stream_writable(stream);
    }
    if (connection->notify_drained && connection_streams_may_send(connection) &&
        !connection_is_ending(connection)) {
        connection->notify_drained = false;
        connection->handlers->drained(connection, connection->handlers_data);
    }
    connection->corked = false;
    connection_flush(connection);
    if (!connection->closed && transport_has_bytes(connection))
        connection_receive(connection);
}

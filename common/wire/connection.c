/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/connection.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "wire/assembler.h"
#include "wire/connection-internal.h"
#include "wire/keepalive.h"
#include "wire/outbox.h"
#include "wire/park.h"

enum {
    READ_SIZE_MIN = 16384,
    READ_SIZE_MAX = 262144,   /* while a large packet is coming in */
    FRAMES_PER_ROUND = 64,    /* then the other links have their turn */
    PACKET_BYTES_PER_MS = 64, /* slowest sender of a large packet: 64 KiB a second */
};

const struct connection_limits connection_default_limits = {
    .max_requests = 5,
    .parked_frames = 16,
    .parked_bytes = 1024 * 1024,
    .stream_bytes = 1024 * 1024,
    .streams = 256,
    .queue_high = 1024 * 1024,
    .queue_low = 256 * 1024,
    .event_bytes = 32 * 1024 * 1024,
    .event_messages = 100000,
    .packet_timeout = 30000,
    .authenticate_timeout = 60000,
};

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
    void *data;

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
    bool handshaking;
    bool finishing;
    bool corked;    /* a round of callbacks is running: what they send goes out at its end */
    bool congested; /* the peer does not read: no work for it */
    bool blocked;   /* the socket takes no more */
    bool reading;
    bool closed;
};

static void work(struct connection *connection);
static void flush(struct connection *connection);

/* references */

struct connection *connection_ref(struct connection *connection)
{
    atomic_fetch_add(&connection->references, 1);
    return connection;
}

void connection_unref(struct connection *connection)
{
    if (atomic_fetch_sub(&connection->references, 1) != 1)
        return;
    outbox_clear(&connection->outbox);
    transport_free(connection->transport);
    g_clear_error(&connection->reason);
    pthread_mutex_destroy(&connection->lock);
    g_free(connection);
}

/* Has the loop thread run function, with a reference held meanwhile. */
static void post(struct connection *connection, loop_function function)
{
    loop_post(connection->loop, function, connection_ref(connection));
}

/* closing */

static void remove_timer(struct loop_timer **timer)
{
    loop_timer_remove(g_steal_pointer(timer));
}

static void lose_streams(struct connection *connection)
{
    g_autoptr(GList) streams = NULL;

    g_queue_clear(&connection->waiting);
    if (!connection->streams)
        return;
    streams = g_hash_table_get_values(connection->streams);
    for (GList *each = streams; each; each = each->next)
        stream_lost(stream_ref(each->data));
    for (GList *each = streams; each; each = each->next)
        stream_unref(each->data);
    g_clear_pointer(&connection->streams, g_hash_table_destroy);
}

static void release_resources(struct connection *connection)
{
    loop_source_remove(g_steal_pointer(&connection->source));
    remove_timer(&connection->packet_timer);
    remove_timer(&connection->authenticate_timer);
    remove_timer(&connection->keepalive_timer);
    remove_timer(&connection->finish_timer);
    outbox_close(&connection->outbox);
    assembler_clear(&connection->assembler);
    park_clear(&connection->park);
    g_clear_pointer(&connection->leftover, g_byte_array_unref);
    /* peer is shown until the last reference goes; the socket is not. */
    transport_shut(connection->transport);
}

void connection_close_now(struct connection *connection)
{
    if (connection->closed)
        return;
    connection->closed = true;
    pthread_mutex_lock(&connection->lock);
    connection->closing = true;
    pthread_mutex_unlock(&connection->lock);
    atomic_store(&connection->ending, true);
    release_resources(connection);
    lose_streams(connection);
    connection->handlers->closed(connection, connection->reason, connection->handlers_data);
    connection_unref(connection);
}

static void close_posted(void *data)
{
    struct connection *connection = data;

    connection_close_now(connection);
    connection_unref(connection);
}

void connection_close(struct connection *connection, GError *reason)
{
    bool first;

    pthread_mutex_lock(&connection->lock);
    first = !connection->closing;
    if (first) {
        connection->closing = true;
        connection->reason = g_steal_pointer(&reason);
    }
    pthread_mutex_unlock(&connection->lock);
    atomic_store(&connection->ending, true);
    g_clear_error(&reason);
    if (first)
        post(connection, close_posted);
}

bool connection_is_closing(struct connection *connection)
{
    return atomic_load(&connection->ending);
}

static void G_GNUC_PRINTF(2, 3) close_with(struct connection *connection, const char *format, ...)
{
    GError *reason = NULL;
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(&reason, VIR_ERR_RPC, "%s", text);
    connection_close(connection, reason);
}

/* No more callbacks about packets: what the peer still sends is not wanted. */
static bool is_ending(struct connection *connection)
{
    return connection->closed || atomic_load(&connection->ending);
}

static void finish_timeout(struct loop_timer *timer, void *data)
{
    connection_close(data, NULL);
}

static void finish_posted(void *data)
{
    struct connection *connection = data;

    if (!connection->closed && !connection->finishing) {
        connection->finishing = true;
        connection->finish_timer = loop_add_timer(
            connection->loop, atomic_load(&connection->finish_wait), finish_timeout, connection);
        flush(connection);
    }
    connection_unref(connection);
}

void connection_finish(struct connection *connection, unsigned milliseconds)
{
    atomic_store(&connection->finish_wait, milliseconds);
    if (!atomic_exchange(&connection->ending, true))
        post(connection, finish_posted);
}

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
    return !is_ending(connection) && !is_congested(connection) &&
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
    close_with(data, "a packet was begun and not completed in time");
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

static void update_events(struct connection *connection)
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

static void work_posted(void *data)
{
    struct connection *connection = data;

    atomic_store(&connection->work_posted, false);
    work(connection);
    connection_unref(connection);
}

/* Something that was held back may go on. Any thread. */
static void schedule_work(struct connection *connection)
{
    if (!atomic_exchange(&connection->work_posted, true))
        post(connection, work_posted);
}

static bool streams_may_send(struct connection *connection)
{
    return outbox_bytes(&connection->outbox) <= connection->limits.queue_low;
}

/* Bytes that epoll does not know of. */
static bool transport_has_bytes(struct connection *connection)
{
    struct transport *transport = connection->transport;

    return connection->reading && transport->ops->pending && transport->ops->pending(transport);
}

static bool has_work(struct connection *connection)
{
    if (connection->waiting.length && streams_may_send(connection))
        return true;
    if (connection->leftover)
        return may_take_frames(connection);
    return transport_has_bytes(connection);
}

/* sending */

static void link_broken(struct connection *connection, const char *what, int errnum)
{
    if (errnum == EPIPE || errnum == ECONNRESET)
        connection_close(connection, NULL);
    else
        close_with(connection, "cannot %s: %s", what, g_strerror(errnum));
}

static void flush(struct connection *connection)
{
    enum outbox_progress progress;
    int errnum = 0;

    if (!connection->source || connection->handshaking || connection->corked)
        return;
    progress = outbox_flush(&connection->outbox, connection->transport, &errnum);
    connection->blocked = progress == OUTBOX_MORE;
    if (progress == OUTBOX_BROKEN)
        link_broken(connection, "send", errnum);
    else if (progress == OUTBOX_EMPTY && connection->finishing)
        connection_close(connection, NULL);
    update_events(connection);
    if (has_work(connection))
        schedule_work(connection);
}

static void flush_posted(void *data)
{
    struct connection *connection = data;

    atomic_store(&connection->flush_posted, false);
    if (!connection->blocked)
        flush(connection);
    else
        update_events(connection);
    connection_unref(connection);
}

void connection_send(struct connection *connection, struct message *message)
{
    switch (outbox_add(&connection->outbox, message)) {
    case OUTBOX_CLOSED:
        return;
    case OUTBOX_OVERFLOW:
        close_with(connection, "the client does not read its events: too many wait to be sent");
        return;
    case OUTBOX_QUEUED:
        break;
    }
    if (!loop_is_current(connection->loop)) {
        if (!atomic_exchange(&connection->flush_posted, true))
            post(connection, flush_posted);
    } else if (connection->blocked) {
        update_events(connection);
    } else {
        flush(connection);
    }
}

/* calls */

void connection_call_begin(struct connection *connection)
{
    atomic_fetch_add(&connection->calls, 1);
}

void connection_call_end(struct connection *connection)
{
    atomic_fetch_sub(&connection->calls, 1);
    if (atomic_load(&connection->calls_wait))
        schedule_work(connection);
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

    while (!is_ending(connection) &&
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
    else if (!is_ending(connection))
        keep_leftover(connection, bytes, size);
}

static void absorb_leftover(struct connection *connection)
{
    g_autoptr(GByteArray) leftover = NULL;

    if (!connection->leftover || !may_take_frames(connection))
        return;
    leftover = g_steal_pointer(&connection->leftover);
    absorb(connection, leftover->data, leftover->len);
}

static void receive(struct connection *connection)
{
    const struct transport_ops *ops = connection->transport->ops;
    struct assembler *assembler = &connection->assembler;
    size_t size = CLAMP(assembler_missing(assembler), READ_SIZE_MIN, READ_SIZE_MAX);
    uint8_t *bytes = loop_scratch(connection->loop, READ_SIZE_MAX);
    ssize_t count =
        ops->read(connection->transport, bytes, size, assembler->fds, &assembler->fd_count);

    if (count == -EAGAIN || count == -EINTR)
        return;
    if (count == 0)
        connection_close(connection, NULL);
    else if (count < 0)
        link_broken(connection, "receive", (int)-count);
    if (count <= 0)
        return;
    connection->last_received = loop_now(connection->loop);
    connection->corked = true;
    absorb(connection, bytes, count);
    connection->corked = false;
    flush(connection);
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
    for (unsigned n = connection->waiting.length; n && streams_may_send(connection); n--) {
        struct stream *stream = g_queue_pop_head(&connection->waiting);

        if (stream && !is_ending(connection))
            stream_writable(stream);
    }
    connection->corked = false;
    flush(connection);
    if (!connection->closed && transport_has_bytes(connection))
        receive(connection);
}

/* the socket */

static void shake_hands(struct connection *connection)
{
    struct transport *transport = connection->transport;
    GError *error = NULL;
    int status = transport->ops->handshake(transport, &error);

    if (status < 0) {
        connection_close(connection, error);
    } else if (status > 0) {
        connection->handshaking = false;
        flush(connection);
    } else {
        loop_source_set_events(connection->source, transport->ops->handshake_events(transport));
    }
}

static void socket_ready(struct loop_source *source, uint32_t events, void *data)
{
    struct connection *connection = connection_ref(data);

    if (connection->handshaking)
        shake_hands(connection);
    else if (events & EPOLLOUT)
        flush(connection);
    if (connection->reading && !connection->handshaking)
        receive(connection);
    else if (events & (EPOLLHUP | EPOLLERR))
        connection_close(connection, NULL); /* not reading, and nobody left to hold back */
    connection_unref(connection);
}

/* deadlines */

static void authenticate_timeout(struct loop_timer *timer, void *data)
{
    struct connection *connection = data;
    int64_t silence = loop_now(connection->loop) - connection->last_received;
    int64_t limit = connection->limits.authenticate_timeout;

    if (atomic_load(&connection->authenticated))
        return;
    if (atomic_load(&connection->calls))
        loop_timer_restart(timer, limit); /* someone is being asked for a password */
    else if (silence < limit)
        loop_timer_restart(timer, limit - silence);
    else
        close_with(connection, "the client did not authenticate in time");
}

void connection_set_authenticated(struct connection *connection)
{
    atomic_store(&connection->authenticated, true);
}

bool connection_is_authenticated(struct connection *connection)
{
    return atomic_load(&connection->authenticated);
}

static void keepalive_due(struct loop_timer *timer, void *data)
{
    struct connection *connection = data;
    int64_t now = loop_now(connection->loop);
    int64_t last = connection->reading ? connection->last_received : now;
    int64_t wait = 0;

    switch (keepalive_check(&connection->keepalive, now, last, &wait)) {
    case KEEPALIVE_GIVE_UP:
        close_with(connection, "the peer left %u keepalive pings unanswered",
                   connection->keepalive.count);
        return;
    case KEEPALIVE_SEND_PING:
        connection_send(connection, keepalive_message_new(KEEPALIVE_PROC_PING));
        break;
    case KEEPALIVE_WAIT:
        break;
    }
    loop_timer_restart(timer, wait);
}

void connection_enable_keepalive(struct connection *connection, int64_t interval, unsigned count)
{
    remove_timer(&connection->keepalive_timer);
    connection->keepalive = (struct keepalive){.interval = interval, .count = count};
    if (interval > 0 && !connection->closed)
        connection->keepalive_timer =
            loop_add_timer(connection->loop, interval, keepalive_due, connection);
}

/* streams */

static guint header_hash(const void *key)
{
    const struct frame_header *header = key;

    return header->serial * 2654435761u ^ (guint)header->procedure ^ header->program;
}

static gboolean header_equal(const void *a, const void *b)
{
    return frame_same_call(a, b);
}

struct stream *connection_find_stream(struct connection *connection,
                                      const struct frame_header *header)
{
    return connection->streams ? g_hash_table_lookup(connection->streams, header) : NULL;
}

int connection_add_stream(struct connection *connection, struct stream *stream,
                          const struct frame_header *header, GError **error)
{
    if (connection->closed) {
        error_set(error, VIR_ERR_RPC, "the client is gone");
        return -1;
    }
    if (!connection->streams)
        connection->streams =
            g_hash_table_new_full(header_hash, header_equal, NULL, (GDestroyNotify)stream_unref);
    if (g_hash_table_contains(connection->streams, header)) {
        error_set(error, VIR_ERR_RPC, "a stream with serial %u is open already", header->serial);
        return -1;
    }
    if (g_hash_table_size(connection->streams) >= connection->limits.streams) {
        error_set(error, VIR_ERR_RPC, "too many open streams, the limit is %u",
                  connection->limits.streams);
        return -1;
    }
    g_hash_table_insert(connection->streams, (void *)header, stream_ref(stream));
    return 0;
}

void connection_remove_stream(struct connection *connection, const struct frame_header *header)
{
    if (!connection->streams)
        return;
    g_queue_remove(&connection->waiting, connection_find_stream(connection, header));
    g_hash_table_remove(connection->streams, header);
}

void connection_count_stream_bytes(struct connection *connection, ssize_t change)
{
    connection->stream_bytes += change;
    if (!connection->closed && !connection->corked && !connection->reading && change < 0)
        schedule_work(connection);
}

bool connection_stream_may_send(struct connection *connection, struct stream *stream)
{
    if (streams_may_send(connection))
        return true;
    if (!g_queue_find(&connection->waiting, stream))
        g_queue_push_tail(&connection->waiting, stream);
    return false;
}

/* the whole */

static int begin(struct connection *connection, GError **error)
{
    const struct transport_ops *ops = connection->transport->ops;
    uint32_t events = EPOLLIN;

    connection->handshaking = ops->handshake != NULL;
    if (connection->handshaking)
        events = ops->handshake_events(connection->transport);
    connection->reading = !connection->handshaking;
    connection->last_received = loop_now(connection->loop);
    connection->source = loop_add_fd(connection->loop, connection->transport->fd, events,
                                     socket_ready, connection, error);
    if (!connection->source)
        return -1;
    if (connection->role == CONNECTION_SERVER && connection->limits.authenticate_timeout)
        connection->authenticate_timer =
            loop_add_timer(connection->loop, connection->limits.authenticate_timeout,
                           authenticate_timeout, connection);
    return 0;
}

/* Made by another thread: what that thread posts comes after this. */
static void begin_posted(void *data)
{
    struct connection *connection = data;
    GError *error = NULL;

    if (begin(connection, &error) < 0)
        connection_close(connection, error);
    connection_unref(connection);
}

struct connection *connection_new(struct loop *loop, struct transport *transport,
                                  enum connection_role role, const struct connection_limits *limits,
                                  const struct connection_handlers *handlers, void *data,
                                  GError **error)
{
    struct connection *connection = g_new0(struct connection, 1);

    atomic_init(&connection->references, 1);
    connection->loop = loop;
    connection->transport = transport;
    connection->role = role;
    connection->handlers = handlers;
    connection->handlers_data = data;
    pthread_mutex_init(&connection->lock, NULL);
    outbox_init(&connection->outbox);
    park_init(&connection->park);
    connection_set_limits(connection, limits);
    if (!loop_is_current(loop)) {
        post(connection, begin_posted);
    } else if (begin(connection, error) < 0) {
        connection_unref(connection);
        return NULL;
    }
    return connection_ref(connection);
}

void connection_set_limits(struct connection *connection, const struct connection_limits *limits)
{
    connection->limits = *limits;
    outbox_set_event_limits(&connection->outbox, limits->event_bytes, limits->event_messages);
}

void connection_set_data(struct connection *connection, void *data)
{
    connection->data = data;
}

void *connection_data(struct connection *connection)
{
    return connection->data;
}

struct loop *connection_loop(struct connection *connection)
{
    return connection->loop;
}

const struct transport_peer *connection_peer(struct connection *connection)
{
    return &connection->transport->peer;
}

const char *connection_transport_name(struct connection *connection)
{
    return connection->transport->ops->name;
}

size_t connection_queued_bytes(struct connection *connection)
{
    return outbox_bytes(&connection->outbox);
}

void connection_get_stats(struct connection *connection, struct connection_stats *ret_stats)
{
    *ret_stats = (struct connection_stats){
        .calls = atomic_load(&connection->calls),
        .parked = connection->park.count,
        .streams = connection->streams ? g_hash_table_size(connection->streams) : 0,
        .queued_bytes = outbox_bytes(&connection->outbox),
        .last_received = connection->last_received,
        .reading = connection->reading,
    };
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/connection.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "wire/connection-internal.h"

#define AUTHENTICATE_TIMES 5

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

void connection_post(struct connection *connection, loop_function function)
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
        connection_post(connection, close_posted);
}

bool connection_is_closing(struct connection *connection)
{
    return atomic_load(&connection->ending);
}

void connection_close_with(struct connection *connection, const char *format, ...)
{
    GError *reason = NULL;
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(&reason, VIR_ERR_RPC, "%s", text);
    connection_close(connection, reason);
}

bool connection_is_ending(struct connection *connection)
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
        connection_flush(connection);
    }
    connection_unref(connection);
}

void connection_finish(struct connection *connection, unsigned milliseconds)
{
    atomic_store(&connection->finish_wait, milliseconds);
    if (!atomic_exchange(&connection->ending, true))
        connection_post(connection, finish_posted);
}

/* sending */

void connection_link_broken(struct connection *connection, const char *what, int errnum)
{
    if (errnum == EPIPE || errnum == ECONNRESET)
        connection_close(connection, NULL);
    else
        connection_close_with(connection, "cannot %s: %s", what, g_strerror(errnum));
}

void connection_flush(struct connection *connection)
{
    enum outbox_progress progress;
    int errnum = 0;

    if (!connection->source || connection->handshaking || connection->corked)
        return;
    progress = outbox_flush(&connection->outbox, connection->transport, &errnum);
    connection->blocked = progress == OUTBOX_MORE;
    if (progress == OUTBOX_BROKEN)
        connection_link_broken(connection, "send", errnum);
    else if (progress == OUTBOX_EMPTY && connection->finishing)
        connection_close(connection, NULL);
    connection_update_events(connection);
    if (connection_has_work(connection))
        connection_schedule_work(connection);
}

static void flush_posted(void *data)
{
    struct connection *connection = data;

    atomic_store(&connection->flush_posted, false);
    if (!connection->blocked)
        connection_flush(connection);
    else
        connection_update_events(connection);
    connection_unref(connection);
}

void connection_send(struct connection *connection, struct message *message)
{
    switch (outbox_add(&connection->outbox, message)) {
    case OUTBOX_CLOSED:
        return;
    case OUTBOX_OVERFLOW:
        connection_close_with(connection,
                              "the client does not read its events: too many wait to be sent");
        return;
    case OUTBOX_QUEUED:
        break;
    }
    if (!loop_is_current(connection->loop)) {
        if (!atomic_exchange(&connection->flush_posted, true))
            connection_post(connection, flush_posted);
    } else if (connection->blocked) {
        connection_update_events(connection);
    } else {
        connection_flush(connection);
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
        connection_schedule_work(connection);
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
        connection_flush(connection);
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
        connection_flush(connection);
    if (connection->reading && !connection->handshaking)
        connection_receive(connection);
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
    else if (silence < limit &&
             loop_now(connection->loop) - connection->begun_at < AUTHENTICATE_TIMES * limit)
        loop_timer_restart(timer, limit - silence);
    else
        connection_close_with(connection, "the client did not authenticate in time");
}

void connection_set_authenticated(struct connection *connection)
{
    atomic_store(&connection->authenticated, true);
}

bool connection_is_authenticated(struct connection *connection)
{
    return atomic_load(&connection->authenticated);
}

void connection_set_sasl_user(struct connection *connection, const char *user)
{
    connection->transport->peer.sasl_user = g_strdup(user);
}

void connection_add_layer(struct connection *connection, const struct transport_layer *layer,
                          void *data)
{
    if (connection->closed) {
        layer->free(data);
        return;
    }
    transport_add_layer(connection->transport, layer, data, outbox_unwritten(&connection->outbox));
    if (connection->leftover || connection->park.count ||
        !assembler_is_idle(&connection->assembler))
        connection_close_with(connection, "the client did not wait for its encryption");
}

static void keepalive_due(struct loop_timer *timer, void *data)
{
    struct connection *connection = data;
    int64_t now = loop_now(connection->loop);
    int64_t last = connection->reading ? connection->last_received : now;
    int64_t wait = 0;

    switch (keepalive_check(&connection->keepalive, now, last, &wait)) {
    case KEEPALIVE_GIVE_UP:
        connection_close_with(connection, "the peer left %u keepalive pings unanswered",
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
        connection_schedule_work(connection);
}

bool connection_stream_may_send(struct connection *connection, struct stream *stream)
{
    if (connection_streams_may_send(connection))
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
    connection->last_received = connection->begun_at = loop_now(connection->loop);
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
        connection_post(connection, begin_posted);
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

void connection_hold(struct connection *connection, bool held)
{
    connection->held = held;
    connection_update_events(connection);
    if (!held)
        connection_schedule_work(connection);
}

void connection_notify_drained(struct connection *connection)
{
    connection->notify_drained = true;
    if (connection_has_work(connection))
        connection_schedule_work(connection);
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

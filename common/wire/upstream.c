/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/upstream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/error.h"
#include "wire/error-message.h"
#include "wire/socket.h"

/* A call whose reply has not come. */
struct pending {
    uint32_t serial;
    upstream_function reply;
    void *data;
};

struct upstream {
    atomic_uint references; /* the owner and the connection */
    struct loop *loop;
    struct connection *connection;
    const struct upstream_handlers *handlers;
    void *handlers_data;

    pthread_mutex_t lock; /* of all below */
    GHashTable *pending;  /* by serial */
    uint32_t next_serial;
    bool freed;  /* no more handlers but closed */
    bool closed; /* the link is gone */
};

static const struct upstream_handlers no_handlers = {0};

static void upstream_unref(struct upstream *upstream)
{
    if (atomic_fetch_sub(&upstream->references, 1) != 1)
        return;
    g_hash_table_destroy(upstream->pending);
    pthread_mutex_destroy(&upstream->lock);
    connection_unref(upstream->connection);
    g_free(upstream);
}

/* packets from the server */

/* The call that serial names, taken off the list, or NULL. The caller frees it. */
static struct pending *take_pending(struct upstream *upstream, uint32_t serial)
{
    struct pending *pending;

    pthread_mutex_lock(&upstream->lock);
    pending = g_hash_table_lookup(upstream->pending, &serial);
    if (pending)
        g_hash_table_steal(upstream->pending, &serial);
    pthread_mutex_unlock(&upstream->lock);
    return pending;
}

static void handle_reply(struct upstream *upstream, struct frame *frame)
{
    g_autofree struct pending *pending = take_pending(upstream, frame->header.serial);

    if (pending)
        pending->reply(upstream, frame, pending->data);
    else
        frame_free(frame); /* its caller has given up */
}

static void hand_over(struct upstream *upstream, struct frame *frame, upstream_function function)
{
    bool freed;

    pthread_mutex_lock(&upstream->lock);
    freed = upstream->freed;
    pthread_mutex_unlock(&upstream->lock);
    if (function && !freed)
        function(upstream, frame, upstream->handlers_data);
    else
        frame_free(frame);
}

static void handle_frame(struct connection *connection, struct frame *frame, void *data)
{
    struct upstream *upstream = data;

    switch (frame->header.type) {
    case FRAME_REPLY:
    case FRAME_REPLY_WITH_FDS:
        handle_reply(upstream, frame);
        return;
    case FRAME_MESSAGE:
        hand_over(upstream, frame, upstream->handlers->event);
        return;
    case FRAME_STREAM:
    case FRAME_STREAM_HOLE:
        hand_over(upstream, frame, upstream->handlers->stream);
        return;
    default:
        frame_free(frame);
    }
}

/* the end of the link */

static void fail_pending(struct upstream *upstream)
{
    g_autoptr(GHashTable) pending = NULL;
    GHashTableIter each;
    void *value;

    pthread_mutex_lock(&upstream->lock);
    upstream->closed = true;
    pending = upstream->pending;
    upstream->pending = g_hash_table_new_full(g_int_hash, g_int_equal, NULL, g_free);
    pthread_mutex_unlock(&upstream->lock);
    g_hash_table_iter_init(&each, pending);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        struct pending *call = value;

        call->reply(upstream, NULL, call->data);
    }
}

void upstream_cancel(struct upstream *upstream)
{
    fail_pending(upstream);
}

static void handle_closed(struct connection *connection, const GError *reason, void *data)
{
    struct upstream *upstream = data;

    fail_pending(upstream);
    if (upstream->handlers->closed)
        upstream->handlers->closed(upstream, reason, upstream->handlers_data);
    upstream_unref(upstream);
}

static void handle_drained(struct connection *connection, void *data)
{
    struct upstream *upstream = data;

    if (upstream->handlers->drained && !upstream->freed)
        upstream->handlers->drained(upstream, upstream->handlers_data);
}

static const struct connection_handlers connection_handlers = {
    .frame = handle_frame,
    .closed = handle_closed,
    .drained = handle_drained,
};

void upstream_free(struct upstream *upstream)
{
    if (!upstream)
        return;
    pthread_mutex_lock(&upstream->lock);
    upstream->freed = true;
    pthread_mutex_unlock(&upstream->lock);
    connection_close(upstream->connection, NULL);
    upstream_unref(upstream);
}

/* connecting */

struct upstream *upstream_new(struct loop *loop, int fd, const struct upstream_handlers *handlers,
                              void *data, GError **error)
{
    struct transport *transport = transport_new_unix(fd, error);
    struct upstream *upstream;

    if (!transport)
        return NULL;
    upstream = g_new0(struct upstream, 1);
    atomic_init(&upstream->references, 2);
    upstream->loop = loop;
    upstream->handlers = handlers ? handlers : &no_handlers;
    upstream->handlers_data = data;
    upstream->pending = g_hash_table_new_full(g_int_hash, g_int_equal, NULL, g_free);
    pthread_mutex_init(&upstream->lock, NULL);
    upstream->connection =
        connection_new(loop, transport, CONNECTION_CLIENT, &connection_default_limits,
                       &connection_handlers, upstream, error);
    if (!upstream->connection) {
        g_hash_table_destroy(upstream->pending);
        pthread_mutex_destroy(&upstream->lock);
        g_free(upstream);
        return NULL;
    }
    return upstream;
}

struct upstream *upstream_connect(struct loop *loop, const char *path, int milliseconds,
                                  const struct upstream_handlers *handlers, void *data,
                                  GError **error)
{
    int fd = socket_connect(path, milliseconds, error);

    return fd < 0 ? NULL : upstream_new(loop, fd, handlers, data, error);
}

/* calls */

/* For a call made when the link was gone already. */
struct late_failure {
    struct upstream *upstream;
    upstream_function reply;
    void *data;
};

static void fail_late(void *data)
{
    g_autofree struct late_failure *failure = data;

    failure->reply(failure->upstream, NULL, failure->data);
    upstream_unref(failure->upstream);
}

static void fail_soon(struct upstream *upstream, upstream_function reply, void *data)
{
    struct late_failure *failure = g_new(struct late_failure, 1);

    atomic_fetch_add(&upstream->references, 1);
    *failure = (struct late_failure){upstream, reply, data};
    loop_post(upstream->loop, fail_late, failure);
}

/* False if the link is gone. */
static bool add_pending(struct upstream *upstream, upstream_function reply, void *data,
                        uint32_t *ret_serial)
{
    struct pending *pending = g_new(struct pending, 1);
    bool closed;

    *pending = (struct pending){.reply = reply, .data = data};
    pthread_mutex_lock(&upstream->lock);
    closed = upstream->closed;
    do
        pending->serial = upstream->next_serial++;
    while (g_hash_table_contains(upstream->pending, &pending->serial));
    *ret_serial = pending->serial;
    if (!closed)
        g_hash_table_insert(upstream->pending, &pending->serial, pending);
    pthread_mutex_unlock(&upstream->lock);
    if (closed)
        g_free(pending);
    return !closed;
}

uint32_t upstream_call_async(struct upstream *upstream, struct message *message,
                             upstream_function reply, void *data)
{
    uint32_t serial;

    if (add_pending(upstream, reply, data, &serial)) {
        message_set_serial(message, serial);
        connection_send(upstream->connection, message);
    } else {
        message_free(message);
        fail_soon(upstream, reply, data);
    }
    return serial;
}

/* A thread that waits for one reply. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct frame *frame;
    bool done;
};

static void waiter_init(struct waiter *waiter)
{
    pthread_condattr_t attributes;

    *waiter = (struct waiter){0};
    pthread_mutex_init(&waiter->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void waiter_clear(struct waiter *waiter)
{
    pthread_cond_destroy(&waiter->changed);
    pthread_mutex_destroy(&waiter->lock);
}

static void waiter_reply(struct upstream *upstream, struct frame *frame, void *data)
{
    struct waiter *waiter = data;

    pthread_mutex_lock(&waiter->lock);
    waiter->frame = frame;
    waiter->done = true;
    pthread_cond_signal(&waiter->changed);
    pthread_mutex_unlock(&waiter->lock);
}

static struct timespec deadline_in(int milliseconds)
{
    struct timespec time;
    int64_t nanoseconds;

    clock_gettime(CLOCK_MONOTONIC, &time);
    nanoseconds = time.tv_nsec + milliseconds % 1000 * INT64_C(1000000);
    time.tv_sec += milliseconds / 1000 + nanoseconds / 1000000000;
    time.tv_nsec = nanoseconds % 1000000000;
    return time;
}

/* False when the deadline passes first. */
static bool waiter_wait(struct waiter *waiter, int milliseconds)
{
    struct timespec deadline = deadline_in(MAX(milliseconds, 0));
    int status = 0;
    bool done;

    pthread_mutex_lock(&waiter->lock);
    while (!waiter->done && status == 0)
        status = milliseconds < 0
                     ? pthread_cond_wait(&waiter->changed, &waiter->lock)
                     : pthread_cond_timedwait(&waiter->changed, &waiter->lock, &deadline);
    done = waiter->done;
    pthread_mutex_unlock(&waiter->lock);
    return done;
}

/* The reply that came, be it an error, or why there is none. */
static int take_reply(struct waiter *waiter, struct frame **ret_frame, GError **error)
{
    if (!waiter->frame) {
        error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "the connection to the server is lost");
        return -1;
    }
    *ret_frame = g_steal_pointer(&waiter->frame);
    return 0;
}

/* The waiter leaves in any case with no one holding a pointer to it: on a timeout the call is taken
 * off the list, or its reply is being delivered just now and counts. */
static int await_reply(struct upstream *upstream, struct waiter *waiter, uint32_t serial,
                       int milliseconds, struct frame **ret_frame, GError **error)
{
    if (!waiter_wait(waiter, milliseconds)) {
        g_autofree struct pending *pending = take_pending(upstream, serial);

        if (pending) {
            error_set(error, VIR_ERR_OPERATION_TIMEOUT, "no reply from the server within %d ms",
                      milliseconds);
            return -1;
        }
        waiter_wait(waiter, -1);
    }
    return take_reply(waiter, ret_frame, error);
}

int upstream_exchange(struct upstream *upstream, struct message *message, int milliseconds,
                      struct frame **ret_frame, uint32_t *ret_serial, GError **error)
{
    struct waiter waiter;
    uint32_t serial;
    int status;

    if (loop_is_current(upstream->loop)) {
        message_free(message);
        error_set(error, VIR_ERR_INTERNAL_ERROR, "a call may not wait on the loop's own thread");
        return -1;
    }
    waiter_init(&waiter);
    serial = upstream_call_async(upstream, message, waiter_reply, &waiter);
    status = await_reply(upstream, &waiter, serial, milliseconds, ret_frame, error);
    waiter_clear(&waiter);
    if (status == 0 && ret_serial)
        *ret_serial = serial;
    return status;
}

int upstream_call_frame(struct upstream *upstream, struct message *message, int milliseconds,
                        struct frame **ret_frame, uint32_t *ret_serial, GError **error)
{
    FRAME_AUTO struct frame *frame = NULL;

    if (upstream_exchange(upstream, message, milliseconds, &frame, ret_serial, error) < 0)
        return -1;
    if (frame->header.status != FRAME_OK) {
        g_propagate_error(error, error_message_decode(frame->payload, frame->payload_size));
        return -1;
    }
    *ret_frame = g_steal_pointer(&frame);
    return 0;
}

int upstream_call(struct upstream *upstream, uint32_t program, uint32_t version, int32_t procedure,
                  const struct codec_type *args_type, const void *args,
                  const struct codec_type *ret_type, struct arena *arena, void *ret,
                  int milliseconds, GError **error)
{
    struct frame_header header = {
        .program = program, .version = version, .procedure = procedure, .type = FRAME_CALL};
    MESSAGE_AUTO struct message *message = message_new(&header);
    FRAME_AUTO struct frame *frame = NULL;

    if (codec_encode(args_type, args, message->bytes, error) < 0 ||
        message_finish(message, error) < 0 ||
        upstream_call_frame(upstream, g_steal_pointer(&message), milliseconds, &frame, NULL,
                            error) < 0)
        return -1;
    return codec_decode(ret_type, frame->payload, frame->payload_size, arena, ret, error);
}

/* streams */

static void send_stream_packet(struct upstream *upstream, const struct frame_header *call,
                               enum frame_type type, enum frame_status status, const void *bytes,
                               size_t size)
{
    struct frame_header header = message_reply_header(call, type, status);

    connection_send(upstream->connection, message_new_with(&header, bytes, size));
}

void upstream_stream_send(struct upstream *upstream, const struct frame_header *call,
                          const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    if (!bytes)
        send_stream_packet(upstream, call, FRAME_STREAM, FRAME_OK, NULL, 0);
    while (size) {
        size_t part = MIN(size, FRAME_STREAM_DATA_MAX);

        send_stream_packet(upstream, call, FRAME_STREAM, FRAME_CONTINUE, at, part);
        at += part;
        size -= part;
    }
}

void upstream_stream_send_hole(struct upstream *upstream, const struct frame_header *call,
                               uint64_t length)
{
    uint8_t payload[12] = {0};

    frame_write_u32(payload, length >> 32);
    frame_write_u32(payload + 4, (uint32_t)length);
    send_stream_packet(upstream, call, FRAME_STREAM_HOLE, FRAME_CONTINUE, payload, sizeof(payload));
}

void upstream_stream_abort(struct upstream *upstream, const struct frame_header *call)
{
    send_stream_packet(upstream, call, FRAME_STREAM, FRAME_ERROR, NULL, 0);
}

/* the rest */

size_t upstream_queued_bytes(struct upstream *upstream)
{
    return connection_queued_bytes(upstream->connection);
}

void upstream_notify_drained(struct upstream *upstream)
{
    connection_notify_drained(upstream->connection);
}

bool upstream_is_connected(struct upstream *upstream)
{
    return !connection_is_closing(upstream->connection);
}

struct connection *upstream_connection(struct upstream *upstream)
{
    return upstream->connection;
}

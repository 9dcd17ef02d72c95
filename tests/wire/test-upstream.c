/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/error-message.h"
#include "wire/stream.h"
#include "wire/upstream.h"

enum procedure {
    DOUBLE_IT = 1, /* int -> int */
    FAIL = 2,      /* an error */
    IGNORE = 3,    /* no reply ever */
    EVENTS = 4,    /* three events, then the reply */
    HANG_UP = 5,   /* closes the link */
    OPEN_FILE = 6, /* a reply with a descriptor */
    ECHO = 7,      /* a stream that gives back what it gets */
};

enum {
    PROGRAM = 0x20008086,
};

/* A loop in its own thread, a serving connection on it, and an upstream to it. */
struct pair {
    struct loop *loop;
    GThread *thread;
    struct connection *server;
    struct upstream *upstream;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned running, events, stream_packets, closed;
    GByteArray *echoed;
    int last_status;
    bool served_closed;
};

static void change(struct pair *pair, unsigned *counter)
{
    pthread_mutex_lock(&pair->lock);
    ++*counter;
    pthread_cond_broadcast(&pair->changed);
    pthread_mutex_unlock(&pair->lock);
}

static void wait_for(struct pair *pair, const unsigned *counter, unsigned value)
{
    struct timespec end;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10;
    pthread_mutex_lock(&pair->lock);
    while (*counter < value && status == 0)
        status = pthread_cond_timedwait(&pair->changed, &pair->lock, &end);
    g_assert_cmpuint(*counter, >=, value);
    pthread_mutex_unlock(&pair->lock);
}

/* the serving side */

static struct message *reply_to(const struct frame *frame, const void *bytes, size_t size)
{
    struct frame_header header = message_reply_header(&frame->header, FRAME_REPLY, FRAME_OK);

    return message_new_with(&header, bytes, size);
}

static size_t echo_receive(struct stream *stream, const uint8_t *bytes, size_t size, void *data)
{
    stream_send(stream, bytes, size);
    return size;
}

static bool echo_hole(struct stream *stream, uint64_t length, void *data)
{
    stream_send_hole(stream, length);
    return true;
}

static void echo_writable(struct stream *stream, void *data)
{
}

static const struct stream_ops echo_ops = {
    .receive = echo_receive,
    .hole = echo_hole,
    .writable = echo_writable,
};

static void open_echo(struct connection *connection, const struct frame *frame)
{
    struct stream *stream = stream_new(connection, &frame->header, NULL);

    g_assert_nonnull(stream);
    stream_open(stream, &echo_ops, NULL);
    connection_send(connection, reply_to(frame, NULL, 0));
    stream_start(stream);
    stream_unref(stream);
}

static void send_events(struct connection *connection, const struct frame *frame)
{
    struct frame_header header = message_reply_header(&frame->header, FRAME_MESSAGE, FRAME_OK);

    for (uint32_t i = 0; i < 3; i++)
        connection_send(connection, message_new_with(&header, "abcd", 4));
}

static struct message *reply_with_fd(const struct frame *frame)
{
    struct frame_header header =
        message_reply_header(&frame->header, FRAME_REPLY_WITH_FDS, FRAME_OK);
    struct message *message = message_new(&header);

    g_assert_cmpint(message_add_fd(message, dup(0), NULL), ==, 0);
    g_assert_cmpint(message_finish(message, NULL), ==, 0);
    return message;
}

static void serve(struct connection *connection, struct frame *frame, void *data)
{
    g_autoptr(GError) error = NULL;
    uint8_t bytes[4];

    switch (frame->header.procedure) {
    case DOUBLE_IT:
        frame_write_u32(bytes, 2 * frame_read_u32(frame->payload));
        connection_send(connection, reply_to(frame, bytes, 4));
        break;
    case FAIL:
        error_set(&error, VIR_ERR_NO_DOMAIN, "no domain 'x'");
        connection_send(connection, error_message_new(&frame->header, error, VIR_FROM_QEMU));
        break;
    case EVENTS:
        send_events(connection, frame);
        connection_send(connection, reply_to(frame, NULL, 0));
        break;
    case HANG_UP:
        connection_close(connection, NULL);
        break;
    case OPEN_FILE:
        connection_send(connection, reply_with_fd(frame));
        break;
    case ECHO:
        open_echo(connection, frame);
        break;
    default:
        break;
    }
    frame_free(frame);
}

static void serve_closed(struct connection *connection, const GError *reason, void *data)
{
    struct pair *pair = data;

    pthread_mutex_lock(&pair->lock);
    pair->served_closed = true;
    pthread_mutex_unlock(&pair->lock);
}

static const struct connection_handlers serving = {serve, serve_closed};

/* the calling side */

static void note_event(struct upstream *upstream, struct frame *frame, void *data)
{
    struct pair *pair = data;

    g_assert_cmpmem(frame->payload, frame->payload_size, "abcd", 4);
    frame_free(frame);
    change(pair, &pair->events);
}

static void note_stream(struct upstream *upstream, struct frame *frame, void *data)
{
    struct pair *pair = data;

    pthread_mutex_lock(&pair->lock);
    if (frame->header.type == FRAME_STREAM)
        g_byte_array_append(pair->echoed, frame->payload, frame->payload_size);
    pair->last_status = frame->header.status;
    pthread_mutex_unlock(&pair->lock);
    frame_free(frame);
    change(pair, &pair->stream_packets);
}

static void note_closed(struct upstream *upstream, const GError *reason, void *data)
{
    struct pair *pair = data;

    change(pair, &pair->closed);
}

static const struct upstream_handlers calling = {note_event, note_stream, note_closed};

static void *run_loop(void *data)
{
    loop_run(data);
    return NULL;
}

static void note_running(void *data)
{
    struct pair *pair = data;

    change(pair, &pair->running);
}

static struct pair *pair_new(void)
{
    struct pair *pair = g_new0(struct pair, 1);
    g_autoptr(GError) error = NULL;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    pthread_mutex_init(&pair->lock, NULL);
    pthread_cond_init(&pair->changed, NULL);
    pair->echoed = g_byte_array_new();
    pair->loop = loop_new(&error);
    pair->thread = g_thread_new("loop", run_loop, pair->loop);
    loop_post(pair->loop, note_running, pair);
    wait_for(pair, &pair->running, 1); /* the loop is the thread's from now on */
    pair->server = connection_new(pair->loop, transport_new_unix(fds[0], &error), CONNECTION_SERVER,
                                  &connection_default_limits, &serving, pair, &error);
    pair->upstream = upstream_new(pair->loop, fds[1], &calling, pair, &error);
    g_assert_no_error(error);
    return pair;
}

static void quit(void *data)
{
    loop_quit(data);
}

static void pair_free(struct pair *pair)
{
    upstream_free(pair->upstream);
    wait_for(pair, &pair->closed, 1);
    connection_close(pair->server, NULL);
    loop_post(pair->loop, quit, pair->loop);
    g_thread_join(pair->thread);
    loop_free(pair->loop);
    g_assert_true(pair->served_closed);
    g_assert_cmpuint(pair->closed, ==, 1);
    connection_unref(pair->server);
    g_byte_array_unref(pair->echoed);
    pthread_mutex_destroy(&pair->lock);
    pthread_cond_destroy(&pair->changed);
    g_free(pair);
}

static int call(struct pair *pair, enum procedure procedure, int argument, int *ret_result,
                GError **error)
{
    ARENA_AUTO struct arena arena = {0};

    return upstream_call(pair->upstream, PROGRAM, 1, procedure, &codec_int, &argument,
                         ret_result ? &codec_int : NULL, &arena, ret_result, 10000, error);
}

/* tests */

static void test_call(void)
{
    struct pair *pair = pair_new();
    g_autoptr(GError) error = NULL;
    int result = 0;

    for (int i = 0; i < 100; i++) {
        g_assert_cmpint(call(pair, DOUBLE_IT, i, &result, &error), ==, 0);
        g_assert_cmpint(result, ==, 2 * i);
    }
    g_assert_true(upstream_is_connected(pair->upstream));
    pair_free(pair);
}

static void test_error(void)
{
    struct pair *pair = pair_new();
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(call(pair, FAIL, 1, NULL, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_NO_DOMAIN));
    g_assert_cmpstr(error->message, ==, "Domain not found: no domain 'x'");
    g_assert_cmpint(error_from_of(error, VIR_FROM_NONE), ==, VIR_FROM_QEMU);
    pair_free(pair);
}

static void test_malformed_reply(void)
{
    struct pair *pair = pair_new();
    g_autoptr(GError) error = NULL;
    int result;

    g_assert_cmpint(call(pair, EVENTS, 1, &result, &error), ==, -1); /* its reply is empty */
    g_assert_true(error_is(error, VIR_ERR_RPC));
    pair_free(pair);
}

static void test_timeout(void)
{
    struct pair *pair = pair_new();
    g_autoptr(GError) error = NULL;
    ARENA_AUTO struct arena arena = {0};
    int result = 0;

    g_assert_cmpint(upstream_call(pair->upstream, PROGRAM, 1, IGNORE, NULL, NULL, NULL, &arena,
                                  NULL, 50, &error),
                    ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_TIMEOUT));
    g_assert_cmpint(call(pair, DOUBLE_IT, 4, &result, NULL), ==, 0);
    g_assert_cmpint(result, ==, 8);
    pair_free(pair);
}

static void *call_many(void *data)
{
    struct pair *pair = data;

    for (int i = 0; i < 300; i++) {
        int result = 0;

        g_assert_cmpint(call(pair, DOUBLE_IT, i, &result, NULL), ==, 0);
        g_assert_cmpint(result, ==, 2 * i);
    }
    return NULL;
}

static void test_threads(void)
{
    struct pair *pair = pair_new();
    GThread *threads[6];

    for (int i = 0; i < 6; i++)
        threads[i] = g_thread_new("caller", call_many, pair);
    for (int i = 0; i < 6; i++)
        g_thread_join(threads[i]);
    pair_free(pair);
}

static void test_events(void)
{
    struct pair *pair = pair_new();

    g_assert_cmpint(call(pair, EVENTS, 1, NULL, NULL), ==, 0);
    wait_for(pair, &pair->events, 3);
    pair_free(pair);
}

/* The link goes while a call waits; later calls fail at once. */
static void test_hang_up(void)
{
    struct pair *pair = pair_new();

    for (int i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(call(pair, HANG_UP, 1, NULL, &error), ==, -1);
        g_assert_true(error_is(error, VIR_ERR_RPC));
    }
    wait_for(pair, &pair->closed, 1);
    g_assert_false(upstream_is_connected(pair->upstream));
    pair_free(pair);
}

static void test_descriptor(void)
{
    struct pair *pair = pair_new();
    struct frame_header header = {.program = PROGRAM, .version = 1, .procedure = OPEN_FILE};
    g_autoptr(GError) error = NULL;
    FRAME_AUTO struct frame *frame = NULL;

    upstream_call_frame(pair->upstream, message_new_with(&header, NULL, 0), 10000, &frame, NULL,
                        &error);
    g_assert_no_error(error);
    g_assert_cmpuint(frame->fd_count, ==, 1);
    pair_free(pair);
}

static void test_stream(void)
{
    struct pair *pair = pair_new();
    struct frame_header header = {.program = PROGRAM, .version = 1, .procedure = ECHO};
    g_autofree uint8_t *bytes = g_malloc0(600000);
    FRAME_AUTO struct frame *frame = NULL;
    g_autoptr(GError) error = NULL;

    upstream_call_frame(pair->upstream, message_new_with(&header, NULL, 0), 10000, &frame,
                        &header.serial, &error);
    g_assert_no_error(error);
    upstream_stream_send(pair->upstream, &header, bytes, 600000);
    upstream_stream_send_hole(pair->upstream, &header, 55);
    upstream_stream_send(pair->upstream, &header, NULL, 0);
    wait_for(pair, &pair->stream_packets, 5); /* three of data, the hole, the end */
    g_assert_cmpuint(pair->echoed->len, ==, 600000);
    g_assert_cmpint(pair->last_status, ==, FRAME_OK);
    pair_free(pair);
}

static void note_reply(struct upstream *upstream, struct frame *frame, void *data)
{
    struct pair *pair = data;

    g_assert_nonnull(frame);
    g_assert_cmpint(frame->header.status, ==, FRAME_ERROR);
    frame_free(frame);
    change(pair, &pair->events);
}

static void test_async(void)
{
    struct pair *pair = pair_new();
    struct frame_header header = {.program = PROGRAM, .version = 1, .procedure = FAIL};
    uint32_t first, second;

    first =
        upstream_call_async(pair->upstream, message_new_with(&header, NULL, 0), note_reply, pair);
    second =
        upstream_call_async(pair->upstream, message_new_with(&header, NULL, 0), note_reply, pair);
    g_assert_cmpuint(first, !=, second);
    wait_for(pair, &pair->events, 2);
    pair_free(pair);
}

static void test_connect(void)
{
    struct loop *loop = loop_new(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(upstream_connect(loop, "/nonexistent/sock", 100, NULL, NULL, &error));
    g_assert_true(error_is(error, VIR_ERR_SYSTEM_ERROR));
    g_assert_nonnull(strstr(error->message, "/nonexistent/sock"));
    loop_free(loop);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/upstream/call", test_call);
    g_test_add_func("/upstream/error", test_error);
    g_test_add_func("/upstream/malformed-reply", test_malformed_reply);
    g_test_add_func("/upstream/timeout", test_timeout);
    g_test_add_func("/upstream/threads", test_threads);
    g_test_add_func("/upstream/events", test_events);
    g_test_add_func("/upstream/hang-up", test_hang_up);
    g_test_add_func("/upstream/descriptor", test_descriptor);
    g_test_add_func("/upstream/stream", test_stream);
    g_test_add_func("/upstream/async", test_async);
    g_test_add_func("/upstream/connect", test_connect);
    return g_test_run();
}

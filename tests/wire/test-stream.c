/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "link.h"
#include "wire/stream.h"

/* What the owner of a stream saw, as words in order, and how it behaves. */
struct owner {
    struct stream *stream; /* a reference */
    GString *log;
    GByteArray *data;
    size_t capacity; /* takes no more than this until it is raised */
    size_t to_send;  /* bytes still to produce */
    bool answer_finish;
    bool fail_abort;
    bool released;
};

static void note(struct owner *owner, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void note(struct owner *owner, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_string_append_vprintf(owner->log, format, args);
    va_end(args);
}

static void produce(struct owner *owner)
{
    static const uint8_t zeros[100000];
    bool more = true;

    while (owner->to_send && more) {
        size_t part = MIN(owner->to_send, sizeof(zeros));

        more = stream_send(owner->stream, zeros, part);
        owner->to_send -= part;
    }
    if (!owner->to_send)
        stream_send_eof(owner->stream);
}

static void owner_start(struct stream *stream, void *data)
{
    struct owner *owner = data;

    note(owner, "start ");
    if (owner->to_send)
        produce(owner);
}

static size_t owner_receive(struct stream *stream, const uint8_t *bytes, size_t size, void *data)
{
    struct owner *owner = data;
    size_t part = MIN(size, owner->capacity);

    note(owner, "data:%zu ", part);
    owner->capacity -= part;
    g_byte_array_append(owner->data, bytes, part);
    return part;
}

static bool owner_hole(struct stream *stream, uint64_t length, void *data)
{
    note(data, "hole:%" G_GUINT64_FORMAT " ", length);
    return true;
}

static void owner_finish(struct stream *stream, void *data)
{
    struct owner *owner = data;

    note(owner, "finish ");
    if (owner->answer_finish)
        stream_reply_finish(stream);
}

static void owner_abort(struct stream *stream, void *data)
{
    struct owner *owner = data;
    g_autoptr(GError) error = NULL;

    note(owner, "abort ");
    if (!owner->fail_abort)
        return;
    error_set(&error, VIR_ERR_OPERATION_FAILED, "cannot tear down");
    stream_fail(stream, error, VIR_FROM_STREAMS);
}

static void owner_writable(struct stream *stream, void *data)
{
    produce(data);
}

static void owner_release(void *data)
{
    struct owner *owner = data;

    g_assert_false(owner->released);
    owner->released = true;
    note(owner, "release ");
}

/* Keeps nothing, but each packet is its own to free. */
static bool owner_take(struct stream *stream, struct frame *frame, void *data)
{
    struct owner *owner = data;

    if (owner->capacity < frame->payload_size)
        return false;
    note(owner, "packet:%zu ", frame->payload_size);
    owner->capacity -= frame->payload_size;
    g_byte_array_append(owner->data, frame->payload, frame->payload_size);
    frame_free(frame);
    return true;
}

#define PLAIN_OPS                                                                                  \
    .start = owner_start, .finish = owner_finish, .abort = owner_abort,                            \
    .writable = owner_writable, .release = owner_release
static const struct stream_ops sparse_ops = {PLAIN_OPS, .receive = owner_receive,
                                             .hole = owner_hole};
static const struct stream_ops plain_ops = {PLAIN_OPS, .receive = owner_receive};
static const struct stream_ops packet_ops = {PLAIN_OPS, .take = owner_take, .hole = owner_hole};

/* A link with one stream, of serial 1, whose opening call is being handled. */
struct opened {
    struct link *link;
    struct owner owner;
};

static void open_stream(struct link *link, struct frame *frame)
{
    struct opened *opened = link->data;
    g_autoptr(GError) error = NULL;

    opened->owner.stream = stream_new(link->connection, &frame->header, &error);
    g_assert_no_error(error);
    frame_free(frame);
}

static struct opened *opened_new(const struct stream_ops *ops)
{
    struct opened *opened = g_new0(struct opened, 1);

    opened->owner.log = g_string_new("");
    opened->owner.data = g_byte_array_new();
    opened->owner.capacity = SIZE_MAX;
    opened->owner.answer_finish = true;
    opened->link = link_new(NULL);
    opened->link->on_frame = open_stream;
    opened->link->data = opened;
    link_write_call(opened->link, 1);
    link_run(opened->link);
    g_assert_nonnull(opened->owner.stream);
    if (ops)
        stream_open(opened->owner.stream, ops, &opened->owner);
    return opened;
}

static void opened_reply(struct opened *opened)
{
    connection_send(opened->link->connection, link_reply(1));
    stream_start(opened->owner.stream);
    link_expect_packet(opened->link, FRAME_REPLY, 1, FRAME_OK);
    link_run(opened->link);
}

static void opened_free(struct opened *opened)
{
    link_free(opened->link);
    stream_unref(opened->owner.stream);
    g_string_free(opened->owner.log, TRUE);
    g_byte_array_unref(opened->owner.data);
    g_free(opened);
}

static void send_data(struct opened *opened, size_t size)
{
    g_autofree uint8_t *bytes = g_malloc(size + 1);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31);
    link_write_packet(opened->link, FRAME_STREAM, 1, FRAME_CONTINUE, bytes, size);
}

static void send_hole(struct opened *opened, uint32_t length)
{
    uint8_t payload[12] = {0};

    frame_write_u32(payload + 4, length);
    link_write_packet(opened->link, FRAME_STREAM_HOLE, 1, FRAME_CONTINUE, payload, 12);
}

static void send_finish(struct opened *opened)
{
    link_write_packet(opened->link, FRAME_STREAM, 1, FRAME_OK, NULL, 0);
}

static void send_abort(struct opened *opened)
{
    link_write_packet(opened->link, FRAME_STREAM, 1, FRAME_ERROR, NULL, 0);
}

static void expect_status(struct opened *opened, int status)
{
    link_expect_packet(opened->link, FRAME_STREAM, 1, status);
}

static void expect_log(struct opened *opened, const char *log)
{
    link_run(opened->link);
    g_assert_cmpstr(opened->owner.log->str, ==, log);
}

static unsigned open_streams(struct opened *opened)
{
    struct connection_stats stats;

    connection_get_stats(opened->link->connection, &stats);
    return stats.streams;
}

/* sequences */

static void test_upload(void)
{
    struct opened *opened = opened_new(&sparse_ops);

    opened_reply(opened);
    send_data(opened, 262120);
    send_hole(opened, 4096);
    send_data(opened, 5);
    send_hole(opened, 77);
    send_finish(opened);
    expect_status(opened, FRAME_OK);
    expect_log(opened, "start data:262120 hole:4096 data:5 hole:77 finish release ");
    g_assert_cmpuint(open_streams(opened), ==, 0);
    send_data(opened, 9); /* too late: ignored */
    link_expect_silence(opened->link);
    opened_free(opened);
}

/* Whole packets go over to the owner, in order, when it takes them. */
static void test_packets_taken(void)
{
    struct opened *opened = opened_new(&packet_ops);

    opened->owner.capacity = 300000;
    opened_reply(opened);
    send_data(opened, 262120);
    expect_log(opened, "start packet:262120 ");
    g_assert_cmpuint(opened->owner.data->len, ==, 262120);
    g_assert_cmpuint(opened->owner.data->data[262119], ==, (uint8_t)(262119 * 31));
    send_hole(opened, 4096);
    send_data(opened, 0);
    send_data(opened, 50000);
    send_data(opened, 5);
    send_finish(opened);
    expect_log(opened, "start packet:262120 hole:4096 ");
    opened->owner.capacity = 50000;
    stream_resume(opened->owner.stream);
    expect_log(opened, "start packet:262120 hole:4096 packet:50000 ");
    opened->owner.capacity = 5;
    stream_resume(opened->owner.stream);
    expect_status(opened, FRAME_OK);
    expect_log(opened, "start packet:262120 hole:4096 packet:50000 packet:5 finish release ");
    opened_free(opened);
}

static void test_packets_untaken(void)
{
    struct opened *opened = opened_new(&packet_ops);

    opened->owner.capacity = 10;
    opened_reply(opened);
    send_data(opened, 10);
    send_data(opened, 11);
    send_data(opened, 1);
    expect_log(opened, "start packet:10 ");
    send_abort(opened);
    expect_status(opened, FRAME_OK);
    expect_log(opened, "start packet:10 abort release ");
    opened_free(opened);
}

/* A packet is filled in where it is, and may get shorter; one for a stream that is gone is freed.
 */
static void test_packet_sent(void)
{
    struct opened *opened = opened_new(&plain_ops);
    uint8_t *bytes;

    opened_reply(opened);
    struct message *packet = stream_packet_new(opened->owner.stream, 262120, &bytes);
    memset(bytes, 'x', 262120);
    g_assert_true(stream_send_packet(opened->owner.stream, packet, 1000));
    FRAME_AUTO struct frame *frame = link_read_packet(opened->link);
    g_assert_cmpint(frame->header.type, ==, FRAME_STREAM);
    g_assert_cmpint(frame->header.status, ==, FRAME_CONTINUE);
    g_assert_cmpuint(frame->payload_size, ==, 1000);
    g_assert_true(frame->payload[0] == 'x' && frame->payload[999] == 'x');
    send_abort(opened);
    expect_status(opened, FRAME_OK);
    packet = stream_packet_new(opened->owner.stream, 10, &bytes);
    g_assert_false(stream_send_packet(opened->owner.stream, packet, 10));
    opened_free(opened);
}

static void test_download(void)
{
    struct opened *opened = opened_new(&plain_ops);
    size_t received = 0;

    opened->owner.to_send = 10000000;
    opened_reply(opened);
    g_assert_cmpuint(opened->owner.to_send, >, 9000000); /* held back: the client has not read */
    for (bool more = true; more;) {
        FRAME_AUTO struct frame *frame = link_read_packet(opened->link);

        g_assert_cmpint(frame->header.type, ==, FRAME_STREAM);
        g_assert_cmpint(frame->header.status, ==, FRAME_CONTINUE);
        g_assert_cmpuint(frame->payload_size, <=, 262120);
        received += frame->payload_size;
        more = frame->payload_size > 0;
    }
    g_assert_cmpuint(received, ==, 10000000);
    link_expect_silence(opened->link);
    send_finish(opened);
    expect_status(opened, FRAME_OK);
    expect_log(opened, "start finish release ");
    opened_free(opened);
}

static void test_long_send(void)
{
    struct opened *opened = opened_new(&plain_ops);
    g_autofree uint8_t *bytes = g_malloc0(300000);

    opened_reply(opened);
    stream_send(opened->owner.stream, bytes, 300000);
    stream_send_hole(opened->owner.stream, 0x100000002);
    FRAME_AUTO struct frame *first = link_read_packet(opened->link);
    FRAME_AUTO struct frame *second = link_read_packet(opened->link);
    FRAME_AUTO struct frame *hole = link_read_packet(opened->link);
    g_assert_cmpuint(first->payload_size, ==, 262120);
    g_assert_cmpuint(second->payload_size, ==, 300000 - 262120);
    g_assert_cmpint(hole->header.type, ==, FRAME_STREAM_HOLE);
    g_assert_cmpmem(hole->payload, hole->payload_size, "\0\0\0\1\0\0\0\2\0\0\0\0", 12);
    opened_free(opened);
}

static void test_late_finish(void)
{
    struct opened *opened = opened_new(&plain_ops);

    opened->owner.answer_finish = false;
    opened_reply(opened);
    send_finish(opened);
    link_expect_silence(opened->link);
    stream_reply_finish(opened->owner.stream); /* now it is all on disk */
    expect_status(opened, FRAME_OK);
    expect_log(opened, "start finish release ");
    opened_free(opened);
}

static void test_abort(void)
{
    struct opened *opened = opened_new(&plain_ops);

    opened_reply(opened);
    send_data(opened, 10);
    send_abort(opened);
    expect_status(opened, FRAME_OK);
    expect_log(opened, "start data:10 abort release ");
    opened_free(opened);
}

static void test_failed_abort(void)
{
    struct opened *opened = opened_new(&plain_ops);

    opened->owner.fail_abort = true;
    opened_reply(opened);
    send_abort(opened);
    expect_status(opened, FRAME_ERROR);
    expect_log(opened, "start abort release ");
    link_expect_silence(opened->link);
    opened_free(opened);
}

/* A sink that takes nothing any more does not keep the client from giving up. */
static void test_abort_overtakes(void)
{
    struct opened *opened = opened_new(&plain_ops);

    opened->owner.capacity = 3;
    opened_reply(opened);
    send_data(opened, 10);
    send_data(opened, 10);
    send_abort(opened);
    expect_status(opened, FRAME_OK);
    expect_log(opened, "start data:3 abort release ");
    opened_free(opened);
}

static void test_fail(void)
{
    struct opened *opened = opened_new(&plain_ops);
    g_autoptr(GError) error = NULL;

    error_set(&error, VIR_ERR_OPERATION_FAILED, "disk is full");
    opened_reply(opened);
    stream_fail(opened->owner.stream, error, VIR_FROM_STORAGE);
    expect_status(opened, FRAME_ERROR);
    g_assert_true(stream_is_gone(opened->owner.stream));
    expect_log(opened, "start release ");
    send_data(opened, 10); /* sent before the client knew */
    send_finish(opened);
    link_expect_silence(opened->link);
    stream_fail(opened->owner.stream, error, VIR_FROM_STORAGE); /* once is enough */
    link_expect_silence(opened->link);
    opened_free(opened);
}

static void test_lost(void)
{
    struct opened *opened = opened_new(&plain_ops);

    opened_reply(opened);
    send_data(opened, 4);
    fd_clear(&opened->link->fd);
    link_expect_closed(opened->link, NULL);
    g_assert_cmpstr(opened->owner.log->str, ==, "start data:4 abort release ");
    g_assert_false(stream_send(opened->owner.stream, "x", 1));
    opened_free(opened);
}

static void test_refused_hole(void)
{
    struct opened *opened = opened_new(&plain_ops);

    opened_reply(opened);
    send_hole(opened, 5);
    link_expect_closed(opened->link, "hole");
    opened_free(opened);
}

static void test_malformed(void)
{
    struct opened *opened = opened_new(&sparse_ops);

    opened_reply(opened);
    link_write_packet(opened->link, FRAME_STREAM_HOLE, 1, FRAME_CONTINUE, "abc", 3);
    expect_status(opened, FRAME_ERROR);
    opened_free(opened);
    opened = opened_new(&sparse_ops);
    opened_reply(opened);
    link_write_packet(opened->link, FRAME_STREAM, 1, 77, NULL, 0);
    expect_status(opened, FRAME_ERROR);
    opened_free(opened);
}

/* beginnings */

static void test_data_before_reply(void)
{
    struct opened *opened = opened_new(&plain_ops);

    send_data(opened, 1);
    send_data(opened, 2);
    send_finish(opened);
    link_expect_silence(opened->link);
    g_assert_cmpstr(opened->owner.log->str, ==, "");
    opened_reply(opened);
    expect_status(opened, FRAME_OK);
    expect_log(opened, "start data:1 data:2 finish release ");
    opened_free(opened);
}

static void test_discard(void)
{
    struct opened *opened = opened_new(&plain_ops);

    send_data(opened, 100);
    stream_discard(opened->owner.stream);
    expect_log(opened, "release ");
    g_assert_cmpuint(open_streams(opened), ==, 0);
    opened_free(opened);
    opened = opened_new(NULL); /* the handler failed before it opened it */
    stream_discard(opened->owner.stream);
    link_run(opened->link);
    g_assert_cmpuint(open_streams(opened), ==, 0);
    opened_free(opened);
}

static void test_fail_before_start(void)
{
    struct opened *opened = opened_new(&plain_ops);
    g_autoptr(GError) error = NULL;

    error_set(&error, VIR_ERR_OPERATION_FAILED, "another client took the console");
    stream_fail(opened->owner.stream, error, VIR_FROM_STREAMS);
    link_expect_silence(opened->link);
    opened_reply(opened);
    expect_status(opened, FRAME_ERROR);
    expect_log(opened, "release ");
    opened_free(opened);
}

static void test_lost_before_start(void)
{
    struct opened *opened = opened_new(&plain_ops);

    fd_clear(&opened->link->fd);
    link_expect_closed(opened->link, NULL);
    g_assert_cmpstr(opened->owner.log->str, ==, ""); /* its handler is still at work */
    stream_start(opened->owner.stream);
    expect_log(opened, "release ");
    opened_free(opened);
}

static void test_never_opened(void)
{
    struct opened *opened = opened_new(NULL);

    opened_reply(opened);
    expect_status(opened, FRAME_ERROR);
    opened_free(opened);
}

static void test_same_serial(void)
{
    struct opened *opened = opened_new(&plain_ops);
    struct frame_header header = link_header;
    g_autoptr(GError) error = NULL;

    header.serial = 1;
    g_assert_null(stream_new(opened->link->connection, &header, &error));
    g_assert_true(error_is(error, VIR_ERR_RPC));
    stream_discard(opened->owner.stream);
    link_run(opened->link);
    opened_free(opened);
}

/* The opening call waits for a free place; its data must wait with it, and other calls behind. */
static void park_all(struct link *link, struct frame *frame)
{
    if (frame->header.serial == 1) {
        open_stream(link, frame);
        return;
    }
    connection_call_begin(link->connection);
    g_ptr_array_add(link->frames, frame);
}

static void test_parked_stream(void)
{
    struct opened *opened = g_new0(struct opened, 1);

    opened->owner = (struct owner){.log = g_string_new(""),
                                   .data = g_byte_array_new(),
                                   .capacity = SIZE_MAX,
                                   .answer_finish = true};
    opened->link = link_new(NULL);
    opened->link->on_frame = park_all;
    opened->link->data = opened;
    for (uint32_t i = 10; i < 15; i++)
        link_write_call(opened->link, i);
    link_write_call(opened->link, 1);
    link_write_call(opened->link, 15);
    send_data(opened, 4);
    send_data(opened, 5);
    link_run(opened->link);
    g_assert_null(opened->owner.stream);
    connection_call_end(opened->link->connection);
    link_run(opened->link);
    g_assert_nonnull(opened->owner.stream);
    stream_open(opened->owner.stream, &plain_ops, &opened->owner);
    send_data(opened, 6);
    send_finish(opened);
    opened_reply(opened);
    expect_log(opened, "start data:4 data:5 data:6 finish release ");
    opened_free(opened);
}

/* flow */

/* A slow sink stops the reading of the socket, after a bounded amount; nothing is lost. */
static void test_slow_sink(void)
{
    enum { PACKETS = 60 };
    struct opened *opened = opened_new(&plain_ops);
    struct connection_stats stats;
    g_autofree uint8_t *bytes = g_malloc(262120);
    g_autoptr(GByteArray) raw = g_byte_array_new();
    size_t sent = 0;

    for (int i = 0; i < 262120; i++)
        bytes[i] = (uint8_t)(i % 251);
    for (int i = 0; i < PACKETS; i++) {
        struct frame_header header = link_header;

        header.serial = 1;
        header.type = FRAME_STREAM;
        header.status = FRAME_CONTINUE;
        MESSAGE_AUTO struct message *message = message_new_with(&header, bytes, 262120);
        g_byte_array_append(raw, message->bytes->data, message->bytes->len);
    }
    opened->owner.capacity = 1000;
    opened_reply(opened);
    for (int quiet = 0; quiet < 50;) {
        ssize_t count = send(opened->link->fd, raw->data + sent, raw->len - sent, MSG_DONTWAIT);

        loop_step(opened->link->loop, 0);
        sent += MAX(count, 0);
        quiet = count > 0 ? 0 : quiet + 1;
    }
    g_assert_cmpuint(sent, <, 3 * 1024 * 1024);
    connection_get_stats(opened->link->connection, &stats);
    g_assert_false(stats.reading);
    opened->owner.capacity = SIZE_MAX;
    stream_resume(opened->owner.stream);
    link_write(opened->link, raw->data + sent, raw->len - sent);
    link_run(opened->link);
    g_assert_cmpuint(opened->owner.data->len, ==, PACKETS * 262120);
    for (unsigned i = 0; i < opened->owner.data->len; i++)
        if (opened->owner.data->data[i] != i % 262120 % 251)
            g_assert_not_reached();
    connection_get_stats(opened->link->connection, &stats);
    g_assert_true(stats.reading);
    opened_free(opened);
}

/* descriptors */

static void note_ended(void *data)
{
    struct owner *owner = data;

    g_assert_false(owner->released);
    owner->released = true;
}

static void attach(struct opened *opened, int fd, enum stream_fd_mode mode)
{
    g_autoptr(GError) error = NULL;

    stream_attach_fd(opened->owner.stream, fd, mode, note_ended, &opened->owner, &error);
    g_assert_no_error(error);
    opened_reply(opened);
}

static void test_terminal(void)
{
    struct opened *opened = opened_new(NULL);
    int pair[2];
    char bytes[16];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    attach(opened, pair[0], STREAM_FD_BOTH);
    g_assert_cmpint(write(pair[1], "login: ", 7), ==, 7);
    FRAME_AUTO struct frame *frame = link_read_packet(opened->link);
    g_assert_cmpmem(frame->payload, frame->payload_size, "login: ", 7);
    link_write_packet(opened->link, FRAME_STREAM, 1, FRAME_CONTINUE, "root\n", 5);
    link_run(opened->link);
    g_assert_cmpint(read(pair[1], bytes, sizeof(bytes)), ==, 5);
    close(pair[1]); /* the guest is gone: end of file for the client */
    FRAME_AUTO struct frame *eof = link_read_packet(opened->link);
    g_assert_cmpint(eof->header.status, ==, FRAME_CONTINUE);
    g_assert_cmpuint(eof->payload_size, ==, 0);
    send_data(opened, 10); /* typed into nothing */
    send_finish(opened);
    expect_status(opened, FRAME_OK);
    g_assert_true(opened->owner.released);
    opened_free(opened);
}

static void test_pty(void)
{
    struct opened *opened = opened_new(NULL);
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

    g_assert_cmpint(grantpt(master) | unlockpt(master), ==, 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    attach(opened, slave, STREAM_FD_BOTH);
    g_assert_cmpint(write(master, "hello\n", 6), ==, 6);
    FRAME_AUTO struct frame *frame = link_read_packet(opened->link);
    g_assert_cmpmem(frame->payload, frame->payload_size, "hello\n", 6);
    close(master);
    FRAME_AUTO struct frame *eof = link_read_packet(opened->link);
    g_assert_cmpuint(eof->payload_size, ==, 0);
    send_abort(opened);
    expect_status(opened, FRAME_OK);
    opened_free(opened);
}

static int temporary_file(const void *bytes, size_t size)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("modvirt-stream-XXXXXX", &path, NULL);

    unlink(path);
    g_assert_cmpint(write(fd, bytes, size), ==, size);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    return fd;
}

static void test_file_download(void)
{
    struct opened *opened = opened_new(NULL);
    g_autofree uint8_t *bytes = g_malloc(3000000);
    g_autoptr(GByteArray) received = g_byte_array_new();

    for (int i = 0; i < 3000000; i++)
        bytes[i] = (uint8_t)(i % 253);
    attach(opened, temporary_file(bytes, 3000000), STREAM_FD_SOURCE);
    for (bool more = true; more;) {
        FRAME_AUTO struct frame *frame = link_read_packet(opened->link);

        more = frame->payload_size > 0;
        g_byte_array_append(received, frame->payload, frame->payload_size);
    }
    g_assert_cmpmem(received->data, received->len, bytes, 3000000);
    send_finish(opened);
    expect_status(opened, FRAME_OK);
    opened_free(opened);
}

static void test_file_upload(void)
{
    struct opened *opened = opened_new(NULL);
    int fd = temporary_file("", 0), copy = dup(fd);

    attach(opened, fd, STREAM_FD_SINK);
    for (int i = 0; i < 20; i++)
        send_data(opened, 200000);
    send_finish(opened);
    expect_status(opened, FRAME_OK);
    g_assert_cmpint(lseek(copy, 0, SEEK_END), ==, 20 * 200000);
    close(copy);
    opened_free(opened);
}

/* A pipe whose reader is slow fills: the rest waits, in order. */
static void test_slow_pipe(void)
{
    struct opened *opened = opened_new(NULL);
    g_autofree uint8_t *bytes = g_malloc(300000);
    size_t received = 0;
    int pair[2];

    g_assert_cmpint(pipe2(pair, O_CLOEXEC), ==, 0);
    attach(opened, pair[1], STREAM_FD_SINK);
    send_data(opened, 250000);
    send_finish(opened);
    link_expect_silence(opened->link);
    while (received < 250000) {
        ssize_t count = read(pair[0], bytes + received, 10000);

        g_assert_cmpint(count, >, 0);
        received += count;
        link_run(opened->link);
    }
    expect_status(opened, FRAME_OK);
    g_assert_cmpint(read(pair[0], bytes + received, 10000), ==, 0); /* closed before the answer */
    for (size_t i = 0; i < received; i++)
        if (bytes[i] != (uint8_t)(i * 31))
            g_assert_not_reached();
    close(pair[0]);
    opened_free(opened);
}

static void test_broken_pipe(void)
{
    struct opened *opened = opened_new(NULL);
    int pair[2];

    g_assert_cmpint(pipe2(pair, O_CLOEXEC), ==, 0);
    attach(opened, pair[1], STREAM_FD_SINK);
    close(pair[0]);
    send_data(opened, 10);
    expect_status(opened, FRAME_ERROR);
    g_assert_true(opened->owner.released);
    opened_free(opened);
}

/* A hang-up while the client is slow must not keep the loop busy. */
static void test_hangup_while_paused(void)
{
    struct opened *opened = opened_new(NULL);
    g_autofree uint8_t *bytes = g_malloc0(3000000);
    size_t received = 0;
    int pair[2], calm = 0;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    attach(opened, pair[0], STREAM_FD_BOTH);
    for (size_t sent = 0; sent < 3000000;) {
        ssize_t count = send(pair[1], bytes, 3000000 - sent, MSG_DONTWAIT);

        if (count < 0 && ++calm > 20)
            break;
        sent += MAX(count, 0);
        received = sent;
        loop_step(opened->link->loop, 0);
    }
    close(pair[1]);
    for (calm = 0; calm < 5; calm++) {
        int64_t start = g_get_monotonic_time();

        loop_step(opened->link->loop, 20);
        if (g_get_monotonic_time() - start > 15000)
            break;
    }
    g_assert_cmpint(calm, <, 5); /* it slept */
    for (size_t got = 0; got < received;) {
        FRAME_AUTO struct frame *frame = link_read_packet(opened->link);

        g_assert_cmpuint(frame->payload_size, >, 0);
        got += frame->payload_size;
    }
    FRAME_AUTO struct frame *eof = link_read_packet(opened->link);
    g_assert_cmpuint(eof->payload_size, ==, 0);
    opened_free(opened);
}

static void *fail_from_thread(void *data)
{
    struct stream *stream = data;
    g_autoptr(GError) error = NULL;

    error_set(&error, VIR_ERR_OPERATION_FAILED, "taken over");
    stream_fail(stream, error, VIR_FROM_STREAMS);
    return NULL;
}

static void test_fail_from_thread(void)
{
    struct opened *opened = opened_new(NULL);
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    attach(opened, pair[0], STREAM_FD_BOTH);
    g_thread_join(g_thread_new("killer", fail_from_thread, opened->owner.stream));
    expect_status(opened, FRAME_ERROR);
    g_assert_true(opened->owner.released);
    close(pair[1]);
    opened_free(opened);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    g_test_add_func("/stream/upload", test_upload);
    g_test_add_func("/stream/packets-taken", test_packets_taken);
    g_test_add_func("/stream/packets-untaken", test_packets_untaken);
    g_test_add_func("/stream/packet-sent", test_packet_sent);
    g_test_add_func("/stream/download", test_download);
    g_test_add_func("/stream/long-send", test_long_send);
    g_test_add_func("/stream/late-finish", test_late_finish);
    g_test_add_func("/stream/abort", test_abort);
    g_test_add_func("/stream/failed-abort", test_failed_abort);
    g_test_add_func("/stream/abort-overtakes", test_abort_overtakes);
    g_test_add_func("/stream/fail", test_fail);
    g_test_add_func("/stream/lost", test_lost);
    g_test_add_func("/stream/refused-hole", test_refused_hole);
    g_test_add_func("/stream/malformed", test_malformed);
    g_test_add_func("/stream/data-before-reply", test_data_before_reply);
    g_test_add_func("/stream/discard", test_discard);
    g_test_add_func("/stream/fail-before-start", test_fail_before_start);
    g_test_add_func("/stream/lost-before-start", test_lost_before_start);
    g_test_add_func("/stream/never-opened", test_never_opened);
    g_test_add_func("/stream/same-serial", test_same_serial);
    g_test_add_func("/stream/parked", test_parked_stream);
    g_test_add_func("/stream/slow-sink", test_slow_sink);
    g_test_add_func("/stream-fd/terminal", test_terminal);
    g_test_add_func("/stream-fd/pty", test_pty);
    g_test_add_func("/stream-fd/file-download", test_file_download);
    g_test_add_func("/stream-fd/file-upload", test_file_upload);
    g_test_add_func("/stream-fd/slow-pipe", test_slow_pipe);
    g_test_add_func("/stream-fd/broken-pipe", test_broken_pipe);
    g_test_add_func("/stream-fd/hangup-while-paused", test_hangup_while_paused);
    g_test_add_func("/stream-fd/fail-from-thread", test_fail_from_thread);
    return g_test_run();
}

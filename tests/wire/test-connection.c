/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "link.h"
#include "wire/keepalive.h"

static struct connection_limits limits_with(void)
{
    return connection_default_limits;
}

static uint32_t serial_of(struct link *link, unsigned index)
{
    const struct frame *frame = g_ptr_array_index(link->frames, index);

    return frame->header.serial;
}

static struct connection_stats stats_of(struct link *link)
{
    struct connection_stats stats;

    connection_get_stats(link->connection, &stats);
    return stats;
}

/* bytes */

static void test_byte_by_byte(void)
{
    struct link *link = link_new(NULL);
    struct frame_header header = link_header;
    MESSAGE_AUTO struct message *message = NULL;

    header.serial = 5;
    message = message_new_with(&header, "abcd", 4);
    for (int round = 0; round < 3; round++)
        for (unsigned i = 0; i < message->bytes->len; i++)
            link_write(link, message->bytes->data + i, 1);
    link_expect_frames(link, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct frame *frame = g_ptr_array_index(link->frames, i);

        g_assert_cmpmem(frame->payload, frame->payload_size, "abcd", 4);
    }
    link_free(link);
}

static void expect_length_refused(uint32_t length)
{
    struct link *link = link_new(NULL);
    uint8_t word[4];

    frame_write_u32(word, length);
    link_write(link, word, sizeof(word));
    link_expect_closed(link, "packet of");
    g_assert_cmpuint(link->frames->len, ==, 0);
    link_free(link);
}

static void test_bad_lengths(void)
{
    expect_length_refused(0);
    expect_length_refused(3);
    expect_length_refused(27);
    expect_length_refused(33554437);
    expect_length_refused(UINT32_MAX);
}

static void test_largest(void)
{
    struct link *link = link_new(NULL);
    g_autofree uint8_t *payload = g_malloc0(FRAME_PAYLOAD_MAX);

    payload[FRAME_PAYLOAD_MAX - 1] = 7;
    link_write_packet(link, FRAME_CALL, 1, FRAME_OK, payload, FRAME_PAYLOAD_MAX);
    link_write_call(link, 2);
    link_expect_frames(link, 2);
    struct frame *frame = g_ptr_array_index(link->frames, 0);
    g_assert_cmpuint(frame->payload_size, ==, 33554408);
    g_assert_cmpint(frame->payload[FRAME_PAYLOAD_MAX - 1], ==, 7);
    link_free(link);
}

static void test_unwanted_types(void)
{
    struct link *link = link_new(NULL);
    static const int types[] = {FRAME_REPLY, FRAME_MESSAGE, FRAME_REPLY, FRAME_STREAM, 99, -1};

    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++)
        link_write_packet(link, types[i], i, FRAME_OK, NULL, 0);
    link_write_call(link, 42);
    link_expect_frames(link, 1);
    g_assert_cmpuint(serial_of(link, 0), ==, 42);
    link_expect_silence(link);
    link_free(link);
}

static void test_many_in_one_write(void)
{
    enum { CALLS = 1000 };
    struct link *link = link_new(NULL);
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (uint32_t i = 0; i < CALLS; i++) {
        struct frame_header header = link_header;

        header.serial = i;
        MESSAGE_AUTO struct message *message = message_new_with(&header, "xy", 2);
        g_byte_array_append(bytes, message->bytes->data, message->bytes->len);
    }
    link_write(link, bytes->data, bytes->len);
    link_expect_frames(link, CALLS);
    for (uint32_t i = 0; i < CALLS; i++)
        g_assert_cmpuint(serial_of(link, i), ==, i);
    link_free(link);
}

/* An idle connection keeps no buffer; the peer's closing is no error. */
static void test_orderly_end(void)
{
    struct link *link = link_new(NULL);

    link_write_call(link, 1);
    link_expect_frames(link, 1);
    fd_clear(&link->fd);
    link_expect_closed(link, NULL);
    connection_send(link->connection, link_reply(1)); /* nobody is there: dropped */
    link_free(link);
}

/* descriptors */

static void send_fd(int socket, int fd)
{
    char control[CMSG_SPACE(sizeof(int))] = {0}, dummy = 0;
    struct iovec part = {&dummy, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    g_assert_cmpint(sendmsg(socket, &message, 0), ==, 1);
}

static ino_t inode_of(int fd)
{
    struct stat status;

    g_assert_cmpint(fstat(fd, &status), ==, 0);
    return status.st_ino;
}

/* All is in the socket before the connection reads: it must not lose what rides behind a packet. */
static void test_receive_fds(void)
{
    struct link *link = link_new(NULL);
    struct frame_header header = link_header;
    uint8_t payload[8] = {0, 0, 0, 2, 'a', 'b', 'c', 'd'};
    int pipes[2];

    g_assert_cmpint(pipe(pipes), ==, 0);
    header.type = FRAME_CALL_WITH_FDS;
    MESSAGE_AUTO struct message *message = message_new_with(&header, payload, sizeof(payload));
    MESSAGE_AUTO struct message *plain = message_new_with(&link_header, NULL, 0);
    g_assert_cmpint(write(link->fd, plain->bytes->data, plain->bytes->len), ==, 28);
    g_assert_cmpint(write(link->fd, message->bytes->data, message->bytes->len), ==, 36);
    send_fd(link->fd, pipes[0]);
    send_fd(link->fd, pipes[1]);
    g_assert_cmpint(write(link->fd, plain->bytes->data, plain->bytes->len), ==, 28);
    link_expect_frames(link, 3);
    struct frame *frame = g_ptr_array_index(link->frames, 1);
    g_assert_cmpmem(frame->payload, frame->payload_size, "abcd", 4);
    g_assert_cmpuint(frame->fd_count, ==, 2);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpuint(inode_of(frame->fds[i]), ==, inode_of(pipes[i]));
        g_assert_true(fcntl(frame->fds[i], F_GETFD) & FD_CLOEXEC);
        close(pipes[i]);
    }
    link_free(link);
}

static void test_missing_fds(void)
{
    struct link *link = link_new(NULL);
    uint8_t payload[5] = {0, 0, 0, 1, 0};

    link_write_packet(link, FRAME_CALL_WITH_FDS, 1, FRAME_OK, payload, 4);
    link_write(link, payload, 1);
    link_expect_closed(link, "descriptor");
    link_free(link);
}

static void test_stray_fds(void)
{
    struct link *link = link_new(NULL);
    int before, after; /* the lowest free descriptor */

    link_write_call(link, 1);
    link_expect_frames(link, 1);
    before = dup(0);
    close(before);
    for (int i = 0; i < 3; i++) {
        char zeros[28] = {0, 0, 0, 28};

        send_fd(link->fd, link->fd); /* its dummy byte is the first of a length word */
        link_write(link, zeros + 1, sizeof(zeros) - 1);
    }
    link_run(link);
    after = dup(0);
    close(after);
    g_assert_cmpint(before, ==, after); /* none is kept */
    g_assert_cmpuint(link->frames->len, ==, 4);
    link_free(link);
}

static void test_send_fds(void)
{
    struct link *link = link_new(NULL);
    struct frame_header header = link_header;
    char control[CMSG_SPACE(sizeof(int))], bytes[64];
    struct iovec part = {bytes, 32};
    struct msghdr raw = {.msg_iov = &part, .msg_iovlen = 1};
    int pipes[2], fd;

    g_assert_cmpint(pipe(pipes), ==, 0);
    header.type = FRAME_REPLY_WITH_FDS;
    struct message *message = message_new(&header);
    g_assert_cmpint(message_add_fd(message, dup(pipes[0]), NULL), ==, 0);
    g_assert_cmpint(message_finish(message, NULL), ==, 0);
    connection_send(link->connection, message);
    connection_send(link->connection, link_reply(2));
    g_assert_cmpint(recvmsg(link->fd, &raw, 0), ==, 32);
    raw.msg_control = control;
    raw.msg_controllen = sizeof(control);
    part.iov_len = 1;
    g_assert_cmpint(recvmsg(link->fd, &raw, 0), ==, 1);
    g_assert_cmpint(bytes[0], ==, 0);
    g_assert_nonnull(CMSG_FIRSTHDR(&raw));
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&raw)), sizeof(fd));
    g_assert_cmpuint(inode_of(fd), ==, inode_of(pipes[0]));
    link_expect_packet(link, FRAME_REPLY, 2, FRAME_OK);
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
    link_free(link);
}

/* sending */

enum {
    SENDERS = 4,
    MESSAGES = 2000,
};

struct sender {
    struct link *link;
    uint32_t first;
};

static void *send_many(void *data)
{
    struct sender *sender = data;

    for (uint32_t i = 0; i < MESSAGES; i++)
        connection_send(sender->link->connection, link_reply(sender->first + i));
    return NULL;
}

/* Each thread's messages arrive in its order, none torn or lost. */
static void test_send_from_threads(void)
{
    struct link *link = link_new(NULL);
    struct sender senders[SENDERS];
    GThread *threads[SENDERS];
    uint32_t next[SENDERS] = {0};

    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){link, i << 16};
        threads[i] = g_thread_new("sender", send_many, &senders[i]);
    }
    for (int i = 0; i < SENDERS * MESSAGES; i++) {
        FRAME_AUTO struct frame *frame = link_read_packet(link);
        uint32_t sender = frame->header.serial >> 16;

        g_assert_cmpuint(sender, <, SENDERS);
        g_assert_cmpuint(frame->header.serial & 0xffff, ==, next[sender]++);
    }
    for (int i = 0; i < SENDERS; i++)
        g_thread_join(threads[i]);
    link_free(link);
}

static void test_large_reply(void)
{
    struct link *link = link_new(NULL);
    struct frame_header header = link_header;
    g_autofree uint8_t *payload = g_malloc(5000000);

    for (int i = 0; i < 5000000; i++)
        payload[i] = (uint8_t)(i * 13);
    header.type = FRAME_REPLY;
    connection_send(link->connection, message_new_with(&header, payload, 5000000));
    connection_send(link->connection, link_reply(1));
    FRAME_AUTO struct frame *frame = link_read_packet(link);
    g_assert_cmpmem(frame->payload, frame->payload_size, payload, 5000000);
    link_expect_packet(link, FRAME_REPLY, 1, FRAME_OK);
    link_free(link);
}

/* limits */

static void begin_call(struct link *link, struct frame *frame)
{
    connection_call_begin(link->connection);
    g_ptr_array_add(link->frames, frame);
}

/* Five calls hang: the sixth waits, a ping does not. */
static void test_parked_calls(void)
{
    struct link *link = link_new(NULL);
    int64_t start;

    link->on_frame = begin_call;
    for (uint32_t i = 0; i < 8; i++)
        link_write_call(link, i);
    link_write_ping(link);
    start = g_get_monotonic_time();
    FRAME_AUTO struct frame *pong = link_read_packet(link);
    g_assert_cmpuint(pong->header.program, ==, KEEPALIVE_PROGRAM);
    g_assert_cmpint(pong->header.procedure, ==, KEEPALIVE_PROC_PONG);
    g_assert_cmpint(g_get_monotonic_time() - start, <, G_USEC_PER_SEC);
    g_assert_cmpuint(link->frames->len, ==, 5);
    g_assert_cmpuint(stats_of(link).parked, ==, 3);
    g_assert_true(stats_of(link).reading);
    for (uint32_t i = 5; i < 8; i++) {
        connection_call_end(link->connection);
        link_expect_frames(link, i + 1);
        g_assert_cmpuint(serial_of(link, i), ==, i);
    }
    g_assert_cmpuint(stats_of(link).parked, ==, 0);
    link_free(link);
}

/* The park is full: reading stops, and nothing is lost or reordered when it goes on. */
static void test_full_park(void)
{
    struct connection_limits limits = limits_with();
    struct link *link;

    limits.max_requests = 1;
    limits.parked_frames = 3;
    link = link_new(&limits);
    link->on_frame = begin_call;
    for (uint32_t i = 0; i < 200; i++)
        link_write_call(link, i);
    link_run(link);
    g_assert_cmpuint(link->frames->len, ==, 1);
    g_assert_cmpuint(stats_of(link).parked, ==, 3);
    g_assert_false(stats_of(link).reading);
    for (unsigned i = 1; i < 200; i++) {
        connection_call_end(link->connection);
        link_expect_frames(link, i + 1);
    }
    for (unsigned i = 0; i < 200; i++)
        g_assert_cmpuint(serial_of(link, i), ==, i);
    g_assert_true(stats_of(link).reading);
    link_free(link);
}

/* Calls on their way to the threads that answer them. */
struct post_office {
    struct link *link;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct frame *first; /* in any order */
    bool closed;
};

static struct frame *next_call(struct post_office *office)
{
    struct frame *frame;

    pthread_mutex_lock(&office->lock);
    while (!office->first && !office->closed)
        pthread_cond_wait(&office->changed, &office->lock);
    frame = office->first;
    if (frame)
        office->first = frame->next;
    pthread_mutex_unlock(&office->lock);
    return frame;
}

static void *answer_calls(void *data)
{
    struct post_office *office = data;
    struct frame *frame;

    while ((frame = next_call(office))) {
        connection_send(office->link->connection, link_reply(frame->header.serial));
        connection_call_end(office->link->connection);
        frame_free(frame);
    }
    return NULL;
}

static void queue_call(struct link *link, struct frame *frame)
{
    struct post_office *office = link->data;

    connection_call_begin(link->connection);
    pthread_mutex_lock(&office->lock);
    frame->next = office->first;
    office->first = frame;
    pthread_cond_signal(&office->changed);
    pthread_mutex_unlock(&office->lock);
}

static void close_office(struct post_office *office)
{
    pthread_mutex_lock(&office->lock);
    office->closed = true;
    pthread_cond_broadcast(&office->changed);
    pthread_mutex_unlock(&office->lock);
}

/* Calls end in other threads while the limit is met again and again. */
static void test_workers(void)
{
    enum { CALLS = 3000 };
    struct link *link = link_new(NULL);
    struct post_office office = {
        .link = link, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    GThread *threads[3];

    link->on_frame = queue_call;
    link->data = &office;
    for (int i = 0; i < 3; i++)
        threads[i] = g_thread_new("worker", answer_calls, &office);
    for (uint32_t i = 0; i < CALLS; i++)
        link_write_call(link, i);
    for (uint32_t i = 0; i < CALLS; i++)
        frame_free(link_read_packet(link));
    close_office(&office);
    for (int i = 0; i < 3; i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(stats_of(link).calls, ==, 0);
    link_free(link);
}

static void reply_large(struct link *link, struct frame *frame)
{
    struct frame_header header = message_reply_header(&frame->header, FRAME_REPLY, FRAME_OK);
    g_autofree uint8_t *payload = g_malloc0(200000);

    connection_send(link->connection, message_new_with(&header, payload, 200000));
    g_ptr_array_add(link->frames, frame);
}

/* A client that asks and never reads is held back, and served when it reads. */
static void test_never_reads(void)
{
    struct link *link = link_new(NULL);

    link->on_frame = reply_large;
    for (uint32_t i = 0; i < 100; i++)
        link_write_call(link, i);
    link_run(link);
    g_assert_cmpuint(link->frames->len, <, 20);
    g_assert_cmpuint(stats_of(link).queued_bytes, <, 2 * 1024 * 1024);
    g_assert_false(stats_of(link).reading);
    g_assert_false(link->closed);
    for (uint32_t i = 0; i < 100; i++)
        link_expect_packet(link, FRAME_REPLY, i, FRAME_OK);
    g_assert_cmpuint(link->frames->len, ==, 100);
    link_free(link);
}

/* Events are not asked for: who does not read them is dropped at the limit. */
static void test_event_overflow(void)
{
    struct connection_limits limits = limits_with();
    struct frame_header header = link_header;
    struct link *link;

    limits.event_bytes = 1024 * 1024;
    link = link_new(&limits);
    header.type = FRAME_MESSAGE;
    for (int i = 0; i < 5000; i++)
        connection_send(link->connection, message_new_with(&header, &limits, sizeof(limits)));
    g_assert_false(link->closed);
    for (int i = 0; i < 5000; i++)
        connection_send(link->connection, message_new_with(&header, &limits, sizeof(limits)));
    link_expect_closed(link, "does not read its events");
    link_free(link);
}

/* deadlines */

static void expect_packet_timeout(const void *bytes, size_t size)
{
    struct connection_limits limits = limits_with();
    struct link *link;

    limits.packet_timeout = 50;
    link = link_new(&limits);
    link_write_call(link, 1);
    link_run(link);
    g_usleep(70000);
    link_run(link);
    g_assert_false(link->closed); /* silence between packets is no fault */
    link_write(link, bytes, size);
    link_expect_closed(link, "not completed in time");
    link_free(link);
}

static void test_half_packets(void)
{
    MESSAGE_AUTO struct message *message = message_new_with(&link_header, "abcdefgh", 8);

    expect_packet_timeout(message->bytes->data, 2);
    expect_packet_timeout(message->bytes->data, 13);
    expect_packet_timeout(message->bytes->data, 30);
}

/* One byte now and then does not prolong it. */
static void test_slow_packet(void)
{
    struct connection_limits limits = limits_with();
    MESSAGE_AUTO struct message *message = message_new_with(&link_header, "abcdefgh", 8);
    struct link *link;

    limits.packet_timeout = 100;
    link = link_new(&limits);
    for (int i = 0; i < 36 && !link->closed; i++) {
        g_assert_cmpint(send(link->fd, message->bytes->data + i, 1, MSG_NOSIGNAL), ==, 1);
        g_usleep(20000);
        link_run(link);
    }
    link_expect_closed(link, "not completed in time");
    link_free(link);
}

/* The half of a packet that we ourselves hold back does not time out. */
static void test_paused_packet(void)
{
    struct connection_limits limits = limits_with();
    MESSAGE_AUTO struct message *message = message_new_with(&link_header, "abcd", 4);
    struct link *link;

    limits.packet_timeout = 50;
    limits.max_requests = 1;
    limits.parked_frames = 1;
    link = link_new(&limits);
    link->on_frame = begin_call;
    link_write_call(link, 1);
    link_write_call(link, 2);
    link_write(link, message->bytes->data, 20);
    link_run(link);
    g_usleep(100000);
    link_run(link);
    g_assert_false(link->closed);
    connection_call_end(link->connection);
    link_write(link, message->bytes->data + 20, message->bytes->len - 20);
    connection_call_end(link->connection);
    link_expect_frames(link, 3);
    link_free(link);
}

static void test_authentication_timeout(void)
{
    struct connection_limits limits = limits_with();
    struct link *silent, *good;

    limits.authenticate_timeout = 60;
    silent = link_new(&limits);
    good = link_new(&limits);
    connection_set_authenticated(good->connection);
    link_expect_closed(silent, "did not authenticate in time");
    g_usleep(80000);
    link_run(good);
    g_assert_false(good->closed);
    link_free(silent);
    link_free(good);
}

/* Pings are no silence, and yet nobody stays by them for ever. */
static void test_strangers_who_ping(void)
{
    struct connection_limits limits = limits_with();
    int64_t begin = g_get_monotonic_time();
    struct link *link;

    limits.authenticate_timeout = 60;
    link = link_new(&limits);
    while (!link->closed && g_get_monotonic_time() - begin < 20 * G_USEC_PER_SEC) {
        link_write_ping(link);
        g_usleep(20000);
        link_run(link);
    }
    link_expect_closed(link, "did not authenticate in time");
    link_free(link);
}

/* keepalive */

static void test_pong_before_anything(void)
{
    struct link *link = link_new(NULL);

    for (int i = 0; i < 3; i++) {
        link_write_ping(link);
        FRAME_AUTO struct frame *pong = link_read_packet(link);
        g_assert_cmpint(pong->header.procedure, ==, KEEPALIVE_PROC_PONG);
        g_assert_cmpint(pong->header.type, ==, FRAME_MESSAGE);
        g_assert_cmpuint(pong->payload_size, ==, 0);
    }
    g_assert_cmpuint(link->frames->len, ==, 0);
    link_free(link);
}

static void test_own_pings(void)
{
    struct link *link = link_new(NULL);

    connection_enable_keepalive(link->connection, 20, 3);
    for (int i = 0; i < 3; i++) {
        FRAME_AUTO struct frame *ping = link_read_packet(link);
        g_assert_cmpint(ping->header.procedure, ==, KEEPALIVE_PROC_PING);
    }
    link_expect_closed(link, "unanswered");
    link_free(link);
}

static void test_answered_pings(void)
{
    struct link *link = link_new(NULL);
    MESSAGE_AUTO struct message *pong = keepalive_message_new(KEEPALIVE_PROC_PONG);

    connection_enable_keepalive(link->connection, 20, 2);
    for (int i = 0; i < 6; i++) {
        frame_free(link_read_packet(link));
        link_write(link, pong->bytes->data, pong->bytes->len);
    }
    g_assert_false(link->closed);
    connection_enable_keepalive(link->connection, -1, 2);
    g_usleep(50000);
    link_expect_silence(link);
    link_free(link);
}

/* Whom we do not read is not silent. */
static void test_paused_is_not_silent(void)
{
    struct connection_limits limits = limits_with();
    struct link *link;

    limits.max_requests = 1;
    limits.parked_frames = 1;
    link = link_new(&limits);
    link->on_frame = begin_call;
    link_write_call(link, 1);
    link_write_call(link, 2);
    link_run(link);
    connection_enable_keepalive(link->connection, 10, 2);
    for (int i = 0; i < 20; i++) {
        g_usleep(10000);
        link_run(link);
    }
    g_assert_false(link->closed);
    link_free(link);
}

/* the end */

static void finish_in_frame(struct link *link, struct frame *frame)
{
    connection_send(link->connection, link_reply(frame->header.serial));
    connection_finish(link->connection, 5000);
    g_ptr_array_add(link->frames, frame);
}

static void test_finish(void)
{
    struct link *link = link_new(NULL);
    char byte;

    link->on_frame = finish_in_frame;
    link_write_call(link, 1);
    link_write_call(link, 2);
    link_expect_packet(link, FRAME_REPLY, 1, FRAME_OK);
    link_expect_closed(link, NULL);
    g_assert_cmpuint(link->frames->len, ==, 1);
    g_assert_cmpint(recv(link->fd, &byte, 1, 0), <=, 0);
    link_free(link);
}

static void test_finish_deadline(void)
{
    struct link *link = link_new(NULL);
    struct frame_header header = link_header;
    g_autofree uint8_t *payload = g_malloc0(5000000);

    header.type = FRAME_REPLY;
    connection_send(link->connection, message_new_with(&header, payload, 5000000));
    connection_finish(link->connection, 30);
    link_expect_closed(link, NULL);
    link_free(link);
}

static void close_in_frame(struct link *link, struct frame *frame)
{
    g_autoptr(GError) reason = NULL;

    g_set_error(&reason, g_quark_from_static_string("test"), 1, "enough");
    connection_close(link->connection, g_steal_pointer(&reason));
    g_assert_false(link->closed); /* never inside a call */
    g_ptr_array_add(link->frames, frame);
}

static void test_close_in_frame(void)
{
    struct link *link = link_new(NULL);

    link->on_frame = close_in_frame;
    for (uint32_t i = 0; i < 10; i++)
        link_write_call(link, i);
    link_expect_closed(link, "enough");
    g_assert_cmpuint(link->frames->len, ==, 1);
    link_free(link);
}

static void *send_after_close(void *data)
{
    struct link *link = data;

    for (uint32_t i = 0; i < 1000; i++)
        connection_send(link->connection, link_reply(i));
    connection_close(link->connection, NULL);
    for (uint32_t i = 0; i < 1000; i++)
        connection_send(link->connection, link_reply(i));
    connection_unref(link->connection);
    return NULL;
}

/* Threads go on sending while the peer goes, and hold the last reference. */
static void test_send_to_gone(void)
{
    for (int round = 0; round < 20; round++) {
        struct link *link = link_new(NULL);
        GThread *thread;

        connection_ref(link->connection);
        thread = g_thread_new("sender", send_after_close, link);
        if (round % 2)
            fd_clear(&link->fd);
        link_run_until(link, &link->closed, 5000);
        g_thread_join(thread);
        link_free(link);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/connection/byte-by-byte", test_byte_by_byte);
    g_test_add_func("/connection/bad-lengths", test_bad_lengths);
    g_test_add_func("/connection/largest", test_largest);
    g_test_add_func("/connection/unwanted-types", test_unwanted_types);
    g_test_add_func("/connection/many-in-one-write", test_many_in_one_write);
    g_test_add_func("/connection/orderly-end", test_orderly_end);
    g_test_add_func("/connection/receive-fds", test_receive_fds);
    g_test_add_func("/connection/missing-fds", test_missing_fds);
    g_test_add_func("/connection/stray-fds", test_stray_fds);
    g_test_add_func("/connection/send-fds", test_send_fds);
    g_test_add_func("/connection/send-from-threads", test_send_from_threads);
    g_test_add_func("/connection/large-reply", test_large_reply);
    g_test_add_func("/connection/parked-calls", test_parked_calls);
    g_test_add_func("/connection/full-park", test_full_park);
    g_test_add_func("/connection/workers", test_workers);
    g_test_add_func("/connection/never-reads", test_never_reads);
    g_test_add_func("/connection/event-overflow", test_event_overflow);
    g_test_add_func("/connection/half-packets", test_half_packets);
    g_test_add_func("/connection/slow-packet", test_slow_packet);
    g_test_add_func("/connection/paused-packet", test_paused_packet);
    g_test_add_func("/connection/authentication-timeout", test_authentication_timeout);
    g_test_add_func("/connection/strangers-who-ping", test_strangers_who_ping);
    g_test_add_func("/keepalive/pong-before-anything", test_pong_before_anything);
    g_test_add_func("/keepalive/own-pings", test_own_pings);
    g_test_add_func("/keepalive/answered-pings", test_answered_pings);
    g_test_add_func("/keepalive/paused-is-not-silent", test_paused_is_not_silent);
    g_test_add_func("/connection/finish", test_finish);
    g_test_add_func("/connection/finish-deadline", test_finish_deadline);
    g_test_add_func("/connection/close-in-frame", test_close_in_frame);
    g_test_add_func("/connection/send-to-gone", test_send_to_gone);
    return g_test_run();
}

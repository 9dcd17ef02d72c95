/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/assembler.h"
#include "wire/keepalive.h"

enum {
    PATIENCE = 10000, /* ms: for what must happen */
};

const struct frame_header link_header = {
    .program = 0x20008086,
    .version = 1,
    .procedure = 201,
};

static void handle_frame(struct connection *connection, struct frame *frame, void *data)
{
    struct link *link = data;

    g_assert_false(link->closed);
    if (link->on_frame)
        link->on_frame(link, frame);
    else
        g_ptr_array_add(link->frames, frame);
}

static void handle_closed(struct connection *connection, const GError *reason, void *data)
{
    struct link *link = data;

    g_assert_false(link->closed);
    link->closed = true;
    link->reason = reason ? g_strdup(reason->message) : NULL;
}

static const struct connection_handlers handlers = {handle_frame, handle_closed};

struct link *link_new(const struct connection_limits *limits)
{
    struct link *link = g_new0(struct link, 1);
    g_autoptr(GError) error = NULL;
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    link->loop = loop_new(&error);
    link->connection =
        connection_new(link->loop, transport_new_unix(pair[0], &error), CONNECTION_SERVER,
                       limits ? limits : &connection_default_limits, &handlers, link, &error);
    g_assert_no_error(error);
    link->fd = pair[1];
    link->received = g_byte_array_new();
    link->frames = g_ptr_array_new_with_free_func((GDestroyNotify)frame_free);
    return link;
}

void link_free(struct link *link)
{
    connection_close(link->connection, NULL);
    link_run_until(link, &link->closed, PATIENCE);
    g_assert_true(link->closed);
    connection_unref(link->connection);
    loop_free(link->loop);
    fd_clear(&link->fd);
    g_byte_array_unref(link->received);
    g_ptr_array_unref(link->frames);
    g_free(link->reason);
    g_free(link);
}

static int64_t now(void)
{
    return g_get_monotonic_time() / 1000;
}

bool link_run_until(struct link *link, const bool *flag, int milliseconds)
{
    int64_t end = now() + milliseconds;

    while (!*flag && now() < end)
        loop_step(link->loop, (int)MAX(1, end - now()));
    return *flag;
}

void link_run(struct link *link)
{
    for (int i = 0; i < 20; i++)
        loop_step(link->loop, i == 19 ? 5 : 0);
}

void link_expect_frames(struct link *link, unsigned count)
{
    int64_t end = now() + PATIENCE;

    while (link->frames->len < count && now() < end)
        loop_step(link->loop, 10);
    g_assert_cmpuint(link->frames->len, ==, count);
}

void link_write(struct link *link, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size && !link->closed) {
        ssize_t count = send(link->fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (count < 0)
            g_assert_cmpint(errno, ==, EAGAIN);
        else
            at += count, size -= count;
        loop_step(link->loop, 0);
    }
}

void link_write_packet(struct link *link, int type, uint32_t serial, int status,
                       const void *payload, size_t size)
{
    struct frame_header header = link_header;

    header.type = type;
    header.serial = serial;
    header.status = status;
    MESSAGE_AUTO struct message *message = message_new_with(&header, payload, size);
    link_write(link, message->bytes->data, message->bytes->len);
}

void link_write_call(struct link *link, uint32_t serial)
{
    link_write_packet(link, FRAME_CALL, serial, FRAME_OK, NULL, 0);
}

void link_write_ping(struct link *link)
{
    MESSAGE_AUTO struct message *message = keepalive_message_new(KEEPALIVE_PROC_PING);

    link_write(link, message->bytes->data, message->bytes->len);
}

/* One whole packet off the front of what was received, or NULL. */
static struct frame *take_packet(struct link *link)
{
    struct assembler assembler = {0};
    const uint8_t *at = link->received->data;
    size_t size = link->received->len;
    struct frame *frame = NULL;

    if (size)
        g_assert_cmpint(assembler_feed(&assembler, &at, &size, &frame, NULL), ==, 0);
    assembler_clear(&assembler);
    if (frame)
        g_byte_array_remove_range(link->received, 0, link->received->len - size);
    return frame;
}

struct frame *link_read_packet(struct link *link)
{
    int64_t end = now() + PATIENCE;
    struct frame *frame;
    uint8_t bytes[65536];

    while (!(frame = take_packet(link))) {
        ssize_t count = recv(link->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        g_assert_cmpint(count, !=, 0);
        g_assert_cmpint(now(), <, end);
        if (count > 0)
            g_byte_array_append(link->received, bytes, count);
        else
            loop_step(link->loop, 1);
    }
    return frame;
}

void link_expect_packet(struct link *link, int type, uint32_t serial, int status)
{
    FRAME_AUTO struct frame *frame = link_read_packet(link);

    g_assert_cmpint(frame->header.type, ==, type);
    g_assert_cmpuint(frame->header.serial, ==, serial);
    g_assert_cmpint(frame->header.status, ==, status);
}

void link_expect_silence(struct link *link)
{
    char byte;

    link_run(link);
    g_assert_cmpuint(link->received->len, ==, 0);
    g_assert_cmpint(recv(link->fd, &byte, 1, MSG_DONTWAIT), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);
}

void link_expect_closed(struct link *link, const char *part)
{
    link_run_until(link, &link->closed, PATIENCE);
    g_assert_true(link->closed);
    if (part) {
        g_assert_nonnull(link->reason);
        g_assert_nonnull(strstr(link->reason, part));
    } else {
        g_assert_cmpstr(link->reason, ==, NULL);
    }
}

struct message *link_reply(uint32_t serial)
{
    struct frame_header header = link_header;

    header.type = FRAME_REPLY;
    header.serial = serial;
    return message_new_with(&header, NULL, 0);
}

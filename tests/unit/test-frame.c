/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "wire/assembler.h"
#include "wire/error-message.h"
#include "wire/frame.h"
#include "wire/keepalive.h"
#include "wire/message.h"
#include "wire/park.h"

static const struct frame_header sample = {
    .program = 0x20008086,
    .version = 1,
    .procedure = 66,
    .type = FRAME_CALL,
    .serial = 7,
    .status = FRAME_OK,
};

static void test_header(void)
{
    static const uint8_t expected[FRAME_LENGTH_MIN] = {
        0, 0,  0, 28, 0x20, 0, 0x80, 0x86, 0, 0, 0, 1, 0, 0,
        0, 66, 0, 0,  0,    0, 0,    0,    0, 7, 0, 0, 0, 0,
    };
    uint8_t bytes[FRAME_LENGTH_MIN];
    struct frame_header header;

    frame_encode_header(&sample, FRAME_LENGTH_MIN, bytes);
    g_assert_cmpmem(bytes, sizeof(bytes), expected, sizeof(expected));
    frame_decode_header(bytes, &header);
    g_assert_cmpmem(&header, sizeof(header), &sample, sizeof(sample));
}

static void test_lengths(void)
{
    g_assert_false(frame_length_valid(0));
    g_assert_false(frame_length_valid(3));
    g_assert_false(frame_length_valid(27));
    g_assert_true(frame_length_valid(28));
    g_assert_true(frame_length_valid(33554436));
    g_assert_false(frame_length_valid(33554437));
    g_assert_false(frame_length_valid(UINT32_MAX));
}

/* the assembler */

/* Feeds bytes in pieces of this size: the frames that come out, or -1. */
static int feed(struct assembler *assembler, const uint8_t *bytes, size_t size, size_t piece,
                GPtrArray *frames)
{
    while (size) {
        size_t part = MIN(size, piece);

        size -= part;
        while (part) {
            struct frame *frame = NULL;

            if (assembler_feed(assembler, &bytes, &part, &frame, NULL) < 0)
                return -1;
            if (frame)
                g_ptr_array_add(frames, frame);
        }
    }
    return 0;
}

static GPtrArray *new_frames(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)frame_free);
}

/* Packets of many sizes, cut at every size of piece. */
static void test_pieces(void)
{
    static const size_t sizes[] = {0, 1, 4, 37, 100, 70000, 3, 0};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    static uint8_t payload[70000];

    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        MESSAGE_AUTO struct message *message = message_new_with(&sample, payload, sizes[i]);

        g_byte_array_append(bytes, message->bytes->data, message->bytes->len);
    }
    for (size_t piece = 1; piece < 70400; piece += piece < 40 ? 1 : 4999) {
        g_autoptr(GPtrArray) frames = new_frames();
        struct assembler assembler = {0};

        g_assert_cmpint(feed(&assembler, bytes->data, bytes->len, piece, frames), ==, 0);
        g_assert_true(assembler_is_idle(&assembler));
        g_assert_cmpuint(frames->len, ==, G_N_ELEMENTS(sizes));
        for (size_t i = 0; i < frames->len; i++) {
            struct frame *frame = g_ptr_array_index(frames, i);

            g_assert_cmpmem(&frame->header, sizeof(sample), &sample, sizeof(sample));
            g_assert_cmpmem(frame->payload, frame->payload_size, payload, sizes[i]);
        }
        assembler_clear(&assembler);
    }
}

static void test_bad_lengths(void)
{
    static const uint32_t lengths[] = {0, 3, 27, 33554437, 0x80000000, UINT32_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        struct assembler assembler = {0};
        const uint8_t *at;
        uint8_t word[4];
        size_t size = sizeof(word);
        struct frame *frame = NULL;
        g_autoptr(GError) error = NULL;

        frame_write_u32(word, lengths[i]);
        at = word;
        g_assert_cmpint(assembler_feed(&assembler, &at, &size, &frame, &error), ==, -1);
        g_assert_true(error_is(error, VIR_ERR_RPC));
        assembler_clear(&assembler);
    }
}

/* The claim of 32 MiB costs us no more than a first buffer. */
static void test_claimed_memory(void)
{
    struct assembler assembler = {0};
    uint8_t head[FRAME_LENGTH_MIN + 1] = {0};
    const uint8_t *at = head;
    size_t size = sizeof(head);
    struct frame *frame = NULL;

    frame_encode_header(&sample, FRAME_LENGTH_MAX, head);
    g_assert_cmpint(assembler_feed(&assembler, &at, &size, &frame, NULL), ==, 0);
    g_assert_null(frame);
    g_assert_cmpuint(assembler.frame->capacity, ==, 65536);
    g_assert_cmpuint(assembler_missing(&assembler), ==, FRAME_LENGTH_MAX - sizeof(head));
    assembler_clear(&assembler);
}

static void test_largest(void)
{
    g_autoptr(GPtrArray) frames = new_frames();
    struct assembler assembler = {0};
    g_autofree uint8_t *payload = g_malloc0(FRAME_PAYLOAD_MAX);
    MESSAGE_AUTO struct message *message = message_new_with(&sample, payload, FRAME_PAYLOAD_MAX);

    g_assert_cmpuint(message->bytes->len, ==, 33554436);
    g_assert_cmpint(feed(&assembler, message->bytes->data, message->bytes->len, 65536, frames), ==,
                    0);
    g_assert_cmpuint(frames->len, ==, 1);
    assembler_clear(&assembler);
}

/* A packet of the ...-with-fds type that announces count, with fewer or more dummy bytes. */
static int feed_with_fds(uint32_t announced, unsigned arrived, unsigned dummies, GPtrArray *frames)
{
    struct frame_header header = sample;
    struct assembler assembler = {0};
    uint8_t count[4], zeros[64] = {0};
    int status;

    header.type = FRAME_CALL_WITH_FDS;
    frame_write_u32(count, announced);
    MESSAGE_AUTO struct message *message = message_new_with(&header, count, sizeof(count));
    for (unsigned i = 0; i < arrived; i++)
        assembler.fds[assembler.fd_count++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    status = feed(&assembler, message->bytes->data, message->bytes->len, 5, frames);
    if (status == 0)
        status = feed(&assembler, zeros, dummies, 1, frames);
    assembler_drop_stray_fds(&assembler);
    assembler_clear(&assembler);
    return status;
}

static void test_fds(void)
{
    g_autoptr(GPtrArray) frames = new_frames();
    struct frame *frame;
    int fd;

    g_assert_cmpint(feed_with_fds(3, 3, 3, frames), ==, 0);
    g_assert_cmpuint(frames->len, ==, 1);
    frame = g_ptr_array_index(frames, 0);
    g_assert_cmpuint(frame->fd_count, ==, 3);
    g_assert_cmpuint(frame->payload_size, ==, 0); /* the count is not the handler's */
    fd = frame_take_fd(frame, 1);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(frame_take_fd(frame, 1), ==, -1);
    g_assert_cmpint(frame_take_fd(frame, 3), ==, -1);
    close(fd);
    g_assert_cmpint(feed_with_fds(0, 0, 0, frames), ==, 0);
    g_assert_cmpint(feed_with_fds(32, 32, 32, frames), ==, 0);
    g_assert_cmpint(feed_with_fds(2, 2, 1, frames), ==, 0); /* waits */
    g_assert_cmpuint(frames->len, ==, 3);
    g_assert_cmpint(feed_with_fds(33, 0, 0, frames), ==, -1);
    g_assert_cmpint(feed_with_fds(2, 1, 2, frames), ==, -1);
}

/* messages */

static void test_message(void)
{
    static const uint8_t one[4] = {0, 0, 0, 1};
    struct frame_header header = message_reply_header(&sample, FRAME_REPLY, FRAME_OK);
    MESSAGE_AUTO struct message *message = message_new(&header);

    g_byte_array_append(message->bytes, one, sizeof(one));
    g_assert_cmpint(message_finish(message, NULL), ==, 0);
    g_assert_cmpuint(frame_read_u32(message->bytes->data), ==, 32);
    message_set_serial(message, 99);
    g_assert_cmpuint(frame_read_u32(message->bytes->data + 20), ==, 99);
    g_assert_cmpuint(frame_read_u32(message->bytes->data + 28), ==, 1);
}

static void test_message_too_long(void)
{
    MESSAGE_AUTO struct message *message = message_new(&sample);
    g_autoptr(GError) error = NULL;

    g_byte_array_set_size(message->bytes, FRAME_LENGTH_MAX);
    g_assert_cmpint(message_finish(message, &error), ==, 0);
    g_byte_array_set_size(message->bytes, FRAME_LENGTH_MAX + 1);
    g_assert_cmpint(message_finish(message, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_RPC));
}

static void test_message_fds(void)
{
    struct frame_header header = message_reply_header(&sample, FRAME_REPLY_WITH_FDS, FRAME_OK);
    MESSAGE_AUTO struct message *message = message_new(&header);
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(message->bytes->len, ==, 32);
    for (int i = 0; i < FRAME_FDS_MAX; i++)
        g_assert_cmpint(message_add_fd(message, open("/dev/null", O_RDONLY | O_CLOEXEC), &error),
                        ==, 0);
    g_assert_cmpuint(frame_read_u32(message->bytes->data + 28), ==, FRAME_FDS_MAX);
    g_assert_cmpint(message_add_fd(message, open("/dev/null", O_RDONLY | O_CLOEXEC), &error), ==,
                    -1);
}

static void test_forward(void)
{
    g_autoptr(GPtrArray) frames = new_frames();

    g_assert_cmpint(feed_with_fds(2, 2, 2, frames), ==, 0);
    MESSAGE_AUTO struct message *message = message_from_frame(g_ptr_array_index(frames, 0));
    g_assert_cmpuint(message->bytes->len, ==, 32);
    g_assert_cmpuint(frame_read_u32(message->bytes->data), ==, 32);
    g_assert_cmpuint(frame_read_u32(message->bytes->data + 28), ==, 2);
    g_assert_cmpuint(message->fd_count, ==, 2);
}

/* errors */

static void test_error_message(void)
{
    g_autoptr(GError) error = NULL, received = NULL;
    MESSAGE_AUTO struct message *message = NULL;
    struct frame_header header;

    error_set(&error, VIR_ERR_NO_DOMAIN, "no domain with name 'x'");
    message = error_message_new(&sample, error, VIR_FROM_QEMU);
    frame_decode_header(message->bytes->data, &header);
    g_assert_cmpint(header.type, ==, FRAME_REPLY);
    g_assert_cmpint(header.status, ==, FRAME_ERROR);
    g_assert_cmpuint(header.serial, ==, 7);
    received = error_message_decode(message->bytes->data + 28, message->bytes->len - 28);
    g_assert_cmpstr(received->message, ==, "Domain not found: no domain with name 'x'");
    g_assert_cmpint(error_code_of(received), ==, VIR_ERR_NO_DOMAIN);
    g_assert_cmpint(error_from_of(received, VIR_FROM_NONE), ==, VIR_FROM_QEMU);
}

static void test_error_too_long(void)
{
    g_autofree char *text = g_strnfill(5000000, 'x');
    g_autoptr(GError) error = g_error_new_literal(g_quark_from_static_string("t"), 1, text);
    MESSAGE_AUTO struct message *message = error_message_new(&sample, error, VIR_FROM_RPC);
    g_autoptr(GError) received =
        error_message_decode(message->bytes->data + 28, message->bytes->len - 28);

    g_assert_cmpuint(strlen(received->message), ==, 4194304);
}

static void test_error_malformed(void)
{
    g_autoptr(GError) error = error_message_decode("\0\0\0", 3);

    g_assert_true(error_is(error, VIR_ERR_RPC));
}

/* the park */

static struct frame *park_frame(int type, uint32_t serial)
{
    struct frame *frame = frame_new(0);

    frame->header = sample;
    frame->header.type = type;
    frame->header.serial = serial;
    return frame;
}

static void expect_parked(struct park *park, bool calls, int type, uint32_t serial)
{
    FRAME_AUTO struct frame *frame = park_take(park, calls);

    g_assert_nonnull(frame);
    g_assert_cmpint(frame->header.type, ==, type);
    g_assert_cmpuint(frame->header.serial, ==, serial);
}

static void test_park(void)
{
    struct park park;

    park_init(&park);
    park_add(&park, park_frame(FRAME_CALL, 1));
    park_add(&park, park_frame(FRAME_CALL, 2));
    park_add(&park, park_frame(FRAME_STREAM, 1));
    park_add(&park, park_frame(FRAME_STREAM_HOLE, 1));
    g_assert_true(park_is_full(&park, 4, SIZE_MAX));
    g_assert_false(park_is_full(&park, 5, SIZE_MAX));
    g_assert_null(park_take(&park, false));
    expect_parked(&park, true, FRAME_CALL, 1);
    g_assert_false(park_has_call(&park, &(struct frame_header){.serial = 1}));
    expect_parked(&park, false, FRAME_STREAM, 1); /* past the call that must wait */
    expect_parked(&park, false, FRAME_STREAM_HOLE, 1);
    g_assert_null(park_take(&park, false));
    park_add(&park, park_frame(FRAME_CALL, 3)); /* the end of the list is still right */
    expect_parked(&park, true, FRAME_CALL, 2);
    expect_parked(&park, true, FRAME_CALL, 3);
    g_assert_cmpuint(park.bytes, ==, 0);
    park_add(&park, park_frame(FRAME_CALL, 4));
    park_clear(&park);
}

/* keepalive */

static void test_keepalive(void)
{
    struct keepalive keepalive = {.interval = 5000, .count = 2};
    int64_t wait;

    g_assert_cmpint(keepalive_check(&keepalive, 7000, 4000, &wait), ==, KEEPALIVE_WAIT);
    g_assert_cmpint(wait, ==, 2000);
    g_assert_cmpint(keepalive_check(&keepalive, 9000, 4000, &wait), ==, KEEPALIVE_SEND_PING);
    g_assert_cmpint(keepalive_check(&keepalive, 14000, 4000, &wait), ==, KEEPALIVE_SEND_PING);
    g_assert_cmpint(keepalive_check(&keepalive, 19000, 4000, &wait), ==, KEEPALIVE_GIVE_UP);
    g_assert_cmpint(keepalive_check(&keepalive, 19000, 18000, &wait), ==, KEEPALIVE_WAIT);
    g_assert_cmpint(keepalive_check(&keepalive, 23000, 18000, &wait), ==, KEEPALIVE_SEND_PING);
    for (int64_t now = 28000; now < 100000; now += 5000) /* answered in the same millisecond */
        g_assert_cmpint(keepalive_check(&keepalive, now, now - 5000, &wait), ==,
                        KEEPALIVE_SEND_PING);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/frame/header", test_header);
    g_test_add_func("/frame/lengths", test_lengths);
    g_test_add_func("/assembler/pieces", test_pieces);
    g_test_add_func("/assembler/bad-lengths", test_bad_lengths);
    g_test_add_func("/assembler/claimed-memory", test_claimed_memory);
    g_test_add_func("/assembler/largest", test_largest);
    g_test_add_func("/assembler/fds", test_fds);
    g_test_add_func("/message/build", test_message);
    g_test_add_func("/message/too-long", test_message_too_long);
    g_test_add_func("/message/fds", test_message_fds);
    g_test_add_func("/message/forward", test_forward);
    g_test_add_func("/error-message/round-trip", test_error_message);
    g_test_add_func("/error-message/too-long", test_error_too_long);
    g_test_add_func("/error-message/malformed", test_error_malformed);
    g_test_add_func("/park/order", test_park);
    g_test_add_func("/keepalive/check", test_keepalive);
    return g_test_run();
}

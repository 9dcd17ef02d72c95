/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/assembler.h"

#include <string.h>

#include "base/error.h"
#include "base/fd.h"

enum {
    ASSEMBLER_FIRST_SIZE = 65536, /* memory of a packet of which the rest has not arrived */
    ASSEMBLER_GROWTH = 4,
};

static size_t take(const uint8_t **bytes, size_t *size, void *target, size_t wanted)
{
    size_t count = MIN(*size, wanted);

    memcpy(target, *bytes, count);
    *bytes += count;
    *size -= count;
    return count;
}

/* The length word is judged as soon as it is there: who sends a bad one may send nothing else. */
static int check_length(const struct assembler *assembler, GError **error)
{
    uint32_t length;

    if (assembler->head_size < FRAME_LENGTH_SIZE)
        return 0;
    length = frame_read_u32(assembler->head);
    if (frame_length_valid(length))
        return 0;
    error_set(error, VIR_ERR_RPC, "packet of %u bytes, must be %d to %d", length, FRAME_LENGTH_MIN,
              FRAME_LENGTH_MAX);
    return -1;
}

static int feed_head(struct assembler *assembler, const uint8_t **bytes, size_t *size,
                     GError **error)
{
    size_t first;

    assembler->head_size += take(bytes, size, assembler->head + assembler->head_size,
                                 FRAME_LENGTH_MIN - assembler->head_size);
    if (check_length(assembler, error) < 0)
        return -1;
    if (assembler->head_size < FRAME_LENGTH_MIN)
        return 0;
    assembler->length = frame_read_u32(assembler->head);
    first = MAX(FRAME_LENGTH_MIN + *size, ASSEMBLER_FIRST_SIZE);
    assembler->frame = frame_new(MIN(assembler->length, first));
    frame_decode_header(assembler->head, &assembler->frame->header);
    memcpy(assembler->frame->bytes, assembler->head, FRAME_LENGTH_MIN);
    assembler->filled = FRAME_LENGTH_MIN;
    assembler->head_size = 0;
    return 0;
}

static void reserve(struct assembler *assembler, size_t size)
{
    struct frame *frame = assembler->frame;

    if (size <= frame->capacity)
        return;
    size = MIN(assembler->length, MAX(size, frame->capacity * ASSEMBLER_GROWTH));
    frame = g_realloc(frame, sizeof(*frame) + size);
    frame->capacity = size;
    assembler->frame = frame;
}

static void feed_body(struct assembler *assembler, const uint8_t **bytes, size_t *size)
{
    size_t missing = assembler->length - assembler->filled;

    reserve(assembler, assembler->filled + MIN(*size, missing));
    assembler->filled += take(bytes, size, assembler->frame->bytes + assembler->filled, missing);
}

/* The last byte is there: find the payload, and how many descriptors follow. */
static int end_body(struct assembler *assembler, GError **error)
{
    struct frame *frame = assembler->frame;
    uint32_t count;

    frame->payload = frame->bytes + FRAME_LENGTH_MIN;
    frame->payload_size = assembler->length - FRAME_LENGTH_MIN;
    if (!frame_type_has_fds(frame->header.type))
        return 0;
    count = frame->payload_size < 4 ? UINT32_MAX : frame_read_u32(frame->payload);
    if (count > FRAME_FDS_MAX) {
        error_set(error, VIR_ERR_RPC, "packet without a valid count of descriptors");
        return -1;
    }
    frame->payload += 4;
    frame->payload_size -= 4;
    assembler->awaited_fds = count;
    return 0;
}

/* Each descriptor rides on one byte, which the length word does not count. */
static int feed_fds(struct assembler *assembler, const uint8_t **bytes, size_t *size,
                    GError **error)
{
    struct frame *frame = assembler->frame;

    for (; *size && assembler->awaited_fds; assembler->awaited_fds--) {
        if (!assembler->fd_count) {
            error_set(error, VIR_ERR_RPC, "an announced descriptor did not come");
            return -1;
        }
        frame->fds[frame->fd_count++] = assembler->fds[0];
        assembler->fd_count--;
        memmove(assembler->fds, assembler->fds + 1, assembler->fd_count * sizeof(int));
        *bytes += 1;
        *size -= 1;
    }
    return 0;
}

int assembler_feed(struct assembler *assembler, const uint8_t **bytes, size_t *size,
                   struct frame **ret_frame, GError **error)
{
    if (!assembler->frame && feed_head(assembler, bytes, size, error) < 0)
        return -1;
    *ret_frame = NULL;
    if (!assembler->frame)
        return 0;
    if (!assembler->frame->payload) {
        feed_body(assembler, bytes, size);
        if (assembler->filled < assembler->length)
            return 0;
        if (end_body(assembler, error) < 0)
            return -1;
    }
    if (feed_fds(assembler, bytes, size, error) < 0)
        return -1;
    if (!assembler->awaited_fds)
        *ret_frame = g_steal_pointer(&assembler->frame);
    return 0;
}

size_t assembler_missing(const struct assembler *assembler)
{
    return assembler->frame ? assembler->length - assembler->filled : 0;
}

bool assembler_is_idle(const struct assembler *assembler)
{
    return !assembler->frame && !assembler->head_size;
}

static void close_fds(struct assembler *assembler)
{
    while (assembler->fd_count)
        fd_clear(&assembler->fds[--assembler->fd_count]);
}

void assembler_drop_stray_fds(struct assembler *assembler)
{
    if (!assembler->awaited_fds)
        close_fds(assembler);
}

void assembler_clear(struct assembler *assembler)
{
    close_fds(assembler);
    frame_clear(&assembler->frame);
    assembler->head_size = 0;
    assembler->awaited_fds = 0;
}

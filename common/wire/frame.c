/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/frame.h"

#include <string.h>

#include "base/fd.h"
#include "wire/net-message.h"

G_STATIC_ASSERT((int)FRAME_LENGTH_MAX == VIR_NET_MESSAGE_LEN_MAX + VIR_NET_MESSAGE_MAX);
G_STATIC_ASSERT((int)FRAME_PAYLOAD_MAX == VIR_NET_MESSAGE_PAYLOAD_MAX);
G_STATIC_ASSERT((int)FRAME_STREAM_DATA_MAX == VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX);
G_STATIC_ASSERT((int)FRAME_FDS_MAX == VIR_NET_MESSAGE_NUM_FDS_MAX);

bool frame_length_valid(uint32_t length)
{
    return length >= FRAME_LENGTH_MIN && length <= FRAME_LENGTH_MAX;
}

bool frame_type_has_fds(int32_t type)
{
    return type == FRAME_CALL_WITH_FDS || type == FRAME_REPLY_WITH_FDS;
}

bool frame_same_call(const struct frame_header *a, const struct frame_header *b)
{
    return a->serial == b->serial && a->procedure == b->procedure && a->program == b->program &&
           a->version == b->version;
}

void frame_encode_header(const struct frame_header *header, uint32_t length,
                         uint8_t bytes[FRAME_LENGTH_MIN])
{
    frame_write_u32(bytes, length);
    frame_write_u32(bytes + 4, header->program);
    frame_write_u32(bytes + 8, header->version);
    frame_write_u32(bytes + 12, (uint32_t)header->procedure);
    frame_write_u32(bytes + 16, (uint32_t)header->type);
    frame_write_u32(bytes + 20, header->serial);
    frame_write_u32(bytes + 24, (uint32_t)header->status);
}

void frame_decode_header(const uint8_t bytes[FRAME_LENGTH_MIN], struct frame_header *ret)
{
    ret->program = frame_read_u32(bytes + 4);
    ret->version = frame_read_u32(bytes + 8);
    ret->procedure = (int32_t)frame_read_u32(bytes + 12);
    ret->type = (int32_t)frame_read_u32(bytes + 16);
    ret->serial = frame_read_u32(bytes + 20);
    ret->status = (int32_t)frame_read_u32(bytes + 24);
}

struct frame *frame_new(size_t capacity)
{
    struct frame *frame = g_malloc(sizeof(*frame) + capacity);

    *frame = (struct frame){.capacity = capacity};
    return frame;
}

void frame_wipe(void *bytes, size_t size)
{
    if (size && size <= FRAME_WIPE_MAX)
        explicit_bzero(bytes, size);
}

void frame_free(struct frame *frame)
{
    if (!frame)
        return;
    for (unsigned i = 0; i < frame->fd_count; i++)
        fd_clear(&frame->fds[i]);
    frame_wipe(frame->payload, frame->payload_size);
    g_free(frame);
}

void frame_clear(struct frame **frame)
{
    frame_free(*frame);
    *frame = NULL;
}

bool frame_is_call(const struct frame *frame)
{
    return frame->header.type == FRAME_CALL || frame->header.type == FRAME_CALL_WITH_FDS;
}

bool frame_is_stream(const struct frame *frame)
{
    return frame->header.type == FRAME_STREAM || frame->header.type == FRAME_STREAM_HOLE;
}

int frame_take_fd(struct frame *frame, unsigned index)
{
    return index < frame->fd_count ? fd_take(&frame->fds[index]) : -1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/message.h"

#include <string.h>

#include "base/error.h"
#include "base/fd.h"

enum {
    MESSAGE_ROOM = 256, /* most replies fit without growing */
    SERIAL_OFFSET = 20,
};

static struct message *message_alloc(size_t room)
{
    struct message *message = g_new0(struct message, 1);

    message->bytes = g_byte_array_sized_new(room);
    return message;
}

struct message *message_new(const struct frame_header *header)
{
    struct message *message = message_alloc(MESSAGE_ROOM);
    const uint8_t no_fds[4] = {0};

    g_byte_array_set_size(message->bytes, FRAME_LENGTH_MIN);
    frame_encode_header(header, FRAME_LENGTH_MIN, message->bytes->data);
    if (frame_type_has_fds(header->type))
        g_byte_array_append(message->bytes, no_fds, sizeof(no_fds));
    return message;
}

struct frame_header message_reply_header(const struct frame_header *call, enum frame_type type,
                                         enum frame_status status)
{
    struct frame_header header = *call;

    header.type = type;
    header.status = status;
    return header;
}

int message_add_fd(struct message *message, int fd, GError **error)
{
    if (message->fd_count == FRAME_FDS_MAX) {
        fd_clear(&fd);
        error_set(error, VIR_ERR_RPC, "more than %d descriptors in one message", FRAME_FDS_MAX);
        return -1;
    }
    if (!message->fds)
        message->fds = g_new(int, FRAME_FDS_MAX);
    message->fds[message->fd_count++] = fd;
    frame_write_u32(message->bytes->data + FRAME_LENGTH_MIN, message->fd_count);
    return 0;
}

int message_finish(struct message *message, GError **error)
{
    if (message->bytes->len > FRAME_LENGTH_MAX) {
        error_set(error, VIR_ERR_RPC, "message of %u bytes is longer than the limit of %d",
                  message->bytes->len, FRAME_LENGTH_MAX);
        return -1;
    }
    frame_write_u32(message->bytes->data, message->bytes->len);
    return 0;
}

struct message *message_new_empty(const struct frame_header *header, size_t size,
                                  uint8_t **ret_payload)
{
    struct message *message = message_alloc(FRAME_LENGTH_MIN + size);

    g_byte_array_set_size(message->bytes, FRAME_LENGTH_MIN + size);
    frame_encode_header(header, FRAME_LENGTH_MIN + size, message->bytes->data);
    *ret_payload = message->bytes->data + FRAME_LENGTH_MIN;
    return message;
}

void message_set_payload_size(struct message *message, size_t size)
{
    g_byte_array_set_size(message->bytes, FRAME_LENGTH_MIN + size);
    frame_write_u32(message->bytes->data, message->bytes->len);
}

struct message *message_new_with(const struct frame_header *header, const void *payload,
                                 size_t size)
{
    uint8_t *room;
    struct message *message = message_new_empty(header, size, &room);

    if (size)
        memcpy(room, payload, size);
    return message;
}

void message_set_serial(struct message *message, uint32_t serial)
{
    frame_write_u32(message->bytes->data + SERIAL_OFFSET, serial);
}

struct message *message_from_frame(struct frame *frame)
{
    struct message *message = message_alloc(FRAME_LENGTH_MIN + 4 + frame->payload_size);
    uint8_t start[FRAME_LENGTH_MIN + 4] = {0};
    bool has_fds = frame_type_has_fds(frame->header.type);
    uint32_t size = FRAME_LENGTH_MIN + (has_fds ? 4 : 0);

    frame_encode_header(&frame->header, size + frame->payload_size, start);
    g_byte_array_append(message->bytes, start, size);
    if (frame->payload_size)
        g_byte_array_append(message->bytes, frame->payload, frame->payload_size);
    for (unsigned i = 0; i < frame->fd_count; i++)
        if (frame->fds[i] >= 0)
            message_add_fd(message, frame_take_fd(frame, i), NULL);
    return message;
}

void message_free(struct message *message)
{
    if (!message)
        return;
    for (unsigned i = 0; i < message->fd_count; i++)
        fd_clear(&message->fds[i]);
    g_free(message->fds);
    frame_wipe(message->bytes->data, message->bytes->len);
    g_byte_array_unref(message->bytes);
    g_free(message);
}

void message_clear(struct message **message)
{
    message_free(*message);
    *message = NULL;
}

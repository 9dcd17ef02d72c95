/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire/frame.h"

/*
 * A packet to be sent: flat bytes and the descriptors that go with it. Build it with message_new,
 * append the payload to bytes (codec_encode), end with message_finish; then connection_send takes
 * it. One owner at a time: an event for many connections is a message for each, as a few hundred
 * bytes cost less than sharing them would.
 */
struct message {
    GByteArray *bytes; /* length word, header, [count of descriptors,] payload so far */
    int *fds;          /* owned */
    unsigned fd_count;
    struct message *next; /* of the queue that holds it */
};

/* For the ...-with-fds types the count of descriptors is written too: message_add_fd. */
struct message *message_new(const struct frame_header *header);

/* Header of the reply to a call: same program, version, procedure and serial. */
struct frame_header message_reply_header(const struct frame_header *call, enum frame_type type,
                                         enum frame_status status);

/* Takes fd; the type must be a ...-with-fds one. VIR_ERR_RPC when there are FRAME_FDS_MAX. */
int message_add_fd(struct message *message, int fd, GError **error);

/* Sets the length word. VIR_ERR_RPC when the packet is longer than FRAME_LENGTH_MAX. */
int message_finish(struct message *message, GError **error);

/* new + append + finish, for a payload that cannot be too long (at most FRAME_PAYLOAD_MAX). */
struct message *message_new_with(const struct frame_header *header, const void *payload,
                                 size_t size);

/* With a payload of size bytes at *ret_payload, to be filled in; then it may be made shorter. For
 * types without descriptors. */
struct message *message_new_empty(const struct frame_header *header, size_t size,
                                  uint8_t **ret_payload);
void message_set_payload_size(struct message *message, size_t size);

/* Gives it another serial: for forwarding. */
void message_set_serial(struct message *message, uint32_t serial);

/* The message that sends a received frame on unchanged; takes the frame's descriptors. */
struct message *message_from_frame(struct frame *frame);

/* Closes the descriptors, and wipes the bytes. Accepts NULL. */
void message_free(struct message *message);

/* MESSAGE_AUTO struct message *message = NULL;  frees it at the end of the scope unless taken */
#define MESSAGE_AUTO __attribute__((cleanup(message_clear)))
void message_clear(struct message **message);

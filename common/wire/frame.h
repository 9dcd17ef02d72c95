/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A packet: u32 length (counting itself), a header of six 32-bit words, the payload. Big-endian.
 * The bounds are those observed of the incumbent: at either side of them it drops the connection.
 */
enum {
    FRAME_LENGTH_SIZE = 4,
    FRAME_HEADER_SIZE = 24,
    FRAME_LENGTH_MIN = FRAME_LENGTH_SIZE + FRAME_HEADER_SIZE, /* 28: no payload */
    FRAME_LENGTH_MAX = FRAME_LENGTH_SIZE + 33554432,          /* 33554436 */
    FRAME_PAYLOAD_MAX = FRAME_LENGTH_MAX - FRAME_LENGTH_MIN,  /* 33554408 */
    FRAME_STREAM_DATA_MAX = 262120,                           /* of one stream packet we send */
    FRAME_FDS_MAX = 32,
    FRAME_WIPE_MAX = 131072, /* see frame_wipe() */
};

enum frame_type {
    FRAME_CALL = 0,
    FRAME_REPLY = 1,
    FRAME_MESSAGE = 2, /* events, keepalive */
    FRAME_STREAM = 3,
    FRAME_CALL_WITH_FDS = 4,
    FRAME_REPLY_WITH_FDS = 5,
    FRAME_STREAM_HOLE = 6,
};

enum frame_status {
    FRAME_OK = 0,
    FRAME_ERROR = 1,
    FRAME_CONTINUE = 2, /* streams only */
};

/* As on the wire; type and status may hold any number the peer sent. */
struct frame_header {
    uint32_t program;
    uint32_t version;
    int32_t procedure;
    int32_t type;
    uint32_t serial;
    int32_t status;
};

/*
 * A received packet, with the descriptors that followed it. Owned by whoever holds it; it may be
 * handed to another thread. The u32 count of descriptors that precedes the payload of the
 * ...-with-fds types is checked and left out of payload.
 */
struct frame {
    struct frame_header header;
    uint8_t *payload; /* inside the frame's own memory */
    size_t payload_size;
    int fds[FRAME_FDS_MAX]; /* owned; -1 where taken (frame_take_fd) */
    unsigned fd_count;
    struct frame *next; /* of the queue that holds it */
    size_t capacity;    /* bytes allocated after the struct */
    uint8_t bytes[];    /* length word, header, payload as received */
};

static inline uint32_t frame_read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void frame_write_u32(uint8_t *bytes, uint32_t value)
{
    bytes[0] = value >> 24;
    bytes[1] = value >> 16;
    bytes[2] = value >> 8;
    bytes[3] = value;
}

/* True if a length word is within the bounds. */
bool frame_length_valid(uint32_t length);

/* True for the two types whose payload starts with a count of descriptors. */
bool frame_type_has_fds(int32_t type);

/* True if both name the same call, or a stream and the call that opened it. */
bool frame_same_call(const struct frame_header *a, const struct frame_header *b);

/* length counts itself, the header and the payload. */
void frame_encode_header(const struct frame_header *header, uint32_t length,
                         uint8_t bytes[FRAME_LENGTH_MIN]);

/* The header, after its length word has been checked. Values are not judged. */
void frame_decode_header(const uint8_t bytes[FRAME_LENGTH_MIN], struct frame_header *ret);

/* An empty frame with room for capacity bytes; its owner frees it. */
struct frame *frame_new(size_t capacity);

/* Overwrites bytes of a packet that is no longer needed, unless it is larger than any that has a
 * secret in it. */
void frame_wipe(void *bytes, size_t size);

/* Closes descriptors that nobody took, and wipes the payload. Accepts NULL. */
void frame_free(struct frame *frame);

/* True for calls, and for stream data and holes, with descriptors or without. */
bool frame_is_call(const struct frame *frame);
bool frame_is_stream(const struct frame *frame);

/* Takes one descriptor, or -1 when there is none at index or it was taken already. */
int frame_take_fd(struct frame *frame, unsigned index);

/* FRAME_AUTO struct frame *frame = NULL;  frees it at the end of the scope unless taken */
#define FRAME_AUTO __attribute__((cleanup(frame_clear)))
void frame_clear(struct frame **frame);

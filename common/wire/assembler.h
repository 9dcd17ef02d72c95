/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/frame.h"

/*
 * Makes packets of bytes that arrive in pieces. Knows nothing of sockets. A packet's memory grows
 * as its bytes arrive: to claim a length costs the peer as much as it costs us.
 */
struct assembler {
    uint8_t head[FRAME_LENGTH_MIN]; /* of a packet whose header has not all arrived */
    size_t head_size;
    struct frame *frame; /* a packet whose header has arrived */
    size_t length, filled;
    unsigned awaited_fds;   /* dummy bytes still to come */
    int fds[FRAME_FDS_MAX]; /* arrived, oldest first; transport_ops.read appends here */
    unsigned fd_count;
};

/*
 * Takes bytes from the front of *bytes: until a packet is complete, which becomes *ret_frame (the
 * caller's), or all are used up (*ret_frame is NULL). VIR_ERR_RPC: the peer does not speak the
 * protocol and the link is lost.
 */
int assembler_feed(struct assembler *assembler, const uint8_t **bytes, size_t *size,
                   struct frame **ret_frame, GError **error);

/* Bytes of the packet begun that are still missing, as far as its length is known. */
size_t assembler_missing(const struct assembler *assembler);

/* True between two packets. */
bool assembler_is_idle(const struct assembler *assembler);

/* When all bytes are used up: descriptors that no packet is waiting for are closed. */
void assembler_drop_stray_fds(struct assembler *assembler);

/* Drops what is begun, and closes the descriptors that came with it. */
void assembler_clear(struct assembler *assembler);

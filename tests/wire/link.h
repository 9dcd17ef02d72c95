/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/loop.h"
#include "wire/connection.h"

/*
 * A connection under test and the raw other end of its socket, on one thread: nothing happens but
 * in link_run. The other end speaks in bytes.
 */
struct link {
    struct loop *loop;
    struct connection *connection; /* a reference */
    int fd;                        /* the other end; blocking, -1 when closed */
    GByteArray *received;          /* read from fd and not yet consumed */
    GPtrArray *frames;             /* what the owner was handed */
    bool closed;
    char *reason;                                             /* given to closed */
    void (*on_frame)(struct link *link, struct frame *frame); /* instead of keeping it */
    void *data;
};

struct link *link_new(const struct connection_limits *limits);
void link_free(struct link *link);

/* Runs the loop until *flag, at most milliseconds: the value of *flag. */
bool link_run_until(struct link *link, const bool *flag, int milliseconds);

/* Runs rounds until nothing more happens for a moment. */
void link_run(struct link *link);

/* Runs until so many frames have been handed over. */
void link_expect_frames(struct link *link, unsigned count);

/* Bytes to the connection, running the loop while they do not fit; lost when it is closed. */
void link_write(struct link *link, const void *bytes, size_t size);

/* A packet of the remote program with this type, serial and status. */
void link_write_packet(struct link *link, int type, uint32_t serial, int status,
                       const void *payload, size_t size);
void link_write_call(struct link *link, uint32_t serial);
void link_write_ping(struct link *link);

/* The next packet at the other end, running the loop for it at most 5 s; owned by the caller. */
struct frame *link_read_packet(struct link *link);

/* Expects that packet, without looking at its payload. */
void link_expect_packet(struct link *link, int type, uint32_t serial, int status);

/* Expects that nothing is at the other end. */
void link_expect_silence(struct link *link);

/* Expects closed, with a reason that has part in it (NULL: with no reason). */
void link_expect_closed(struct link *link, const char *part);

/* A reply without payload. */
struct message *link_reply(uint32_t serial);

extern const struct frame_header link_header;

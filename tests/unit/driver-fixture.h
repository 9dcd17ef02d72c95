/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "driver/client.h"
#include "driver/driver.h"
#include "protocol/remote.h"
#include "wire/frame.h"

/*
 * A driver of domains that run nowhere, with its daemon's loop and workers, and the raw other ends
 * of its clients' sockets. The loop runs on the test's thread, and only inside of these functions.
 */
struct fixture {
    struct daemon daemon;
    struct driver *driver;
    char *folder;
    unsigned clients; /* that the server knows */
    unsigned peers;   /* that are open */
    gint gone;        /* calls of client_gone() */
};

/* The driver has the common methods and those of rows. */
struct fixture *fixture_new(const struct driver_methods *rows);
void fixture_free(struct fixture *fixture);

/* Runs the loop until *flag (atomic) is number, at most some seconds. */
void fixture_run_until(struct fixture *fixture, const gint *flag, gint number);
void fixture_run(struct fixture *fixture, int milliseconds);

/* A persistent domain; a new reference. */
struct object *fixture_define(struct fixture *fixture, const char *name);

/* One client's end. */
struct visitor {
    struct fixture *fixture;
    int fd;
    GByteArray *received;
    uint32_t serial; /* of the last call */
};

enum service { SERVICE_RW, SERVICE_RO };

/* A client that has only connected; one that has authenticated and opened. */
struct visitor *visitor_connect(struct fixture *fixture, enum service service);
struct visitor *visitor_open(struct fixture *fixture, enum service service);

/* Closes its end, and runs the loop until the server has seen it; the driver's client stays as long
 * as calls of it are at work. */
void visitor_close(struct visitor *peer);

/* Sends a call with args by the method's row, and returns its serial. */
uint32_t visitor_send(struct visitor *peer, const struct protocol_program *program,
                      uint32_t procedure, const void *args);
/* Same with bytes. */
uint32_t visitor_send_bytes(struct visitor *peer, const struct protocol_program *program,
                            uint32_t procedure, const void *bytes, size_t size);

/* The next packet, which must come within some seconds; the caller's. */
struct frame *visitor_read(struct visitor *peer);

/* Expects silence for a while. */
void visitor_expect_nothing(struct visitor *peer);

/* Calls a remote procedure and expects success; the reply is decoded into arena. */
void visitor_call(struct visitor *peer, uint32_t procedure, const void *args, struct arena *arena,
                  void *ret);

/* Calls it and expects this error, whose message contains part. */
void visitor_fail(struct visitor *peer, uint32_t procedure, const void *args, enum error_code code,
                  const char *part);

/* The error that a frame carries (NULL: it is a good reply); checks that it answers serial. */
GError *visitor_error(const struct frame *frame, uint32_t serial);

/* The handle of an object, on the wire; strings live as long as it. */
struct remote_nonnull_domain fixture_handle(struct object *object);

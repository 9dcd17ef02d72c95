/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "wire/message.h"
#include "wire/transport.h"

/*
 * The messages that wait to be sent on one link. Any thread adds; the loop thread alone takes and
 * writes. A message counts with its own size and a little for its upkeep.
 */
struct outbox {
    pthread_mutex_t lock;
    struct message *first, **last;
    size_t event_bytes;
    unsigned event_messages;
    size_t event_bytes_max;
    unsigned event_messages_max;
    bool closed;
    atomic_size_t bytes; /* waiting; read without the lock */

    size_t written;    /* bytes of first; loop thread */
    unsigned fds_sent; /* of first; loop thread */
};

enum outbox_result {
    OUTBOX_QUEUED,
    OUTBOX_CLOSED,   /* nobody will send it: freed */
    OUTBOX_OVERFLOW, /* an event too many: freed */
};

enum outbox_progress {
    OUTBOX_BROKEN = -1, /* the link is lost */
    OUTBOX_EMPTY,
    OUTBOX_MORE, /* go on when the socket is writable */
};

/* Empty; events without limits. */
void outbox_init(struct outbox *outbox);

/* Any thread: the most that unsent events may take. */
void outbox_set_event_limits(struct outbox *outbox, size_t bytes, unsigned messages);

/* Any thread; takes the message. */
enum outbox_result outbox_add(struct outbox *outbox, struct message *message);

/* Loop thread: writes a bounded amount. OUTBOX_BROKEN: *ret_errno is why. */
enum outbox_progress outbox_flush(struct outbox *outbox, struct transport *transport,
                                  int *ret_errno);

/* Any thread: bytes of memory waiting. */
size_t outbox_bytes(struct outbox *outbox);

/* Loop thread: bytes that are still to be written, of what is waiting now. */
size_t outbox_unwritten(struct outbox *outbox);

/* Loop thread: frees all messages; later ones are refused. */
void outbox_close(struct outbox *outbox);

/* The last owner: after outbox_close. */
void outbox_clear(struct outbox *outbox);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/loop.h"
#include "virtqemud/qmp.h"

/* A monitors' loop on a thread of its own, and the other end of a QMP connection in our hands. */
struct qmp_bench {
    struct loop *loop;
    GThread *thread;
};

void qmp_bench_begin(struct qmp_bench *bench);
void qmp_bench_end(struct qmp_bench *bench);

/* From thread to thread, in order; zeroed it is empty. GAsyncQueue would do, but ThreadSanitizer
 * does not see its lock. */
struct mailbox {
    GMutex lock;
    GCond arrived;
    GQueue letters;
};

void mailbox_put(struct mailbox *mailbox, void *letter);
/* Waits for one, at most twenty seconds; then the test fails. */
void *mailbox_take(struct mailbox *mailbox);

/* Runs function(fd, data) as QEMU on a thread; our end is returned. fd is closed after it. */
struct qmp_peer;
struct qmp_peer *qmp_peer_start(void (*function)(int fd, void *data), void *data, int *ret_fd);
void qmp_peer_join(struct qmp_peer *peer);

/* What peers say and hear. qmp_peer_read returns the next line, NULL at the end; the caller frees.
 */
void qmp_peer_say(int fd, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* False when the other side has closed. */
bool qmp_peer_write(int fd, const void *bytes, size_t length);
char *qmp_peer_read(int fd);
/* Greeting and qmp_capabilities. */
void qmp_peer_greet(int fd);
/* Reads until the other side closes. */
void qmp_peer_drain(int fd);

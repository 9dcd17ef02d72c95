/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct stream;
struct volume_job;

/*
 * Bytes between a stream and a volume: each transfer has a thread of its own, which alone touches
 * the storage, however long that takes; the loop thread touches the stream. Both wait for the other
 * when some megabytes are between them.
 */
struct transfer_request {
    struct stream *stream;
    struct loop *loop;
    int fd; /* taken over */
    uint64_t offset;
    uint64_t length; /* 0: to the end, or as much as comes */
    bool upload;
    bool sparse;
    struct volume_job *job; /* told how far it is */

    /* On the transfer's thread, when nothing will be read or written any more: before the client
     * gets its answer, or after it has gone. */
    void (*ended)(void *data);
    void *data;
};

/* From a handler. On failure, VIR_ERR_SYSTEM_ERROR, ended() has not been called, and fd is closed.
 */
int transfer_begin(const struct transfer_request *request, GError **error);

/* Waits for all threads, some seconds at most; for the daemon's end, when no client is left. */
void transfer_wait_all(void);

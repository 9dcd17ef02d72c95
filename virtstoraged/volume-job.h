/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/process.h"
#include "model/storage-volume.h"

struct client;

/*
 * Work on a volume that takes time: it ends early when the client that asked for it goes. Logged
 * when it took its time.
 */
struct volume_job {
    struct client *client;
    const char *name; /* "create", "wipe": a constant */
    char *volume;     /* "pool/volume" */
    gint cancelled;
    gint64 begun; /* monotonic microseconds */

    /* guarded by a lock of this file */
    struct process *process; /* that is to be ended as well */
    int said;                /* what that says of its progress; -1: nothing */
    uint64_t done, total;    /* bytes */
};

/* Makes the job known to readers of the volume's document until it ends; client and name are
 * borrowed, pool and volume copied. Ending it twice is nothing. */
void volume_job_begin(struct volume_job *job, struct client *client, const char *name,
                      const char *pool, const char *volume);
void volume_job_end(struct volume_job *job);
#define VOLUME_JOB_AUTO __attribute__((cleanup(volume_job_end)))

/* VIR_ERR_OPERATION_ABORTED when the client has gone. */
int volume_job_check(struct volume_job *job, GError **error);

/* For loops: the same, and tells how far it is, in bytes; total 0: nobody knows. */
int volume_job_step(struct volume_job *job, uint64_t done, uint64_t total, GError **error);

/* What is at work on a volume now, for its document, which must not be published yet. */
void volume_job_fill(struct storage_volume *volume, const char *pool);

/* Runs a program to its end, however long it takes; of what it prints, "(12.34/100%)" is its
 * progress. Blocks. VIR_ERR_INTERNAL_ERROR with what it said when it fails;
 * VIR_ERR_OPERATION_ABORTED. */
int volume_job_run(struct volume_job *job, const char *const *argv, const struct process_fd *fds,
                   size_t fd_count, GError **error);

/* driver_spec.client_gone */
void volume_job_cancel_all(struct client *client);

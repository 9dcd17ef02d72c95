/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/process.h"

struct client;

/*
 * Work on a volume that takes time: it ends early when the client that asked for it goes. Begun and
 * ended on the thread that does it, and logged.
 */
struct volume_job {
    struct client *client;
    const char *name; /* "create", "wipe": a constant */
    char *volume;     /* "pool/volume" */
    gint cancelled;
    struct process *process; /* that is to be ended as well; guarded by a lock of this file */
};

void volume_job_begin(struct volume_job *job, struct client *client, const char *name,
                      const char *pool, const char *volume);
void volume_job_end(struct volume_job *job);
#define VOLUME_JOB_AUTO __attribute__((cleanup(volume_job_end)))

/* For loops: VIR_ERR_OPERATION_ABORTED when the client has gone. */
int volume_job_check(struct volume_job *job, GError **error);

/* Runs a program to its end, however long it takes. Blocks. VIR_ERR_INTERNAL_ERROR with what it
 * said when it fails; VIR_ERR_OPERATION_ABORTED. */
int volume_job_run(struct volume_job *job, const char *const *argv, const struct process_fd *fds,
                   size_t fd_count, GError **error);

/* driver_spec.client_gone */
void volume_job_cancel_all(struct client *client);

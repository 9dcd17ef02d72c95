/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * What QEMU tells by itself: its events become states and events of the domain. Runs on the
 * monitors' loop, so nothing here blocks; what must is handed to a worker with a job.
 */

/* Connects to the monitor through fd (taken; a socket connected to QEMU's) and sets it as the
 * guest's. Blocks until QEMU has greeted, at most deadline_ms. */
int monitor_open(struct guest *guest, const char *name, int fd, unsigned deadline_ms,
                 GError **error);

/* What an event leads to that may block or changes the definition: runs on a worker with a job,
 * unless the guest has ended by then. text may be NULL. One that waits already for the same with
 * the same text gets the number instead. */
typedef void monitor_follow_up(struct guest *guest, struct job *job, uint64_t number,
                               const char *text);
void monitor_push(struct guest *guest, monitor_follow_up *function, uint64_t number,
                  const char *text);

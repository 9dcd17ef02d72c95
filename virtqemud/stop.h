/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * The end of a guest, in whatever way: asked for, its own, or a crash. Everything that a start made
 * is undone by one function that can be called at any stage, so a failed start ends here too.
 */

/* Ends QEMU: SIGTERM, and unless graceful SIGKILL when that does not help in time. Blocks; needs no
 * job, so that it also helps against a guest that is stuck. VIR_ERR_SYSTEM_ERROR (EBUSY) names the
 * process that will not go. */
int stop_kill(struct guest *guest, bool graceful, GError **error);

/* QEMU has gone or never came: closes the monitor, removes files, cgroup and status, publishes the
 * guest as inactive for reason (VIR_DOMAIN_SHUTOFF_...). A transient one leaves the registry. The
 * caller raises events. Idempotent. */
void stop_clear_up(struct guest *guest, struct job *job, int reason);

/* What the end of the process leads to: clears up with the reason that is known and raises
 * "stopped". Nothing happens when it was done already. */
void stop_after_end(struct guest *guest);

/* The lifecycle event detail that tells of a shutoff reason. */
int stop_event_detail(int reason);

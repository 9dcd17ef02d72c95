/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * After a restart of the daemon: guests go on running, and are taken up again from their status
 * files. Nothing here waits for a QEMU before the daemon serves clients: a hung guest holds up
 * those alone who need it. The same when the connection to a monitor broke while the daemon ran.
 */

/* store_status.restore: publishes the guest as its status file says, with its process watched; or,
 * when that has ended, clears up after it. */
int reconnect_restore(struct registry *registry, struct job *job, struct definition *live,
                      void *rest, GError **error);

/* For each guest that was restored, a job and a worker that connects to its monitor: at once, so
 * that who asks for the guest later waits for them. */
void reconnect_all(struct qemu *qemu);

/* On a worker: the connection to the monitor has ended, for this reason. Unless QEMU just ends,
 * clients are told, and it is connected to again, at once or later. */
void reconnect_lost(struct guest *guest, struct job *job, const char *reason);

/* With a job, when QEMU has ended: nobody connects to it any more. */
void reconnect_forget(struct guest *guest);

/* driver_spec.out_of_control */
int64_t reconnect_lost_ms(struct object *object);

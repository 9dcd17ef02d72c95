/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * Makes the live definition true where nobody heard what QEMU did: after a restart of the daemon,
 * and after a QEMU that did not answer in time.
 */

/*
 * With a job: asks QEMU which devices it has. Those recorded as being plugged in that it has join
 * the live definition - and are asked to leave again, if undo, for their client was told that they
 * did not come -; of those that it has not the back ends are taken out. Devices that have gone
 * leave the definition. Publishes and saves what has changed. Blocks.
 */
int settle_now(struct guest *guest, struct job *job, bool undo, GError **error);

/* Does that, with undo, by a follow-up, as soon as QEMU answers again. Never blocks. */
void settle_later(struct guest *guest);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/change.h"

#include "guest.h"

/*
 * What is in the drives of a running guest: another medium in the same drive, or none.
 */

/* True if a disk to attach is a medium for a drive that the guest has. Pure. */
bool media_is_meant(const struct domain *live, const struct domain_disk *disk);

/* Puts the source of disk, which is in the arena of the change's live definition and of the same
 * target as one of its drives, into that drive; an empty one ejects. force: even if the guest has
 * locked the tray. The old medium stays in when something fails. Blocks on QEMU, and up to ten
 * seconds on the guest. VIR_ERR_OPERATION_FAILED: the guest does not open the tray. */
int media_change(struct change *change, struct domain_disk *disk, bool force, GError **error);

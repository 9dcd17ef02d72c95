/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "object/change.h"

/*
 * A device that is there, changed to what a document says: the medium of a drive, the link of an
 * interface, the password of a display, the size of plugged memory. What can't change while the
 * guest runs is refused, naming what differs.
 */

/* Changes the device that text means in what the change affects, and saves. force: see
 * media_change(). Blocks. VIR_ERR_OPERATION_UNSUPPORTED names the first part that can't change;
 * VIR_ERR_CONFIG_UNSUPPORTED a kind that can't. */
int device_update(struct change *change, const char *text, bool force, GError **error);

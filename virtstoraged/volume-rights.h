/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

struct call;
struct object;

/*
 * Who makes a volume of others has them read: clients whose access rules are asked need data-read
 * of each, in whichever pool it is, or they could have a copy of what they may not download. What
 * is in no pool is a file of the host, of which no rule knows. VIR_ERR_ACCESS_DENIED; may block.
 */

/* Of one that is cloned, and of the images below it. pool is that of the volume. */
int volume_rights_check_origin(struct call *call, struct object *pool, const struct volume *volume,
                               const struct storage_volume *definition, GError **error);

/* Of those below one that is to be made, whose target's path is known. */
int volume_rights_check_below(struct call *call, const struct storage_volume *definition,
                              GError **error);

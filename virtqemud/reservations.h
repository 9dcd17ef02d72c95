/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/* Persistent reservations of SCSI disks: QEMU leaves the commands, which take rights that it does
 * not have, to a program at a socket: one of ours for all disks of a guest (managed='yes'), or
 * another's. Pure. */

/* The identifier of the object that an image's node names; NULL: it has no reservations. The caller
 * frees. */
char *reservations_manager(const struct domain_source *source);

/* Adds the object for a disk, if it has one of its own. That of managed ones is added once, by
 * reservations_add_shared(). */
void reservations_add_objects(const struct domain_disk *disk,
                              const struct arguments_context *context, struct arguments *arguments);
void reservations_add_shared(const struct domain *domain, const struct arguments_context *context,
                             struct arguments *arguments);

/* True if our program is needed. */
bool reservations_are_managed(const struct domain *domain);

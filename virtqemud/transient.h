/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * Disks that forget: what the guest writes goes to an overlay beside the image, named
 * IMAGE.TRANSIENT-NAME, which is the disk's source in the live definition, with the image below it.
 * It is there from the start to the end of the guest, through reboots and restarts of the daemon.
 */

/* Puts the overlay above the image of a disk that is to forget, in a live definition whose chains
 * are complete; images get numbers above highest, and *ret_highest is the highest then. For all
 * disks, or one. Makes no file. VIR_ERR_OPERATION_UNSUPPORTED: there is a file of that name. */
int transient_choose(struct domain *live, struct domain_disk *disk, unsigned *highest,
                     GError **error);
int transient_choose_all(struct domain *live, GError **error);

/* Makes the files. VIR_ERR_CONFIG_UNSUPPORTED names the missing program. Blocks on the disk. */
int transient_make(const struct domain *live, GError **error);

/* Removes the files; one that is not there is no matter. */
void transient_remove(const struct domain *live);

/* The image below the overlay; borrowed; NULL: the disk has no overlay. */
const struct domain_source *transient_image(const struct domain_disk *disk);

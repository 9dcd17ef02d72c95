/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * What prepare.h does for a guest about to start, for one device that a running guest is to get:
 * what the document leaves to us is chosen and written into the live definition, which is under
 * construction; then what the device stands on is handed over to QEMU.
 */

/* Names of host devices, paths of sockets, images below a disk's. Blocks on the disk. */
int prepare_device(struct guest *guest, struct domain *live, const struct device *device,
                   GError **error);

/* Folders, owners of files, drivers of host devices, helpers; ports of networks, of which the live
 * definition then says what they are. On failure what was begun is undone. Blocks on the disk, and
 * until a helper or virtnetworkd has answered. */
int prepare_device_access(struct guest *guest, struct domain *live, const struct device *device,
                          GError **error);

/* Gives back what the second handed over, once QEMU has it no more. Idempotent. */
void prepare_device_undo(struct guest *guest, const struct domain *live,
                         const struct device *device);

/* A domain with nothing but this device, which stays where it is: for what is done to all devices
 * of a domain. The caller drops it with definition_unref(). */
struct domain *prepare_device_alone(const struct device *device);

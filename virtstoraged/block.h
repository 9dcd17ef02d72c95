/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backend.h"

/* Volumes that are block devices of the host: partitions, logical volumes, LUNs. */

/* Fills in what the device at path tells: its type, sizes, permissions, times, and path as the
 * volume's. Blocks on the device. VIR_ERR_NO_STORAGE_VOL: there is none; VIR_ERR_OPERATION_INVALID:
 * it is no block device. */
int block_fill(struct storage_volume *volume, const char *path, GError **error);

/* By what another device of the same path shows; pure but for stat. */
struct volume_signature block_signature(const char *path);

/* volume_backend.open */
int block_open(struct volume *volume, int mode, int *ret_fd, GError **error);

/* The name that a volume goes by: a link in the folder (/dev/disk/by-id) that leads to the device,
 * or the device itself where there is none, or folder is not below /dev. The caller frees. */
char *block_find_path(const char *folder, const char *device);

/* Waits until there is a node of that path, and links to it where udev makes any.
 * VIR_ERR_OPERATION_TIMEOUT: no node. */
int block_await(const char *path, int milliseconds, GError **error);

/* Does udev look after the nodes of this host? */
bool block_has_udev(void);

/* Waits some seconds until udev has handled what has happened, if there is one. */
void block_settle(void);

/* What is on a device by libblkid: *ret_what is NULL for nothing, else words for a message, which
 * the caller frees. Blocks. */
int block_probe(const char *path, char **ret_what, GError **error);

/* Before a device is built over: VIR_ERR_OPERATION_INVALID names the guest, or the process, that
 * has an image on it, or on one of its partitions. */
int block_check_unused(const char *path, GError **error);

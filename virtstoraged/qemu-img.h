/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/storage-volume.h"

#include "volume-job.h"

/* Images of formats, made by QEMU's tool: by arguments alone, and descriptors in place of names
 * where it writes. All block. */

/* An image in the empty file fd, as its definition says. key: where its passphrase can be read, if
 * it is to be encrypted; else -1. */
int qemu_img_create(struct volume_job *job, const struct storage_volume *definition, int fd,
                    int key, bool metadata, GError **error);

/* Did that fail because the time that a passphrase takes could not be measured? It may succeed when
 * it is done anew. */
bool qemu_img_could_not_measure(const GError *error);

/* The same, with the content of another (its images below included). */
int qemu_img_convert(struct volume_job *job, const struct storage_volume *definition, int fd,
                     int key, const struct storage_volume *other, int other_fd, bool metadata,
                     GError **error);

/* other, an image open as other_fd, as raw bytes over those of a device from offset on. */
int qemu_img_convert_over(struct volume_job *job, const struct storage_volume *other, int other_fd,
                          int fd, uint64_t offset, uint64_t length, GError **error);

/* bytes is the new capacity; key is what volume_key_find() has given. */
int qemu_img_resize(struct volume_job *job, const struct storage_volume *volume, int fd, int key,
                    uint64_t bytes, bool shrink, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "volume-job.h"

/* The bytes of volumes: copied, allocated, overwritten. All block, and end early with their job. */

/* All of from to the empty file to: shared where the file system can, else copied by the kernel;
 * holes stay holes. */
int bytes_copy(struct volume_job *job, int from, int to, GError **error);

/* All of from to the empty file to, shared. VIR_ERR_SYSTEM_ERROR: the file system can't. */
int bytes_share(int from, int to, GError **error);

/* All of from over what is in to, a device, from offset on: holes become zeros. Safe on the disk
 * when it returns. */
int bytes_copy_over(struct volume_job *job, int from, int to, uint64_t offset, GError **error);

/* Takes storage for the bytes from offset on, as zeros, without changing what is there. */
int bytes_allocate(struct volume_job *job, int fd, uint64_t offset, uint64_t length,
                   GError **error);

/* Overwrites all data by an algorithm (VIR_STORAGE_VOL_WIPE_ALG_...); holes have none.
 * VIR_ERR_INVALID_ARG: there is no such algorithm. */
int bytes_wipe(struct volume_job *job, int fd, unsigned algorithm, GError **error);

/* Bytes of a file or block device. */
int bytes_size(int fd, uint64_t *ret_size, GError **error);

/* The next range with data, from offset on; false: there is none any more. What can't be asked is
 * all data. */
bool bytes_find_data(int fd, uint64_t offset, uint64_t size, uint64_t *ret_start,
                     uint64_t *ret_end);

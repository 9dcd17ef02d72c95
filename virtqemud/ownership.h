/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "config.h"

/*
 * Who owns the files of a running guest (dac): with dynamic_ownership, disks, kernels, log files
 * and devices named by the definition belong to QEMU's user while it runs, and go back to their
 * owner (remembered in an extended attribute where the file system can) or root after it. Media and
 * images below a disk's own, which are only read, and those that guests share, become QEMU's if it
 * could not read them, or write to them, and stay so.
 */

/* On failure the caller calls ownership_restore(). VIR_ERR_SYSTEM_ERROR names
 * the path. */
int ownership_take(const struct qemu_config *config, const struct domain *live, GError **error);

/* Idempotent; what can't be given back is logged. */
void ownership_restore(const struct qemu_config *config, const struct domain *live);

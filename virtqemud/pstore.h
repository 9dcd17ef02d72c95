/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "config.h"

/* Makes the file that keeps a kernel's last words, and folders up to it, QEMU's own, if it is not
 * there. Blocks on the disk; VIR_ERR_SYSTEM_ERROR names the path. */
int pstore_make_file(const struct domain *live, const struct qemu_config *config, GError **error);

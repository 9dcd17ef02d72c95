/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-source.h"

/* How large an image is, seen from outside: of guests that do not run, whose QEMU would know. */
struct image_size {
    uint64_t capacity;   /* bytes the guest sees */
    uint64_t allocation; /* bytes taken of the host's storage */
    uint64_t physical;   /* bytes of the file or device */
};

/* Of a file or device of this host. VIR_ERR_SYSTEM_ERROR: it can't be opened;
 * VIR_ERR_CONFIG_UNSUPPORTED: its header is wrong. Blocks on the disk. */
int image_size_read(const struct domain_source *source, struct image_size *ret_size,
                    GError **error);

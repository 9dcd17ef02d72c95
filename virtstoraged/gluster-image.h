/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>

#include "gluster-link.h"
#include "volumes.h"

/* Looks at one file or folder of a Gluster volume: its document, which the caller owns; NULL when
 * it is nothing that can be a volume. known_raw: it is not looked into. Blocks. */
int gluster_image_describe(const struct gluster_link *link, const struct volumes *volumes,
                           const char *name, const struct stat *about, bool known_raw,
                           struct storage_volume **ret_found, GError **error);

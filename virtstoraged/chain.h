/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image-below.h"

/* qemu-img follows images below each other wherever they lead, for ever if that is to themselves:
 * before it reads one of this path and format, the headers of all of them are read here.
 * VIR_ERR_CONFIG_UNSUPPORTED: they are too many, or one can't be followed; VIR_ERR_SYSTEM_ERROR: a
 * file is missing, which is named with who refers to it. Blocks on the disk. */
int chain_check(const char *path, enum image_format format, GError **error);

/* The same, with a call for the path of each of them, from the highest on; -1 ends it. */
typedef int (*chain_visit)(const char *path, void *data, GError **error);
int chain_walk(const char *path, enum image_format format, chain_visit visit, void *data,
               GError **error);

/* The same for an image that is open; ret_below is of the image below it, without a path when there
 * is none on this host. image_below_clear() frees. */
int chain_check_open(int fd, const char *path, enum image_format format,
                     struct image_below *ret_below, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image-header.h"

/*
 * What a header says of the image below: a path, a path of JSON, the URI of a server. Whoever wrote
 * the header chose the words: what leads to anything but a file, a device or a server is refused.
 */
struct image_below {
    char *path;               /* absolute, of this host; NULL: it is on a server */
    enum image_format format; /* as the header says, or raw */
    bool is_device;
};

/* header is that of image, an absolute path, and names one below. A format that is not said must
 * be raw by the looks of it: else a guest could have written the header that is read next. Blocks
 * on the disk. VIR_ERR_SYSTEM_ERROR: there is no such file; VIR_ERR_CONFIG_UNSUPPORTED: the rest.
 * Both name who refers to it. image_below_clear() frees. */
int image_below_find(const char *image, const struct image_header *header,
                     struct image_below *ret_below, GError **error);
void image_below_clear(struct image_below *below);
#define IMAGE_BELOW_AUTO __attribute__((cleanup(image_below_clear)))

/* Opens what is a file or a block device for reading; a pipe would stop us for good. */
int image_open(const char *path, int *ret_fd, GError **error);

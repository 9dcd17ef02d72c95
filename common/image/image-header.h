/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/domain-source.h"

/*
 * What the first bytes of an image say about it, and about other images. The bytes may be the work
 * of a guest: every offset and length is checked, and little is read. Blocks on the disk; any
 * thread.
 */
struct image_header {
    char *backing;          /* NULL: nothing is below; as written, relative to the image */
    char *backing_format;   /* NULL: the header does not tell */
    bool data_file;         /* the guest's data is in another file */
    uint64_t capacity;      /* bytes the guest sees; 0: as many as the file has */
    unsigned version;       /* of the format: qcow2 has 2 and 3; 0: of no interest */
    uint64_t cluster_size;  /* bytes; 0: it has none */
    bool lazy_refcounts;    /* qcow2 */
    bool extended_l2;       /* qcow2 */
    const char *encryption; /* "luks", "qcow"; NULL: none. A constant */
};

/* True for formats whose images can have another below them, as far as headers are read here. */
bool image_header_has_backing(enum image_format format);

/* Reads the header of an open image of this format. VIR_ERR_CONFIG_UNSUPPORTED names shown and what
 * is wrong, as when it is of another format. Formats of which nothing is to be learned give an
 * empty header. image_header_clear() frees. */
int image_header_read(int fd, enum image_format format, const char *shown,
                      struct image_header *ret_header, GError **error);
void image_header_clear(struct image_header *header);
#define IMAGE_HEADER_AUTO __attribute__((cleanup(image_header_clear)))

/* The format that the image's first bytes look like, or IMAGE_FORMAT_RAW: to tell users what they
 * left out, and what a file is that nobody has said anything of; never to open what is known to be
 * raw. */
enum image_format image_header_guess(int fd);

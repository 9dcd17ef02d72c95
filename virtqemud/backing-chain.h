/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * The images below each disk's. What a document says is taken as it is; where it says nothing, the
 * header of the image tells, read with bounds. An image of format raw has nothing below it: its
 * bytes are the guest's, and never looked into. The format of an image below is what the header
 * above it says; without a word there it is raw.
 */

/* Completes the chains of all disks of a domain under construction, and numbers images without an
 * index. Blocks on the disk. VIR_ERR_CONFIG_UNSUPPORTED: a chain that is too long or loops, an
 * image of another format; VIR_ERR_SYSTEM_ERROR: a file that can't be read. */
int backing_chain_load(struct domain *live, GError **error);

/* The same for one source, whose structs are allocated in arena. */
int backing_chain_load_source(struct domain_source *source, struct arena *arena, GError **error);

/* What the header of a qcow2 image says is below it. */
struct image_backing {
    char *path;      /* NULL: nothing; as written, relative to the image */
    char *format;    /* NULL: the header does not tell */
    char *data_file; /* NULL: none */
};

/* Reads at most the first bytes of an open image. VIR_ERR_CONFIG_UNSUPPORTED names shown and what
 * is wrong. image_backing_clear() frees. */
int image_read_backing(int fd, const char *shown, struct image_backing *ret_backing,
                       GError **error);
void image_backing_clear(struct image_backing *backing);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image-header.h"

/* The first bytes of an image, and the image for what lies behind them. For this folder. */
#define READER_HEAD 65536

struct reader {
    int fd;
    const char *shown;
    size_t length;
    uint8_t *head; /* READER_HEAD */
};

/* VIR_ERR_CONFIG_UNSUPPORTED "image 'shown': what"; returns -1. */
int reader_fail(const struct reader *reader, const char *what, GError **error);

/* Reads on until so many bytes of the head are there, or the file ends. */
int reader_fill(struct reader *reader, size_t bytes, GError **error);

/* Numbers beyond what was read are zero, which is nothing in all these formats. */
uint64_t reader_big_endian(const struct reader *reader, size_t offset, unsigned bytes);
uint64_t reader_little_endian(const struct reader *reader, size_t offset, unsigned bytes);

/* The name of the image below, which may lie behind the head; *ret_name stays NULL for none. */
int reader_get_name(const struct reader *reader, uint64_t offset, uint64_t length, char **ret_name,
                    GError **error);

/* What the first bytes of one format say; header is empty. NULL: nothing. */
typedef int (*reader_function)(const struct reader *reader, struct image_header *header,
                               GError **error);
reader_function reader_of(enum image_format format);

/* Which formats can have an image below. */
bool reader_format_has_backing(enum image_format format);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* An image that has nothing in it yet: a header and three tables. */
struct qcow2 {
    uint64_t capacity;     /* bytes */
    unsigned version;      /* 2 or 3 */
    uint64_t cluster_size; /* 0: the usual 64 KiB */
    bool lazy_refcounts;   /* version 3 */
    const char *backing;   /* the name of the image below; NULL: none */
    const char *backing_format;
};

/* Whether it is one that qcow2_write() makes: neither unusual nor wrong. */
bool qcow2_is_usual(const struct qcow2 *qcow2);

/* Into an empty file, without syncing it. VIR_ERR_SYSTEM_ERROR. */
int qcow2_write(const struct qcow2 *qcow2, int fd, GError **error);

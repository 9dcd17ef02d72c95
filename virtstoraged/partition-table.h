/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "model/storage-pool.h"

/* The partitions of a disk, as parted reports them, and where the next one goes. All pure. */

enum partition_kind {
    PARTITION_NORMAL,
    PARTITION_LOGICAL,
    PARTITION_EXTENDED, /* of a dos table: what logical ones are in */
    PARTITION_FREE,
};

struct partition {
    unsigned number; /* 0: free */
    enum partition_kind kind;
    bool within;         /* an extended one, or what is kept like that */
    uint64_t start, end; /* bytes; end is the one behind the last */
};

struct partition_table {
    unsigned format;    /* enum storage_disk_format; NONE: there is no table, or an unknown one */
    unsigned most;      /* numbers that there are */
    unsigned sector;    /* bytes */
    uint64_t cylinder;  /* bytes: partitions begin and end at such; 0: where they like */
    GArray *partitions; /* struct partition, by place */
};

/* Of `parted --json DEVICE unit B print free`. VIR_ERR_INTERNAL_ERROR. */
int partition_table_read(const char *text, struct partition_table **ret_table, GError **error);
void partition_table_free(struct partition_table *table);
static inline void partition_table_free_at(struct partition_table **table)
{
    partition_table_free(*table);
}
#define PARTITION_TABLE_AUTO __attribute__((cleanup(partition_table_free_at)))

/* Borrowed; NULL: there is none of that number. */
const struct partition *partition_table_find(const struct partition_table *table, unsigned number);

/* parted's word for a format; NULL: it can't make such tables. */
const char *partition_table_word(unsigned format);

/*
 * Where a partition of at least capacity bytes goes, and its number. In a dos table it is a primary
 * one as long as there are numbers, and then a logical one. VIR_ERR_INTERNAL_ERROR says why there
 * is no place.
 */
int partition_table_plan(const struct partition_table *table, bool extended, uint64_t capacity,
                         struct partition *ret_plan, GError **error);

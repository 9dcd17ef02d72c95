/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define MAGIC 0x514649fb
#define HEADER_V2 72
#define HEADER_V3 112
#define COMPATIBLE_LAZY_REFCOUNTS 1
#define REFCOUNT_ORDER 4 /* 16 bits */
#define EXTENSION_BACKING_FORMAT 0xe2792aca
#define EXTENSION_HEAD 8
#define LONGEST_NAME 1023  /* of an image below: the format's own limit */
#define LONGEST_FORMAT 16  /* of its format, in bytes */
#define HEAD_MOST 2048     /* bytes of all before the tables */
#define CLUSTER_LEAST 4096 /* all the head fits into one */
#define CLUSTER_MOST 2097152
#define CLUSTER_USUAL 65536
#define SECTOR 512
#define ENTRY 8 /* bytes of one in a table */

/* Each is in a cluster of its own. */
enum { HEADER, REFCOUNT_TABLE, REFCOUNT_BLOCK, L1_TABLE, CLUSTERS };

struct head {
    uint8_t bytes[HEAD_MOST];
    size_t length;
};

static void put(struct head *head, unsigned size, uint64_t value)
{
    for (unsigned i = size; i-- > 0;)
        head->bytes[head->length++] = (uint8_t)(value >> (8 * i));
}

static void put_text(struct head *head, const char *text)
{
    memcpy(head->bytes + head->length, text, strlen(text));
    head->length += strlen(text);
}

static uint64_t cluster_size(const struct qcow2 *qcow2)
{
    return qcow2->cluster_size ?: CLUSTER_USUAL;
}

static uint64_t capacity(const struct qcow2 *qcow2)
{
    return (qcow2->capacity + SECTOR - 1) / SECTOR * SECTOR;
}

/* An entry is for a table of a cluster, each of whose entries is for a cluster. */
static uint64_t l1_entries(const struct qcow2 *qcow2)
{
    uint64_t cluster = cluster_size(qcow2), each = cluster / ENTRY * cluster;

    return capacity(qcow2) / each + (capacity(qcow2) % each != 0);
}

static bool is_usual_backing(const struct qcow2 *qcow2)
{
    if (!qcow2->backing)
        return true;
    return strlen(qcow2->backing) <= LONGEST_NAME && qcow2->backing_format &&
           strlen(qcow2->backing_format) <= LONGEST_FORMAT;
}

bool qcow2_is_usual(const struct qcow2 *qcow2)
{
    uint64_t cluster = cluster_size(qcow2);

    return (qcow2->version == 2 || qcow2->version == 3) && qcow2->capacity > 0 &&
           qcow2->capacity <= INT64_MAX / 2 && cluster >= CLUSTER_LEAST &&
           cluster <= CLUSTER_MOST && (cluster & (cluster - 1)) == 0 &&
           l1_entries(qcow2) <= cluster / ENTRY && !(qcow2->lazy_refcounts && qcow2->version < 3) &&
           is_usual_backing(qcow2);
}

/* Where the name of the image below begins: behind the header and its extensions. */
static size_t backing_offset(const struct qcow2 *qcow2, size_t header)
{
    size_t padded = (strlen(qcow2->backing_format) + 7) / 8 * 8;

    return header + EXTENSION_HEAD + padded + EXTENSION_HEAD;
}

static void put_backing(struct head *head, const struct qcow2 *qcow2, size_t offset)
{
    put(head, 4, EXTENSION_BACKING_FORMAT);
    put(head, 4, strlen(qcow2->backing_format));
    put_text(head, qcow2->backing_format);
    head->length = offset; /* padding, and an extension of no kind: the last */
    put_text(head, qcow2->backing);
}

static void put_version_3(struct head *head, const struct qcow2 *qcow2)
{
    put(head, 8, 0); /* incompatible features */
    put(head, 8, qcow2->lazy_refcounts ? COMPATIBLE_LAZY_REFCOUNTS : 0);
    put(head, 8, 0); /* features that clear themselves */
    put(head, 4, REFCOUNT_ORDER);
    put(head, 4, HEADER_V3);
    put(head, 8, 0); /* compression, by zlib */
}

static void make_head(const struct qcow2 *qcow2, struct head *head)
{
    size_t header = qcow2->version < 3 ? HEADER_V2 : HEADER_V3;
    size_t backing = qcow2->backing ? backing_offset(qcow2, header) : 0;
    uint64_t cluster = cluster_size(qcow2);

    put(head, 4, MAGIC);
    put(head, 4, qcow2->version);
    put(head, 8, backing);
    put(head, 4, qcow2->backing ? strlen(qcow2->backing) : 0);
    put(head, 4, (uint64_t)__builtin_ctzll(cluster));
    put(head, 8, capacity(qcow2));
    put(head, 4, 0); /* not encrypted */
    put(head, 4, l1_entries(qcow2));
    put(head, 8, L1_TABLE * cluster);
    put(head, 8, REFCOUNT_TABLE * cluster);
    put(head, 4, 1); /* cluster of it */
    put(head, 4, 0); /* snapshots */
    put(head, 8, 0); /* the table of them */
    if (qcow2->version >= 3)
        put_version_3(head, qcow2);
    if (qcow2->backing)
        put_backing(head, qcow2, backing);
}

static int write_at(int fd, const struct head *head, uint64_t offset)
{
    return pwrite(fd, head->bytes, head->length, (off_t)offset) == (ssize_t)head->length ? 0 : -1;
}

int qcow2_write(const struct qcow2 *qcow2, int fd, GError **error)
{
    struct head head = {0}, table = {0}, counts = {0};
    uint64_t cluster = cluster_size(qcow2);

    make_head(qcow2, &head);
    put(&table, ENTRY, REFCOUNT_BLOCK * cluster);
    for (int i = 0; i < CLUSTERS; i++)
        put(&counts, 2, 1);
    if (write_at(fd, &head, HEADER) == 0 && write_at(fd, &table, REFCOUNT_TABLE * cluster) == 0 &&
        write_at(fd, &counts, REFCOUNT_BLOCK * cluster) == 0 &&
        ftruncate(fd, (off_t)(L1_TABLE * cluster + l1_entries(qcow2) * ENTRY)) == 0)
        return 0;
    error_set_errno(error, errno, "cannot write an image");
    return -1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* JSON objects into structs, one row per member. */
struct arena;
struct json_object;

enum qmp_field_type {
    QMP_FIELD_BOOL,
    QMP_FIELD_INT,      /* int64_t */
    QMP_FIELD_UINT,     /* uint64_t; negative numbers become 0 */
    QMP_FIELD_UNSIGNED, /* unsigned; of others than these numbers the nearest */
    QMP_FIELD_DOUBLE,   /* double, from any number */
    QMP_FIELD_STRING,   /* char * */
    QMP_FIELD_STRINGS,  /* char **, NULL at the end; never NULL itself */
    QMP_FIELD_WORDS,    /* same, from one string with spaces between */
    QMP_FIELD_PRESENT,  /* bool: the member exists and is not null */
    QMP_FIELD_LIST      /* a pointer to structs of a shape, and their count (unsigned) */
};

struct qmp_shape;

struct qmp_field {
    const char *path; /* "inserted/image/virtual-size" */
    enum qmp_field_type type;
    size_t offset;
    bool required;                 /* else absent or null means zero or NULL */
    size_t count_offset;           /* LIST */
    const struct qmp_shape *shape; /* LIST */
};

struct qmp_shape {
    size_t size;
    const struct qmp_field *fields;
    unsigned field_count;
};

/* The rows of a shape: QMP_OPTIONAL(qmp_status, "running", BOOL, running) */
#define QMP_OPTIONAL(type, path, kind, member)                                                     \
    {                                                                                              \
        path, QMP_FIELD_##kind, offsetof(struct type, member)                                      \
    }
#define QMP_REQUIRED(type, path, kind, member)                                                     \
    {                                                                                              \
        path, QMP_FIELD_##kind, offsetof(struct type, member), true                                \
    }
#define QMP_LIST(type, path, items, count, item_shape)                                             \
    {                                                                                              \
        path, QMP_FIELD_LIST, offsetof(struct type, items), false, offsetof(struct type, count),   \
            item_shape                                                                             \
    }

#define QMP_SHAPE(type, rows)                                                                      \
    {                                                                                              \
        sizeof(type), rows, G_N_ELEMENTS(rows)                                                     \
    }

/* Fills the struct at ret, which is zeroed. Strings go to the arena; without one they are borrowed
 * from json, and the shape may have no STRINGS, WORDS and LIST. VIR_ERR_INTERNAL_ERROR names the
 * member that is missing or of the wrong type; what names the whole ("QEMU's event 'STOP'"). */
int qmp_decode_struct(const struct qmp_shape *shape, struct json_object *json, const char *what,
                      struct arena *arena, void *ret, GError **error);

/* Same for an array: *ret_items has *ret_count structs of the shape, in the arena. */
int qmp_decode_list(const struct qmp_shape *shape, struct json_object *json, const char *what,
                    struct arena *arena, void **ret_items, unsigned *ret_count, GError **error);

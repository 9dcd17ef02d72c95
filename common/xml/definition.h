/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cpuset.h"

/*
 * A definition is a parsed document: a root struct and all it points to, in one arena. It is
 * immutable once published (any number of threads may read it), and counted. To change one: copy,
 * modify the copy (allocating in definition->arena), publish the copy.
 *
 * The root struct of a document has `struct definition definition` as its first member; all other
 * structs are plain. What a document is made of is told by its table, see "xml/schema.h".
 *
 *     struct domain {
 *         struct definition definition;
 *         const char *name;
 *         uint8_t type;                            enum domain_type, stored small
 *         LIST_OF(struct domain_disk) disks;
 *         struct domain_cpu *cpu;                  NULL: absent, at a cost of 8 bytes
 *     };
 */
struct xml_schema;

struct definition {
    gint refs; /* atomic */
    const struct xml_schema *schema;
    struct arena arena;
};

/* A new empty root struct of schema->size bytes, all absent, with one reference. Never NULL. */
struct definition *definition_new(const struct xml_schema *schema);

/* One more reference; returns its argument. Any thread. */
struct definition *definition_ref(struct definition *definition);

/* One reference less; the last one overwrites and frees all. NULL is allowed. Any thread. */
void definition_unref(struct definition *definition);

/* A deep copy with one reference, in one block of exactly the size needed. Publish such a copy:
 * a definition just read or changed has slack in its arena. */
struct definition *definition_copy(const struct definition *definition);

/* The same for one that is never changed, of which there may be thousands: parts that many
 * definitions have alike are shared ("xml/share.h"). Change a definition_copy() of it. */
struct definition *definition_pack(const struct definition *definition);

/* The same from a root struct that is part of another document (<domain> inside <domstatus>). */
struct definition *definition_copy_part(const struct xml_schema *schema, const void *root);

/* Bytes of memory held, for tests and statistics. */
size_t definition_footprint(const struct definition *definition);

static inline void definition_auto_unref(void *variable)
{
    definition_unref(*(struct definition **)variable);
}

/* DEFINITION_AUTO struct domain *domain = ...; drops the reference at the end of the scope. Works
 * for `struct definition *` and for every root struct. Hand over with g_steal_pointer(). */
#define DEFINITION_AUTO __attribute__((cleanup(definition_auto_unref)))

/* ---- What members are made of ---- */

/* Numbers for which 0 means something other than "absent". */
struct opt_uint {
    unsigned value;
    bool set;
};

struct opt_int {
    int value;
    bool set;
};

struct opt_ulong {
    uint64_t value;
    bool set;
};

/* Of nothing but zeros is a uuid as well, when somebody gave it. Others need not be .set. */
struct opt_uuid {
    uint8_t bytes[16];
    bool set;
};

#define OPT_UINT(number) ((struct opt_uint){.value = (number), .set = true})
#define OPT_INT(number) ((struct opt_int){.value = (number), .set = true})
#define OPT_ULONG(number) ((struct opt_ulong){.value = (number), .set = true})

/* yes/no or on/off, stored in a uint8_t. */
enum tristate { TRISTATE_ABSENT, TRISTATE_YES, TRISTATE_NO, TRISTATE_ON = 1, TRISTATE_OFF = 2 };

static inline uint8_t tristate_of(bool value)
{
    return value ? TRISTATE_YES : TRISTATE_NO;
}

/* A list of pointers: LIST_OF(struct domain_disk) disks; LIST_OF(const char) arguments; */
#define LIST_OF(T)                                                                                 \
    struct {                                                                                       \
        T **items;                                                                                 \
        unsigned count;                                                                            \
    }

/* LIST_EACH(disk, &domain->disks) use(disk);  disk is declared by the loop; `disk_i` is its index
 */
#define LIST_EACH(item, list)                                                                      \
    for (unsigned item##_i = 0; item##_i < (list)->count; item##_i = (list)->count)                \
        for (__typeof__(*(list)->items) item;                                                      \
             item##_i < (list)->count && ((item = (list)->items[item##_i]), true); item##_i++)

/* Adds at the end, or at a position; takes away the one at a position (others keep their order). */
#define LIST_APPEND(arena, list, item)                                                             \
    ((void)sizeof((list)->items[0] = (item)),                                                      \
     list_insert((arena), (void ***)&(list)->items, &(list)->count, (list)->count, (item)))
#define LIST_INSERT(arena, list, position, item)                                                   \
    ((void)sizeof((list)->items[0] = (item)),                                                      \
     list_insert((arena), (void ***)&(list)->items, &(list)->count, (position), (item)))
#define LIST_REMOVE(list, position) list_remove((void **)(list)->items, &(list)->count, (position))

/* What LIST_APPEND and friends call. */
void list_insert(struct arena *arena, void ***items, unsigned *count, unsigned position,
                 const void *item);
void list_remove(void **items, unsigned *count, unsigned position);

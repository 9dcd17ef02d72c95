/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/arena.h"
#include "model/storage-volume.h"

/* A volume group of LVM and the logical volumes that can be used, as vgs reports them. All pure. */

struct logical_volume {
    const char *name, *uuid, *path;
    const char *origin; /* of a snapshot: its name; NULL: none that can be seen */
    uint64_t size;      /* bytes that it takes of the group, of a thin one: that it shows */
    uint64_t allocated; /* bytes that it takes of the group, or of its thin pool */
    bool sparse;        /* snapshots, thin ones, those with room for a part of their size */
    bool thin;
    bool active; /* the kernel has it */
    bool part;   /* under construction, by a daemon that is perhaps gone */
    LIST_OF(struct storage_volume_device) devices;
};

struct volume_group {
    struct arena arena; /* has all that follows */
    uint64_t size, free, extent;
    LIST_OF(struct logical_volume) volumes;
};

/* The tag of volumes under construction. */
#define VOLUME_GROUP_PART "modvirt.part"

/* What vgs is to report (-o), in bytes without a unit. */
extern const char volume_group_fields[];

/* Of that report. *ret_group is the caller's. A group without volumes is not in it: then size is 0,
 * and the report of volume_group_sizes tells. VIR_ERR_INTERNAL_ERROR. */
int volume_group_read(const char *text, struct volume_group **ret_group, GError **error);
extern const char volume_group_sizes[];
void volume_group_free(struct volume_group *group);
static inline void volume_group_free_at(struct volume_group **group)
{
    volume_group_free(*group);
}
#define VOLUME_GROUP_AUTO __attribute__((cleanup(volume_group_free_at)))

/* Borrowed, or NULL. */
const struct logical_volume *volume_group_find(const struct volume_group *group, const char *name);

/* Groups and what they are on, of `pvs -o pv_name,vg_name`: for backend.find_sources. */
int volume_group_read_sources(const char *text, struct storage_sources **ret_sources,
                              GError **error);

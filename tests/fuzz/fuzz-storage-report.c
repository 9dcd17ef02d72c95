/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tools report of storage: of a disk, of a volume group. The first byte chooses the reader. */
#include <glib.h>

#include "fuzz.h"
#include "virtstoraged/partition-table.h"
#include "virtstoraged/volume-group.h"
#include "virtstoraged/zfs-list.h"

static void read_disk(const char *text)
{
    PARTITION_TABLE_AUTO struct partition_table *table = NULL;
    struct partition plan;

    if (partition_table_read(text, &table, NULL) < 0)
        return;
    for (uint64_t capacity = 1; capacity <= UINT64_MAX / 4096; capacity *= 4096)
        if (partition_table_plan(table, capacity == 1, capacity, &plan, NULL) == 0)
            g_assert(plan.number && plan.end > plan.start && plan.end - plan.start >= capacity);
}

static void read_zfs(const char *text)
{
    struct zfs_sizes sizes;

    zfs_list_read_sizes(text, &sizes, NULL);
    g_ptr_array_unref(zfs_list_read_volumes(text, "tank"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VOLUME_GROUP_AUTO struct volume_group *group = NULL;
    DEFINITION_AUTO struct storage_sources *sources = NULL;

    if (size < 1)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    if (data[0] == 'd')
        read_disk(text);
    else if (data[0] == 'v')
        volume_group_read(text, &group, NULL);
    else if (data[0] == 'z')
        read_zfs(text);
    else
        volume_group_read_sources(text, &sources, NULL);
    return 0;
}

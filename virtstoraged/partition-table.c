/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "partition-table.h"

#include <json-c/json.h>
#include <string.h>

#include "base/error.h"
#include "base/units.h"

#include "report.h"

#define PARTITIONS_MOST 1024
#define PRIMARY_MOST 4
#define ALIGNMENT UNIT_MIB
#define SUN_WHOLE_DISK 3 /* a number that is the whole disk by custom */

/* ---- reading ---- */

const char *partition_table_word(unsigned format)
{
    static const char *const words[] = {
        [STORAGE_DISK_UNKNOWN] = "msdos", [STORAGE_DISK_DOS] = "msdos", [STORAGE_DISK_DVH] = "dvh",
        [STORAGE_DISK_GPT] = "gpt",       [STORAGE_DISK_MAC] = "mac",   [STORAGE_DISK_BSD] = "bsd",
        [STORAGE_DISK_PC98] = "pc98",     [STORAGE_DISK_SUN] = "sun",
    };

    return format < G_N_ELEMENTS(words) ? words[format] : NULL;
}

static unsigned find_format(const char *word)
{
    for (unsigned format = STORAGE_DISK_DOS; partition_table_word(format); format++)
        if (strcmp(partition_table_word(format), word) == 0)
            return format;
    return STORAGE_DISK_NONE;
}

static enum partition_kind kind_of(const struct partition_table *table, const char *word)
{
    if (strcmp(word, "free") == 0)
        return PARTITION_FREE;
    if (table->format != STORAGE_DISK_DOS)
        return PARTITION_NORMAL;
    if (strcmp(word, "extended") == 0)
        return PARTITION_EXTENDED;
    return strcmp(word, "logical") == 0 ? PARTITION_LOGICAL : PARTITION_NORMAL;
}

static void read_partition(struct partition_table *table, struct json_object *json)
{
    const char *word = report_string(json, "type");
    struct partition partition = {
        .number = (unsigned)MIN(report_number(json, "number"), G_MAXUINT16),
        .kind = kind_of(table, word),
        .start = report_number(json, "start"),
        .end = report_number(json, "end") + 1, /* parted's is the last byte */
    };

    if (partition.end <= partition.start)
        return;
    if (partition.kind == PARTITION_FREE)
        partition.number = 0;
    g_array_append_val(table->partitions, partition);
}

/* What begins in another one is within it. */
static void mark_within(struct partition_table *table)
{
    uint64_t end = 0;

    for (guint i = 0; i < table->partitions->len; i++) {
        struct partition *one = &g_array_index(table->partitions, struct partition, i);

        one->within = one->start < end;
        if (!one->within && one->number)
            end = one->end;
    }
}

int partition_table_read(const char *text, struct partition_table **ret_table, GError **error)
{
    struct json_object *json REPORT_AUTO = NULL;

    if (report_read("parted", text, &json, error) < 0)
        return -1;
    struct json_object *disk = report_object(json, "disk");
    struct json_object *list = report_array(disk, "partitions");
    size_t count = list ? json_object_array_length(list) : 0;
    if (!disk || count > PARTITIONS_MOST) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "the report of parted is not one of a disk");
        return -1;
    }
    struct partition_table *table = g_new0(struct partition_table, 1);
    table->format = find_format(report_string(disk, "label"));
    table->sector = (unsigned)MIN(report_number(disk, "logical-sector-size"), UNIT_MIB);
    table->most = (unsigned)MIN(report_number(disk, "max-partitions"), PARTITIONS_MOST);
    table->partitions = g_array_new(FALSE, FALSE, sizeof(struct partition));
    for (size_t i = 0; table->format && i < count; i++)
        read_partition(table, json_object_array_get_idx(list, i));
    mark_within(table);
    *ret_table = table;
    return 0;
}

void partition_table_free(struct partition_table *table)
{
    if (!table)
        return;
    g_array_unref(table->partitions);
    g_free(table);
}

const struct partition *partition_table_find(const struct partition_table *table, unsigned number)
{
    for (guint i = 0; i < table->partitions->len; i++) {
        const struct partition *one = &g_array_index(table->partitions, struct partition, i);

        if (one->number == number && number)
            return one;
    }
    return NULL;
}

/* ---- planning ---- */

static bool has_extended(const struct partition_table *table)
{
    for (guint i = 0; i < table->partitions->len; i++)
        if (g_array_index(table->partitions, struct partition, i).kind == PARTITION_EXTENDED)
            return true;
    return false;
}

/* The lowest number of the range that nobody has; 0: none is left. */
static unsigned find_number(const struct partition_table *table, unsigned first, unsigned last)
{
    for (unsigned number = first; number <= last; number++) {
        bool kept = table->format == STORAGE_DISK_SUN && number == SUN_WHOLE_DISK;

        if (!kept && !partition_table_find(table, number))
            return number;
    }
    return 0;
}

static int fail(const char *why, GError **error)
{
    error_set(error, VIR_ERR_INTERNAL_ERROR, "%s", why);
    return -1;
}

static int plan_number(const struct partition_table *table, bool extended,
                       struct partition *ret_plan, GError **error)
{
    bool dos = table->format == STORAGE_DISK_DOS;

    ret_plan->kind = extended ? PARTITION_EXTENDED : PARTITION_NORMAL;
    ret_plan->number = find_number(table, 1, dos ? PRIMARY_MOST : table->most);
    if (extended && !dos) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "extended partitions are of tables of format 'dos' alone");
        return -1;
    }
    if (extended && has_extended(table))
        return fail("extended partition already exists", error);
    if (ret_plan->number)
        return 0;
    if (extended || !dos)
        return fail("no number is left for another partition", error);
    if (!has_extended(table))
        return fail("no extended partition found and no primary partition available", error);
    ret_plan->kind = PARTITION_LOGICAL;
    ret_plan->number = find_number(table, PRIMARY_MOST + 1, PARTITIONS_MOST);
    return 0;
}

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* A logical partition has a sector of its own before it. The end is a round one, unless the room
 * ends before. */
static bool fits(const struct partition_table *table, const struct partition *room,
                 uint64_t capacity, struct partition *plan)
{
    uint64_t unit = table->cylinder ?: ALIGNMENT;
    bool logical = plan->kind == PARTITION_LOGICAL;
    uint64_t start = round_up(room->start + (logical || table->cylinder ? 1 : 0), unit);
    uint64_t end = round_up(start + capacity, unit);
    uint64_t limit = table->cylinder ? room->end / unit * unit : room->end;

    if (room->kind != PARTITION_FREE || room->within != logical || start >= room->end ||
        capacity > room->end - start || start + capacity > limit)
        return false;
    plan->start = start;
    plan->end = MIN(end, limit);
    return true;
}

static uint64_t size_of(const struct partition *partition)
{
    return partition->end - partition->start;
}

int partition_table_plan(const struct partition_table *table, bool extended, uint64_t capacity,
                         struct partition *ret_plan, GError **error)
{
    const struct partition *best = NULL;
    struct partition plan = {0};

    if (plan_number(table, extended, &plan, error) < 0)
        return -1;
    for (guint i = 0; i < table->partitions->len; i++) {
        const struct partition *room = &g_array_index(table->partitions, struct partition, i);
        struct partition here = plan;

        if (!fits(table, room, capacity, &here) || (best && size_of(best) <= size_of(room)))
            continue;
        best = room;
        *ret_plan = here;
    }
    return best ? 0 : fail("no large enough free extent", error);
}

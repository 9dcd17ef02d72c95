/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volume-group.h"

#include <json-c/json.h>
#include <string.h>

#include "base/error.h"
#include "xml/xml.h"

#include "report.h"

#define ROWS_MOST 100000
#define RANGES_MOST 4096

const char volume_group_fields[] =
    "vg_size,vg_free,vg_extent_size,lv_name,lv_uuid,lv_path,lv_attr,lv_size,origin,pool_lv,"
    "seg_size,seg_le_ranges,data_percent,lv_tags";
const char volume_group_sizes[] = "vg_size,vg_free,vg_extent_size";

/* ---- rows of any report ---- */

/* {"report": [{"vg": [ROW, ...]}]} */
static int read_rows(const char *program, const char *kind, struct json_object *json,
                     struct json_object **ret_rows, GError **error)
{
    struct json_object *report = report_array(json, "report");
    struct json_object *first =
        report && json_object_array_length(report) ? json_object_array_get_idx(report, 0) : NULL;
    struct json_object *rows = report_array(first, kind);

    if (rows && json_object_array_length(rows) <= ROWS_MOST) {
        *ret_rows = rows;
        return 0;
    }
    error_set(error, VIR_ERR_INTERNAL_ERROR, "the report of %s has no '%s', or too much of it",
              program, kind);
    return -1;
}

/* ---- segments ---- */

/* "/dev/vdb:18-42", or "[tp_tdata]:0-24" of a volume that others are made of */
static void read_range(struct volume_group *group, struct logical_volume *volume, const char *range)
{
    const char *colon = strrchr(range, ':');
    char *end;
    guint64 first = colon ? g_ascii_strtoull(colon + 1, &end, 10) : 0;

    if (!colon || *end != '-' || colon == range)
        return;
    guint64 last = g_ascii_strtoull(end + 1, &end, 10);
    if (*end || last < first || last >= INT64_MAX / MAX(group->extent, 1))
        return;
    bool inner = *range == '[' && colon[-1] == ']';
    struct storage_volume_device *device = arena_new(&group->arena, struct storage_volume_device);
    struct storage_extent *extent = arena_new(&group->arena, struct storage_extent);
    device->path =
        arena_strndup(&group->arena, range + inner, (size_t)(colon - range) - (inner ? 2 : 0));
    *extent = (struct storage_extent){first * group->extent, (last + 1) * group->extent};
    LIST_APPEND(&group->arena, &device->extents, extent);
    LIST_APPEND(&group->arena, &volume->devices, device);
}

static void read_ranges(struct volume_group *group, struct logical_volume *volume, const char *text)
{
    g_auto(GStrv) ranges = g_strsplit_set(text, ", ", RANGES_MOST);

    for (char **range = ranges; *range; range++)
        if (volume->devices.count < RANGES_MOST)
            read_range(group, volume, *range);
}

/* ---- volumes ---- */

static bool has_tag(const char *tags, const char *wanted)
{
    g_auto(GStrv) words = g_strsplit(tags, ",", -1);

    return g_strv_contains((const char *const *)words, wanted);
}

/* Of a thin volume only what has been written is there. */
static uint64_t thin_allocation(struct json_object *row, uint64_t size)
{
    double percent = g_ascii_strtod(report_string(row, "data_percent"), NULL);

    return percent > 0 && percent <= 100 ? (uint64_t)((double)size / 100 * percent) : 0;
}

/* lv_attr: kind first ('s', 'S' snapshot, 'V' thin), 'a' for active fifth. */
static struct logical_volume *add_volume(struct volume_group *group, struct json_object *row)
{
    struct arena *arena = &group->arena;
    struct logical_volume *volume = arena_new(arena, struct logical_volume);
    const char *attributes = report_string(row, "lv_attr"), *origin = report_string(row, "origin");

    volume->name = arena_strdup(arena, report_string(row, "lv_name"));
    volume->uuid = arena_strdup(arena, report_string(row, "lv_uuid"));
    volume->path = arena_strdup(arena, report_string(row, "lv_path"));
    volume->origin = *origin && *origin != '[' ? arena_strdup(arena, origin) : NULL;
    volume->thin = *attributes == 'V';
    volume->sparse = volume->thin || *origin;
    volume->active = strlen(attributes) > 4 && attributes[4] == 'a';
    volume->part = has_tag(report_string(row, "lv_tags"), VOLUME_GROUP_PART);
    volume->size = report_number(row, "lv_size");
    volume->allocated = volume->thin ? thin_allocation(row, volume->size) : 0;
    LIST_APPEND(arena, &group->volumes, volume);
    return volume;
}

/* Parts of others are in brackets, pools of thin ones have no path. */
static bool is_usable(struct json_object *row)
{
    const char *name = report_string(row, "lv_name");

    return *name && *name != '[' && *report_string(row, "lv_path") &&
           *report_string(row, "lv_uuid");
}

/* One row a segment; those of one volume follow each other. */
static void read_row(struct volume_group *group, struct json_object *row)
{
    unsigned count = group->volumes.count;
    struct logical_volume *volume = count ? group->volumes.items[count - 1] : NULL;

    group->size = report_number(row, "vg_size");
    group->free = report_number(row, "vg_free");
    group->extent = report_number(row, "vg_extent_size");
    if (!is_usable(row))
        return;
    if (!volume || strcmp(volume->uuid, report_string(row, "lv_uuid")) != 0)
        volume = add_volume(group, row);
    if (!volume->thin)
        volume->allocated += report_number(row, "seg_size");
    read_ranges(group, volume, report_string(row, "seg_le_ranges"));
}

int volume_group_read(const char *text, struct volume_group **ret_group, GError **error)
{
    struct json_object *json REPORT_AUTO = NULL;
    struct json_object *rows;

    if (report_read("vgs", text, &json, error) < 0 ||
        read_rows("vgs", "vg", json, &rows, error) < 0)
        return -1;
    struct volume_group *group = g_new0(struct volume_group, 1);
    arena_init(&group->arena, 4096);
    for (size_t i = 0; i < json_object_array_length(rows); i++)
        read_row(group, json_object_array_get_idx(rows, i));
    *ret_group = group;
    return 0;
}

void volume_group_free(struct volume_group *group)
{
    if (!group)
        return;
    arena_clear(&group->arena);
    g_free(group);
}

const struct logical_volume *volume_group_find(const struct volume_group *group, const char *name)
{
    LIST_EACH (volume, &group->volumes)
        if (strcmp(volume->name, name) == 0)
            return volume;
    return NULL;
}

/* ---- sources ---- */

static struct storage_source *get_source(struct storage_sources *sources, const char *name)
{
    struct arena *arena = &sources->definition.arena;

    LIST_EACH (source, &sources->sources)
        if (strcmp(source->name, name) == 0)
            return source;
    struct storage_source *source = arena_new(arena, struct storage_source);
    source->name = arena_strdup(arena, name);
    source->format = "lvm2";
    LIST_APPEND(arena, &sources->sources, source);
    return source;
}

static void read_physical(struct storage_sources *sources, struct json_object *row)
{
    struct arena *arena = &sources->definition.arena;
    const char *name = report_string(row, "vg_name"), *path = report_string(row, "pv_name");

    if (!*name || !*path || *path == '[') /* of no group; a device that is missing */
        return;
    struct storage_device *device = arena_new(arena, struct storage_device);
    device->path = arena_strdup(arena, path);
    LIST_APPEND(arena, &get_source(sources, name)->devices, device);
}

int volume_group_read_sources(const char *text, struct storage_sources **ret_sources,
                              GError **error)
{
    struct json_object *json REPORT_AUTO = NULL;
    struct json_object *rows;

    if (report_read("pvs", text, &json, error) < 0 ||
        read_rows("pvs", "pv", json, &rows, error) < 0)
        return -1;
    struct storage_sources *sources =
        (struct storage_sources *)definition_new(&storage_sources_schema);
    for (size_t i = 0; i < json_object_array_length(rows); i++)
        read_physical(sources, json_object_array_get_idx(rows, i));
    *ret_sources = sources;
    return 0;
}

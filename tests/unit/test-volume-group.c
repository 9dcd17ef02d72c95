/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volume groups as LVM reports them. */
#include <string.h>

#include "base/error.h"
#include "base/units.h"
#include "virtstoraged/volume-group.h"

#define GROUP                                                                                      \
    "\"vg_size\":\"2139095040\",\"vg_free\":\"1887436800\",\"vg_extent_size\":\"4194304\","
#define LV(name, uuid, path, attr, size)                                                           \
    "{" GROUP "\"lv_name\":\"" name "\",\"lv_uuid\":\"" uuid "\",\"lv_path\":\"" path              \
    "\",\"lv_attr\":\"" attr "\",\"lv_size\":\"" size "\","
#define SEGMENT(origin, pool, size, ranges, percent, tags)                                         \
    "\"origin\":\"" origin "\",\"pool_lv\":\"" pool "\",\"seg_size\":\"" size                      \
    "\",\"seg_le_ranges\":\"" ranges "\",\"data_percent\":\"" percent "\",\"lv_tags\":\"" tags     \
    "\"}"

static const char some[] = "{\"report\": [{\"vg\": ["                         /* two segments */
    LV("a", "U-a", "/dev/vg/a", "owi-a-s---", "12582912")                     //
    SEGMENT("", "", "8388608", "/dev/vdb:0-1", "", "") ","                    //
    LV("a", "U-a", "/dev/vg/a", "owi-a-s---", "12582912")                     //
    SEGMENT("", "", "4194304", "/dev/vdc:7-7", "", "x,modvirt.part,y") ","    /* a snapshot */
    LV("s", "U-s", "/dev/vg/s", "swi-a-s---", "8388608")                      //
    SEGMENT("a", "", "8388608", "/dev/vdb:9-10", "1.00", "") ","              /* sparse */
    LV("v", "U-v", "/dev/vg/v", "swi---s---", "4194304")                      //
    SEGMENT("[v_vorigin]", "", "4194304", "/dev/vdb:11-11", "0.00", "") ","   /* in parts */
    LV("[m_0]", "U-0", "", "iwi-aom---", "4194304")                           //
    SEGMENT("", "", "4194304", "/dev/vdb:12-12", "", "") ","                  /* of parts */
    LV("m", "U-m", "/dev/vg/m", "rwi-a-r---", "4194304")                      //
    SEGMENT("", "", "4194304", "[m_0]:0-0 [m_1]:0-0", "", "modvirt.part") "," /* a thin pool */
    LV("tp", "U-tp", "", "twi-aotz--", "104857600")                           //
    SEGMENT("", "", "104857600", "[tp_tdata]:0-24", "10.00", "") ","          /* in that */
    LV("t", "U-t", "/dev/vg/t", "Vwi-a-tz--", "209715200")                    //
    SEGMENT("", "tp", "209715200", "", "25.00", "") "]}]}";

static struct volume_group *get(const char *text)
{
    struct volume_group *group = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(volume_group_read(text, &group, &error), ==, 0);
    g_assert_no_error(error);
    return group;
}

static void test_volumes(void)
{
    VOLUME_GROUP_AUTO struct volume_group *group = get(some);

    g_assert_cmpuint(group->size, ==, 2139095040);
    g_assert_cmpuint(group->free, ==, 1887436800);
    g_assert_cmpuint(group->extent, ==, 4 * UNIT_MIB);
    g_assert_cmpuint(group->volumes.count, ==, 5);
    g_assert_null(volume_group_find(group, "tp"));
    const struct logical_volume *a = volume_group_find(group, "a");
    g_assert_cmpstr(a->uuid, ==, "U-a");
    g_assert_true(a->active && !a->sparse && !a->part && !a->origin);
    g_assert_cmpuint(a->allocated, ==, 12 * UNIT_MIB);
    const struct logical_volume *snapshot = volume_group_find(group, "s");
    g_assert_cmpstr(snapshot->origin, ==, "a");
    g_assert_true(snapshot->sparse && !snapshot->thin);
    const struct logical_volume *sparse = volume_group_find(group, "v");
    g_assert_true(sparse->sparse && !sparse->origin && !sparse->active);
    const struct logical_volume *thin = volume_group_find(group, "t");
    g_assert_true(thin->thin && thin->sparse && !thin->devices.count);
    g_assert_cmpuint(thin->allocated, ==, 50 * UNIT_MIB);
    g_assert_true(volume_group_find(group, "m")->part);
}

static void check_device(const struct logical_volume *volume, unsigned which, const char *path,
                         uint64_t start, uint64_t end)
{
    const struct storage_volume_device *device = volume->devices.items[which];

    g_assert_cmpstr(device->path, ==, path);
    g_assert_cmpuint(device->extents.items[0]->start, ==, start * UNIT_MIB);
    g_assert_cmpuint(device->extents.items[0]->end, ==, end * UNIT_MIB);
}

static void test_extents(void)
{
    VOLUME_GROUP_AUTO struct volume_group *group = get(some);

    check_device(volume_group_find(group, "a"), 0, "/dev/vdb", 0, 8);
    check_device(volume_group_find(group, "a"), 1, "/dev/vdc", 28, 32);
    check_device(volume_group_find(group, "m"), 0, "m_0", 0, 4);
    check_device(volume_group_find(group, "m"), 1, "m_1", 0, 4);
}

static void test_nonsense(void)
{
    static const char *const texts[] = {
        "", "[]", "{}", "{\"report\": []}", "{\"report\": [{}]}", "{\"report\": [{\"vg\": 1}]}"};
    struct volume_group *none;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(volume_group_read(texts[i], &none, &error), ==, -1);
        g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    }
    VOLUME_GROUP_AUTO struct volume_group *odd = get(
        "{\"report\": [{\"vg\": [1, {}, " /* ranges that are none */
        LV("a", "U", "/dev/vg/a", "-", "x")
            SEGMENT("", "", "-1", "[:0-1 /dev/x:9-1 /dev/x:1 :1-2 /dev/x:0-99999999999999999999",
                    "900", "") "]}]}");
    g_assert_cmpuint(odd->volumes.count, ==, 1);
    g_assert_false(odd->volumes.items[0]->active);
    g_assert_cmpuint(odd->volumes.items[0]->allocated, ==, 0);
}

static void test_sources(void)
{
    struct storage_sources *found;
    static const char text[] =
        "{\"report\": [{\"pv\": [{\"pv_name\":\"/dev/vdb\",\"vg_name\":\"a\"},"
        "{\"pv_name\":\"/dev/vdc\",\"vg_name\":\"\"},{\"pv_name\":\"/dev/vdd\",\"vg_name\":\"b\"},"
        "{\"pv_name\":\"[unknown]\",\"vg_name\":\"b\"},{\"pv_name\":\"/dev/vde\",\"vg_name\":\"a\"}"
        "]}]}";

    g_assert_cmpint(volume_group_read_sources(text, &found, NULL), ==, 0);
    DEFINITION_AUTO struct storage_sources *sources = found;
    g_assert_cmpuint(sources->sources.count, ==, 2);
    g_assert_cmpstr(sources->sources.items[0]->name, ==, "a");
    g_assert_cmpstr(sources->sources.items[0]->devices.items[1]->path, ==, "/dev/vde");
    g_assert_cmpuint(sources->sources.items[1]->devices.count, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/volume-group/volumes", test_volumes);
    g_test_add_func("/volume-group/extents", test_extents);
    g_test_add_func("/volume-group/nonsense", test_nonsense);
    g_test_add_func("/volume-group/sources", test_sources);
    return g_test_run();
}

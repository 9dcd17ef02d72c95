/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set of a pool's volumes: found, refreshed, at work. */
#include "base/error.h"
#include "virtstoraged/volumes.h"
#include "xml/xml.h"

static struct storage_volume *make(const char *name, unsigned format)
{
    struct storage_volume *volume = (struct storage_volume *)definition_new(&storage_volume_schema);

    volume->name = arena_strdup(&volume->definition.arena, name);
    storage_volume_place(volume, "/pool");
    volume->target.format = (uint8_t)format;
    return volume;
}

static struct volume_signature signature_of(unsigned inode, unsigned changed)
{
    return (struct volume_signature){.inode = inode, .changed = {.tv_sec = changed}};
}

static void find(struct volumes *volumes, const char *name, unsigned inode, unsigned format)
{
    struct volume_signature signature = signature_of(inode, 1);

    volumes_found(volumes, make(name, format), &signature);
}

static struct volumes *begin(void)
{
    DEFINITION_AUTO struct definition *pool =
        xml_read(&storage_pool_schema,
                 "<pool type='dir'><name>p</name><target><path>/pool</path></target></pool>", -1, 0,
                 NULL, NULL);

    g_assert_nonnull(pool);
    return volumes_new((struct storage_pool *)pool, "/pool", -1);
}

static void end(struct volumes *volumes)
{
    volumes_clear(volumes);
    g_assert_cmpint(volumes->references, ==, 1);
    volumes_unref(volumes);
}

static void test_find(void)
{
    struct volumes *volumes = begin();

    find(volumes, "b", 1, IMAGE_FORMAT_QCOW2);
    find(volumes, "a", 2, IMAGE_FORMAT_RAW);
    VOLUME_AUTO struct volume *by_name = volumes_get_by_name(volumes, "a");
    VOLUME_AUTO struct volume *by_path = volumes_get_by_path(volumes, "/pool/a");
    g_assert_true(by_name && by_name == by_path && volume_is_raw(by_name));
    g_assert_null(volumes_get_by_key(volumes, "a"));
    g_autoptr(GPtrArray) list = volumes_list(volumes);
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_true(list->pdata[0] == by_name);
    g_clear_pointer(&list, g_ptr_array_unref);
    g_clear_pointer(&by_name, volume_unref);
    g_clear_pointer(&by_path, volume_unref);
    end(volumes);
}

/* Made anew by others under the same name: it has another key. */
static void test_another_key(void)
{
    struct volumes *volumes = begin();
    struct volume_signature signature = signature_of(1, 1);
    struct storage_volume *again = make("a", IMAGE_FORMAT_RAW);

    find(volumes, "a", 1, IMAGE_FORMAT_RAW);
    again->key = "uuid";
    volumes_found(volumes, again, &signature);
    g_assert_cmpuint(volumes_count(volumes), ==, 1);
    VOLUME_AUTO struct volume *by_key = volumes_get_by_key(volumes, "uuid");
    VOLUME_AUTO struct volume *by_path = volumes_get_by_path(volumes, "/pool/a");
    g_assert_true(by_key && by_key == by_path);
    g_assert_null(volumes_get_by_key(volumes, "/pool/a"));
    g_clear_pointer(&by_key, volume_unref);
    g_clear_pointer(&by_path, volume_unref);
    end(volumes);
}

static void test_refresh(void)
{
    struct volumes *volumes = begin();
    struct volume_signature same = signature_of(1, 1), changed = signature_of(1, 2),
                            other = signature_of(9, 1);
    bool raw;

    find(volumes, "kept", 1, IMAGE_FORMAT_RAW);
    find(volumes, "gone", 2, IMAGE_FORMAT_RAW);
    find(volumes, "used", 3, IMAGE_FORMAT_RAW);
    VOLUME_AUTO struct volume *used = volumes_get_by_name(volumes, "used");
    g_assert_cmpint(volume_begin_use(used, false, NULL), ==, 0);
    volumes_begin_refresh(volumes);
    g_assert_true(volumes_see(volumes, "kept", &same, &raw));
    g_assert_false(volumes_see(volumes, "new", &same, &raw));
    find(volumes, "new", 4, IMAGE_FORMAT_QCOW2);
    volumes_end_refresh(volumes);
    g_assert_cmpuint(volumes_count(volumes), ==, 3);
    g_assert_null(volumes_get_by_name(volumes, "gone"));
    /* known to be raw as long as it is that file */
    g_assert_false(volumes_see(volumes, "kept", &changed, &raw));
    g_assert_true(raw);
    g_assert_false(volumes_see(volumes, "kept", &other, &raw));
    g_assert_false(raw);
    volume_end_use(used);
    g_clear_pointer(&used, volume_unref);
    end(volumes);
}

static void test_building(void)
{
    struct volumes *volumes = begin();
    DEFINITION_AUTO struct storage_volume *definition = make("v", IMAGE_FORMAT_RAW);
    struct volume_signature signature = signature_of(1, 1);
    VOLUME_AUTO struct volume *volume = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(volumes_begin_building(volumes, definition, &volume, NULL), ==, 0);
    g_assert_cmpint(volumes_begin_building(volumes, definition, &volume, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_STORAGE_VOL_EXIST));
    g_clear_error(&error);
    g_assert_cmpint(volume_begin_use(volume, false, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_INVALID));
    g_clear_error(&error);
    g_assert_cmpint(volumes_close(volumes, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
    volumes_begin_refresh(volumes);
    volumes_end_refresh(volumes);
    g_assert_cmpuint(volumes_count(volumes), ==, 1);
    volume_end_building(volume, make("v", IMAGE_FORMAT_RAW), &signature);
    g_assert_false(volume_is_building(volume));
    g_assert_cmpint(volumes_close(volumes, NULL), ==, 0);
    g_assert_cmpint(volume_begin_use(volume, false, NULL), ==, -1);
    g_clear_pointer(&volume, volume_unref);
    end(volumes);
}

static void test_failed_building(void)
{
    struct volumes *volumes = begin();
    DEFINITION_AUTO struct storage_volume *definition = make("v", IMAGE_FORMAT_RAW);
    VOLUME_AUTO struct volume *volume = NULL;

    g_assert_cmpint(volumes_begin_building(volumes, definition, &volume, NULL), ==, 0);
    volume_end_building(volume, NULL, NULL);
    g_assert_cmpuint(volumes_count(volumes), ==, 0);
    g_clear_pointer(&volume, volume_unref);
    end(volumes);
}

static void test_use(void)
{
    struct volumes *volumes = begin();
    g_autoptr(GError) error = NULL;

    find(volumes, "v", 1, IMAGE_FORMAT_RAW);
    VOLUME_AUTO struct volume *volume = volumes_get_by_name(volumes, "v");
    g_assert_cmpint(volume_begin_use(volume, false, NULL), ==, 0);
    g_assert_cmpint(volume_begin_use(volume, false, NULL), ==, 0);
    g_assert_cmpint(volume_begin_use(volume, true, NULL), ==, -1);
    volume_end_use(volume);
    volume_end_use(volume);
    g_assert_cmpint(volume_begin_use(volume, true, NULL), ==, 0);
    g_assert_cmpint(volume_begin_use(volume, false, NULL), ==, -1);
    volume_forget(volume);
    volume_end_use(volume);
    g_assert_cmpint(volume_begin_use(volume, false, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_NO_STORAGE_VOL));
    g_assert_cmpint(volumes_close(volumes, NULL), ==, 0);
    g_clear_pointer(&volume, volume_unref);
    end(volumes);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/volumes/find", test_find);
    g_test_add_func("/volumes/another-key", test_another_key);
    g_test_add_func("/volumes/refresh", test_refresh);
    g_test_add_func("/volumes/building", test_building);
    g_test_add_func("/volumes/failed-building", test_failed_building);
    g_test_add_func("/volumes/use", test_use);
    return g_test_run();
}

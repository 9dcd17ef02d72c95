/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>

#include "base/error.h"
#include "host/dmi.h"

static char *folder;

static void put(const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void take_away(const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);

    g_assert_cmpint(g_unlink(path), ==, 0);
}

static void test_values_in_order(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct dmi_value *values;
    unsigned count;

    put("chassis_vendor", "Box\n");
    put("bios_vendor", "  Acme Firmware \n");
    put("board_version", " \n"); /* what says nothing is left out */
    put("product_uuid", "1-2-3\n");
    g_assert_cmpint(dmi_read(folder, &arena, &values, &count, NULL), ==, 0);
    g_assert_cmpuint(count, ==, 3);
    g_assert_cmpint(values[0].block, ==, DMI_BIOS);
    g_assert_cmpstr(values[0].name, ==, "vendor");
    g_assert_cmpstr(values[0].text, ==, "Acme Firmware");
    g_assert_cmpint(values[1].block, ==, DMI_SYSTEM);
    g_assert_cmpstr(values[1].name, ==, "uuid");
    g_assert_cmpint(values[2].block, ==, DMI_CHASSIS);
    take_away("chassis_vendor");
    take_away("bios_vendor");
    take_away("board_version");
    take_away("product_uuid");
}

static void test_host_without(void)
{
    struct arena arena ARENA_AUTO = {0};
    g_autoptr(GError) error = NULL;
    struct dmi_value *values;
    unsigned count;

    g_assert_cmpint(dmi_read(folder, &arena, &values, &count, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_CONFIG_UNSUPPORTED));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("dmi-XXXXXX", NULL);
    g_test_add_func("/dmi/values in order", test_values_in_order);
    g_test_add_func("/dmi/a host without", test_host_without);
    int result = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return result;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What zpool and zfs tell. */
#include "base/error.h"
#include "virtstoraged/zfs-list.h"

static void test_sizes(void)
{
    g_autoptr(GError) error = NULL;
    struct zfs_sizes sizes;

    g_assert_cmpint(zfs_list_read_sizes("tank\tsize\t1065353216\t-\ntank\tfree\t1000000000\t-\n"
                                        "tank\tallocated\t65353216\t-\n",
                                        &sizes, &error),
                    ==, 0);
    g_assert_no_error(error);
    g_assert_cmpuint(sizes.size, ==, 1065353216);
    g_assert_cmpuint(sizes.free, ==, 1000000000);
    g_assert_cmpuint(sizes.allocated, ==, 65353216);
    g_assert_cmpint(zfs_list_read_sizes("tank\tsize\t1\t-\nfree\n", &sizes, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INTERNAL_ERROR));
}

static void test_volumes(void)
{
    g_autoptr(GPtrArray) volumes = zfs_list_read_volumes(
        "tank/a\t10485760\t10813440\ntank/b\t20971520\tnone\ntank/sub/c\t1\t1\ntank/\t1\t1\n"
        "tanker/d\t1\t1\ntank\t1\t1\ntank/e\n\ntank/f\t99999999999999999999\t-1\n",
        "tank");
    const struct zfs_volume *first = volumes->pdata[0], *second = volumes->pdata[1],
                            *odd = volumes->pdata[2];

    g_assert_cmpuint(volumes->len, ==, 3);
    g_assert_cmpstr(first->name, ==, "a");
    g_assert_cmpuint(first->reserved, ==, 10813440);
    g_assert_cmpstr(second->name, ==, "b");
    g_assert_true(second->capacity == 20971520 && !second->reserved);
    g_assert_true(!odd->capacity && !odd->reserved);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zfs-list/sizes", test_sizes);
    g_test_add_func("/zfs-list/volumes", test_volumes);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "virtstoraged/exports.h"

/* What tools of the storage daemon print. */

static void test_exports(void)
{
    g_autoptr(GPtrArray) folders = exports_read("/srv/a (everyone)\n/srv/b\t10.0.0.0/8,host\n"
                                                "no folder\n\n/srv/\033[m x\n/c");

    g_assert_cmpuint(folders->len, ==, 3);
    g_assert_cmpstr(folders->pdata[0], ==, "/srv/a");
    g_assert_cmpstr(folders->pdata[1], ==, "/srv/b");
    g_assert_cmpstr(folders->pdata[2], ==, "/c");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage-tools/exports", test_exports);
    return g_test_run();
}

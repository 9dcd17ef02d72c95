/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "host/scope.h"

static void test_machine_names(void)
{
    static const char *const cases[][2] = {
        {"qemu-1-one", "qemu-1-one"},
        {"qemu-1-a_b c", "qemu-1-abc"},
        {"qemu-1-..a..b.-c", "qemu-1-a.b.c"},
        {"qemu-1-a--b-", "qemu-1-a--b"},
        {"-.qemu.", "qemu"},
        {"\xc3\xa4", ""},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = scope_machine_name(cases[i][0]);
        g_assert_cmpstr(name, ==, cases[i][1]);
    }
    g_autofree char *many = g_strnfill(300, 'a');
    g_autofree char *cut = scope_machine_name(many);
    g_assert_cmpuint(strlen(cut), ==, 64);
}

static void test_scope_names(void)
{
    g_autofree char *name = scope_name("qemu-1-a.b");

    g_assert_cmpstr(name, ==, "machine-qemu\\x2d1\\x2da.b.scope");
}

static void test_slices(void)
{
    static const char *const cases[][2] = {
        {"/machine", "machine.slice"},
        {"/machine/production", "machine-production.slice"},
        {"/machine//a-b/.c:d_e", "machine-a\\x2db-\\x2ec:d_e.slice"},
        {"/", "-.slice"},
    };
    g_autoptr(GError) error = NULL;
    char *refused = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *slice = NULL;
        g_assert_cmpint(scope_slice(cases[i][0], &slice, NULL), ==, 0);
        g_assert_cmpstr(slice, ==, cases[i][1]);
    }
    g_assert_cmpint(scope_slice("machine", &refused, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_CONFIG_UNSUPPORTED));
    g_assert_null(refused);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scope/machine-names", test_machine_names);
    g_test_add_func("/scope/scope-names", test_scope_names);
    g_test_add_func("/scope/slices", test_slices);
    return g_test_run();
}

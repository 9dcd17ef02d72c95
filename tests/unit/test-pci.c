/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "host/pci.h"

#define NOWHERE "ffff:ff:1f.7"

static enum error_code code_of(const char *driver)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(pci_set_driver(NOWHERE, driver, &error), ==, -1);
    return error_code_of(error);
}

/* The name comes from clients, and goes to modprobe and into paths. */
static void test_names(void)
{
    static const char *const wrong[] = {"", "-r", "--config=/tmp/x", "../vfio-pci", "a b", "a\nb"};

    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_cmpint(code_of(wrong[i]), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(code_of("mlx5_vfio-pci"), ==, VIR_ERR_OPERATION_FAILED); /* no such device */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci/names", test_names);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/units.h"

#include <glib.h>

static void test_words(void)
{
    static const struct {
        const char *word;
        uint64_t bytes;
    } cases[] = {
        {"", 1},
        {"b", 1},
        {"bytes", 1},
        {"byte", 1},
        {"k", 1024},
        {"KiB", 1024},
        {"KB", 1000},
        {"kib", 1024},
        {"M", UNIT_MIB},
        {"MB", 1000000},
        {"GiB", UNIT_GIB},
        {"gb", 1000000000},
        {"E", 1ULL << 60},
        {"TiB", 1ULL << 40},
        {"PB", 1000000000000000},
        {"x", 0},
        {"KiBs", 0},
        {"Ki", 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(unit_find(cases[i].word), ==, cases[i].bytes);
}

static void test_convert(void)
{
    uint64_t value = 77;

    g_assert_cmpint(unit_convert(2, UNIT_MIB, UNIT_KIB, &value), ==, 0);
    g_assert_cmpuint(value, ==, 2048);
    g_assert_cmpint(unit_convert(1, UNIT_BYTES, UNIT_KIB, &value), ==, 0);
    g_assert_cmpuint(value, ==, 1);
    g_assert_cmpint(unit_convert(0, UNIT_GIB, UNIT_KIB, &value), ==, 0);
    g_assert_cmpuint(value, ==, 0);
    g_assert_cmpint(unit_convert(UINT64_MAX, UNIT_BYTES, UNIT_BYTES, &value), ==, 0);
    g_assert_cmpuint(value, ==, UINT64_MAX);
    g_assert_cmpint(unit_convert(1ULL << 54, UNIT_KIB, UNIT_KIB, &value), ==, -1);
    g_assert_cmpuint(value, ==, UINT64_MAX);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/units/words", test_words);
    g_test_add_func("/units/convert", test_convert);
    return g_test_run();
}

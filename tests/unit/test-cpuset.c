/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cpuset.h"

static char *canonical(const char *text)
{
    struct arena arena ARENA_AUTO = {0};
    struct cpuset *set = cpuset_parse(&arena, text);
    GString *out = g_string_new(NULL);

    if (!set)
        return g_string_free(out, TRUE), NULL;
    cpuset_format(set, out);
    return g_string_free(out, FALSE);
}

static void test_text(void)
{
    static const char *const cases[][2] = {
        {"0-3,^2,5", "0-1,3,5"},
        {"", ""},
        {"7", "7"},
        {" 1 - 4 , 6 ", "1-4,6"},
        {"5,4,3", "3-5"},
        {"0-255", "0-255"},
        {"60-70,^64", "60-63,65-70"},
        {"1,^1", ""},
        {"16383", "16383"},
        {"^3,3", "3"},
        {"x", NULL},
        {"1,", NULL},
        {",1", NULL},
        {"3-1", NULL},
        {"16384", NULL},
        {"99999999999999999999", NULL},
        {"1 2", NULL},
        {"^1-2", NULL},
        {"-1", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = canonical(cases[i][0]);

        g_assert_cmpstr(text, ==, cases[i][1]);
    }
}

static void test_members(void)
{
    struct arena arena ARENA_AUTO = {0};
    struct cpuset *set = cpuset_new(&arena, 100);

    g_assert_cmpint(cpuset_next(set, 0), ==, -1);
    cpuset_add(set, 0);
    cpuset_add(set, 64);
    cpuset_add(set, 99);
    g_assert_true(cpuset_has(set, 64));
    g_assert_false(cpuset_has(set, 65));
    g_assert_false(cpuset_has(set, 1000000));
    g_assert_cmpuint(cpuset_count(set), ==, 3);
    g_assert_cmpint(cpuset_next(set, 1), ==, 64);
    g_assert_cmpint(cpuset_next(set, 64), ==, 64);
    g_assert_cmpint(cpuset_next(set, 100), ==, -1);
    g_assert_true(cpuset_equal(set, cpuset_parse(&arena, "0,64,99")));
    g_assert_true(cpuset_equal(cpuset_parse(&arena, "0,200,^200"), cpuset_parse(&arena, "0")));
    g_assert_false(cpuset_equal(set, cpuset_parse(&arena, "0,64,200")));
}

static void test_map(void)
{
    struct arena arena ARENA_AUTO = {0};
    uint8_t map[3] = {0x01, 0x80, 0xff}, back[3] = {9, 9, 9}, shorter[1];
    struct cpuset *set = cpuset_from_map(&arena, map, sizeof(map));

    g_assert_cmpuint(cpuset_count(set), ==, 10);
    g_assert_true(cpuset_has(set, 15));
    cpuset_to_map(set, back, sizeof(back));
    g_assert_cmpmem(back, sizeof(back), map, sizeof(map));
    cpuset_to_map(set, shorter, sizeof(shorter));
    g_assert_cmpint(shorter[0], ==, 1);
    g_assert_cmpuint(cpuset_size(set), ==, sizeof(*set) + 8);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpuset/text", test_text);
    g_test_add_func("/cpuset/members", test_members);
    g_test_add_func("/cpuset/map", test_map);
    return g_test_run();
}

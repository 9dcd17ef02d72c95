/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/uuid.h"

#include <string.h>

static void test_spellings(void)
{
    static const char *const good[] = {
        "c7a5fdbd-cdaf-9455-926a-d65c16db1809",
        "C7A5FDBDCDAF9455926AD65C16DB1809",
        " c7a5fdbd-cdaf-9455-926a-d65c16db1809\n",
        "c7a5fdbdcdaf9455--926ad65c16db1809",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        uint8_t uuid[UUID_BYTES];
        char text[UUID_TEXT];

        g_assert_cmpint(uuid_parse(good[i], uuid), ==, 0);
        g_assert_cmpstr(uuid_format(uuid, text), ==, "c7a5fdbd-cdaf-9455-926a-d65c16db1809");
    }
}

static void test_refused(void)
{
    static const char *const bad[] = {
        "",
        "c7a5fdbd",
        "c7a5fdbd-cdaf-9455-926a-d65c16db180",
        "-c7a5fdbdcdaf9455926ad65c16db1809",
        "c7a5fdbd-cdaf-9455-926a-d65c16db180g",
        "c7a5fdbd-cdaf-9455-926a-d65c16db1809a",
        "c7a5fdbd-cdaf-9455-926a-d65c16db1809-",
    };
    uint8_t uuid[UUID_BYTES] = {42};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpint(uuid_parse(bad[i], uuid), ==, -1);
    g_assert_cmpint(uuid[0], ==, 42);
}

static void test_generate(void)
{
    uint8_t a[UUID_BYTES], b[UUID_BYTES];

    g_assert_cmpint(uuid_generate(a), ==, 0);
    g_assert_cmpint(uuid_generate(b), ==, 0);
    g_assert_cmpint(memcmp(a, b, UUID_BYTES), !=, 0);
    g_assert_cmpint(a[6] >> 4, ==, 4);
    g_assert_cmpint(a[8] >> 6, ==, 2);
    g_assert_true(uuid_is_valid(a));
    memset(a, 0xff, sizeof(a));
    g_assert_false(uuid_is_valid(a));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/uuid/spellings", test_spellings);
    g_test_add_func("/uuid/refused", test_refused);
    g_test_add_func("/uuid/generate", test_generate);
    return g_test_run();
}

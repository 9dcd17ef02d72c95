/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/mac.h"

static void test_parse(void)
{
    uint8_t mac[MAC_BYTES];
    char text[MAC_TEXT];

    g_assert_cmpint(mac_parse("52:54:00:4E:7d:8e", mac), ==, 0);
    g_assert_cmpstr(mac_format(mac, text), ==, "52:54:00:4e:7d:8e");
    g_assert_cmpint(mac_parse("2:4:0:e:d:8", mac), ==, 0);
    g_assert_cmpstr(mac_format(mac, text), ==, "02:04:00:0e:0d:08");
}

static void test_refused(void)
{
    static const char *const bad[] = {
        "",
        "52:54:00:4e:7d",
        "52:54:00:4e:7d:8e:99",
        "52-54-00-4e-7d-8e",
        "52:54:00:4e:7d:8e ",
        "52:54:00:4e:7d:8ef",
        "52::00:4e:7d:8e",
        "5g:54:00:4e:7d:8e",
    };
    uint8_t mac[MAC_BYTES] = {42};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpint(mac_parse(bad[i], mac), ==, -1);
    g_assert_cmpint(mac[0], ==, 42);
}

static void test_generate(void)
{
    uint8_t mac[MAC_BYTES];

    g_assert_cmpint(mac_generate((const uint8_t[]){0x52, 0x54, 0x00}, mac), ==, 0);
    g_assert_cmpint(mac[0], ==, 0x52);
    g_assert_cmpint(mac[1], ==, 0x54);
    g_assert_false(mac_is_multicast(mac));
    g_assert_true(mac_is_multicast((const uint8_t[]){0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mac/parse", test_parse);
    g_test_add_func("/mac/refused", test_refused);
    g_test_add_func("/mac/generate", test_generate);
    return g_test_run();
}

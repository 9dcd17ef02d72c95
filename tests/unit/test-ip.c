/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "base/ip.h"

static struct ip_address ip(const char *text)
{
    struct ip_address address;

    g_assert_cmpint(ip_parse(text, &address), ==, 0);
    return address;
}

static void test_text(void)
{
    static const char *const wrong[] = {"",         "1.2.3",      "1.2.3.256", "x",
                                        "::1%eth0", "1.2.3.4/24", " 1.2.3.4",  "g::1"};
    struct ip_address address = {0};
    char text[IP_TEXT];

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_cmpint(ip_parse(wrong[i], &address), ==, -1);
    g_assert_cmpstr(ip_format(&address, text), ==, "");
    address = ip("2001:DB8:0:0::0001");
    g_assert_cmpstr(ip_format(&address, text), ==, "2001:db8::1");
}

static void check_mask(const char *mask, int prefix)
{
    struct ip_address address = ip(mask);

    g_assert_cmpint(ip_mask_prefix(&address), ==, prefix);
}

static void test_masks(void)
{
    check_mask("0.0.0.0", 0);
    check_mask("255.255.255.0", 24);
    check_mask("255.255.240.0", 20);
    check_mask("255.255.255.255", 32);
    check_mask("255.0.255.0", -1);
}

static void check_ends(const char *text, unsigned prefix, const char *first, const char *last)
{
    struct ip_address address = ip(text);
    struct ip_address lowest = ip_first(&address, prefix), highest = ip_last(&address, prefix);
    char one[IP_TEXT], two[IP_TEXT];

    g_assert_cmpstr(ip_format(&lowest, one), ==, first);
    g_assert_cmpstr(ip_format(&highest, two), ==, last);
}

static void test_networks(void)
{
    struct ip_address a = ip("10.1.2.3"), b = ip("10.1.255.1"), c = ip("fd00::1");

    check_ends("192.168.122.17", 24, "192.168.122.0", "192.168.122.255");
    check_ends("192.168.122.17", 30, "192.168.122.16", "192.168.122.19");
    check_ends("2001:db8:1:2::3", 60, "2001:db8:1::", "2001:db8:1:f:ffff:ffff:ffff:ffff");
    g_assert_true(ip_is_within(&a, &b, 16));
    g_assert_false(ip_is_within(&a, &b, 17));
    g_assert_false(ip_is_within(&a, &c, 0));
    g_assert_true(ip_networks_overlap(&a, 24, &b, 8));
    g_assert_false(ip_networks_overlap(&a, 24, &b, 24));
}

static void test_counts(void)
{
    struct ip_address a = ip("10.0.0.250"), b = ip("10.0.1.5"), c = ip("::"), d = ip("ffff::");

    g_assert_cmpuint(ip_count(&a, &b), ==, 12);
    g_assert_cmpuint(ip_count(&a, &a), ==, 1);
    g_assert_cmpuint(ip_count(&b, &a), ==, 0);
    g_assert_cmpuint(ip_count(&a, &c), ==, 0);
    g_assert_cmpuint(ip_count(&c, &d), ==, G_MAXUINT64);
    a = ip("192.168.0.1"), b = ip("10.0.0.1");
    g_assert_cmpuint(ip_default_prefix(&a), ==, 24);
    g_assert_cmpuint(ip_default_prefix(&b), ==, 8);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text", test_text);
    g_test_add_func("/masks", test_masks);
    g_test_add_func("/networks", test_networks);
    g_test_add_func("/counts", test_counts);
    return g_test_run();
}

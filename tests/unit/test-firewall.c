/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "host/firewall.h"
#include "host/netlink.h"

/* Links and rules in a network namespace of this process's own. */

static struct ip_address ip(const char *text)
{
    struct ip_address address;

    g_assert_cmpint(ip_parse(text, &address), ==, 0);
    return address;
}

static char *list(const char *what)
{
    g_autoptr(GError) error = NULL;
    char *text;

    g_assert_cmpint(firewall_list(what, &text, &error), ==, 0);
    g_assert_no_error(error);
    return text;
}

static void apply(void (*write)(const struct firewall_network *network, GString *out),
                  const struct firewall_network *network)
{
    g_autoptr(GString) orders = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    write(network, orders);
    if (firewall_apply(orders->str, &error) < 0)
        g_test_message("%s\n%s", error->message, orders->str);
    g_assert_no_error(error);
}

static struct firewall_subnet nat_subnets[] = {{.prefix = 24, .kind = FIREWALL_NAT},
                                               {.prefix = 64, .kind = FIREWALL_ROUTE}};
static struct firewall_forward nat_forwards[] = {
    {.proto = "tcp", .dev = "eth0", .start = 8080, .end = 8081, .to = 80},
    {.proto = "udp", .start = 9000, .end = 9010, .to = 9000},
};
static struct firewall_subnet plain_subnets[] = {{.prefix = 24, .kind = FIREWALL_NAT}};

static struct firewall_network nat = {.bridge = "virbr0",
                                      .dev = "eth0",
                                      .subnets = nat_subnets,
                                      .subnet_count = 2,
                                      .forwards = nat_forwards,
                                      .forward_count = 2};
static struct firewall_network plain = {.bridge = "br-other.1",
                                        .subnets = plain_subnets,
                                        .subnet_count = 1,
                                        .port_start = 2000,
                                        .port_end = 3000};

static void set_up(void)
{
    nat_subnets[0].address = ip("192.168.122.1");
    nat_subnets[1].address = ip("fd00:1::1");
    nat_forwards[0].guest = ip("192.168.122.5");
    nat_forwards[0].address = ip("203.0.113.7");
    nat_forwards[1].guest = ip("192.168.122.6");
    plain_subnets[0].address = ip("10.9.0.1");
    plain.nat_start = ip("198.51.100.1");
    plain.nat_end = ip("198.51.100.9");
}

/* The same twice is the same; what is taken away leaves the others as they were. */
static void test_rules(void)
{
    apply(firewall_write_add, &plain);
    g_autofree char *before = list("ruleset");
    apply(firewall_write_add, &nat);
    g_autofree char *both = list("ruleset");
    apply(firewall_write_add, &nat);
    apply(firewall_write_add, &plain);
    g_autofree char *again = list("ruleset");
    g_assert_cmpstr(both, ==, again);
    g_assert_nonnull(strstr(both, "snat to 198.51.100.1-198.51.100.9:2000-3000"));
    g_assert_nonnull(strstr(both, "masquerade to :1024-65535"));
    g_assert_nonnull(strstr(both, "tcp dport map { 8080 : 80, 8081 : 81 }"));
    g_assert_nonnull(strstr(both, "udp dport 9000-9010 dnat to 192.168.122.6"));
    apply(firewall_write_remove, &nat);
    g_autofree char *after = list("ruleset");
    g_assert_cmpstr(before, ==, after);
}

static void test_all(void)
{
    const struct firewall_network *networks[] = {&nat, &plain};
    g_autoptr(GString) orders = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    apply(firewall_write_add, &plain);
    firewall_write_all(networks, 2, orders);
    firewall_apply(orders->str, &error);
    g_assert_no_error(error);
    g_autofree char *text = list("ruleset");
    g_assert_nonnull(strstr(text, "jump to-virbr0"));
    g_string_truncate(orders, 0);
    firewall_write_all(NULL, 0, orders);
    firewall_apply(orders->str, &error);
    g_assert_no_error(error);
    g_autofree char *empty = list("ruleset");
    g_assert_cmpstr(empty, ==, "");
}

static void test_all_or_nothing(void)
{
    g_autoptr(GString) orders = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    firewall_write_add(&nat, orders);
    g_string_append(orders, "add rule ip " FIREWALL_TABLE " nowhere accept\n");
    g_assert_cmpint(firewall_apply(orders->str, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_OPERATION_FAILED));
    g_autofree char *text = list("ruleset");
    g_assert_null(strstr(text, "virbr0"));
}

static void test_links(void)
{
    struct netlink_bridge bridge = {.name = "virbr0",
                                    .mac = {0x52, 0x54, 0, 1, 2, 3},
                                    .mtu = 1400,
                                    .stp = true,
                                    .delay_seconds = 2};
    const struct netlink_route route = {
        .network = ip("10.7.0.0"), .prefix = 16, .gateway = ip("192.168.122.9"), .dev = "virbr0"};
    struct ip_address address = ip("192.168.122.1"), ipv6 = ip("fd00:1::1");
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) routes = NULL;
    g_autoptr(GArray) links = NULL;
    struct netlink_link link;

    g_assert_false(netlink_bridge_exists("virbr0"));
    g_assert_cmpint(netlink_bridge_create(&bridge, &error), ==, 0);
    g_assert_cmpint(netlink_bridge_create(&bridge, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, "'virbr0' already"));
    g_clear_error(&error);
    g_assert_true(netlink_bridge_exists("virbr0"));
    g_assert_true(netlink_get_link("virbr0", &link));
    g_assert_cmpmem(link.mac, 6, bridge.mac, 6);
    g_assert_false(link.up);
    g_assert_cmpint(netlink_add_address("virbr0", &address, 24, NULL, &error), ==, 0);
    g_assert_cmpint(netlink_add_address("virbr0", &address, 24, NULL, &error), ==, 0);
    g_assert_cmpint(netlink_add_address("virbr0", &ipv6, 64, NULL, &error), ==, 0);
    g_assert_cmpint(netlink_set_up("virbr0", true, &error), ==, 0);
    g_assert_cmpint(netlink_add_route(&route, &error), ==, 0);
    g_assert_no_error(error);
    g_assert_cmpint(netlink_list_routes(&routes, &error), ==, 0);
    g_assert_cmpuint(routes->len, >=, 2);
    g_assert_cmpint(netlink_list_links(&links, &error), ==, 0);
    g_assert_cmpuint(links->len, ==, 2); /* lo */
    link = g_array_index(links, struct netlink_link, 1);
    g_assert_cmpstr(link.name, ==, "virbr0");
    g_assert_true(link.up && link.is_bridge && !link.master);
    g_assert_cmpint(netlink_delete("virbr0", &error), ==, 0);
    g_assert_cmpint(netlink_delete("virbr0", &error), ==, 0);
    g_assert_cmpint(netlink_set_up("virbr0", true, &error), ==, -1);
}

static void write_map(const char *path, unsigned id)
{
    g_autofree char *text = g_strdup_printf("0 %u 1", id);
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint(write(fd, text, strlen(text)), >, 0);
    close(fd);
}

static bool enter_namespace(void)
{
    unsigned uid = getuid();

    if (unshare(uid == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    if (uid != 0)
        write_map("/proc/self/uid_map", uid);
    return true;
}

static void test_skipped(void)
{
    g_test_skip("no network namespace of one's own here");
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    g_test_init(&argc, &argv, NULL);
    set_up();
    if (!enter_namespace() || firewall_apply("list tables", &error) < 0) {
        g_test_add_func("/skipped", test_skipped);
        return g_test_run();
    }
    g_test_add_func("/links", test_links);
    g_test_add_func("/rules", test_rules);
    g_test_add_func("/all", test_all);
    g_test_add_func("/all-or-nothing", test_all_or_nothing);
    return g_test_run();
}

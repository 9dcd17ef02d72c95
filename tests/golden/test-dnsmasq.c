/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "cases.h"
#include "virtnetworkd/dnsmasq-config.h"
#include "xml/xml.h"

/*
 * What dnsmasq is told of networks: our own (network/NAME.xml, NAME.conf, NAME.hosts,
 * NAME.addnhosts beside this file), and what the incumbent told it of those of others.
 */
struct golden {
    const char *folder;
    const char *name;
};

static struct network *read_network(const struct golden *golden)
{
    g_autofree char *text = cases_read(golden->folder, golden->name, ".xml");
    g_autoptr(GError) error = NULL;
    struct network *network =
        (struct network *)xml_read(&network_schema, text, -1, XML_READ_INACTIVE, NULL, &error);

    g_assert_no_error(error);
    if (!network->bridge)
        network->bridge = "virbr0";
    return network;
}

static char *write_config(const struct golden *golden, const struct network *network)
{
    g_autofree char *pid = g_strdup_printf("/run/libvirt/network/%s.pid", network->name);
    g_autofree char *hosts =
        g_strdup_printf("/var/lib/libvirt/dnsmasq/%s.hostsfile", network->name);
    g_autofree char *names =
        g_strdup_printf("/var/lib/libvirt/dnsmasq/%s.addnhosts", network->name);
    const struct dnsmasq_paths paths = {pid, hosts, names};

    return dnsmasq_write_config(network, &paths);
}

static char *without_line(const char *text, const char *start)
{
    GString *out = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++)
        if (!g_str_has_prefix(*line, start))
            g_string_append_printf(out, "%s%s", *line, line[1] ? "\n" : "");
    return g_string_free(out, FALSE);
}

static void compare(const struct golden *golden, const char *expected, const char *actual)
{
    g_autofree char *difference = cases_compare(expected, actual);

    if (!difference)
        return;
    g_test_message("%s: %s\n%s", golden->name, difference, actual);
    g_test_fail();
}

static void compare_file(const struct golden *golden, const char *suffix, const char *actual)
{
    g_autofree char *path = g_strdup_printf("%s/%s%s", golden->folder, golden->name, suffix);
    g_autofree char *expected = NULL;

    if (g_file_get_contents(path, &expected, NULL, NULL))
        compare(golden, expected, actual);
}

static void test_config(gconstpointer data)
{
    const struct golden *golden = data;
    DEFINITION_AUTO struct network *network = read_network(golden);
    g_autofree char *config = write_config(golden, network);
    g_autofree char *hosts = dnsmasq_write_hosts(network);
    g_autofree char *names = dnsmasq_write_addn_hosts(network);

    g_assert_true(dnsmasq_is_needed(network));
    compare_file(golden, ".conf", config);
    compare_file(golden, ".hostsfile", hosts);
    compare_file(golden, ".addnhosts", names);
}

/* Those of a newer version, whose test had no pid file. */
static void test_newer(gconstpointer data)
{
    const struct golden *golden = data;
    DEFINITION_AUTO struct network *network = read_network(golden);
    g_autofree char *config = write_config(golden, network);
    g_autofree char *bare = without_line(config, "pid-file=");

    compare_file(golden, ".conf", bare);
}

static void test_not_needed(void)
{
    static const char text[] = "<network><name>n</name><bridge name='b'/></network>";
    DEFINITION_AUTO struct network *network =
        (struct network *)xml_read(&network_schema, text, -1, XML_READ_INACTIVE, NULL, NULL);

    g_assert_false(dnsmasq_is_needed(network));
}

static void add_cases(const char *title, const char *folder, void (*test)(gconstpointer data))
{
    g_autoptr(GPtrArray) names = folder ? cases_list(folder, ".conf") : NULL;

    for (unsigned i = 0; names && i < names->len; i++) {
        struct golden *golden = g_new(struct golden, 1);
        g_autofree char *path = g_strdup_printf("/%s/%s", title, (char *)names->pdata[i]);

        *golden = (struct golden){folder, names->pdata[i]};
        g_test_add_data_func_full(path, golden, test, g_free);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    const char *own = cases_own_folder("network");

    g_test_add_func("/not-needed", test_not_needed);
    add_cases("own", own, test_config);
    add_cases("network", cases_folder("network"), test_config);
    add_cases("network-conf", cases_folder("network-conf"), test_newer);
    return g_test_run();
}

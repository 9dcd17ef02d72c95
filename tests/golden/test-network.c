/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libxml/relaxng.h>
#include <string.h>

#include "cases.h"
#include "model/network-defaults.h"
#include "model/network-port.h"
#include "xml/export.h"
#include "xml/xml.h"

/*
 * Network documents: the project's own (network/NAME.xml, NAME.out.xml or NAME.err beside this
 * file), and the incumbent's view of those of others.
 */
struct golden {
    const char *folder;
    const char *name;
};

static bool no_bridge_is_taken(const char *name, const struct network *network, void *data)
{
    return false;
}

static struct network *define(const char *text, GError **error)
{
    const struct network_defaults defaults = {.mac_prefix = {0x52, 0x54, 0x00},
                                              .bridge_is_taken = no_bridge_is_taken};
    DEFINITION_AUTO struct network *network = (struct network *)xml_read(
        &network_schema, text, -1, XML_READ_INACTIVE | XML_READ_VALIDATE, NULL, error);

    if (!network || network_apply_defaults(network, &defaults, error) < 0)
        return NULL;
    return g_steal_pointer(&network);
}

/* Documents of others may have what nobody knows. */
static struct network *define_any(const char *text, GError **error)
{
    g_autoptr(GError) unknown = NULL;
    struct network *network = define(text, &unknown);

    if (network || !error_is(unknown, VIR_ERR_XML_INVALID_SCHEMA)) {
        if (unknown)
            g_propagate_error(error, g_steal_pointer(&unknown));
        return network;
    }
    network = (struct network *)xml_read(&network_schema, text, -1, XML_READ_INACTIVE, NULL, error);
    return network;
}

static char *print(const struct network *network)
{
    return xml_write(&network->definition, XML_WRITE_INACTIVE);
}

static char *check_again(const struct network *network, const char *text)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct network *again = define(text, &error);
    DEFINITION_AUTO struct definition *copy = definition_copy(&network->definition);

    if (!again)
        return g_strdup_printf("own text is refused: %s", error->message);
    g_autofree char *text_again = print(again);
    char *difference = cases_compare(text, text_again);
    if (!difference && !xml_equal(&network_schema, network, again))
        difference = g_strdup("read again, it is not equal");
    if (!difference && !xml_equal(&network_schema, network, copy))
        difference = g_strdup("a copy is not equal");
    return difference;
}

static char *play(const char *input, const char *expected)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct network *network = define_any(input, &error);

    if (!network)
        return g_strdup_printf("refused: %s", error->message);
    g_autofree char *text = print(network);
    char *difference = cases_compare(expected, text);
    return difference ?: check_again(network, text);
}

static void judge(const struct golden *golden, const char *difference)
{
    if (!difference)
        return;
    g_test_message("%s: %s", golden->name, difference);
    g_test_fail();
}

static void test_output(gconstpointer data)
{
    const struct golden *golden = data;
    g_autofree char *input = cases_read(golden->folder, golden->name, ".xml");
    g_autofree char *expected = cases_read(golden->folder, golden->name, ".out.xml");
    g_autofree char *difference = play(input, expected);

    judge(golden, difference);
}

/* NAME.err: the code, and in our own also a part of the message. */
static char *play_refusal(const char *input, const char *expected, bool own)
{
    g_autoptr(GError) error = NULL;
    char *message;
    int code = (int)g_ascii_strtoll(expected, &message, 10);
    DEFINITION_AUTO struct network *network =
        code == VIR_ERR_XML_INVALID_SCHEMA ? define(input, &error) : define_any(input, &error);

    if (network)
        return g_strdup_printf("accepted, though expected is: %s", expected);
    if ((int)error_code_of(error) != code)
        return g_strdup_printf("code %d instead of %d: %s", error_code_of(error), code,
                               error->message);
    if (own && !strstr(error->message, g_strstrip(message)))
        return g_strdup_printf("'%s' is not in: %s", message, error->message);
    return NULL;
}

static void test_refusal(gconstpointer data)
{
    const struct golden *golden = data;
    g_autofree char *input = cases_read(golden->folder, golden->name, ".xml");
    g_autofree char *expected = cases_read(golden->folder, golden->name, ".err");
    g_autofree char *difference = play_refusal(input, expected, false);

    judge(golden, difference);
}

/* network/refused.txt: lines of code, a part of the message and the inside of <network>, between
 * bars. */
static void test_refused_lines(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "network", "refused.txt", NULL);
    g_autofree char *text = NULL;
    unsigned count = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "|", 3);

        if (g_strv_length(fields) < 3 || **line == '#')
            continue;
        g_autofree char *input =
            g_strdup_printf("<network>%s%s</network>",
                            strstr(fields[2], "<name>") ? "" : "<name>n</name>", fields[2]);
        g_autofree char *expected = g_strdup_printf("%s %s", fields[0], fields[1]);
        g_autofree char *difference = play_refusal(input, expected, true);
        count++;
        if (difference) {
            g_test_message("%s: %s", fields[2], difference);
            g_test_fail();
        }
    }
    g_assert_cmpuint(count, >, 90);
}

static void test_port(void)
{
    static const char text[] = "<networkport>\n"
                               "  <uuid>7347e8a9-bd25-409c-b4c3-ebf8744322b3</uuid>\n"
                               "  <owner>\n"
                               "    <name>guest</name>\n"
                               "    <uuid>7347e8a9-bd25-409c-b4c3-ebf8744322b4</uuid>\n"
                               "  </owner>\n"
                               "  <mac address='52:54:00:7b:35:93'/>\n"
                               "  <group>web</group>\n"
                               "  <rxfilters trustGuest='yes'/>\n"
                               "  <virtualport type='802.1Qbh'>\n"
                               "    <parameters profileid='x'/>\n"
                               "  </virtualport>\n"
                               "  <bandwidth classID='3'>\n"
                               "    <inbound average='128' peak='4096' floor='64' burst='256'/>\n"
                               "  </bandwidth>\n"
                               "  <vlan trunk='yes'>\n"
                               "    <tag id='32' nativeMode='untagged'/>\n"
                               "  </vlan>\n"
                               "  <port isolated='yes'/>\n"
                               "  <plug type='hostdev-pci' managed='yes'>\n"
                               "    <driver name='vfio'/>\n"
                               "    <address domain='0x0001' bus='0x02' slot='0x03' "
                               "function='0x4'/>\n"
                               "  </plug>\n"
                               "</networkport>\n";
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct definition *port =
        xml_read(&network_port_schema, text, -1, XML_READ_STATUS, NULL, &error);

    g_assert_no_error(error);
    g_autofree char *written = xml_write(port, XML_WRITE_STATUS);
    g_assert_cmpstr(written, ==, text);
}

static void test_tables(void)
{
    static const struct xml_schema *const schemas[] = {&network_schema, &network_port_schema};

    for (size_t i = 0; i < G_N_ELEMENTS(schemas); i++) {
        g_autoptr(GPtrArray) mistakes = xml_schema_lint(schemas[i]);

        for (unsigned j = 0; j < mistakes->len; j++)
            g_test_message("%s", (char *)mistakes->pdata[j]);
        g_assert_cmpuint(mistakes->len, ==, 0);
    }
}

static void add_cases(const char *title, const char *folder, const char *suffix,
                      void (*test)(gconstpointer data))
{
    g_autoptr(GPtrArray) names = folder ? cases_list(folder, suffix) : NULL;

    for (unsigned i = 0; names && i < names->len; i++) {
        struct golden *golden = g_new(struct golden, 1);
        g_autofree char *path = g_strdup_printf("/%s/%s", title, (char *)names->pdata[i]);

        *golden = (struct golden){folder, names->pdata[i]};
        g_test_add_data_func_full(path, golden, test, g_free);
    }
}

static void test_absent(void)
{
    g_test_skip("no shared cases: set MODVIRT_SHARED");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    const char *own = cases_own_folder("network");
    const char *output = cases_folder("network");

    g_test_add_func("/tables", test_tables);
    g_test_add_func("/port", test_port);
    g_test_add_func("/refused", test_refused_lines);
    add_cases("own", own, ".out.xml", test_output);
    add_cases("network", output, ".out.xml", test_output);
    add_cases("network-reject", cases_folder("network-reject"), ".err", test_refusal);
    if (!output)
        g_test_add_func("/shared", test_absent);
    return g_test_run();
}

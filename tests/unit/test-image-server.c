/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "image/image-server.h"

/* "nbd exp host:port host:port ..." and what else is known of it */
static char *print(const struct domain_source *source)
{
    static const struct source_network none;
    const struct source_network *network = source->network ? source->network : &none;
    GString *text = g_string_new(names_word(&source_protocol_names, source->protocol));

    g_string_append_printf(text, " %s", source->name ? source->name : "-");
    LIST_EACH (host, &source->hosts)
        g_string_append_printf(text, " %s%s%s",
                               host->transport == SOURCE_TRANSPORT_UNIX ? host->socket : host->name,
                               host->port ? ":" : "", host->port ? host->port : "");
    const char *const parts[][2] = {{"query", network->query},
                                    {"snapshot", network->snapshot},
                                    {"conf", network->config_file},
                                    {"initiator", network->initiator_iqn},
                                    {"user", network->ssh_user}};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (parts[i][1])
            g_string_append_printf(text, " %s=%s", parts[i][0], parts[i][1]);
    if (network->ssl_verify)
        g_string_append_printf(text, " verify=%u", network->ssl_verify);
    if (network->readahead || network->timeout)
        g_string_append_printf(text, " %u/%u", (unsigned)network->readahead,
                               (unsigned)network->timeout);
    return g_string_free(text, FALSE);
}

static const char *const readable[][2] = {
    {"nbd://a/exp", "nbd exp a"},
    {"nbd://a:10810", "nbd - a:10810"},
    {"nbd://a:10810/", "nbd - a:10810"},
    {"nbd+tcp://a/x%20y/z", "nbd x y/z a"},
    {"nbd://[::1]:10809/exp", "nbd exp ::1:10809"},
    {"nbd+unix:///exp?socket=/run/a%2fsock", "nbd exp /run/a/sock"},
    {"nbd:a:10810", "nbd - a:10810"},
    {"nbd:[::1]:9:exportname=e:f", "nbd e:f ::1:9"},
    {"nbd:unix:/run/sock:exportname=exp", "nbd exp /run/sock"},
    {"http://a:8080/x%20y?z=1&u", "http x%20y a:8080 query=z=1&u"},
    {"ftps://a/x", "ftps x a"},
    {"iscsi://a:1/iqn.2026-01.x:y/3", "iscsi iqn.2026-01.x:y/3 a:1"},
    {"iscsi://a/iqn.2026-01.x:y", "iscsi iqn.2026-01.x:y/0 a"},
    {"rbd:pool/image", "rbd pool/image"},
    {"rbd:pool/space/image@snap:conf=/etc/c:mon_host=a\\:6789\\;[\\:\\:1]\\:1",
     "rbd pool/space/image a:6789 ::1:1 snapshot=snap conf=/etc/c"},
    {"gluster+tcp://a:24007/v/d/i", "gluster v/d/i a:24007"},
    {"gluster+unix:///v/i?socket=/run/g", "gluster v/i /run/g"},
    {"ssh://me@a:22/raw", "ssh /raw a:22 user=me"},
    {"nfs://a/exp/raw", "nfs /exp/raw a"},
    {"json:{\"driver\":\"raw\",\"file\":{\"driver\":\"nbd\",\"host\":\"a\",\"port\":\"1\"}}",
     "nbd - a:1"},
    {"json:{\"driver\":\"nbd\",\"server\":{\"type\":\"inet\",\"host\":\"a\",\"port\":\"1\"},"
     "\"export\":\"e\"}",
     "nbd e a:1"},
    {"json:{\"file.driver\":\"nbd\",\"file.server.type\":\"unix\",\"file.server.path\":\"/s\"}",
     "nbd - /s"},
    {"json:{\"file\":{\"driver\":\"nbd\",\"path\":\"/s\",\"export\":\"e\"}}", "nbd e /s"},
    {"json:{\"file.filename\":\"nbd://a/e\"}", "nbd e a"},
    {"json:{\"file\":{\"driver\":\"https\",\"url\":\"https://a/x\",\"sslverify\":\"off\","
     "\"readahead\":65536,\"timeout\":3}}",
     "https x a verify=2 65536/3"},
    {"json:{\"file\":{\"driver\":\"https\",\"url\":\"https://a/x\",\"sslverify\":true}}",
     "https x a verify=1"},
    {"json:{\"file\":{\"driver\":\"iscsi\",\"transport\":\"tcp\",\"portal\":\"a:1\","
     "\"target\":\"t\",\"lun\":3,\"initiator-name\":\"i\"}}",
     "iscsi t/3 a:1 initiator=i"},
    {"json:{\"file\":{\"driver\":\"rbd\",\"pool\":\"p\",\"namespace\":\"n\",\"image\":\"i\","
     "\"snapshot\":\"s\",\"server\":[{\"host\":\"a\",\"port\":\"1\"},{\"host\":\"b\"}]}}",
     "rbd p/n/i a:1 b snapshot=s"},
    {"json:{\"file\":{\"driver\":\"rbd\",\"filename\":\"p/i:conf=/x\"}}", "rbd p/i conf=/x"},
    {"json:{\"file\":{\"driver\":\"gluster\",\"volume\":\"v\",\"path\":\"d/i\","
     "\"server.0.type\":\"tcp\",\"server.0.host\":\"a\","
     "\"server.1\":{\"type\":\"unix\",\"socket\":\"/g\"}}}",
     "gluster v/d/i a /g"},
    {"json:{\"file\":{\"driver\":\"ssh\",\"path\":\"/r\",\"user\":\"me\","
     "\"server\":{\"host\":\"a\",\"port\":\"22\"}}}",
     "ssh /r a:22 user=me"},
    {"json:{\"file\":{\"driver\":\"nfs\",\"path\":\"/r\",\"server\":{\"host\":\"a\"}}}",
     "nfs /r a"},
};

static void test_read(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(readable); i++) {
        struct arena arena ARENA_AUTO = {0};
        struct domain_source source = {0};
        g_autoptr(GError) error = NULL;

        image_server_read("/image", readable[i][0], &arena, &source, &error);
        g_assert_no_error(error);
        g_autofree char *printed = print(&source);
        g_assert_cmpstr(printed, ==, readable[i][1]);
        g_assert_cmpint(source.type, ==, SOURCE_NETWORK);
    }
}

static void test_refused(void)
{
    static const char *const cases[][2] = {
        {"nbd:", "missing"},
        {"nbd://", "missing"},
        {"nbd:unix:", "missing"},
        {"nbd+unix:///e", "socket"},
        {"nbd+unix:///e?socket=run", "socket"},
        {"nbd+rdma://a/e", "transport"},
        {"nbd://u:p@a/e", "user"},
        {"http://u@a/x", "user"},
        {"http:", "missing"},
        {"http://a/", "image's name"},
        {"rbd:", "pool"},
        {"rbd:pool", "pool"},
        {"rbd:p/i:id=joe", "user"},
        {"rbd:p/i:conf", "value"},
        {"gluster://a", "image's name"},
        {"ssh://a/r?host_key_check=no", "'?'"},
        {"iser://a/t/1", "no server"},
        {"sheepdog:x", "no server"},
        {"fat:rw:/etc", "no server"},
        {"/etc/passwd", "no server"},
        {"json:", "no JSON"},
        {"json:[]", "no JSON"},
        {"json:{}", "driver is missing"},
        {"json:{\"driver\":\"null-co\"}", "no server"},
        {"json:{\"file\":{\"driver\":\"nbd\",\"server\":{\"type\":\"inet\"}}}", "missing"},
        {"json:{\"file\":{\"driver\":\"https\",\"url\":\"https://a/x\",\"cookie\":\"a\"}}",
         "cookies"},
        {"json:{\"file\":{\"driver\":\"https\",\"url\":\"https://a/x\",\"username\":\"a\"}}",
         "user"},
        {"json:{\"file\":{\"driver\":\"iscsi\",\"portal\":\"a\",\"target\":\"t\",\"user\":\"u\"}}",
         "user"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct arena arena ARENA_AUTO = {0};
        struct domain_source source = {0};
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(image_server_read("/image", cases[i][0], &arena, &source, &error), ==, -1);
        g_assert_cmpint(error_code_of(error), ==, VIR_ERR_CONFIG_UNSUPPORTED);
        g_assert_nonnull(strstr(error->message, cases[i][1]));
        g_assert_nonnull(strstr(error->message, "'/image'"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image-server/read", test_read);
    g_test_add_func("/image-server/refused", test_refused);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a volume is to QEMU, by the documents of its pool and of itself. */
#include "base/error.h"
#include "virtqemud/volume-source.h"
#include "xml/xml.h"

#define TARGET "<target><path>/t</path></target>"

static const char *const pools[] = {
    [STORAGE_POOL_DIR] = "<pool type='dir'><name>p</name>" TARGET "</pool>",
    [STORAGE_POOL_LOGICAL] =
        "<pool type='logical'><name>p</name><source><name>p</name></source>" TARGET "</pool>",
    [STORAGE_POOL_ISCSI] =
        "<pool type='iscsi'><name>p</name><source><host name='h' port='3261'/>"
        "<device path='iqn.a:b'/><initiator><iqn name='iqn.us'/></initiator><auth type='chap' "
        "username='u'><secret usage='s'/></auth></source>" TARGET "</pool>",
    [STORAGE_POOL_ISCSI_DIRECT] =
        "<pool type='iscsi-direct'><name>p</name><source><host name='h'/><device path='iqn.a:b'/>"
        "<initiator><iqn name='iqn.us'/></initiator></source></pool>",
    [STORAGE_POOL_RBD] = "<pool type='rbd'><name>p</name><source><host name='a' port='6789'/>"
                         "<host name='b'/><name>rp</name></source></pool>",
    [STORAGE_POOL_GLUSTER] = "<pool type='gluster'><name>p</name><source><host name='h'/>"
                             "<dir path='/d/e'/><name>gv</name></source></pool>",
};

struct row {
    unsigned pool;
    const char *type, *name; /* of the volume */
    uint8_t mode, policy;
    uint8_t real, protocol;
    const char *shown; /* path or name */
    enum error_code code;
};

static const struct row rows[] = {
    {STORAGE_POOL_DIR, "file", "v", 0, 0, SOURCE_FILE, 0, "/t/v", 0},
    {STORAGE_POOL_DIR, "dir", "v", 0, 0, SOURCE_DIR, 0, "/t/v", 0},
    {STORAGE_POOL_DIR, "file", "v", 0, STARTUP_POLICY_OPTIONAL, SOURCE_FILE, 0, "/t/v", 0},
    {STORAGE_POOL_DIR, "network", "v", 0, 0, 0, 0, NULL, VIR_ERR_INTERNAL_ERROR},
    {STORAGE_POOL_DIR, "file", "v", VOLUME_MODE_HOST, 0, 0, 0, NULL, VIR_ERR_XML_ERROR},
    {STORAGE_POOL_LOGICAL, "block", "v", 0, 0, SOURCE_BLOCK, 0, "/t/v", 0},
    {STORAGE_POOL_LOGICAL, "block", "v", 0, STARTUP_POLICY_OPTIONAL, 0, 0, NULL, VIR_ERR_XML_ERROR},
    {STORAGE_POOL_ISCSI, "block", "unit:0:0:3", 0, 0, SOURCE_BLOCK, 0, "/t/unit:0:0:3", 0},
    {STORAGE_POOL_ISCSI, "block", "unit:0:0:3", VOLUME_MODE_HOST, 0, SOURCE_BLOCK, 0,
     "/t/unit:0:0:3", 0},
    {STORAGE_POOL_ISCSI, "block", "unit:0:0:3", VOLUME_MODE_DIRECT, 0, SOURCE_NETWORK,
     SOURCE_PROTOCOL_ISCSI, "iqn.a:b/3", 0},
    {STORAGE_POOL_ISCSI, "block", "v", VOLUME_MODE_DIRECT, 0, 0, 0, NULL, VIR_ERR_INTERNAL_ERROR},
    {STORAGE_POOL_ISCSI_DIRECT, "network", "unit:0:0:1", 0, 0, SOURCE_NETWORK,
     SOURCE_PROTOCOL_ISCSI, "iqn.a:b/1", 0},
    {STORAGE_POOL_RBD, "network", "v", 0, 0, SOURCE_NETWORK, SOURCE_PROTOCOL_RBD, "rp/v", 0},
    {STORAGE_POOL_RBD, "network", "v", 0, STARTUP_POLICY_OPTIONAL, 0, 0, NULL, VIR_ERR_XML_ERROR},
    {STORAGE_POOL_GLUSTER, "network", "v", 0, 0, SOURCE_NETWORK, SOURCE_PROTOCOL_GLUSTER,
     "gv/d/e/v", 0},
};

static struct storage_pool *read_pool(unsigned type)
{
    g_autoptr(GError) error = NULL;
    struct storage_pool *pool =
        (struct storage_pool *)xml_read(&storage_pool_schema, pools[type], -1, 0, NULL, &error);

    g_assert_no_error(error);
    return pool;
}

static struct storage_volume *read_volume(const struct row *row)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text =
        g_strdup_printf("<volume type='%s'><name>%s</name><capacity>1</capacity>"
                        "<target><path>/t/%s</path></target></volume>",
                        row->type, row->name, row->name);
    struct storage_volume *volume =
        (struct storage_volume *)xml_read(&storage_volume_schema, text, -1, 0, NULL, &error);

    g_assert_no_error(error);
    return volume;
}

static void check(const struct row *row, struct domain_source *source, struct arena *arena)
{
    DEFINITION_AUTO struct storage_pool *pool = read_pool(row->pool);
    DEFINITION_AUTO struct storage_volume *volume = read_volume(row);
    g_autoptr(GError) error = NULL;
    int result = volume_source_translate(source, pool, volume, arena, &error);

    g_assert_cmpint(result, ==, row->code ? -1 : 0);
    g_assert_true(!row->code || error_is(error, row->code));
    if (row->code)
        return;
    g_assert_cmpint(domain_source_type(source), ==, row->real);
    g_assert_cmpint(source->protocol, ==, row->protocol);
    g_assert_cmpstr(row->real == SOURCE_NETWORK ? source->name : source->path, ==, row->shown);
}

static void test_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct arena arena = {0};
        struct source_volume volume = {.pool = "p", .volume = rows[i].name, .mode = rows[i].mode};
        /* of a start before: forgotten */
        struct domain_source source = {.type = SOURCE_VOLUME,
                                       .real = SOURCE_NETWORK,
                                       .startup_policy = rows[i].policy,
                                       .volume = &volume,
                                       .path = "/old",
                                       .name = "old"};

        check(&rows[i], &source, &arena);
        arena_clear(&arena);
    }
}

/* What is copied must outlive the pool's document. */
static void test_servers(void)
{
    struct arena arena = {0};
    struct source_volume volume = {.pool = "p", .volume = "unit:0:0:3", .mode = VOLUME_MODE_DIRECT};
    struct domain_source source = {.type = SOURCE_VOLUME, .volume = &volume};
    const struct row *iscsi = &rows[9];

    check(iscsi, &source, &arena);
    g_assert_cmpuint(source.hosts.count, ==, 1);
    g_assert_cmpstr(source.hosts.items[0]->name, ==, "h");
    g_assert_cmpstr(source.hosts.items[0]->port, ==, "3261");
    g_assert_cmpstr(source.network->initiator_iqn, ==, "iqn.us");
    const struct source_auth *auth = domain_source_auth(&source);
    g_assert_cmpstr(auth->username, ==, "u");
    g_assert_cmpstr(auth->secret.usage, ==, "s");
    g_assert_cmpint(auth->secret.type, ==, SECRET_TYPE_ISCSI);
    arena_clear(&arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/volume-source/rows", test_rows);
    g_test_add_func("/volume-source/servers", test_servers);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "facts/constants.h"
#include "protocol/admin-handlers.h"
#include "protocol/lxc-handlers.h"
#include "protocol/protocol.h"
#include "protocol/qemu-handlers.h"
#include "protocol/remote-handlers.h"

static const struct protocol_method *method(uint32_t number)
{
    const struct protocol_method *found = protocol_method_find(&remote_program, number);

    g_assert_nonnull(found);
    return found;
}

static void test_programs(void)
{
    g_assert_cmphex(remote_program.number, ==, 0x20008086);
    g_assert_cmphex(qemu_program.number, ==, 0x20008087);
    g_assert_cmphex(lxc_program.number, ==, 0x00068000);
    g_assert_cmphex(admin_program.number, ==, 0x06900690);
    g_assert_cmpuint(remote_program.n_methods, ==, 456);
    g_assert_cmpuint(qemu_program.n_methods, ==, 7);
    g_assert_cmpuint(lxc_program.n_methods, ==, 1);
    g_assert_cmpuint(remote_program.version, ==, 1);
}

static void test_every_number(void)
{
    for (uint32_t number = 1; number <= 456; number++) {
        const struct protocol_method *m = method(number);

        g_assert_cmpuint(m->number, ==, number);
        g_assert_nonnull(m->name);
        g_assert_true(m->event == (m->msg != NULL));
        if (m->event)
            g_assert_true(!m->args && !m->ret && !m->n_access);
    }
    g_assert_null(protocol_method_find(&remote_program, 0));
    g_assert_null(protocol_method_find(&remote_program, 457));
    g_assert_null(protocol_method_find(&remote_program, UINT32_MAX));
}

static void test_numbers(void)
{
    static const struct {
        uint32_t number;
        const char *name;
        const char *word;
    } known[] = {
        {1, "CONNECT_OPEN", "virConnectOpen"},
        {2, "CONNECT_CLOSE", "virConnectClose"},
        {16, "DOMAIN_GET_INFO", "virDomainGetInfo"},
        {66, "AUTH_LIST", "AUTH_LIST"},
        {196, "DOMAIN_CREATE_WITH_FLAGS", "virDomainCreateWithFlags"},
        {201, "DOMAIN_OPEN_CONSOLE", "virDomainOpenConsole"},
        {273, "CONNECT_LIST_ALL_DOMAINS", "virConnectListAllDomains"},
        {318, "DOMAIN_EVENT_CALLBACK_LIFECYCLE", "DOMAIN_EVENT_CALLBACK_LIFECYCLE"},
        {344, "CONNECT_GET_ALL_DOMAIN_STATS", "virConnectGetAllDomainStats"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        g_assert_cmpstr(method(known[i].number)->name, ==, known[i].name);
        g_assert_cmpstr(protocol_method_word(method(known[i].number)), ==, known[i].word);
    }
    g_assert_cmpint(REMOTE_PROC_DOMAIN_GET_INFO, ==, 16);
    g_assert_cmpint(QEMU_PROC_DOMAIN_MONITOR_COMMAND_WITH_FILES, ==, 7);
}

static void test_traits(void)
{
    for (uint32_t number = 1; number <= 456; number++)
        g_assert_true(method(number)->needs_auth == (number < 66 || number > 70));
    g_assert_true(method(REMOTE_PROC_CONNECT_OPEN)->high_priority);
    g_assert_false(method(REMOTE_PROC_DOMAIN_CREATE)->high_priority);
    g_assert_cmpint(method(201)->stream, ==, PROTOCOL_STREAM_BOTH);
    g_assert_cmpint(method(296)->stream, ==, PROTOCOL_STREAM_BOTH);
    g_assert_cmpint(method(208)->stream, ==, PROTOCOL_STREAM_WRITE);
    g_assert_cmpint(method(209)->stream, ==, PROTOCOL_STREAM_READ);
    g_assert_cmpint(method(16)->stream, ==, PROTOCOL_STREAM_NONE);
    g_assert_cmpuint(method(209)->sparse_flag, ==, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM);
    g_assert_cmpuint(method(201)->sparse_flag, ==, 0);
    g_assert_cmpint(method(249)->fds, ==, PROTOCOL_FDS_CALL);
    g_assert_cmpint(method(343)->fds, ==, PROTOCOL_FDS_REPLY);
    g_assert_cmpint(protocol_method_find(&qemu_program, 7)->fds, ==,
                    PROTOCOL_FDS_CALL | PROTOCOL_FDS_REPLY);
    g_assert_cmpint(protocol_method_find(&lxc_program, 1)->fds, ==, PROTOCOL_FDS_REPLY);
}

/* owners */

static void assert_owner(const char *name, enum protocol_owner owner)
{
    for (unsigned i = 0; i < remote_program.n_methods; i++)
        if (strcmp(remote_program.methods[i].name, name) == 0) {
            g_assert_cmpint(remote_program.methods[i].owner, ==, owner);
            return;
        }
    g_error("there is no %s", name);
}

static void test_owners(void)
{
    assert_owner("CONNECT_OPEN", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("AUTH_LIST", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("NODE_GET_INFO", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("CONNECT_LIST_ALL_DOMAINS", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("CONNECT_GET_ALL_DOMAIN_STATS", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("DOMAIN_INTERFACE_STATS", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("DOMAIN_SET_LAUNCH_SECURITY_STATE", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("CONNECT_NUM_OF_NETWORKS", PROTOCOL_OWNER_NETWORK);
    assert_owner("CONNECT_NETWORK_EVENT_REGISTER_ANY", PROTOCOL_OWNER_NETWORK);
    assert_owner("NETWORK_PORT_CREATE_XML", PROTOCOL_OWNER_NETWORK);
    assert_owner("NETWORK_EVENT_LIFECYCLE", PROTOCOL_OWNER_NETWORK);
    assert_owner("CONNECT_FIND_STORAGE_POOL_SOURCES", PROTOCOL_OWNER_STORAGE);
    assert_owner("CONNECT_GET_STORAGE_POOL_CAPABILITIES", PROTOCOL_OWNER_STORAGE);
    assert_owner("STORAGE_VOL_UPLOAD", PROTOCOL_OWNER_STORAGE);
    assert_owner("CONNECT_LIST_ALL_INTERFACES", PROTOCOL_OWNER_INTERFACE);
    assert_owner("INTERFACE_CHANGE_BEGIN", PROTOCOL_OWNER_INTERFACE);
    assert_owner("CONNECT_LIST_ALL_NWFILTER_BINDINGS", PROTOCOL_OWNER_NWFILTER);
    assert_owner("CONNECT_LIST_SECRETS", PROTOCOL_OWNER_SECRET);
    assert_owner("SECRET_EVENT_VALUE_CHANGED", PROTOCOL_OWNER_SECRET);
}

static void test_owners_of_node_devices(void)
{
    assert_owner("NODE_NUM_OF_DEVICES", PROTOCOL_OWNER_NODEDEV);
    assert_owner("NODE_LIST_DEVICES", PROTOCOL_OWNER_NODEDEV);
    assert_owner("NODE_DEVICE_GET_XML_DESC", PROTOCOL_OWNER_NODEDEV);
    assert_owner("CONNECT_LIST_ALL_NODE_DEVICES", PROTOCOL_OWNER_NODEDEV);
    assert_owner("CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY", PROTOCOL_OWNER_NODEDEV);
    assert_owner("NODE_DEVICE_DETTACH", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("NODE_DEVICE_DETACH_FLAGS", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("NODE_DEVICE_RE_ATTACH", PROTOCOL_OWNER_HYPERVISOR);
    assert_owner("NODE_DEVICE_RESET", PROTOCOL_OWNER_HYPERVISOR);
}

/* objects and flags */

static void test_objects(void)
{
    struct remote_domain_get_info_args info = {.dom = {.name = "vm", .id = 3}};
    struct remote_node_device_get_xml_desc_args device = {.name = "pci_0"};
    const struct remote_nonnull_domain *dom =
        protocol_method_object(method(REMOTE_PROC_DOMAIN_GET_INFO), &info);
    char *const *name =
        protocol_method_object(method(REMOTE_PROC_NODE_DEVICE_GET_XML_DESC), &device);

    g_assert_cmpstr(dom->name, ==, "vm");
    g_assert_cmpstr(*name, ==, "pci_0");
    g_assert_null(protocol_method_object(method(REMOTE_PROC_CONNECT_OPEN), ""));
    g_assert_cmpint(method(REMOTE_PROC_DOMAIN_GET_INFO)->object, ==, PROTOCOL_OBJECT_DOMAIN);
    g_assert_cmpint(method(REMOTE_PROC_DOMAIN_SNAPSHOT_DELETE)->object, ==,
                    PROTOCOL_OBJECT_DOMAIN_SNAPSHOT);
    g_assert_cmpint(method(REMOTE_PROC_STORAGE_VOL_CREATE_XML_FROM)->object, ==,
                    PROTOCOL_OBJECT_STORAGE_POOL);
    g_assert_cmpint(method(REMOTE_PROC_NWFILTER_BINDING_DELETE)->object, ==,
                    PROTOCOL_OBJECT_NWFILTER_BINDING);
    g_assert_cmpint(method(REMOTE_PROC_NODE_DEVICE_LOOKUP_BY_NAME)->object, ==,
                    PROTOCOL_OBJECT_NONE);
    g_assert_cmpint(method(REMOTE_PROC_DOMAIN_CREATE_XML)->object, ==, PROTOCOL_OBJECT_NONE);
}

static void test_flags(void)
{
    struct remote_domain_get_xml_desc_args xml = {.flags = 5};
    struct remote_domain_migrate_perform_args wide = {.flags = 1ull << 40};

    g_assert_cmpuint(protocol_method_flags(method(REMOTE_PROC_DOMAIN_GET_XML_DESC), &xml), ==, 5);
    g_assert_cmpuint(protocol_method_flags(method(REMOTE_PROC_DOMAIN_MIGRATE_PERFORM), &wide), ==,
                     1ull << 40);
    g_assert_cmpuint(protocol_method_flags(method(REMOTE_PROC_DOMAIN_GET_INFO), &xml), ==, 0);
}

/* access */

static unsigned count_rules(const struct protocol_method *m, const void *args,
                            enum access_permission permission)
{
    unsigned count = 0;

    for (unsigned i = 0; i < m->n_access; i++)
        if (m->access[i].permission == permission && access_rule_applies(&m->access[i], args))
            count++;
    return count;
}

static void test_access_flag(void)
{
    const struct protocol_method *m = method(REMOTE_PROC_DOMAIN_GET_XML_DESC);
    struct remote_domain_get_xml_desc_args plain = {.flags = VIR_DOMAIN_XML_INACTIVE};
    struct remote_domain_get_xml_desc_args secure = {.flags = VIR_DOMAIN_XML_SECURE};
    struct remote_domain_get_xml_desc_args migratable = {.flags = VIR_DOMAIN_XML_MIGRATABLE};

    g_assert_cmpuint(count_rules(m, &plain, ACCESS_PERM_READ), ==, 1);
    g_assert_cmpuint(count_rules(m, &plain, ACCESS_PERM_READ_SECURE), ==, 0);
    g_assert_cmpuint(count_rules(m, &secure, ACCESS_PERM_READ_SECURE), ==, 1);
    g_assert_true(protocol_method_is_read(m, &plain));
    g_assert_false(protocol_method_is_read(m, &secure));
    g_assert_false(protocol_method_is_read(m, &migratable));
}

static void test_access_clear(void)
{
    const struct protocol_method *m = method(REMOTE_PROC_DOMAIN_SET_VCPUS_FLAGS);
    struct remote_domain_set_vcpus_flags_args args = {.flags = 0};

    g_assert_cmpuint(count_rules(m, &args, ACCESS_PERM_SAVE), ==, 1);
    args.flags = VIR_DOMAIN_AFFECT_LIVE;
    g_assert_cmpuint(count_rules(m, &args, ACCESS_PERM_SAVE), ==, 0);
    args.flags = VIR_DOMAIN_AFFECT_CONFIG;
    g_assert_cmpuint(count_rules(m, &args, ACCESS_PERM_SAVE), ==, 1);
    args.flags = VIR_DOMAIN_AFFECT_CONFIG | VIR_DOMAIN_AFFECT_LIVE;
    g_assert_cmpuint(count_rules(m, &args, ACCESS_PERM_SAVE), ==, 1);
}

static void test_access_param(void)
{
    const struct protocol_method *m = method(REMOTE_PROC_DOMAIN_INTERFACE_ADDRESSES);
    struct remote_domain_interface_addresses_args lease = {
        .source = VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE};
    struct remote_domain_interface_addresses_args agent = {
        .source = VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT};

    g_assert_true(protocol_method_is_read(m, &lease));
    g_assert_false(protocol_method_is_read(m, &agent));
}

static void test_access_rows(void)
{
    const struct protocol_method *list = method(REMOTE_PROC_CONNECT_LIST_ALL_DOMAINS);

    g_assert_cmpuint(list->n_filter, ==, 1);
    g_assert_cmpint(list->filter[0].object, ==, ACCESS_OBJECT_DOMAIN);
    g_assert_cmpint(list->filter[0].permission, ==, ACCESS_PERM_GETATTR);
    g_assert_true(protocol_method_is_read(list, ""));
    g_assert_cmpstr(access_object_word(ACCESS_OBJECT_STORAGE_POOL), ==, "storage-pool");
    g_assert_cmpstr(access_permission_word(ACCESS_PERM_READ_SECURE), ==, "read-secure");
    g_assert_null(access_object_word(ACCESS_OBJECT_LAST));
    /* whoever adds a procedure without a rule has to say here that anyone may call it */
    for (uint32_t number = 1; number <= 456; number++)
        if (!method(number)->event && !method(number)->n_access)
            g_assert_true(number == REMOTE_PROC_CONNECT_CLOSE ||
                          number == REMOTE_PROC_CONNECT_IS_SECURE ||
                          (number >= REMOTE_PROC_AUTH_LIST && number <= REMOTE_PROC_AUTH_POLKIT));
}

/* a few that must never be open to a read-only connection, and a few that must be */
static void test_read_only(void)
{
    static const uint32_t read[] = {
        REMOTE_PROC_CONNECT_OPEN,
        REMOTE_PROC_CONNECT_GET_CAPABILITIES,
        REMOTE_PROC_DOMAIN_GET_INFO,
        REMOTE_PROC_DOMAIN_LOOKUP_BY_NAME,
        REMOTE_PROC_DOMAIN_GET_STATE,
        REMOTE_PROC_CONNECT_GET_ALL_DOMAIN_STATS,
        REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
    };
    static const uint32_t write[] = {
        REMOTE_PROC_DOMAIN_CREATE,        REMOTE_PROC_DOMAIN_DESTROY,
        REMOTE_PROC_DOMAIN_DEFINE_XML,    REMOTE_PROC_DOMAIN_OPEN_CONSOLE,
        REMOTE_PROC_DOMAIN_SCREENSHOT,    REMOTE_PROC_DOMAIN_MEMORY_PEEK,
        REMOTE_PROC_SECRET_GET_VALUE,     REMOTE_PROC_CONNECT_SET_IDENTITY,
        REMOTE_PROC_STORAGE_VOL_DOWNLOAD,
    };
    char args[512] = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(read); i++)
        g_assert_true(protocol_method_is_read(method(read[i]), args));
    for (size_t i = 0; i < G_N_ELEMENTS(write); i++)
        g_assert_false(protocol_method_is_read(method(write[i]), args));
}

/* events */

static void test_domain_events(void)
{
    static const uint32_t modern[] = {318, 319, 320, 321, 322, 323, 324, 325, 326, 327,
                                      328, 329, 330, 331, 332, 333, 339, 346, 348, 354,
                                      359, 363, 367, 379, 385, 423, 438, 453, 454, 455};
    static const uint32_t legacy[] = {107, 169, 170, 171, 172, 173, 195, 224,
                                      241, 248, 268, 269, 270, 276, 292, 311};

    g_assert_cmpuint(protocol_domain_events.n_events, ==, VIR_DOMAIN_EVENT_ID_LAST);
    for (int id = 0; id < VIR_DOMAIN_EVENT_ID_LAST; id++) {
        const struct protocol_event *event = protocol_event_find(&protocol_domain_events, id);

        g_assert_cmpint(event->id, ==, id);
        g_assert_cmpuint(event->modern, ==, modern[id]);
        g_assert_cmpuint(event->legacy, ==, id < 16 ? legacy[id] : 0);
        g_assert_true(event->wraps == (id < 16));
    }
    g_assert_null(protocol_event_find(&protocol_domain_events, -1));
    g_assert_null(protocol_event_find(&protocol_domain_events, VIR_DOMAIN_EVENT_ID_LAST));
}

static void assert_event(const struct protocol_events *events, int id, uint32_t modern)
{
    g_assert_cmpuint(protocol_event_find(events, id)->modern, ==, modern);
    g_assert_cmpuint(protocol_event_find(events, id)->legacy, ==, 0);
}

static void test_other_events(void)
{
    assert_event(&protocol_network_events, VIR_NETWORK_EVENT_ID_LIFECYCLE, 315);
    assert_event(&protocol_network_events, VIR_NETWORK_EVENT_ID_METADATA_CHANGE, 446);
    assert_event(&protocol_storage_pool_events, VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, 370);
    assert_event(&protocol_storage_pool_events, VIR_STORAGE_POOL_EVENT_ID_REFRESH, 373);
    assert_event(&protocol_node_device_events, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, 376);
    assert_event(&protocol_node_device_events, VIR_NODE_DEVICE_EVENT_ID_UPDATE, 377);
    assert_event(&protocol_secret_events, VIR_SECRET_EVENT_ID_LIFECYCLE, 382);
    assert_event(&protocol_secret_events, VIR_SECRET_EVENT_ID_VALUE_CHANGED, 383);
    assert_event(&protocol_monitor_events, 0, QEMU_PROC_DOMAIN_MONITOR_EVENT);
}

/* handlers: defined here as a driver would, called through their rows */

int domain_get_info(struct call *call, const struct remote_domain_get_info_args *args,
                    struct remote_domain_get_info_ret *ret, GError **error)
{
    ret->maxMem = args->dom.id;
    return 0;
}

int connect_close(struct call *call, const void *args, void *ret, GError **error)
{
    return args || ret ? -1 : 0;
}

int qemu_domain_attach(struct call *call, const struct qemu_domain_attach_args *args,
                       struct qemu_domain_attach_ret *ret, GError **error)
{
    ret->dom.id = args->pid_value;
    return 0;
}

static void test_handlers(void)
{
    static const struct protocol_binding rows[] = {
        HANDLER(remote, domain_get_info),
        HANDLER(remote, connect_close),
        HANDLER(qemu, qemu_domain_attach),
    };
    struct remote_domain_get_info_args info = {.dom = {.id = 9}};
    struct remote_domain_get_info_ret info_ret = {0};
    struct qemu_domain_attach_args attach = {.pid_value = 7};
    struct qemu_domain_attach_ret attach_ret = {0};

    g_assert_true(rows[0].program == &remote_program && rows[0].number == 16);
    g_assert_true(rows[1].program == &remote_program && rows[1].number == 2);
    g_assert_true(rows[2].program == &qemu_program && rows[2].number == 2);
    g_assert_cmpint(rows[0].handler(NULL, &info, &info_ret, NULL), ==, 0);
    g_assert_cmpuint(info_ret.maxMem, ==, 9);
    g_assert_cmpint(rows[1].handler(NULL, NULL, NULL, NULL), ==, 0);
    g_assert_cmpint(rows[2].handler(NULL, &attach, &attach_ret, NULL), ==, 0);
    g_assert_cmpint(attach_ret.dom.id, ==, 7);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/protocol/programs", test_programs);
    g_test_add_func("/protocol/every-number", test_every_number);
    g_test_add_func("/protocol/numbers", test_numbers);
    g_test_add_func("/protocol/traits", test_traits);
    g_test_add_func("/protocol/owners", test_owners);
    g_test_add_func("/protocol/owners/node-devices", test_owners_of_node_devices);
    g_test_add_func("/protocol/objects", test_objects);
    g_test_add_func("/protocol/flags", test_flags);
    g_test_add_func("/protocol/access/flag", test_access_flag);
    g_test_add_func("/protocol/access/clear", test_access_clear);
    g_test_add_func("/protocol/access/param", test_access_param);
    g_test_add_func("/protocol/access/rows", test_access_rows);
    g_test_add_func("/protocol/access/read-only", test_read_only);
    g_test_add_func("/protocol/events/domain", test_domain_events);
    g_test_add_func("/protocol/events/others", test_other_events);
    g_test_add_func("/protocol/handlers", test_handlers);
    return g_test_run();
}

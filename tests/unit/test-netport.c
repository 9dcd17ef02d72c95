/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "base/uuid.h"
#include "model/domain.h"
#include "virtqemud/netport.h"
#include "virtqemud/openvswitch.h"
#include "xml/xml.h"

#define INTERFACE                                                                                  \
    "<interface type='network'><mac address='52:54:00:00:00:01'/>"                                 \
    "<source network='net' portgroup='web'/><target dev='vnet7'/><model type='virtio'/>"           \
    "</interface>"

/* An interface of a domain that is about to be live, and what its network says of it. */
static struct domain *settle(const char *port_text, struct domain_net **ret_net)
{
    static const struct xml_schema *const nets[] = {&domain_net_schema};
    static const struct xml_schema *const ports[] = {&network_port_schema};
    struct domain *live = (struct domain *)definition_new(&domain_schema);
    struct arena arena ARENA_AUTO = {0};
    const struct xml_schema *schema;
    g_autoptr(GError) error = NULL;
    void *net, *port;

    xml_read_part(nets, 1, INTERFACE, -1, XML_READ_INACTIVE, &live->definition.arena, NULL, &schema,
                  &net, &error);
    g_assert_no_error(error);
    xml_read_part(ports, 1, port_text, -1, XML_READ_STATUS, &arena, NULL, &schema, &port, &error);
    g_assert_no_error(error);
    netport_choose(net);
    netport_settle(net, &live->definition.arena, port, &error);
    g_assert_no_error(error);
    *ret_net = net;
    return live;
}

static char *write_net(const struct domain_net *net, unsigned flags)
{
    g_autoptr(GString) text = g_string_new(NULL);

    xml_write_part(&domain_net_schema, net, flags, 0, text);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* What a status file says is read as it was written. */
static void check_status(const struct domain_net *net)
{
    static const struct xml_schema *const nets[] = {&domain_net_schema};
    g_autofree char *text = write_net(net, XML_WRITE_STATUS | XML_WRITE_SECURE);
    struct arena arena ARENA_AUTO = {0};
    const struct xml_schema *schema;
    g_autoptr(GError) error = NULL;
    void *again;

    xml_read_part(nets, 1, text, -1, XML_READ_STATUS | XML_READ_VALIDATE, &arena, NULL, &schema,
                  &again, &error);
    g_assert_no_error(error);
    g_assert_true(xml_equal(&domain_net_schema, net, again));
    g_assert_cmpmem(((struct domain_net *)again)->port_id, UUID_BYTES, net->port_id, UUID_BYTES);
}

static void check(const char *plug_and_more, const char *const *parts)
{
    static const char owner[] = "<owner><name>x</name><uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809"
                                "</uuid></owner><mac address='52:54:00:00:00:01'/>";
    g_autofree char *port =
        g_strdup_printf("<networkport>%s%s</networkport>", owner, plug_and_more);
    struct domain_net *net;
    DEFINITION_AUTO struct domain *live = settle(port, &net);
    g_autofree char *text = write_net(net, 0);

    for (; *parts; parts++) {
        if (!strstr(text, *parts))
            g_test_message("no %s in %s", *parts, text);
        g_assert_nonnull(strstr(text, *parts));
    }
    g_assert_true(uuid_is_valid(net->port_id));
    check_status(net);
}

static void test_settle(void)
{
    check("<plug type='network' bridge='virbr0'/>",
          (const char *[]){"<interface type='network'>", "network='net' portgroup='web' portid='",
                           "bridge='virbr0'", NULL});
    check("<bandwidth><inbound average='10' floor='5'/></bandwidth><port isolated='yes'/>"
          "<plug type='bridge' bridge='br0'/>",
          (const char *[]){"<interface type='bridge'>", "network='net'", "bridge='br0'",
                           "<inbound average='10'", "<port isolated='yes'/>", NULL});
    check("<vlan><tag id='7'/></vlan><virtualport type='openvswitch'/>"
          "<plug type='bridge' bridge='br0'/>",
          (const char *[]){"<tag id='7'/>", "<virtualport type='openvswitch'", NULL});
    check("<plug type='direct' dev='eth0' mode='private'/>",
          (const char *[]){"<interface type='direct'>", "dev='eth0' mode='private'", NULL});
    check("<plug type='hostdev-pci' managed='yes'>"
          "<address domain='0x0000' bus='0x05' slot='0x10' function='0x2'/></plug>",
          (const char *[]){"<interface type='hostdev' managed='yes'>",
                           "bus='0x05' slot='0x10' function='0x2'", NULL});
}

/* A document copied from a running guest is one of a new interface. */
static void test_choose(void)
{
    struct domain_net net = {.type = NET_BRIDGE, .network = "net", .portgroup = "web"};

    memset(net.port_id, 7, sizeof(net.port_id));
    netport_choose(&net);
    g_assert_null(net.network);
    g_assert_null(net.portgroup);
    g_assert_false(uuid_is_valid(net.port_id));
}

static void test_switch(void)
{
    struct net_virtual_port port = {.type = VIRTUAL_PORT_OPENVSWITCH, .profile_id = "a b;c"};
    struct net_vlan_tag five = {.id = OPT_UINT(5)}, six = {.id = OPT_UINT(6)};
    struct net_vlan_tag *tags[] = {&five, &six};
    struct net_vlan vlan = {.tags = {tags, 1}};
    struct domain_net net = {.type = NET_BRIDGE,
                             .bridge = "ovsbr",
                             .target = "vnet0",
                             .virtual_port = &port,
                             .vlan = &vlan};
    struct domain domain = {.name = "x"};
    g_autoptr(GPtrArray) one = openvswitch_words(&domain, &net);
    vlan.tags.count = 2;
    g_autoptr(GPtrArray) two = openvswitch_words(&domain, &net);

    g_assert_cmpstr(one->pdata[10], ==, "tag=5");
    g_assert_cmpstr(two->pdata[10], ==, "trunk=5,6");
    g_assert_true(g_ptr_array_find_with_equal_func(two, "external-ids:port-profile=\"a b;c\"",
                                                   g_str_equal, NULL));
    g_assert_true(openvswitch_can_say(&net));
    port.profile_id = "\" other_config:x=\"";
    g_assert_false(openvswitch_can_say(&net));
    port.profile_id = NULL;
    net.bridge = "--db=tcp:192.0.2.1:6640";
    g_assert_false(openvswitch_can_say(&net));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/netport/settle", test_settle);
    g_test_add_func("/netport/choose", test_choose);
    g_test_add_func("/netport/switch", test_switch);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/netlink.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

#include "base/error.h"

#define CENTISECONDS 100

static void free_message(struct nl_msg **message)
{
    nlmsg_free(*message);
}

#define MESSAGE_AUTO __attribute__((cleanup(free_message))) struct nl_msg

/* ---- one question, or order ---- */

typedef int (*answer_function)(struct nl_msg *message, void *data);

/* What the kernel said, which the library's own codes would hide. */
static int note_errno(struct sockaddr_nl *peer, struct nlmsgerr *problem, void *data)
{
    *(int *)data = -problem->error;
    return NL_STOP;
}

static int note_ack(struct nl_msg *message, void *data)
{
    *(int *)data = 0;
    return NL_STOP;
}

static int receive(struct nl_sock *socket, answer_function answer, void *data)
{
    struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
    int result = -1, received;

    nl_cb_err(callbacks, NL_CB_CUSTOM, note_errno, &result);
    nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, note_ack, &result);
    nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, note_ack, &result);
    if (answer)
        nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, answer, data);
    do
        received = nl_recvmsgs(socket, callbacks);
    while (result < 0 && received >= 0);
    nl_cb_put(callbacks);
    return result < 0 ? EIO : result;
}

/* 0, or an errno. */
static int ask(struct nl_msg *message, answer_function answer, void *data)
{
    struct nl_sock *socket = nl_socket_alloc();
    int result = EIO;

    if (nl_connect(socket, NETLINK_ROUTE) == 0 && nl_send_auto(socket, message) >= 0)
        result = receive(socket, answer, data);
    nl_socket_free(socket);
    return result;
}

static int report(int errnum, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static int report(int errnum, GError **error, const char *format, ...)
{
    va_list arguments;

    if (!errnum)
        return 0;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (errnum == EPERM)
        error_set(error, VIR_ERR_OPERATION_DENIED,
                  "%s: this needs the capability CAP_NET_ADMIN, which the daemon does not have",
                  what);
    else
        error_set_errno(error, errnum, "%s", what);
    return -1;
}

static struct nl_msg *new_link_message(int type, int flags, unsigned index)
{
    struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);

    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    return message;
}

static int find(const char *name, unsigned *ret_index, GError **error)
{
    unsigned index = netlink_find(name);

    if (!index)
        return report(ENODEV, error, "device '%s'", name);
    *ret_index = index;
    return 0;
}

/* ---- bridges ---- */

static int send_bridge(const struct netlink_bridge *bridge, int flags)
{
    MESSAGE_AUTO *message = new_link_message(RTM_NEWLINK, flags, 0);

    nla_put_string(message, IFLA_IFNAME, bridge->name);
    nla_put(message, IFLA_ADDRESS, sizeof(bridge->mac), bridge->mac);
    if (bridge->mtu)
        nla_put_u32(message, IFLA_MTU, bridge->mtu);
    struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO);
    nla_put_string(message, IFLA_INFO_KIND, "bridge");
    struct nlattr *data = nla_nest_start(message, IFLA_INFO_DATA);
    /* a delay that is too short for the spanning tree is only taken without it */
    nla_put_u32(message, IFLA_BR_STP_STATE, 0);
    nla_put_u32(message, IFLA_BR_FORWARD_DELAY, bridge->delay_seconds * CENTISECONDS);
    nla_nest_end(message, data);
    nla_nest_end(message, info);
    return ask(message, NULL, NULL);
}

static int send_stp(const char *name, bool stp)
{
    MESSAGE_AUTO *message = new_link_message(RTM_NEWLINK, 0, 0);

    nla_put_string(message, IFLA_IFNAME, name);
    struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO);
    nla_put_string(message, IFLA_INFO_KIND, "bridge");
    struct nlattr *data = nla_nest_start(message, IFLA_INFO_DATA);
    nla_put_u32(message, IFLA_BR_STP_STATE, stp);
    nla_nest_end(message, data);
    nla_nest_end(message, info);
    return ask(message, NULL, NULL);
}

static int set_bridge(const struct netlink_bridge *bridge, int flags)
{
    int result = send_bridge(bridge, flags);

    return result || !bridge->stp ? result : send_stp(bridge->name, true);
}

int netlink_bridge_create(const struct netlink_bridge *bridge, GError **error)
{
    int result = set_bridge(bridge, NLM_F_CREATE | NLM_F_EXCL);

    if (result == EEXIST) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "there is a network device '%s' already",
                  bridge->name);
        return -1;
    }
    return report(result, error, "can't make bridge '%s'", bridge->name);
}

int netlink_bridge_change(const struct netlink_bridge *bridge, GError **error)
{
    return report(set_bridge(bridge, 0), error, "can't change bridge '%s'", bridge->name);
}

struct link_facts {
    bool is_bridge;
    uint8_t mac[6];
};

static int note_link(struct nl_msg *message, void *data)
{
    struct link_facts *facts = data;
    struct nlattr *attributes[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];

    if (nlmsg_parse(nlmsg_hdr(message), sizeof(struct ifinfomsg), attributes, IFLA_MAX, NULL) < 0)
        return NL_SKIP;
    if (attributes[IFLA_ADDRESS] && nla_len(attributes[IFLA_ADDRESS]) == sizeof(facts->mac))
        memcpy(facts->mac, nla_data(attributes[IFLA_ADDRESS]), sizeof(facts->mac));
    if (attributes[IFLA_LINKINFO] &&
        nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], NULL) == 0 &&
        info[IFLA_INFO_KIND])
        facts->is_bridge = strcmp(nla_get_string(info[IFLA_INFO_KIND]), "bridge") == 0;
    return NL_OK;
}

bool netlink_bridge_exists(const char *name, uint8_t ret_mac[6])
{
    MESSAGE_AUTO *message = new_link_message(RTM_GETLINK, 0, 0);
    struct link_facts facts = {0};

    nla_put_string(message, IFLA_IFNAME, name);
    if (ask(message, note_link, &facts) != 0 || !facts.is_bridge)
        return false;
    if (ret_mac)
        memcpy(ret_mac, facts.mac, sizeof(facts.mac));
    return true;
}

/* ---- links ---- */

unsigned netlink_find(const char *name)
{
    return if_nametoindex(name);
}

int netlink_delete(const char *name, GError **error)
{
    unsigned index = netlink_find(name);

    if (!index)
        return 0;
    MESSAGE_AUTO *message = new_link_message(RTM_DELLINK, 0, index);
    int result = ask(message, NULL, NULL);
    return report(result == ENODEV ? 0 : result, error, "can't delete device '%s'", name);
}

int netlink_set_up(const char *name, bool up, GError **error)
{
    struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_change = IFF_UP};
    unsigned index = 0;

    if (find(name, &index, error) < 0)
        return -1;
    header.ifi_index = (int)index;
    header.ifi_flags = up ? IFF_UP : 0;
    MESSAGE_AUTO *message = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);
    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    return report(ask(message, NULL, NULL), error, "can't set device '%s' %s", name,
                  up ? "up" : "down");
}

int netlink_set_master(const char *name, const char *bridge, GError **error)
{
    unsigned index = 0, master = 0;

    if (find(name, &index, error) < 0 || (bridge && find(bridge, &master, error) < 0))
        return -1;
    MESSAGE_AUTO *message = new_link_message(RTM_NEWLINK, 0, index);
    nla_put_u32(message, IFLA_MASTER, master);
    return report(ask(message, NULL, NULL), error, "can't plug device '%s' into bridge '%s'", name,
                  bridge ? bridge : "(none)");
}

int netlink_set_isolated(const char *name, bool isolated, GError **error)
{
    struct ifinfomsg header = {.ifi_family = AF_BRIDGE};
    unsigned index = 0;

    if (find(name, &index, error) < 0)
        return -1;
    header.ifi_index = (int)index;
    MESSAGE_AUTO *message = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    struct nlattr *info = nla_nest_start(message, IFLA_PROTINFO | NLA_F_NESTED);
    nla_put_u8(message, IFLA_BRPORT_ISOLATED, isolated);
    nla_nest_end(message, info);
    return report(ask(message, NULL, NULL), error, "can't isolate device '%s'", name);
}

struct port_list {
    unsigned master;
    GPtrArray *names;
};

static int note_port(struct nl_msg *message, void *data)
{
    struct port_list *list = data;
    struct nlattr *attributes[IFLA_MAX + 1];

    if (nlmsg_parse(nlmsg_hdr(message), sizeof(struct ifinfomsg), attributes, IFLA_MAX, NULL) ==
            0 &&
        attributes[IFLA_MASTER] && attributes[IFLA_IFNAME] &&
        nla_get_u32(attributes[IFLA_MASTER]) == list->master)
        g_ptr_array_add(list->names, g_strdup(nla_get_string(attributes[IFLA_IFNAME])));
    return NL_OK;
}

int netlink_list_ports(const char *bridge, GPtrArray **ret_names, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    struct port_list list = {.names = names};

    if (find(bridge, &list.master, error) < 0)
        return -1;
    MESSAGE_AUTO *message = new_link_message(RTM_GETLINK, NLM_F_DUMP, 0);
    if (report(ask(message, note_port, &list), error, "can't list ports of bridge '%s'", bridge) <
        0)
        return -1;
    *ret_names = g_steal_pointer(&names);
    return 0;
}

/* ---- addresses ---- */

static int family_of(const struct ip_address *address)
{
    return address->family == IP_V4 ? AF_INET : AF_INET6;
}

static void put_ip(struct nl_msg *message, int attribute, const struct ip_address *address)
{
    nla_put(message, attribute, (int)ip_bytes(address), address->bytes);
}

static struct nl_msg *new_address_message(int type, int flags, unsigned index,
                                          const struct ip_address *address, unsigned prefix)
{
    struct ifaddrmsg header = {.ifa_family = (uint8_t)family_of(address),
                               .ifa_prefixlen = (uint8_t)prefix,
                               .ifa_index = index,
                               .ifa_flags = address->family == IP_V6 ? IFA_F_NODAD : 0};
    struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
    struct ip_address broadcast = ip_last(address, prefix);

    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    put_ip(message, IFA_LOCAL, address);
    put_ip(message, IFA_ADDRESS, address);
    if (address->family == IP_V4 && prefix < 31)
        put_ip(message, IFA_BROADCAST, &broadcast);
    return message;
}

int netlink_add_address(const char *name, const struct ip_address *address, unsigned prefix,
                        GError **error)
{
    char text[IP_TEXT];
    unsigned index = 0;

    if (find(name, &index, error) < 0)
        return -1;
    MESSAGE_AUTO *message =
        new_address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address, prefix);
    int result = ask(message, NULL, NULL);
    return report(result == EEXIST ? 0 : result, error, "can't add address %s/%u to '%s'",
                  ip_format(address, text), prefix, name);
}

int netlink_remove_address(const char *name, const struct ip_address *address, unsigned prefix,
                           GError **error)
{
    char text[IP_TEXT];
    unsigned index = 0;

    if (find(name, &index, error) < 0)
        return -1;
    MESSAGE_AUTO *message = new_address_message(RTM_DELADDR, 0, index, address, prefix);
    int result = ask(message, NULL, NULL);
    return report(result == EADDRNOTAVAIL ? 0 : result, error, "can't remove address %s/%u of '%s'",
                  ip_format(address, text), prefix, name);
}

/* ---- routes ---- */

int netlink_add_route(const struct netlink_route *route, GError **error)
{
    struct rtmsg header = {.rtm_family = (uint8_t)family_of(&route->network),
                           .rtm_dst_len = (uint8_t)route->prefix,
                           .rtm_table = RT_TABLE_MAIN,
                           .rtm_protocol = RTPROT_STATIC,
                           .rtm_scope = RT_SCOPE_UNIVERSE,
                           .rtm_type = RTN_UNICAST};
    MESSAGE_AUTO *message =
        nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    char text[IP_TEXT];
    unsigned index = 0;

    if (find(route->dev, &index, error) < 0)
        return -1;
    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    put_ip(message, RTA_DST, &route->network);
    put_ip(message, RTA_GATEWAY, &route->gateway);
    nla_put_u32(message, RTA_OIF, index);
    if (route->metric)
        nla_put_u32(message, RTA_PRIORITY, route->metric);
    return report(ask(message, NULL, NULL), error, "can't add the route to %s/%u by '%s'",
                  ip_format(&route->network, text), route->prefix, route->dev);
}

static void get_ip(struct nlattr *attribute, int family, struct ip_address *ret_address)
{
    ret_address->family = family == AF_INET ? IP_V4 : IP_V6;
    if (attribute)
        memcpy(ret_address->bytes, nla_data(attribute),
               MIN((size_t)nla_len(attribute), ip_bytes(ret_address)));
}

static int note_route(struct nl_msg *message, void *data)
{
    const struct rtmsg *header = nlmsg_data(nlmsg_hdr(message));
    struct nlattr *attributes[RTA_MAX + 1];
    struct netlink_route route = {.prefix = header->rtm_dst_len};

    if (header->rtm_type != RTN_UNICAST || header->rtm_table != RT_TABLE_MAIN ||
        !header->rtm_dst_len ||
        nlmsg_parse(nlmsg_hdr(message), sizeof(*header), attributes, RTA_MAX, NULL) < 0)
        return NL_OK;
    get_ip(attributes[RTA_DST], header->rtm_family, &route.network);
    if (attributes[RTA_GATEWAY])
        get_ip(attributes[RTA_GATEWAY], header->rtm_family, &route.gateway);
    if (attributes[RTA_OIF])
        if_indextoname(nla_get_u32(attributes[RTA_OIF]), route.dev);
    if (attributes[RTA_PRIORITY])
        route.metric = nla_get_u32(attributes[RTA_PRIORITY]);
    g_array_append_val((GArray *)data, route);
    return NL_OK;
}

int netlink_list_routes(GArray **ret_routes, GError **error)
{
    static const int families[] = {AF_INET, AF_INET6};
    g_autoptr(GArray) routes = g_array_new(FALSE, TRUE, sizeof(struct netlink_route));

    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        struct rtmsg header = {.rtm_family = (uint8_t)families[i]};
        MESSAGE_AUTO *message = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP);

        nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
        if (report(ask(message, note_route, routes), error, "can't list routes") < 0)
            return -1;
    }
    *ret_routes = g_steal_pointer(&routes);
    return 0;
}

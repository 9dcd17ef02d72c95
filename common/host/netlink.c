/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/netlink.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

#include "base/error.h"
#include "base/mac.h"

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

static int send_bridge(const struct netlink_bridge *bridge)
{
    MESSAGE_AUTO *message = new_link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);

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

/* One option of a bridge that is there. */
static int set_option(const char *name, int option, bool byte, uint32_t value)
{
    MESSAGE_AUTO *message = new_link_message(RTM_NEWLINK, 0, 0);

    nla_put_string(message, IFLA_IFNAME, name);
    struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO);
    nla_put_string(message, IFLA_INFO_KIND, "bridge");
    struct nlattr *data = nla_nest_start(message, IFLA_INFO_DATA);
    if (byte)
        nla_put_u8(message, option, (uint8_t)value);
    else
        nla_put_u32(message, option, value);
    nla_nest_end(message, data);
    nla_nest_end(message, info);
    return ask(message, NULL, NULL);
}

int netlink_bridge_create(const struct netlink_bridge *bridge, GError **error)
{
    int result = send_bridge(bridge);

    if (result == 0 && bridge->stp)
        result = set_option(bridge->name, IFLA_BR_STP_STATE, false, 1);
    if (result == EEXIST) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "there is a network device '%s' already",
                  bridge->name);
        return -1;
    }
    return report(result, error, "can't make bridge '%s'", bridge->name);
}

int netlink_bridge_filter_vlans(const char *name, GError **error)
{
    return report(set_option(name, IFLA_BR_VLAN_FILTERING, true, 1), error,
                  "can't have bridge '%s' filter VLANs", name);
}

/* ---- links ---- */

unsigned netlink_find(const char *name)
{
    return if_nametoindex(name);
}

static bool is_bridge(struct nlattr *linkinfo)
{
    struct nlattr *info[IFLA_INFO_MAX + 1];

    return linkinfo && nla_parse_nested(info, IFLA_INFO_MAX, linkinfo, NULL) == 0 &&
           info[IFLA_INFO_KIND] && strcmp(nla_get_string(info[IFLA_INFO_KIND]), "bridge") == 0;
}

bool netlink_read_link(struct nlmsghdr *message, struct netlink_link *ret_link)
{
    const struct ifinfomsg *header = nlmsg_data(message);
    struct netlink_link link = {0};
    struct nlattr *attributes[IFLA_MAX + 1];

    if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
        nlmsg_parse(message, sizeof(*header), attributes, IFLA_MAX, NULL) < 0 ||
        header->ifi_family != AF_UNSPEC)
        return false;
    link.index = (unsigned)header->ifi_index;
    link.up = header->ifi_flags & IFF_UP;
    if (attributes[IFLA_IFNAME])
        g_strlcpy(link.name, nla_get_string(attributes[IFLA_IFNAME]), sizeof(link.name));
    if (attributes[IFLA_ADDRESS] && nla_len(attributes[IFLA_ADDRESS]) == sizeof(link.mac))
        memcpy(link.mac, nla_data(attributes[IFLA_ADDRESS]), sizeof(link.mac));
    if (attributes[IFLA_MASTER])
        link.master = nla_get_u32(attributes[IFLA_MASTER]);
    link.is_bridge = is_bridge(attributes[IFLA_LINKINFO]);
    *ret_link = link;
    return true;
}

static int note_link(struct nl_msg *message, void *data)
{
    struct netlink_link link;

    if (netlink_read_link(nlmsg_hdr(message), &link))
        g_array_append_val((GArray *)data, link);
    return NL_OK;
}

bool netlink_get_link(const char *name, struct netlink_link *ret_link)
{
    g_autoptr(GArray) links = g_array_new(FALSE, TRUE, sizeof(struct netlink_link));
    MESSAGE_AUTO *message = new_link_message(RTM_GETLINK, 0, 0);

    nla_put_string(message, IFLA_IFNAME, name);
    if (ask(message, note_link, links) != 0 || !links->len)
        return false;
    *ret_link = g_array_index(links, struct netlink_link, 0);
    return true;
}

int netlink_list_links(GArray **ret_links, GError **error)
{
    g_autoptr(GArray) links = g_array_new(FALSE, TRUE, sizeof(struct netlink_link));
    MESSAGE_AUTO *message = new_link_message(RTM_GETLINK, NLM_F_DUMP, 0);

    if (report(ask(message, note_link, links), error, "can't list network devices") < 0)
        return -1;
    *ret_links = g_steal_pointer(&links);
    return 0;
}

bool netlink_bridge_exists(const char *name)
{
    struct netlink_link link;

    return netlink_get_link(name, &link) && link.is_bridge;
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

/* Options of the port that a device is of its bridge: each is a byte. */
static int set_port(const char *name, const int *options, size_t count, bool value,
                    const char *what, GError **error)
{
    struct ifinfomsg header = {.ifi_family = AF_BRIDGE};
    unsigned index = 0;

    if (find(name, &index, error) < 0)
        return -1;
    header.ifi_index = (int)index;
    MESSAGE_AUTO *message = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    struct nlattr *info = nla_nest_start(message, IFLA_PROTINFO | NLA_F_NESTED);
    for (size_t i = 0; i < count; i++)
        nla_put_u8(message, options[i], value);
    nla_nest_end(message, info);
    return report(ask(message, NULL, NULL), error, "can't %s device '%s'", what, name);
}

int netlink_set_isolated(const char *name, bool isolated, GError **error)
{
    static const int options[] = {IFLA_BRPORT_ISOLATED};

    return set_port(name, options, G_N_ELEMENTS(options), isolated, "isolate", error);
}

int netlink_set_learning(const char *name, bool learning, GError **error)
{
    static const int options[] = {IFLA_BRPORT_LEARNING, IFLA_BRPORT_UNICAST_FLOOD};

    return set_port(name, options, G_N_ELEMENTS(options), learning, "set the learning of", error);
}

int netlink_add_station(const char *name, const uint8_t mac[6], GError **error)
{
    struct ndmsg header = {
        .ndm_family = AF_BRIDGE, .ndm_state = NUD_NOARP, .ndm_flags = NTF_MASTER};
    char text[MAC_TEXT];
    unsigned index = 0;

    if (find(name, &index, error) < 0)
        return -1;
    header.ndm_ifindex = (int)index;
    MESSAGE_AUTO *message =
        nlmsg_alloc_simple(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    nla_put(message, NDA_LLADDR, 6, mac);
    return report(ask(message, NULL, NULL), error, "can't tell the bridge that %s is at '%s'",
                  mac_format(mac, text), name);
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
                                          const struct ip_address *address, unsigned prefix,
                                          const struct ip_address *peer)
{
    struct ifaddrmsg header = {.ifa_family = (uint8_t)family_of(address),
                               .ifa_prefixlen = (uint8_t)prefix,
                               .ifa_index = index,
                               .ifa_flags = address->family == IP_V6 ? IFA_F_NODAD : 0};
    struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
    struct ip_address broadcast = ip_last(address, prefix);

    nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    put_ip(message, IFA_LOCAL, address);
    put_ip(message, IFA_ADDRESS, peer ? peer : address);
    if (address->family == IP_V4 && prefix < 31 && !peer)
        put_ip(message, IFA_BROADCAST, &broadcast);
    return message;
}

int netlink_add_address(const char *name, const struct ip_address *address, unsigned prefix,
                        const struct ip_address *peer, GError **error)
{
    char text[IP_TEXT];
    unsigned index = 0;

    if (find(name, &index, error) < 0)
        return -1;
    MESSAGE_AUTO *message =
        new_address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address, prefix, peer);
    int result = ask(message, NULL, NULL);
    return report(result == EEXIST ? 0 : result, error, "can't add address %s/%u to '%s'",
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
    if (route->gateway.family)
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-end.h"

#include "base/error.h"
#include "host/netlink.h"

struct address {
    struct ip_address address, peer; /* the latter may be none */
    unsigned prefix;
};

static int read_ip(const char *text, const char *element, struct ip_address *ret_address,
                   GError **error)
{
    if (text && ip_parse(text, ret_address) == 0)
        return 0;
    error_set(error, VIR_ERR_XML_ERROR, "Invalid address '%s' in <%s>", text ? text : "", element);
    return -1;
}

static int refuse(const char *element, const char *text, const char *reason, GError **error)
{
    error_set(error, VIR_ERR_XML_ERROR, "<%s> with '%s': %s", element, text, reason);
    return -1;
}

static int read_address(const struct net_ip *ip, struct address *ret_address, GError **error)
{
    struct address found = {0};

    if (read_ip(ip->address, "ip", &found.address, error) < 0 ||
        (ip->peer && read_ip(ip->peer, "ip", &found.peer, error) < 0))
        return -1;
    found.prefix = ip->prefix.set ? ip->prefix.value : ip_default_prefix(&found.address);
    if (found.prefix > ip_bits(&found.address))
        return refuse("ip", ip->address, "its prefix is longer than the address", error);
    if (ip->peer && found.peer.family != found.address.family)
        return refuse("ip", ip->address, "its peer is of the other family", error);
    *ret_address = found;
    return 0;
}

static int read_prefix(const struct net_route *route, const struct ip_address *network,
                       unsigned *ret_prefix, GError **error)
{
    struct ip_address mask;
    int prefix = (int)ip_default_prefix(network);

    if (route->netmask) {
        if (read_ip(route->netmask, "route", &mask, error) < 0)
            return -1;
        prefix = mask.family == network->family ? ip_mask_prefix(&mask) : -1;
    } else if (route->prefix.set)
        prefix = (int)MIN(route->prefix.value, IP_BYTES * 8 + 1);
    if (prefix < 0 || (unsigned)prefix > ip_bits(network))
        return refuse("route", route->address, "its netmask or prefix is none", error);
    *ret_prefix = (unsigned)prefix;
    return 0;
}

static int read_route(const struct net_route *route, const char *dev,
                      struct netlink_route *ret_route, GError **error)
{
    struct netlink_route found = {.metric = route->metric};

    if (read_ip(route->address, "route", &found.network, error) < 0 ||
        read_prefix(route, &found.network, &found.prefix, error) < 0 ||
        (route->gateway && read_ip(route->gateway, "route", &found.gateway, error) < 0))
        return -1;
    if (route->gateway && found.gateway.family != found.network.family)
        return refuse("route", route->address, "its gateway is of the other family", error);
    found.network = ip_first(&found.network, found.prefix);
    g_strlcpy(found.dev, dev, sizeof(found.dev));
    *ret_route = found;
    return 0;
}

int host_end_check(const struct domain_net *net, GError **error)
{
    struct netlink_route route;
    struct address address;

    LIST_EACH (ip, &net->host_ips)
        if (read_address(ip, &address, error) < 0)
            return -1;
    LIST_EACH (said, &net->host_routes)
        if (read_route(said, "", &route, error) < 0)
            return -1;
    return 0;
}

int host_end_set(const struct domain_net *net, GError **error)
{
    struct netlink_route route;
    struct address address;

    LIST_EACH (ip, &net->host_ips)
        if (read_address(ip, &address, error) < 0 ||
            netlink_add_address(net->target, &address.address, address.prefix,
                                address.peer.family ? &address.peer : NULL, error) < 0)
            return -1;
    if (net->link == NET_LINK_DOWN) /* there are no routes by what is down */
        return 0;
    LIST_EACH (said, &net->host_routes)
        if (read_route(said, net->target, &route, error) < 0 ||
            netlink_add_route(&route, error) < 0)
            return -1;
    return 0;
}

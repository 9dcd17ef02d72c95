/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/network-check.h"

#include <string.h>

#include "base/mac.h"
#include "model/text-types.h"
#include "xml/xml.h"

/* The packet filter has an entry for each. */
#define MOVED_PORTS_MOST 4096
#define NAT_ADDRESSES_MOST 65535

#define REFUSE(at, path, code, ...) xml_at_fail((at), (path), (code), error, __VA_ARGS__)
#define MODE_NAME(mode) ((mode) ? names_word(&network_forward_mode_names, (mode)) : "isolated")

/* ---- forward ---- */

int network_check_nat(struct xml_at *at, void *object, GError **error)
{
    const struct network_nat *nat = object;
    const struct ip_address *start = &nat->address_start, *end = &nat->address_end;

    if (!start->family != !end->family)
        return REFUSE(at, "address", VIR_ERR_XML_ERROR, "missing '%s' attribute in <address>",
                      start->family ? "end" : "start");
    if ((start->family && start->family != IP_V4) || (end->family && end->family != IP_V4))
        return REFUSE(at, "address", VIR_ERR_XML_ERROR, "Bad ipv4 address in <nat>");
    if (start->family && ip_compare(start, end) > 0)
        return REFUSE(at, "address", VIR_ERR_INTERNAL_ERROR, "the range of addresses is reversed");
    if (start->family && ip_count(start, end) > NAT_ADDRESSES_MOST)
        return REFUSE(at, "address", VIR_ERR_INTERNAL_ERROR,
                      "the range of addresses is too large: %d is the most", NAT_ADDRESSES_MOST);
    if (nat->port_start.set != nat->port_end.set ||
        (nat->port_start.set && nat->port_start.value > nat->port_end.value))
        return REFUSE(at, "port", VIR_ERR_XML_DETAIL, "Missing or invalid '%s' attribute in <port>",
                      nat->port_start.set ? "end" : "start");
    return 0;
}

static bool nat_is_empty(const struct network_nat *nat)
{
    return !nat->ipv6 && !nat->address_start.family && !nat->port_start.set;
}

static int check_interfaces(struct xml_at *at, const struct network_forward *forward,
                            GError **error)
{
    LIST_EACH (interface, &forward->interfaces)
        for (unsigned i = 0; i < interface_i; i++)
            if (strcmp(forward->interfaces.items[i]->dev, interface->dev) == 0)
                return REFUSE(at, "interface/@dev", VIR_ERR_XML_ERROR,
                              "interface '%s' can only be listed once", interface->dev);
    return 0;
}

/* The dev attribute and the first interface are one. */
static int join_devices(struct xml_at *at, struct network_forward *forward, GError **error)
{
    if (forward->dev && forward->interfaces.count &&
        strcmp(forward->dev, forward->interfaces.items[0]->dev) != 0)
        return REFUSE(at, "@dev", VIR_ERR_XML_ERROR,
                      "<forward dev='%s'> must match first <interface dev='%s'/>", forward->dev,
                      forward->interfaces.items[0]->dev);
    if (forward->dev && !forward->interfaces.count) {
        struct network_interface *interface = arena_new(xml_at_arena(at), struct network_interface);

        interface->dev = forward->dev;
        LIST_APPEND(xml_at_arena(at), &forward->interfaces, interface);
    }
    if (forward->interfaces.count)
        forward->dev = forward->interfaces.items[0]->dev;
    return 0;
}

int network_check_forward(struct xml_at *at, void *object, GError **error)
{
    struct network_forward *forward = object;

    if (forward->nat && nat_is_empty(forward->nat))
        forward->nat = NULL;
    if (forward->nat && forward->mode != NETWORK_NAT)
        return REFUSE(at, "nat", VIR_ERR_XML_ERROR,
                      "The <nat> element can only be used when <forward> 'mode' is 'nat'");
    if (forward->pfs.count > 1)
        return REFUSE(at, "pf", VIR_ERR_XML_ERROR, "Only one <pf> element is allowed in <forward>");
    /* one that runs has the functions of the adapter */
    if (forward->pfs.count && !(xml_at_flags(at) & XML_READ_STATUS) &&
        (forward->interfaces.count || forward->hostdevs.count || forward->dev))
        return REFUSE(at, "pf", VIR_ERR_XML_ERROR,
                      "a <pf> element can't be used with <interface>, <address> or dev");
    if (forward->hostdevs.count && (forward->interfaces.count || forward->dev))
        return REFUSE(at, "address", VIR_ERR_XML_ERROR,
                      "<address> elements can't be used with <interface> elements or dev");
    if (forward->hostdevs.count && forward->mode != NETWORK_HOSTDEV)
        return REFUSE(at, "address", VIR_ERR_XML_ERROR,
                      "<address> elements can only be used in hostdev mode");
    if (check_interfaces(at, forward, error) < 0 ||
        (!forward->pfs.count && join_devices(at, forward, error) < 0))
        return -1;
    if ((forward->mode == NETWORK_NAT || forward->mode == NETWORK_ROUTE) &&
        forward->interfaces.count > 1)
        return REFUSE(at, "interface", VIR_ERR_XML_ERROR,
                      "multiple forwarding interfaces can't be used in %s mode",
                      MODE_NAME(forward->mode));
    if (forward->mode == NETWORK_OPEN && forward->dev)
        return REFUSE(at, "@dev", VIR_ERR_XML_ERROR, "forward dev not allowed for open mode");
    if (forward->mode == NETWORK_HOSTDEV && !forward->managed)
        forward->managed = TRISTATE_NO;
    return 0;
}

/* ---- port forwards ---- */

int network_check_port_range(struct xml_at *at, void *object, GError **error)
{
    const struct network_port_range *range = object;
    unsigned last = range->end ? range->end : range->start;

    if (last < range->start)
        return REFUSE(at, "@end", VIR_ERR_XML_ERROR, "the range of ports is reversed");
    if (range->to && range->to + (last - range->start) > 65535)
        return REFUSE(at, "@to", VIR_ERR_XML_ERROR, "the last port of the guest is above 65535");
    if (range->to && range->to != range->start && last - range->start >= MOVED_PORTS_MOST)
        return REFUSE(at, "@to", VIR_ERR_CONFIG_UNSUPPORTED,
                      "a range that leads to other ports has at most %d", MOVED_PORTS_MOST);
    return 0;
}

int network_check_port_forward(struct xml_at *at, void *object, GError **error)
{
    const struct network_port_forward *forward = object;
    unsigned names = !!forward->guest_mac + !!forward->guest_name + !!forward->guest_address.family;

    if (names != 1)
        return REFUSE(at, "modvirt:guest", VIR_ERR_XML_ERROR,
                      "a guest is told by one of mac, name and address");
    if (!forward->ranges.count)
        return REFUSE(at, "modvirt:range", VIR_ERR_XML_ERROR, "a port forward needs ports");
    if (forward->address.family && forward->guest_address.family &&
        forward->address.family != forward->guest_address.family)
        return REFUSE(at, "@address", VIR_ERR_XML_ERROR,
                      "the guest's address is of another family than the host's");
    return 0;
}

/* ---- parts that networks share with interfaces ---- */

static int check_rate(struct xml_at *at, const char *path, const struct net_rate *rate,
                      bool may_floor, GError **error)
{
    if (!rate)
        return 0;
    if (rate->floor && !may_floor)
        return REFUSE(at, path, VIR_ERR_CONFIG_UNSUPPORTED,
                      "floor attribute is not supported for this config");
    if (!rate->average && !rate->floor)
        return REFUSE(at, path, VIR_ERR_XML_DETAIL,
                      "Missing mandatory average or floor attributes");
    if ((rate->peak || rate->burst) && !rate->average)
        return REFUSE(at, path, VIR_ERR_XML_DETAIL,
                      "'peak' and 'burst' require 'average' attribute");
    return 0;
}

/* A floor is what a network grants to one guest, so no group and no network can have one. */
static int check_bandwidth(struct xml_at *at, const char *inbound, const char *outbound,
                           const struct net_bandwidth *bandwidth, GError **error)
{
    if (!bandwidth)
        return 0;
    if (check_rate(at, inbound, bandwidth->inbound, false, error) < 0)
        return -1;
    return check_rate(at, outbound, bandwidth->outbound, false, error);
}

static int check_vlan(struct xml_at *at, const char *path, struct net_vlan *vlan, GError **error)
{
    if (!vlan)
        return 0;
    if (!vlan->tags.count)
        return REFUSE(
            at, path, VIR_ERR_XML_ERROR,
            "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement");
    if (vlan->tags.count > 1 && vlan->trunk == TRISTATE_NO)
        return REFUSE(
            at, path, VIR_ERR_XML_ERROR,
            "invalid \"trunk='no'\" in <vlan> - trunk='yes' is required for more than one "
            "vlan tag");
    unsigned natives = 0;
    LIST_EACH (tag, &vlan->tags)
        natives += tag->native_mode != 0;
    if (natives > 1)
        return REFUSE(at, path, VIR_ERR_XML_ERROR, "duplicate native vlan setting");
    if (vlan->tags.count > 1 || natives)
        vlan->trunk = TRISTATE_YES;
    return 0;
}

static int check_virtual_port(struct xml_at *at, const char *path,
                              const struct net_virtual_port *port, GError **error)
{
    if (port && !port->type)
        return REFUSE(at, path, VIR_ERR_XML_ERROR, "missing required virtualport type");
    return 0;
}

static int check_portgroups(struct xml_at *at, const struct network *network, GError **error)
{
    LIST_EACH (group, &network->portgroups) {
        if (!*group->name)
            return REFUSE(at, "portgroup/@name", VIR_ERR_XML_ERROR,
                          "Missing required name attribute in portgroup");
        if (check_vlan(at, "portgroup/vlan", group->vlan, error) < 0 ||
            check_bandwidth(at, "portgroup/bandwidth/inbound", "portgroup/bandwidth/outbound",
                            group->bandwidth, error) < 0)
            return -1;
        for (unsigned i = 0; i < group_i; i++) {
            const struct network_portgroup *other = network->portgroups.items[i];

            if (strcmp(other->name, group->name) == 0)
                return REFUSE(at, "portgroup/@name", VIR_ERR_CONFIG_UNSUPPORTED,
                              "there are two port groups named '%s'", group->name);
            if (other->is_default == TRISTATE_YES && group->is_default == TRISTATE_YES)
                return REFUSE(at, "portgroup/@default", VIR_ERR_XML_ERROR,
                              "both '%s' and '%s' are the default port group", other->name,
                              group->name);
        }
    }
    return 0;
}

/* ---- what a mode can't have ---- */

static bool has_names(const struct network_dns *dns)
{
    return dns->enable || dns->forward_plain_names || dns->forwarders.count || dns->txts.count ||
           dns->srvs.count || dns->hosts.count;
}

/* Where the bridge is not ours, it has no addresses of ours, and we serve nothing. */
static int check_served(struct xml_at *at, const struct network *network, GError **error)
{
    static const uint8_t no_mac[sizeof(network->mac)];
    const struct {
        bool there;
        const char *path;
    } elements[] = {
        {memcmp(network->mac, no_mac, sizeof(no_mac)) != 0, "mac"},
        {network->ips.count > 0, "ip"},
        {has_names(&network->dns), "dns"},
        {network->domain != NULL, "domain"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++)
        if (elements[i].there)
            return REFUSE(at, elements[i].path, VIR_ERR_CONFIG_UNSUPPORTED,
                          "Unsupported <%s> element in a network with forward mode='%s'",
                          elements[i].path, MODE_NAME(network_mode(network)));
    return 0;
}

static bool can_tag(const struct network *network, const struct net_virtual_port *port)
{
    unsigned type = port ? port->type : VIRTUAL_PORT_NONE;

    switch (network_mode(network)) {
    case NETWORK_BRIDGE:
        return type == VIRTUAL_PORT_OPENVSWITCH;
    case NETWORK_PASSTHROUGH:
    case NETWORK_HOSTDEV:
        return type == VIRTUAL_PORT_NONE || type == VIRTUAL_PORT_8021QBH;
    default:
        return false;
    }
}

/* Of the network, or of a group of it. */
static int check_settings(struct xml_at *at, const struct network *network, const char *of,
                          const struct net_vlan *vlan, const struct net_virtual_port *port,
                          const struct net_bandwidth *bandwidth, GError **error)
{
    if (vlan && !can_tag(network, port))
        return REFUSE(at, of, VIR_ERR_CONFIG_UNSUPPORTED,
                      "<vlan> element specified, but this type of network doesn't support vlan "
                      "configuration");
    if (bandwidth && !network_is_managed(network) && !network->bridge)
        return REFUSE(at, of, VIR_ERR_CONFIG_UNSUPPORTED,
                      "Unsupported <bandwidth> element in a network with forward mode='%s'",
                      MODE_NAME(network_mode(network)));
    return 0;
}

static int check_mode(struct xml_at *at, const struct network *network, GError **error)
{
    if (!network_is_managed(network) && check_served(at, network, error) < 0)
        return -1;
    if (check_settings(at, network, "", network->vlan, network->virtual_port, network->bandwidth,
                       error) < 0)
        return -1;
    LIST_EACH (group, &network->portgroups)
        if (check_settings(at, network, "portgroup", group->vlan ?: network->vlan,
                           group->virtual_port ?: network->virtual_port, group->bandwidth,
                           error) < 0)
            return -1;
    return 0;
}

/* ---- the network ---- */

static int check_addresses(struct xml_at *at, const struct network *network, GError **error)
{
    unsigned mode = network_mode(network);
    bool dhcp[] = {[IP_V4] = false, [IP_V6] = false};

    if ((mode == NETWORK_NAT || mode == NETWORK_ROUTE || mode == NETWORK_OPEN) &&
        !network->ips.count)
        return REFUSE(at, "forward/@mode", VIR_ERR_XML_ERROR,
                      "%s forwarding requested, but no IP address provided", MODE_NAME(mode));
    LIST_EACH (ip, &network->ips) {
        for (unsigned i = 0; i < ip_i; i++) {
            const struct network_ip *other = network->ips.items[i];

            if (ip_equal(&other->address, &ip->address))
                return REFUSE(at, "ip/@address", VIR_ERR_XML_ERROR, "an address is given twice");
        }
        if (!network_ip_has_dhcp(ip))
            continue;
        if (dhcp[ip->address.family])
            return REFUSE(at, "ip/dhcp", VIR_ERR_CONFIG_UNSUPPORTED,
                          "Multiple %s dhcp sections found - dhcp is supported only for a single "
                          "%s address on each network",
                          names_word(&ip_family_names, ip->address.family),
                          names_word(&ip_family_names, ip->address.family));
        dhcp[ip->address.family] = true;
    }
    return 0;
}

static bool can_reach(const struct network *network, const struct ip_address *gateway)
{
    LIST_EACH (ip, &network->ips)
        if (ip_is_within(gateway, &ip->address, network_ip_prefix(ip)))
            return true;
    return false;
}

static int check_routes(struct xml_at *at, const struct network *network, GError **error)
{
    char text[IP_TEXT];

    LIST_EACH (route, &network->routes)
        if (!can_reach(network, &route->gateway))
            return REFUSE(at, "route/@gateway", VIR_ERR_CONFIG_UNSUPPORTED,
                          "unreachable static route gateway '%s'",
                          ip_format(&route->gateway, text));
    return 0;
}

/* What only a bridge of ours can have. */
static int check_unmanaged(struct xml_at *at, const struct network *network, GError **error)
{
    unsigned mode = network_mode(network);
    const char *name = MODE_NAME(mode);

    if (network->bridge_stp || network->bridge_delay.set || network->bridge_zone)
        return REFUSE(
            at, "bridge", VIR_ERR_XML_ERROR,
            "bridge delay/stp/zone options only allowed in route, nat, and isolated mode, "
            "not in %s",
            name);
    if (network->mtu)
        return REFUSE(at, "mtu", VIR_ERR_XML_ERROR,
                      "mtu size only allowed in open, route, nat, and isolated mode, not in %s",
                      name);
    if (network->bridge && mode != NETWORK_BRIDGE)
        return REFUSE(at, "bridge/@name", VIR_ERR_XML_ERROR, "bridge name not allowed in %s mode",
                      name);
    if (network->bridge && (network->forward->interfaces.count || network->forward->pfs.count))
        return REFUSE(at, "bridge/@name", VIR_ERR_XML_ERROR,
                      "A network with forward mode='bridge' can specify a bridge name or a forward "
                      "dev, but not both");
    if (network->port_forwards.count)
        return REFUSE(at, "modvirt:portForward", VIR_ERR_CONFIG_UNSUPPORTED,
                      "ports can't be forwarded in %s mode", name);
    return 0;
}

static int check_managed(struct xml_at *at, const struct network *network, GError **error)
{
    if (network->bridge_delay.set && network->bridge_delay.value > 30)
        return REFUSE(at, "bridge/@delay", VIR_ERR_XML_ERROR,
                      "a delay of %u seconds is more than the 30 that a bridge knows",
                      network->bridge_delay.value);
    if (network->mtu && network->mtu < 68)
        return REFUSE(at, "mtu/@size", VIR_ERR_XML_ERROR, "IPv4 needs packets of 68 bytes");
    if (network->port_forwards.count && network_mode(network) != NETWORK_NAT &&
        network_mode(network) != NETWORK_ROUTE)
        return REFUSE(at, "modvirt:portForward", VIR_ERR_CONFIG_UNSUPPORTED,
                      "ports can be forwarded in nat and route mode only");
    return 0;
}

static int check_texts(struct xml_at *at, const struct network *network, GError **error)
{
    if (!line_is_valid(network->name) || strlen(network->name) > 200)
        return REFUSE(at, "name", VIR_ERR_XML_ERROR,
                      "a name is one line of up to 200 bytes without control characters");
    if (network->title && !line_is_valid(network->title))
        return REFUSE(at, "title", VIR_ERR_XML_ERROR, "Network title can't contain newlines");
    LIST_EACH (option, &network->dnsmasq_options)
        if (!line_is_valid(option) || !*option)
            return REFUSE(at, "dnsmasq:options", VIR_ERR_XML_ERROR,
                          "option %u is not one line of text", option_i + 1);
    if (mac_is_multicast(network->mac))
        return REFUSE(at, "mac/@address", VIR_ERR_XML_ERROR,
                      "Invalid multicast bridge mac address");
    return 0;
}

int network_check(struct xml_at *at, void *object, GError **error)
{
    struct network *network = object;

    if (check_texts(at, network, error) < 0 || check_addresses(at, network, error) < 0 ||
        check_routes(at, network, error) < 0 || check_vlan(at, "vlan", network->vlan, error) < 0 ||
        check_virtual_port(at, "virtualport", network->virtual_port, error) < 0 ||
        check_bandwidth(at, "bandwidth/inbound", "bandwidth/outbound", network->bandwidth, error) <
            0 ||
        check_portgroups(at, network, error) < 0 || check_mode(at, network, error) < 0)
        return -1;
    return network_is_managed(network) ? check_managed(at, network, error)
                                       : check_unmanaged(at, network, error);
}

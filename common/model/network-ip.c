/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/network-ip.h"

#include "model/text-types.h"

#define RANGE_MOST 65535 /* leases: what dnsmasq can take */
#define LEASE_LEAST 120  /* seconds, by RFC 2131's spirit and dnsmasq's word */

NAMES(ip_family_names, NULL, "ipv4", "ipv6");
NAMES(lease_unit_names, NULL, "seconds", "minutes", "hours");

#define REFUSE(at, path, code, ...) xml_at_fail((at), (path), (code), error, __VA_ARGS__)

/* ---- leases ---- */

uint64_t network_lease_seconds(const struct network_lease *lease)
{
    static const unsigned seconds[] = {60, 1, 60, 3600};

    return (uint64_t)lease->expiry.value * seconds[lease->unit];
}

static int lease_check(struct xml_at *at, void *object, GError **error)
{
    struct network_lease *lease = object;
    uint64_t seconds = network_lease_seconds(lease);

    if (!lease->expiry.set || lease->expiry.value == 0)
        lease->unit = LEASE_UNIT_NONE;
    else if (lease->unit == LEASE_UNIT_NONE)
        lease->unit = LEASE_MINUTES;
    if (seconds > 0 && seconds < LEASE_LEAST)
        return REFUSE(at, "@expiry", VIR_ERR_CONFIG_UNSUPPORTED,
                      "The minimum lease time should be greater than 2 minutes");
    if (seconds > UINT32_MAX)
        return REFUSE(at, "@expiry", VIR_ERR_CONFIG_UNSUPPORTED,
                      "a lease of %" G_GUINT64_FORMAT " seconds is longer than DHCP can say",
                      seconds);
    return 0;
}

#define ROWS_OF struct network_lease
static const struct xml_row network_lease_rows[] = {
    ROW_NUMBER("@expiry", expiry, "How long an address stays a guest's; 0: for ever"),
    ROW_ENUM("@unit", unit, lease_unit_names, "Unit of expiry: minutes, where none is given"),
};
#undef ROWS_OF
XML_SCHEMA(network_lease, "lease", .doc = "Time of a lease", .check = lease_check);

/* ---- DHCP ---- */

#define ROWS_OF struct network_dhcp_range
static const struct xml_row network_dhcp_range_rows[] = {
    ROW_IP("@start", start, "First address", .flags = XML_REQUIRED),
    ROW_IP("@end", end, "Last address", .flags = XML_REQUIRED),
    ROW_EMBED("lease", lease, network_lease),
};
#undef ROWS_OF
XML_SCHEMA(network_dhcp_range, "range", .doc = "Addresses for guests");

static int host_check(struct xml_at *at, void *object, GError **error)
{
    const struct network_dhcp_host *host = object;

    if (host->address.family == IP_V4 && !host->mac && !host->name)
        return REFUSE(at, "", VIR_ERR_XML_ERROR,
                      "Static host definition in IPv4 network must have mac or name attribute");
    if (host->address.family == IP_V6 && host->mac)
        return REFUSE(at, "@mac", VIR_ERR_XML_ERROR,
                      "Invalid to specify MAC address in IPv6 static host definition: use id");
    if (host->address.family == IP_V6 && !host->id && !host->name)
        return REFUSE(at, "", VIR_ERR_XML_ERROR,
                      "Static host definition in IPv6 network must have id or name attribute");
    return 0;
}

#define ROWS_OF struct network_dhcp_host
static const struct xml_row network_dhcp_host_rows[] = {
    ROW_TYPE("@mac", mac, mac_text_type, "MAC address of the guest's interface"),
    ROW_TYPE("@id", id, client_id_type, "DHCPv6 identifier of the guest"),
    ROW_TYPE("@name", name, dns_name_type, "Name that the guest gets, or is known by"),
    ROW_IP("@ip", address, "Address kept for it", .flags = XML_REQUIRED),
    ROW_EMBED("lease", lease, network_lease),
};
#undef ROWS_OF
XML_SCHEMA(network_dhcp_host, "host", .doc = "A guest whose address is always the same",
           .check = host_check);

#define ROWS_OF struct network_dhcp
static const struct xml_row network_dhcp_rows[] = {
    ROW_LIST("range", ranges, network_dhcp_range, "Addresses for guests"),
    ROW_LIST("host", hosts, network_dhcp_host, "Guest with an address of its own"),
    ROW_TYPE("bootp/@file", bootp_file, line_type, "File that guests boot from, by TFTP"),
    ROW_TYPE("bootp/@server", bootp_server, dns_name_type, "Host that has it: name or address"),
};
#undef ROWS_OF
XML_SCHEMA(network_dhcp, "dhcp", .doc = "What a DHCP server gives to guests");

/* ---- the host's addresses ---- */

unsigned network_ip_prefix(const struct network_ip *ip)
{
    int prefix = -1;

    if (ip->prefix.set)
        return ip->prefix.value;
    if (ip->netmask.family)
        prefix = ip_mask_prefix(&ip->netmask);
    return prefix >= 0 ? (unsigned)prefix : ip_default_prefix(&ip->address);
}

bool network_ip_has_dhcp(const struct network_ip *ip)
{
    return ip->dhcp && (ip->dhcp->ranges.count || ip->dhcp->hosts.count);
}

static int check_mask(struct xml_at *at, const struct ip_address *address,
                      const struct ip_address *mask, const struct opt_uint *prefix,
                      enum error_code code, GError **error)
{
    if (mask->family && prefix->set)
        return REFUSE(at, "@netmask", code, "an address cannot have both a prefix and a netmask");
    if (mask->family && address->family == IP_V6)
        return REFUSE(at, "@netmask", code, "netmask not allowed for an IPv6 address: use prefix");
    if (mask->family && (mask->family != IP_V4 || ip_mask_prefix(mask) < 0))
        return REFUSE(at, "@netmask", VIR_ERR_XML_ERROR, "this is no netmask like 255.255.255.0");
    if (prefix->set && prefix->value > ip_bits(address))
        return REFUSE(at, "@prefix", code, "Invalid %s prefix '%u': %u is the most",
                      address->family == IP_V4 ? "IPv4" : "IPv6", prefix->value, ip_bits(address));
    return 0;
}

static int check_family(struct xml_at *at, uint8_t family, const struct ip_address *address,
                        enum error_code code, GError **error)
{
    char text[IP_TEXT];

    if (family == IP_NONE && address->family != IP_V4)
        return REFUSE(at, "@family", code, "no family specified for non-IPv4 address '%s'",
                      ip_format(address, text));
    if (family != IP_NONE && family != address->family)
        return REFUSE(at, "@family", code, "Family '%s' specified for address '%s' of another",
                      names_word(&ip_family_names, family), ip_format(address, text));
    return 0;
}

static int check_range(struct xml_at *at, const struct network_ip *ip,
                       const struct network_dhcp_range *range, GError **error)
{
    unsigned prefix = network_ip_prefix(ip);
    struct ip_address first = ip_first(&ip->address, prefix);
    struct ip_address last = ip_last(&ip->address, prefix);
    char start[IP_TEXT], end[IP_TEXT], address[IP_TEXT];
    const char *problem = NULL;

    if (!ip_is_within(&range->start, &ip->address, prefix) ||
        !ip_is_within(&range->end, &ip->address, prefix))
        problem = "is not entirely within the network";
    else if (ip_compare(&range->start, &range->end) > 0)
        problem = "is reversed";
    else if (ip_count(&range->start, &range->end) > RANGE_MOST)
        problem = "is too large (> 65535)";
    else if (ip->address.family == IP_V4 && prefix < 31 && ip_equal(&range->start, &first))
        problem = "begins with the network address";
    else if (ip->address.family == IP_V4 && prefix < 31 && ip_equal(&range->end, &last))
        problem = "ends with the broadcast address";
    if (!problem)
        return 0;
    return REFUSE(at, "dhcp/range", VIR_ERR_INTERNAL_ERROR, "range %s - %s %s %s/%u",
                  ip_format(&range->start, start), ip_format(&range->end, end), problem,
                  ip_format(&ip->address, address), prefix);
}

static bool same_mac(const char *a, const char *b)
{
    return a && b && g_ascii_strcasecmp(a, b) == 0;
}

static int check_hosts(struct xml_at *at, const struct network_ip *ip, GError **error)
{
    LIST_EACH (host, &ip->dhcp->hosts) {
        if (host->address.family != ip->address.family)
            return REFUSE(at, "dhcp/host/@ip", VIR_ERR_XML_ERROR,
                          "the address is not of the family of this <ip>");
        for (unsigned i = 0; i < host_i; i++) {
            const struct network_dhcp_host *other = ip->dhcp->hosts.items[i];

            if (same_mac(host->mac, other->mac) && ip_equal(&host->address, &other->address))
                return REFUSE(at, "dhcp/host", VIR_ERR_XML_ERROR,
                              "there is another host with MAC address '%s' and the same IP address",
                              host->mac);
        }
    }
    return 0;
}

static int ip_check(struct xml_at *at, void *object, GError **error)
{
    struct network_ip *ip = object;

    if (check_family(at, ip->family, &ip->address, VIR_ERR_CONFIG_UNSUPPORTED, error) < 0 ||
        check_mask(at, &ip->address, &ip->netmask, &ip->prefix, VIR_ERR_CONFIG_UNSUPPORTED, error) <
            0)
        return -1;
    if (ip->dhcp && !ip->dhcp->bootp_file)
        ip->dhcp->bootp_server = NULL;
    if (ip->dhcp && !network_ip_has_dhcp(ip) && !ip->dhcp->bootp_file)
        ip->dhcp = NULL;
    if (!ip->dhcp)
        return 0;
    LIST_EACH (range, &ip->dhcp->ranges)
        if (check_range(at, ip, range, error) < 0)
            return -1;
    return check_hosts(at, ip, error);
}

#define ROWS_OF struct network_ip
static const struct xml_row network_ip_rows[] = {
    ROW_ENUM("@family", family, ip_family_names, "ipv4 where none is given"),
    ROW_IP("@address", address, "The host's own address, which guests have as their router",
           .flags = XML_REQUIRED),
    ROW_IP("@netmask", netmask, "Mask of the network (IPv4)"),
    ROW_NUMBER("@prefix", prefix, "Length of its prefix"),
    ROW_YES_NO("@localPtr", local_ptr, "Reverse lookups of the network are answered here alone"),
    ROW_TYPE("tftp/@root", tftp_root, absolute_path_type, "Folder that is served by TFTP"),
    ROW_CHILD("dhcp", dhcp, network_dhcp, "DHCP server"),
};
#undef ROWS_OF
XML_SCHEMA(network_ip, "ip", .doc = "An address of the host on the network", .check = ip_check,
           .spread = true);

/* ---- routes ---- */

unsigned network_route_prefix(const struct network_route *route)
{
    const struct network_ip ip = {
        .address = route->address, .netmask = route->netmask, .prefix = route->prefix};

    return network_ip_prefix(&ip);
}

static int route_check(struct xml_at *at, void *object, GError **error)
{
    const struct network_route *route = object;
    char text[IP_TEXT];

    if (check_family(at, route->family, &route->address, VIR_ERR_XML_ERROR, error) < 0 ||
        check_mask(at, &route->address, &route->netmask, &route->prefix, VIR_ERR_XML_ERROR, error) <
            0)
        return -1;
    if (route->gateway.family != route->address.family)
        return REFUSE(at, "@gateway", VIR_ERR_XML_ERROR, "the gateway '%s' is of another family",
                      ip_format(&route->gateway, text));
    struct ip_address first = ip_first(&route->address, network_route_prefix(route));
    if (!ip_equal(&first, &route->address))
        return REFUSE(at, "@address", VIR_ERR_XML_ERROR,
                      "Address '%s' in route definition is not a network address",
                      ip_format(&route->address, text));
    return 0;
}

#define ROWS_OF struct network_route
static const struct xml_row network_route_rows[] = {
    ROW_ENUM("@family", family, ip_family_names, "ipv4 where none is given"),
    ROW_IP("@address", address, "Network behind a guest", .flags = XML_REQUIRED),
    ROW_IP("@netmask", netmask, "Its mask (IPv4)"),
    ROW_NUMBER("@prefix", prefix, "Length of its prefix"),
    ROW_IP("@gateway", gateway, "The guest's address", .flags = XML_REQUIRED),
    ROW_NUMBER("@metric", metric, "Cost", RANGE(1, UINT32_MAX)),
};
#undef ROWS_OF
XML_SCHEMA(network_route, "route", .doc = "A route of the host into the network",
           .check = route_check);

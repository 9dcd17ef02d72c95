/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/firewall.h"

#include <string.h>

#include "host/nftables.h"

/* ---- text ---- */

static const char *const family_words[] = {[IP_V4] = "ip", [IP_V6] = "ip6"};
static const char *const port_protocols[] = {"tcp", "udp"};

static void add(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GString *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_string_append_vprintf(out, format, arguments);
    va_end(arguments);
    g_string_append_c(out, '\n');
}

/* Chains and maps that lead to those of the networks. To define them again changes nothing. */
static void write_base(const char *family, bool ipv4, GString *out)
{
    const char *type = ipv4 ? "ipv4_addr" : "ipv6_addr";

    add(out, "add table %s " FIREWALL_TABLE, family);
    add(out, "add map %s " FIREWALL_TABLE " from { type ifname : verdict; }", family);
    add(out, "add map %s " FIREWALL_TABLE " to { type ifname : verdict; }", family);
    add(out, "add map %s " FIREWALL_TABLE " source { type %s : verdict; flags interval; }", family,
        type);
    add(out,
        "add map %s " FIREWALL_TABLE
        " ports { type inet_proto . inet_service : verdict; flags interval; }",
        family);
    add(out,
        "add chain %s " FIREWALL_TABLE
        " forward { type filter hook forward priority filter; policy accept; }",
        family);
    add(out,
        "add chain %s " FIREWALL_TABLE
        " postrouting { type nat hook postrouting priority srcnat; policy accept; }",
        family);
    add(out,
        "add chain %s " FIREWALL_TABLE
        " prerouting { type nat hook prerouting priority dstnat; policy accept; }",
        family);
    add(out,
        "add chain %s " FIREWALL_TABLE
        " output { type nat hook output priority -100; policy accept; }",
        family);
    for (size_t i = 0; i < 4; i++) {
        static const char *const chains[] = {"forward", "postrouting", "prerouting", "output"};

        add(out, "flush chain %s " FIREWALL_TABLE " %s", family, chains[i]);
    }
    add(out, "add rule %s " FIREWALL_TABLE " forward oifname vmap @to", family);
    add(out, "add rule %s " FIREWALL_TABLE " forward iifname vmap @from", family);
    add(out, "add rule %s " FIREWALL_TABLE " postrouting %s saddr vmap @source", family, family);
    add(out,
        "add rule %s " FIREWALL_TABLE
        " prerouting fib daddr type local meta l4proto . th dport vmap @ports",
        family);
    add(out,
        "add rule %s " FIREWALL_TABLE
        " output fib daddr type local meta l4proto . th dport vmap @ports",
        family);
}

/* ---- the chains of a network ---- */

static bool has_all(const struct firewall_network *network, enum ip_family family)
{
    return true;
}

static bool has_nat(const struct firewall_network *network, enum ip_family family)
{
    for (unsigned i = 0; i < network->subnet_count; i++)
        if (network->subnets[i].address.family == family &&
            network->subnets[i].kind == FIREWALL_NAT)
            return true;
    return false;
}

static bool has_forwards(const struct firewall_network *network, enum ip_family family)
{
    for (unsigned i = 0; i < network->forward_count; i++)
        if (network->forwards[i].guest.family == family)
            return true;
    return false;
}

static const struct {
    const char *prefix;
    bool (*is_needed)(const struct firewall_network *network, enum ip_family family);
} network_chains[] = {
    {"from", has_all},
    {"to", has_all},
    {"nat", has_nat},
    {"ports", has_forwards},
};

/* Empty: PREFIX-BRIDGE. */
static void write_chain(const char *family, const char *prefix, const char *bridge, GString *out)
{
    add(out, "add chain %s " FIREWALL_TABLE " %s-%s", family, prefix, bridge);
    add(out, "flush chain %s " FIREWALL_TABLE " %s-%s", family, prefix, bridge);
}

/* Maps of intervals that are made by the same transaction only find chains that come before. */
static void write_chains(const struct firewall_network *network, enum ip_family family,
                         GString *out)
{
    const char *word = family_words[family];

    add(out, "add table %s " FIREWALL_TABLE, word);
    for (size_t i = 0; i < G_N_ELEMENTS(network_chains); i++)
        if (network_chains[i].is_needed(network, family))
            write_chain(word, network_chains[i].prefix, network->bridge, out);
}

static void write_rule(const char *family, const char *prefix, const char *bridge, GString *out,
                       const char *format, ...) G_GNUC_PRINTF(5, 6);

static void write_rule(const char *family, const char *prefix, const char *bridge, GString *out,
                       const char *format, ...)
{
    va_list arguments;

    g_string_append_printf(out, "add rule %s " FIREWALL_TABLE " %s-%s ", family, prefix, bridge);
    va_start(arguments, format);
    g_string_append_vprintf(out, format, arguments);
    va_end(arguments);
    g_string_append_c(out, '\n');
}

static char *subnet_text(const struct firewall_subnet *subnet)
{
    struct ip_address first = ip_first(&subnet->address, subnet->prefix);
    char text[IP_TEXT];

    return g_strdup_printf("%s/%u", ip_format(&first, text), subnet->prefix);
}

/* ---- who may reach whom ---- */

/* A match like `iifname "eth0" `, or nothing. */
static char *device_match(const char *key, const char *dev)
{
    return dev ? g_strdup_printf("%s \"%s\" ", key, dev) : g_strdup("");
}

static void write_to_guests(const struct firewall_network *network, enum ip_family family,
                            GString *out)
{
    const char *word = family_words[family], *bridge = network->bridge;
    g_autofree char *match = device_match("iifname", network->dev);

    if (family == IP_V4 || network->ipv6_between)
        write_rule(word, "to", bridge, out, "iifname \"%s\" accept", bridge);
    if (has_forwards(network, family))
        write_rule(word, "to", bridge, out, "ct status dnat accept");
    for (unsigned i = 0; i < network->subnet_count; i++) {
        const struct firewall_subnet *subnet = &network->subnets[i];
        g_autofree char *text = subnet_text(subnet);

        if (subnet->address.family != family || subnet->kind == FIREWALL_ISOLATED)
            continue;
        write_rule(word, "to", bridge, out, "%s%s daddr %s %saccept", match, word, text,
                   subnet->kind == FIREWALL_NAT ? "ct state established,related " : "");
    }
    write_rule(word, "to", bridge, out, "reject");
}

static void write_from_guests(const struct firewall_network *network, enum ip_family family,
                              GString *out)
{
    const char *word = family_words[family], *bridge = network->bridge;
    g_autofree char *match = device_match("oifname", network->dev);

    if (has_forwards(network, family))
        write_rule(word, "from", bridge, out,
                   "ct direction reply ct status dnat ct state established accept");
    for (unsigned i = 0; i < network->subnet_count; i++) {
        const struct firewall_subnet *subnet = &network->subnets[i];
        g_autofree char *text = subnet_text(subnet);

        if (subnet->address.family == family && subnet->kind != FIREWALL_ISOLATED)
            write_rule(word, "from", bridge, out, "%s%s saddr %s accept", match, word, text);
    }
    write_rule(word, "from", bridge, out, "reject");
}

/* ---- whose address packets leave with ---- */

static void write_translation(const struct firewall_network *network, enum ip_family family,
                              GString *out)
{
    const char *word = family_words[family], *bridge = network->bridge;
    g_autofree char *match = device_match("oifname", network->dev);
    unsigned first = network->port_start ? network->port_start : 1024;
    unsigned last = network->port_end ? network->port_end : 65535;
    char start[IP_TEXT], end[IP_TEXT];

    if (network->nat_start.family != family) {
        for (size_t i = 0; i < G_N_ELEMENTS(port_protocols); i++)
            write_rule(word, "nat", bridge, out, "%smeta l4proto %s masquerade to :%u-%u", match,
                       port_protocols[i], first, last);
        write_rule(word, "nat", bridge, out, "%smasquerade", match);
        return;
    }
    ip_format(&network->nat_start, start);
    ip_format(&network->nat_end, end);
    for (size_t i = 0; i < G_N_ELEMENTS(port_protocols); i++)
        write_rule(word, "nat", bridge, out, "%smeta l4proto %s snat to %s-%s:%u-%u", match,
                   port_protocols[i], start, end, first, last);
    write_rule(word, "nat", bridge, out, "%ssnat to %s-%s", match, start, end);
}

/* Without sets in rules: libnftables asks the kernel for all of them at each change. */
static void write_nat(const struct firewall_network *network, enum ip_family family, GString *out)
{
    const char *word = family_words[family], *bridge = network->bridge;

    if (!has_nat(network, family))
        return;
    if (has_forwards(network, family))
        write_rule(word, "nat", bridge, out, "oifname \"%s\" ct status dnat masquerade", bridge);
    write_rule(word, "nat", bridge, out, "oifname \"%s\" return", bridge);
    write_rule(word, "nat", bridge, out, "oifname \"lo\" return");
    write_rule(word, "nat", bridge, out, "%s daddr %s return", word,
               family == IP_V4 ? "224.0.0.0/24" : "ff02::/16");
    if (family == IP_V4)
        write_rule(word, "nat", bridge, out, "ip daddr 255.255.255.255 return");
    write_translation(network, family, out);
    for (unsigned i = 0; i < network->subnet_count; i++) {
        const struct firewall_subnet *subnet = &network->subnets[i];
        g_autofree char *text = subnet_text(subnet);

        if (subnet->address.family == family && subnet->kind == FIREWALL_NAT)
            add(out, "add element %s " FIREWALL_TABLE " source { %s : jump nat-%s }", word, text,
                bridge);
    }
}

/* ---- ports of the host ---- */

/* A range moves as a whole, which nft can only say port by port. */
static void append_moved_ports(const struct firewall_forward *forward, GString *out)
{
    g_string_append_printf(out, ":%s dport map { ", forward->proto);
    for (unsigned port = forward->start; port <= forward->end; port++)
        g_string_append_printf(out, "%s%u : %u", port > forward->start ? ", " : "", port,
                               forward->to + (port - forward->start));
    g_string_append(out, " }");
}

static void write_forward(const struct firewall_network *network,
                          const struct firewall_forward *forward, GString *out)
{
    const char *word = family_words[forward->guest.family];
    g_autofree char *match = device_match("iifname", forward->dev);
    g_autoptr(GString) target = g_string_new(NULL);
    char text[IP_TEXT], host[IP_TEXT + 16] = "";

    if (forward->address.family)
        g_snprintf(host, sizeof(host), "%s daddr %s ", word, ip_format(&forward->address, text));
    if (forward->to != forward->start)
        append_moved_ports(forward, target);
    write_rule(word, "ports", network->bridge, out, "%s%s%s dport %u-%u dnat to %s%s", match, host,
               forward->proto, forward->start, forward->end, ip_format(&forward->guest, text),
               target->str);
}

#define PORTS 65536

/* Elements of a map must not overlap, as forwards of several addresses do: which ports of the host
 * are forwarded at all, by whatever rule. */
static void mark_ports(const struct firewall_network *network, enum ip_family family,
                       const char *proto, uint8_t marks[PORTS + 1])
{
    for (unsigned i = 0; i < network->forward_count; i++) {
        const struct firewall_forward *forward = &network->forwards[i];

        if (forward->guest.family == family && strcmp(forward->proto, proto) == 0)
            memset(marks + forward->start, 1, forward->end - forward->start + 1);
    }
}

static void write_ports_elements(const char *verb, const struct firewall_network *network,
                                 enum ip_family family, GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(port_protocols) && has_forwards(network, family); i++) {
        g_autofree uint8_t *marks = g_new0(uint8_t, PORTS + 1);

        mark_ports(network, family, port_protocols[i], marks);
        for (unsigned first = 0, last; first < PORTS; first = last + 1) {
            last = first;
            while (marks[last])
                last++;
            if (last > first)
                add(out, "%s element %s " FIREWALL_TABLE " ports { %s . %u-%u : jump ports-%s }",
                    verb, family_words[family], port_protocols[i], first, last - 1,
                    network->bridge);
        }
    }
}

static void write_forwards(const struct firewall_network *network, enum ip_family family,
                           GString *out)
{
    for (unsigned i = 0; i < network->forward_count; i++)
        if (network->forwards[i].guest.family == family)
            write_forward(network, &network->forwards[i], out);
    write_ports_elements("add", network, family, out);
}

/* ---- a network ---- */

static void write_family(const struct firewall_network *network, enum ip_family family,
                         GString *out)
{
    const char *word = family_words[family], *bridge = network->bridge;

    write_chains(network, family, out);
    write_base(word, family == IP_V4, out);
    write_to_guests(network, family, out);
    write_from_guests(network, family, out);
    write_nat(network, family, out);
    write_forwards(network, family, out);
    add(out, "add element %s " FIREWALL_TABLE " to { \"%s\" : jump to-%s }", word, bridge, bridge);
    add(out, "add element %s " FIREWALL_TABLE " from { \"%s\" : jump from-%s }", word, bridge,
        bridge);
}

void firewall_write_add(const struct firewall_network *network, GString *out)
{
    write_family(network, IP_V4, out);
    write_family(network, IP_V6, out);
}

/* What leads to the chains goes first. */
static void forget_family(const struct firewall_network *network, enum ip_family family,
                          GString *out)
{
    const char *word = family_words[family], *bridge = network->bridge;

    add(out, "delete element %s " FIREWALL_TABLE " to { \"%s\" }", word, bridge);
    add(out, "delete element %s " FIREWALL_TABLE " from { \"%s\" }", word, bridge);
    for (unsigned i = 0; i < network->subnet_count; i++) {
        const struct firewall_subnet *subnet = &network->subnets[i];
        g_autofree char *text = subnet_text(subnet);

        if (subnet->address.family == family && subnet->kind == FIREWALL_NAT)
            add(out, "delete element %s " FIREWALL_TABLE " source { %s }", word, text);
    }
    write_ports_elements("delete", network, family, out);
    for (size_t i = 0; i < G_N_ELEMENTS(network_chains); i++) {
        if (!network_chains[i].is_needed(network, family))
            continue;
        write_chain(word, network_chains[i].prefix, bridge, out);
        add(out, "delete chain %s " FIREWALL_TABLE " %s-%s", word, network_chains[i].prefix,
            bridge);
    }
}

void firewall_write_remove(const struct firewall_network *network, GString *out)
{
    forget_family(network, IP_V4, out);
    forget_family(network, IP_V6, out);
}

void firewall_write_all(const struct firewall_network *const *networks, unsigned count,
                        GString *out)
{
    for (int family = IP_V4; family <= IP_V6; family++) {
        add(out, "add table %s " FIREWALL_TABLE, family_words[family]);
        add(out, "delete table %s " FIREWALL_TABLE, family_words[family]);
        for (unsigned i = 0; i < count; i++)
            write_chains(networks[i], family, out);
    }
    for (unsigned i = 0; i < count; i++)
        firewall_write_add(networks[i], out);
}

/* ---- the kernel ---- */

int firewall_apply(const char *orders, GError **error)
{
    return nftables_run(orders, NULL, error);
}

int firewall_list(const char *what, char **ret_text, GError **error)
{
    g_autofree char *order = g_strdup_printf("list %s", what);

    return nftables_run(order, ret_text, error);
}

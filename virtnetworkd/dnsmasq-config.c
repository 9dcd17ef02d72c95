/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dnsmasq-config.h"

#include <string.h>

static void add(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GString *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_string_append_vprintf(out, format, arguments);
    va_end(arguments);
    g_string_append_c(out, '\n');
}

/* Between quotes a backslash hides the next character; commas and # mean nothing there. */
static void append_quoted(GString *out, const char *text)
{
    if (!strpbrk(text, ",\"\\#") && !g_str_has_prefix(text, " ") && !g_str_has_suffix(text, " ") &&
        *text) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *c);
    }
    g_string_append_c(out, '"');
}

/* A file whose name may be any name of a network. */
static void add_path(GString *out, const char *key, const char *path)
{
    g_string_append_printf(out, "%s=", key);
    append_quoted(out, path);
    g_string_append_c(out, '\n');
}

static bool wants_dns(const struct network *network)
{
    return network->dns.enable != TRISTATE_NO;
}

static bool has_dhcp(const struct network *network, enum ip_family family)
{
    LIST_EACH (ip, &network->ips)
        if (ip->address.family == family && network_ip_has_dhcp(ip))
            return true;
    return false;
}

bool dnsmasq_has_dhcp(const struct network *network)
{
    return has_dhcp(network, IP_V4) || has_dhcp(network, IP_V6);
}

static bool has_ipv6(const struct network *network)
{
    LIST_EACH (ip, &network->ips)
        if (ip->address.family == IP_V6)
            return true;
    return false;
}

bool dnsmasq_is_needed(const struct network *network)
{
    return network_is_managed(network) && network->ips.count &&
           (wants_dns(network) || dnsmasq_has_dhcp(network) || has_ipv6(network));
}

/* ---- names ---- */

static void write_forwarders(const struct network *network, GString *out)
{
    char text[IP_TEXT];

    LIST_EACH (forwarder, &network->dns.forwarders)
        if (!forwarder->domain) {
            add(out, "no-resolv");
            break;
        }
    LIST_EACH (forwarder, &network->dns.forwarders) {
        ip_format(&forwarder->address, text);
        if (forwarder->domain)
            add(out, "server=/%s/%s", forwarder->domain, *text ? text : "#");
        else
            add(out, "server=%s", text);
    }
}

static void write_ptr_zone(const struct ip_address *address, unsigned digits, GString *out)
{
    g_string_append(out, "local=/");
    for (unsigned i = digits; i > 0 && address->family == IP_V4; i--)
        g_string_append_printf(out, "%u.", address->bytes[i - 1]);
    for (unsigned i = digits; i > 0 && address->family == IP_V6; i--)
        g_string_append_printf(out, "%x.", (address->bytes[(i - 1) / 2] >> (i % 2 ? 4 : 0)) & 0xf);
    add(out, "%s/", address->family == IP_V4 ? "in-addr.arpa" : "ip6.arpa");
}

/* A zone is cut between digits of 8 or 4 bits: a prefix within one needs several. */
static void write_ptr_zones(const struct network_ip *ip, GString *out)
{
    unsigned prefix = network_ip_prefix(ip), bits = ip->address.family == IP_V4 ? 8 : 4;
    unsigned digits = (prefix + bits - 1) / bits, count = 1U << (digits * bits - prefix);
    struct ip_address address = ip_first(&ip->address, prefix);

    for (unsigned i = 0; i < count && digits; i++) {
        struct ip_address zone = address;
        unsigned byte = (digits * bits - 1) / 8, shift = 8 * (byte + 1) - digits * bits;

        zone.bytes[byte] |= (uint8_t)(i << shift);
        write_ptr_zone(&zone, digits, out);
    }
}

static void write_names(const struct network *network, GString *out)
{
    if (!wants_dns(network))
        add(out, "port=0");
    write_forwarders(network, out);
    if (network->dns.forward_plain_names == TRISTATE_NO) {
        add(out, "domain-needed");
        add(out, "local=//");
    }
    if (network->domain && network->domain_local_only == TRISTATE_YES)
        add(out, "local=/%s/", network->domain);
    if (network->domain) {
        add(out, "domain=%s", network->domain);
        add(out, "expand-hosts");
    }
    LIST_EACH (ip, &network->ips)
        if (ip->local_ptr == TRISTATE_YES)
            write_ptr_zones(ip, out);
}

/* Weight and what is before it are told by their places. */
static void write_srv(const struct network_dns_srv *srv, GString *out)
{
    g_string_append_printf(out, "srv-host=_%s._%s", srv->service, srv->protocol);
    if (srv->domain)
        g_string_append_printf(out, ".%s", srv->domain);
    if (srv->target)
        g_string_append_printf(out, ",%s", srv->target);
    if (srv->port || srv->priority || srv->weight)
        g_string_append_printf(out, ",%u", srv->port ? srv->port : 1);
    if (srv->priority || srv->weight)
        g_string_append_printf(out, ",%u", srv->priority);
    if (srv->weight)
        g_string_append_printf(out, ",%u", srv->weight);
    g_string_append_c(out, '\n');
}

static void write_records(const struct network *network, GString *out)
{
    LIST_EACH (txt, &network->dns.txts) {
        g_string_append_printf(out, "txt-record=%s,", txt->name);
        append_quoted(out, txt->value);
        g_string_append_c(out, '\n');
    }
    LIST_EACH (srv, &network->dns.srvs)
        write_srv(srv, out);
}

/* ---- DHCP ---- */

static void append_lease(const struct network_lease *lease, GString *out)
{
    static const char units[] = "msmh";

    if (!lease->expiry.set)
        return;
    if (lease->expiry.value == 0)
        g_string_append(out, ",infinite");
    else
        g_string_append_printf(out, ",%u%c", lease->expiry.value, units[lease->unit]);
}

/* Behind a range: the mask of IPv4, the prefix of IPv6. */
static void append_size(const struct network_ip *ip, GString *out)
{
    struct ip_address mask = ip_prefix_mask(&ip->address, network_ip_prefix(ip));
    char text[IP_TEXT];

    if (ip->address.family == IP_V4)
        g_string_append_printf(out, ",%s", ip_format(&mask, text));
    else
        g_string_append_printf(out, ",%u", network_ip_prefix(ip));
}

static void write_ranges(const struct network_ip *ip, GString *out)
{
    char start[IP_TEXT], end[IP_TEXT];

    LIST_EACH (range, &ip->dhcp->ranges) {
        g_string_append_printf(out, "dhcp-range=%s,%s", ip_format(&range->start, start),
                               ip_format(&range->end, end));
        append_size(ip, out);
        append_lease(&range->lease, out);
        g_string_append_c(out, '\n');
    }
    if (ip->dhcp->ranges.count)
        return;
    g_string_append_printf(out, "dhcp-range=%s,static", ip_format(&ip->address, start));
    if (ip->address.family == IP_V6)
        append_size(ip, out);
    g_string_append_c(out, '\n');
}

static void write_dhcp(const struct network_ip *ip, GString *out)
{
    if (network_ip_has_dhcp(ip)) {
        write_ranges(ip, out);
        if (ip->address.family == IP_V4) {
            add(out, "dhcp-no-override");
            add(out, "dhcp-authoritative");
        }
    }
    if (ip->tftp_root) {
        add(out, "enable-tftp");
        g_string_append(out, "tftp-root=");
        append_quoted(out, ip->tftp_root);
        g_string_append_c(out, '\n');
    }
    if (ip->dhcp && ip->dhcp->bootp_file) {
        g_string_append(out, "dhcp-boot=");
        append_quoted(out, ip->dhcp->bootp_file);
        if (ip->dhcp->bootp_server)
            g_string_append_printf(out, ",,%s", ip->dhcp->bootp_server);
        g_string_append_c(out, '\n');
    }
}

static uint64_t count_leases(const struct network *network)
{
    uint64_t count = 0;

    LIST_EACH (ip, &network->ips) {
        if (!ip->dhcp)
            continue;
        LIST_EACH (range, &ip->dhcp->ranges)
            count += ip_count(&range->start, &range->end);
    }
    return count;
}

static void write_router_adverts(const struct network *network, GString *out)
{
    char text[IP_TEXT];

    if (has_dhcp(network, IP_V6)) {
        add(out, "enable-ra");
        return;
    }
    LIST_EACH (ip, &network->ips)
        if (ip->address.family == IP_V6)
            add(out, "dhcp-range=%s,ra-only", ip_format(&ip->address, text));
}

/* ---- the whole ---- */

static void write_heading(const struct network *network, GString *out)
{
    add(out, "##WARNING:  THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE");
    add(out, "##OVERWRITTEN AND LOST.  Changes to this configuration should be made using:");
    add(out, "##    virsh net-edit %s", network->name);
    add(out, "## or other application using the libvirt API.");
    add(out, "##");
    add(out, "## dnsmasq conf file created by libvirt");
}

/* Guests of an isolated network get neither a router nor other people's names. */
static void write_isolation(const struct network *network, GString *out)
{
    if (network_mode(network) != NETWORK_ISOLATED)
        return;
    add(out, "dhcp-option=3");
    add(out, "no-resolv");
    add(out, "ra-param=*,0,0");
}

char *dnsmasq_write_config(const struct network *network, const struct dnsmasq_paths *paths)
{
    GString *out = g_string_sized_new(1024);
    uint64_t leases = count_leases(network);

    write_heading(network, out);
    add(out, "strict-order");
    write_names(network, out);
    add_path(out, "pid-file", paths->pid_file);
    add(out, "except-interface=lo");
    add(out, "bind-dynamic");
    add(out, "interface=%s", network->bridge);
    write_isolation(network, out);
    if (network->mtu)
        add(out, "dhcp-option=option:mtu,%u", network->mtu);
    write_records(network, out);
    LIST_EACH (ip, &network->ips)
        write_dhcp(ip, out);
    if (leases)
        add(out, "dhcp-lease-max=%" G_GUINT64_FORMAT, leases);
    if (dnsmasq_has_dhcp(network))
        add_path(out, "dhcp-hostsfile", paths->hosts_file);
    if (wants_dns(network))
        add_path(out, "addn-hosts", paths->addn_hosts_file);
    write_router_adverts(network, out);
    LIST_EACH (option, &network->dnsmasq_options)
        add(out, "%s", option);
    return g_string_free(out, FALSE);
}

static void write_host(const struct network_dhcp_host *host, GString *out)
{
    bool ipv6 = host->address.family == IP_V6;
    const char *key = ipv6 ? host->id : host->mac;
    char text[IP_TEXT];

    ip_format(&host->address, text);
    if (key)
        g_string_append_printf(out, "%s%s,", ipv6 ? "id:" : "", key);
    if (ipv6 || !key) {
        if (host->name)
            g_string_append_printf(out, "%s,", host->name);
        g_string_append_printf(out, ipv6 ? "[%s]" : "%s", text);
    } else {
        g_string_append(out, text);
        if (host->name)
            g_string_append_printf(out, ",%s", host->name);
    }
    append_lease(&host->lease, out);
    g_string_append_c(out, '\n');
}

char *dnsmasq_write_hosts(const struct network *network)
{
    GString *out = g_string_new(NULL);

    LIST_EACH (ip, &network->ips) {
        if (!ip->dhcp)
            continue;
        LIST_EACH (host, &ip->dhcp->hosts)
            write_host(host, out);
    }
    return g_string_free(out, FALSE);
}

char *dnsmasq_write_addn_hosts(const struct network *network)
{
    GString *out = g_string_new(NULL);
    char text[IP_TEXT];

    LIST_EACH (host, &network->dns.hosts) {
        g_string_append(out, ip_format(&host->address, text));
        LIST_EACH (name, &host->names)
            g_string_append_printf(out, "\t%s", name);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

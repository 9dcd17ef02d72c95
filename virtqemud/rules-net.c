/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "faults.h"
#include "rules-parts.h"

/* ---- addresses that the guest or the host has ---- */

static int family_of(const char *address)
{
    struct in6_addr storage;

    if (inet_pton(AF_INET, address, &storage) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, address, &storage) == 1 ? AF_INET6 : AF_UNSPEC;
}

static int check_ip(const struct net_ip *ip, GError **error)
{
    const char *address = ip->address ?: "";
    int family = family_of(address);
    bool ipv6 = family == AF_INET6;
    const struct fault faults[] = {
        {family == AF_UNSPEC, FAULT_XML, "@address is no IP address"},
        {ip->family && ipv6 != g_str_equal(ip->family, "ipv6"), FAULT_XML,
         "@address is not of this @family"},
        {ip->prefix.set && ip->prefix.value > (ipv6 ? 128 : 32), FAULT_XML,
         "@prefix is longer than the address"},
    };

    return FAULTS_CHECK(faults, error, "interface: ip '%s'", address);
}

static int check_ips(const struct domain_net *net, GError **error)
{
    LIST_EACH (ip, &net->ips) {
        const struct fault faults[] = {
            {net->type == NET_USER && ip->prefix.set && ip->prefix.value &&
                 (ip->prefix.value < 4 || ip->prefix.value > 27) && !strchr(ip->address ?: "", ':'),
             FAULT_XML, "@prefix of user networking is between 4 and 27"},
        };
        if (check_ip(ip, error) < 0 || FAULTS_CHECK(faults, error, "interface: ip") < 0)
            return -1;
    }
    LIST_EACH (ip, &net->host_ips)
        if (check_ip(ip, error) < 0)
            return -1;
    return 0;
}

/* ---- rates, VLANs ---- */

static bool lacks_rate(const struct net_rate *rate)
{
    return rate && !rate->average && !rate->floor;
}

static int check_rates(const struct domain_net *net, GError **error)
{
    const struct net_rate *in = net->bandwidth ? net->bandwidth->inbound : NULL;
    const struct net_rate *out = net->bandwidth ? net->bandwidth->outbound : NULL;
    const struct fault faults[] = {
        {lacks_rate(in) || lacks_rate(out), FAULT_DETAIL, "@average or @floor is missing"},
        {in && !in->average && (in->peak || in->burst), FAULT_GUEST,
         "@peak and @burst need an @average"},
        {out && out->floor, FAULT_GUEST, "@floor is for <inbound> alone"},
        {in && in->floor && net->type != NET_NETWORK, FAULT_GUEST,
         "@floor is for interfaces of type 'network'"},
    };

    return FAULTS_CHECK(faults, error, "interface: bandwidth");
}

static int check_vlan(const struct domain_net *net, GError **error)
{
    const struct net_vlan *vlan = net->vlan;
    const struct fault faults[] = {
        {vlan && !vlan->tags.count, FAULT_XML, "it needs a <tag id=''/>"},
        {vlan && vlan->tags.count > 1 && vlan->trunk == TRISTATE_NO, FAULT_XML,
         "several tags need trunk='yes'"},
    };

    return FAULTS_CHECK(faults, error, "interface: vlan");
}

/* ---- the guest's end ---- */

static bool is_no_power_of_two(unsigned number)
{
    return number & (number - 1);
}

static bool is_bad_model(const char *model)
{
    return model && model[strspn(model, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789_-")];
}

static int check_device(const struct domain_net *net, GError **error)
{
    const struct net_driver_options none = {0}, *driver = net->driver ?: &none;
    const struct domain_rom *rom = net->info.rom;
    const struct net_teaming *teaming = net->teaming;
    bool persistent = teaming && teaming->type == NET_TEAMING_PERSISTENT;
    const struct fault faults[] = {
        {is_bad_model(net->model), FAULT_ARGUMENT,
         "model/@type has other characters than letters, digits, _ and -"},
        {is_no_power_of_two(driver->rx_queue_size), FAULT_QEMU,
         "driver/@rx_queue_size must be a power of two"},
        {is_no_power_of_two(driver->tx_queue_size), FAULT_QEMU,
         "driver/@tx_queue_size must be a power of two"},
        {persistent && teaming->persistent, FAULT_GUEST,
         "teaming/@persistent is for type 'transient' alone"},
        {teaming && !persistent && (!teaming->persistent || !*teaming->persistent), FAULT_GUEST,
         "teaming/@persistent is missing: the alias of the other interface"},
        {rom && rom->enabled == TRISTATE_NO && (rom->file || rom->bar), FAULT_GUEST,
         "rom: what is not enabled has no bar and no file"},
    };

    return FAULTS_CHECK(faults, error, "interface");
}

/* ---- the host's end ---- */

static int check_vhost_user(const struct domain_net *net, GError **error)
{
    bool server = g_strcmp0(net->path_mode, "server") == 0;
    const struct fault faults[] = {
        {g_strcmp0(net->path_type ?: "unix", "unix"), FAULT_GUEST,
         "source/@type can be 'unix' alone"},
        {!net->model || !domain_net_is_virtio(net), FAULT_XML,
         "model/@type must be 'virtio': a device of another kind can't be given away"},
        {!server && g_strcmp0(net->path_mode, "client"), FAULT_XML,
         "source/@mode is 'client' or 'server'"},
        {!net->path, FAULT_XML, "source/@path is missing"},
        {server && net->reconnect && net->reconnect->enabled == TRISTATE_YES, FAULT_GUEST,
         "source/reconnect is for mode 'client' alone"},
    };

    if (net->type != NET_VHOST_USER)
        return 0;
    return FAULTS_CHECK(faults, error, "interface of type 'vhostuser'");
}

static bool is_driver(const struct domain_net *net)
{
    const char *name = net->driver ? net->driver->name : NULL;

    return !name || net->type == NET_HOSTDEV || net->type == NET_NETWORK ||
           g_str_equal(name, "qemu") || g_str_equal(name, "vhost");
}

static bool are_forwards(const struct domain_net *net)
{
    LIST_EACH (forward, &net->port_forwards)
        if (g_strcmp0(forward->proto, "tcp") && g_strcmp0(forward->proto, "udp"))
            return false;
    return true;
}

static int check_end(const struct domain_net *net, GError **error)
{
    bool hosts = net->host_ips.count + net->host_routes.count > 0;
    const struct fault faults[] = {
        {net->type == NET_VDPA && !net->source_dev, FAULT_XML, "<source dev=''/> is missing"},
        {net->type == NET_HOSTDEV && !net->hostdev, FAULT_XML,
         "source/address/@type is missing: pci, usb"},
        {net->type == NET_UDP && (!net->local_port || !net->local_address), FAULT_XML,
         "source/local with @address and @port is missing"},
        {(net->type == NET_MCAST || net->type == NET_CLIENT) && !net->address, FAULT_XML,
         "source/@address is missing"},
        {net->type == NET_DIRECT && !net->source_dev, FAULT_XML, "source/@dev is missing"},
        {!is_driver(net), FAULT_XML, "driver/@name is 'qemu' or 'vhost'"},
        {!are_forwards(net), FAULT_XML, "portForward/@proto is 'tcp' or 'udp'"},
        {net->routes.count && net->type != NET_VDPA, FAULT_QEMU,
         "<route> beside <source>: QEMU can't tell the guest about routes"},
        {hosts && net->type != NET_ETHERNET, FAULT_QEMU,
         "addresses of the host's end are for type 'ethernet' alone"},
        {net->target_managed == TRISTATE_NO && net->type != NET_ETHERNET, FAULT_GUEST,
         "target/@managed='no' is for type 'ethernet' alone"},
    };

    return FAULTS_CHECK(faults, error, "interface of type '%s'",
                        names_word(&net_type_names, net->type));
}

int rules_check_nets(const struct domain *domain, GError **error)
{
    LIST_EACH (net, &domain->devices.nets)
        if (check_ips(net, error) < 0 || check_rates(net, error) < 0 ||
            check_vlan(net, error) < 0 || check_device(net, error) < 0 ||
            check_vhost_user(net, error) < 0 || check_end(net, error) < 0)
            return -1;
    return 0;
}

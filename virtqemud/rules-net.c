/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "base/mac.h"

#include "faults.h"
#include "host-end.h"
#include "rules-parts.h"

static bool is_of(const struct domain_net *net, uint64_t types)
{
    return BIT(net->type) & types;
}

static const char *type_of(const struct domain_net *net)
{
    return names_word(&net_type_names, net->type);
}

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

/* What a guest of user mode networking gets told by it; others have nobody who would tell them. */
static int check_told(const struct domain_net *net, GError **error)
{
    bool peer = false;
    unsigned ipv4 = 0;

    LIST_EACH (ip, &net->ips) {
        peer |= ip->peer != NULL;
        ipv4 += !strchr(ip->address ?: "", ':');
    }
    const struct fault faults[] = {
        {net->ips.count + net->routes.count > 0 && !is_of(net, BIT(NET_USER) | BIT(NET_VDPA)),
         FAULT_QEMU,
         "Invalid attempt to set network interface guest-side IP route and/or address info, not "
         "supported by QEMU"},
        {peer, FAULT_QEMU, "Invalid attempt to set peer IP for guest"},
        {ipv4 > 1 && net->type == NET_USER, FAULT_QEMU,
         "Only one IPv4 address per interface is allowed"},
    };
    return FAULTS_SAY(faults, error, NULL);
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

static int check_mac(const struct domain_net *net, GError **error)
{
    char mac[MAC_TEXT];
    const struct fault faults[] = {
        {net->mac[0] & 1, FAULT_XML,
         "devices/interface/mac/@address: '%s' is the address of a group"},
    };

    return FAULTS_SAY(faults, error, mac_format(net->mac, mac));
}

/* One interface takes the other's place while a guest migrates. */
static int check_teaming(const struct domain_net *net, GError **error)
{
    uint8_t role = net->teaming ? net->teaming->type : NET_TEAMING_NONE;

    if (role == NET_TEAMING_PERSISTENT && !domain_net_is_virtio(net))
        return faults_fail(FAULT_QEMU, error,
                           "virtio-net teaming persistent interface must be <model "
                           "type='virtio'/>, not '%s'",
                           net->model ?: "(default)");
    if (role == NET_TEAMING_TRANSIENT && !is_of(net, BIT(NET_HOSTDEV) | BIT(NET_NETWORK)))
        return faults_fail(FAULT_QEMU, error,
                           "virtio-net teaming transient interface must be type='hostdev', not "
                           "'%s'",
                           type_of(net));
    return 0;
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
        {!domain_net_is_virtio(net) && rules_has_virtio_options(&driver->virtio), FAULT_QEMU,
         "iommu, ats, packed and page_per_vq are for <model type='virtio'/> alone"},
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

#define ON_BRIDGE (BIT(NET_BRIDGE) | BIT(NET_NETWORK))

static int check_settings(const struct domain_net *net, GError **error)
{
    const struct fault faults[] = {
        {net->mtu.set && !is_of(net, ON_BRIDGE | BIT(NET_ETHERNET) | BIT(NET_VHOST_USER)),
         FAULT_QEMU, "setting MTU on interface type %s is not supported yet"},
        {net->coalesce_frames.set && !is_of(net, ON_BRIDGE), FAULT_QEMU,
         "coalesce settings on interface type %s are not supported"},
        {net->isolated == TRISTATE_YES && !is_of(net, ON_BRIDGE), FAULT_QEMU,
         "<port isolated='yes'/> is not supported for network interfaces with type='%s'"},
        {net->host_ips.count + net->host_routes.count > 0 && net->type != NET_ETHERNET, FAULT_QEMU,
         "Invalid attempt to set network interface host-side IP route and/or address info on "
         "interface of type '%s'. This is only supported on interfaces of type 'ethernet'"},
    };

    return FAULTS_SAY(faults, error, type_of(net));
}

static int check_end(const struct domain_net *net, GError **error)
{
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
        {net->target_managed == TRISTATE_NO && net->type != NET_ETHERNET, FAULT_GUEST,
         "target/@managed='no' is for type 'ethernet' alone"},
    };

    return FAULTS_CHECK(faults, error, "interface of type '%s'", type_of(net));
}

int rules_check_nets(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain_net *net, GError **error) = {
        check_mac,   check_settings, check_teaming, check_told,       host_end_check, check_ips,
        check_rates, check_vlan,     check_device,  check_vhost_user, check_end,
    };

    LIST_EACH (net, &domain->devices.nets)
        for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
            if (checks[i](net, error) < 0)
                return -1;
    return 0;
}

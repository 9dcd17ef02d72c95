/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "base/mac.h"
#include "driver/domains.h"
#include "host/neighbour.h"
#include "protocol/remote-handlers.h"

#include "agent-info.h"
#include "guest.h"
#include "methods.h"
#include "netport.h"
#include "usage.h"

/* What is known of a guest's network interfaces. */

/* ---- counters ---- */

/* By its name on the host, or by its MAC address. */
static const struct domain_net *find_interface(const struct domain *live, const char *device)
{
    uint8_t mac[6];
    bool by_mac = mac_parse(device, mac) == 0;

    LIST_EACH (net, &live->devices.nets)
        if (by_mac ? memcmp(net->mac, mac, sizeof(mac)) == 0 : g_strcmp0(net->target, device) == 0)
            return net;
    return NULL;
}

int domain_interface_stats(struct call *call, const struct remote_domain_interface_stats_args *args,
                           struct remote_domain_interface_stats_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct interface_counters counters;

    object_get_view(call->object, &view);
    const struct domain_net *net =
        view.live ? find_interface(view_live(&view), args->device) : NULL;
    if (!net) {
        error_set(error, VIR_ERR_INVALID_ARG, "'%s' is not an interface of the domain",
                  args->device);
        return -1;
    }
    if (!net->target) {
        error_set(error, VIR_ERR_INTERNAL_ERROR,
                  "interface '%s' has no counters: it has no device on the host", args->device);
        return -1;
    }
    if (usage_read_interface(net->target, &counters, error) < 0)
        return -1;
    /* what the host's tap receives, the guest has sent */
    ret->rx_bytes = (int64_t)counters.tx_bytes;
    ret->rx_packets = (int64_t)counters.tx_packets;
    ret->rx_errs = (int64_t)counters.tx_errors;
    ret->rx_drop = (int64_t)counters.tx_dropped;
    ret->tx_bytes = (int64_t)counters.rx_bytes;
    ret->tx_packets = (int64_t)counters.rx_packets;
    ret->tx_errs = (int64_t)counters.rx_errors;
    ret->tx_drop = (int64_t)counters.rx_dropped;
    return 0;
}

/* ---- addresses ---- */

/* What the host has talked to of late: the neighbours with an interface's MAC address. */
static void add_neighbours(struct arena *arena, const struct domain_net *net,
                           const GArray *neighbours, struct remote_domain_interface *interface)
{
    char mac[MAC_TEXT];

    interface->addrs_val =
        arena_array(arena, neighbours->len, sizeof(struct remote_domain_ip_addr));
    for (guint i = 0; i < neighbours->len; i++) {
        const struct neighbour *neighbour = &g_array_index(neighbours, struct neighbour, i);

        if (memcmp(neighbour->mac, net->mac, sizeof(net->mac)) == 0)
            interface->addrs_val[interface->addrs_len++] = (struct remote_domain_ip_addr){
                .type =
                    neighbour->family == AF_INET6 ? VIR_IP_ADDR_TYPE_IPV6 : VIR_IP_ADDR_TYPE_IPV4,
                .addr = arena_strdup(arena, neighbour->address),
            };
    }
    interface->name = arena_strdup(arena, net->target ? net->target : net->info.alias);
    interface->hwaddr = arena_strdup(arena, mac_format(net->mac, mac));
}

static int list_neighbours(struct call *call, const struct domain *live,
                           struct remote_domain_interface_addresses_ret *ret, GError **error)
{
    g_autoptr(GArray) neighbours = NULL;

    if (neighbours_read(&neighbours, error) < 0)
        return -1;
    ret->ifaces_val =
        arena_array(&call->arena, live->devices.nets.count, sizeof(struct remote_domain_interface));
    LIST_EACH (net, &live->devices.nets) {
        struct remote_domain_interface *interface = &ret->ifaces_val[ret->ifaces_len];

        add_neighbours(&call->arena, net, neighbours, interface);
        if (interface->addrs_len)
            ret->ifaces_len++;
        else
            *interface = (struct remote_domain_interface){0};
    }
    return 0;
}

static void add_leases(struct arena *arena, const struct domain_net *net,
                       const struct remote_network_get_dhcp_leases_ret *leases,
                       struct remote_domain_interface *interface)
{
    char mac[MAC_TEXT];

    *interface = (struct remote_domain_interface){
        .name = arena_strdup(arena, net->target ? net->target : net->info.alias),
        .hwaddr = arena_strdup(arena, mac_format(net->mac, mac)),
        .addrs_val = arena_array(arena, leases->leases_len, sizeof(struct remote_domain_ip_addr)),
        .addrs_len = leases->leases_len,
    };
    for (uint32_t i = 0; i < leases->leases_len; i++)
        interface->addrs_val[i] =
            (struct remote_domain_ip_addr){.type = leases->leases_val[i].type,
                                           .addr = leases->leases_val[i].ipaddr,
                                           .prefix = leases->leases_val[i].prefix};
}

/* Only networks have leases; a guest without any has no addresses by them. */
static int list_leases(struct call *call, const struct domain *live,
                       struct remote_domain_interface_addresses_ret *ret, GError **error)
{
    ret->ifaces_val =
        arena_array(&call->arena, live->devices.nets.count, sizeof(struct remote_domain_interface));
    LIST_EACH (net, &live->devices.nets) {
        struct remote_network_get_dhcp_leases_ret leases = {0};

        if (!net->network)
            continue;
        if (netport_get_leases(qemu_of_call(call), net, &call->arena, &leases, error) < 0)
            return -1;
        if (leases.leases_len)
            add_leases(&call->arena, net, &leases, &ret->ifaces_val[ret->ifaces_len++]);
    }
    return 0;
}

int domain_interface_addresses(struct call *call,
                               const struct remote_domain_interface_addresses_args *args,
                               struct remote_domain_interface_addresses_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (call_get_view(call, &view, error) < 0)
        return -1;
    switch (args->source) {
    case VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE:
        return list_leases(call, view_current(&view), ret, error);
    case VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT:
        return agent_info_list_interfaces(guest_of(call->object), &call->arena, ret, error);
    case VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP:
        return list_neighbours(call, view_current(&view), ret, error);
    default:
        error_set(error, VIR_ERR_ARGUMENT_UNSUPPORTED, "Unknown IP address data source %u",
                  args->source);
        return -1;
    }
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_interface_stats), .state = METHOD_ACTIVE},
    {.binding = HANDLER(remote, domain_interface_addresses),
     .state = METHOD_ACTIVE,
     .thread = METHOD_PATIENT},
};

const struct driver_methods net_methods = DRIVER_METHODS(rows);

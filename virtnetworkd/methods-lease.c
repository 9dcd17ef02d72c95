/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <time.h>

#include "base/mac.h"
#include "driver/generic.h"
#include "protocol/remote-handlers.h"

#include "dnsmasq.h"
#include "lease.h"
#include "methods.h"
#include "vnet.h"

static unsigned prefix_of(const struct network *network, const struct ip_address *address)
{
    LIST_EACH (ip, &network->ips)
        if (ip_is_within(address, &ip->address, network_ip_prefix(ip)))
            return network_ip_prefix(ip);
    return ip_bits(address);
}

static bool is_wanted(const struct lease *lease, const uint8_t *mac, time_t now)
{
    uint8_t its_mac[MAC_BYTES];

    if (!lease->address || (lease->expiry && lease->expiry < (uint64_t)now))
        return false;
    return !mac || (lease->mac && mac_parse(lease->mac, its_mac) == 0 &&
                    memcmp(mac, its_mac, MAC_BYTES) == 0);
}

/* False when its address is none. */
static bool fill_lease(struct arena *arena, const struct network *network,
                       const struct lease *lease, struct remote_network_dhcp_lease *ret_lease)
{
    struct ip_address address;

    if (ip_parse(lease->address, &address) < 0)
        return false;
    *ret_lease = (struct remote_network_dhcp_lease){
        .iface = arena_strdup(arena, network->bridge),
        .expirytime = (int64_t)lease->expiry,
        .type = address.family == IP_V4 ? VIR_IP_ADDR_TYPE_IPV4 : VIR_IP_ADDR_TYPE_IPV6,
        .mac = arena_strdup(arena, lease->mac),
        .iaid = arena_strdup(arena, lease->iaid),
        .ipaddr = arena_strdup(arena, lease->address),
        .prefix = prefix_of(network, &address),
        .hostname = arena_strdup(arena, lease->hostname),
        .clientid = arena_strdup(arena, lease->client_id),
    };
    return true;
}

static void fill_leases(struct arena *arena, const struct network *network, const GPtrArray *leases,
                        const uint8_t *mac, struct remote_network_get_dhcp_leases_ret *ret)
{
    time_t now = time(NULL);

    ret->leases_val = arena_array(arena, leases->len, sizeof(*ret->leases_val));
    for (guint i = 0; i < leases->len; i++)
        if (is_wanted(leases->pdata[i], mac, now) &&
            fill_lease(arena, network, leases->pdata[i], &ret->leases_val[ret->leases_len]))
            ret->leases_len++;
}

int network_get_dhcp_leases(struct call *call,
                            const struct remote_network_get_dhcp_leases_args *args,
                            struct remote_network_get_dhcp_leases_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GPtrArray) leases = NULL;
    uint8_t mac[MAC_BYTES];

    if (args->mac && mac_parse(args->mac, mac) < 0) {
        error_set(error, VIR_ERR_INVALID_MAC, "%s", args->mac);
        return -1;
    }
    if (call_get_view(call, &view, error) < 0)
        return -1;
    const struct network *network = view.live ? view_live(&view) : view_config(&view);
    if (!network->bridge)
        return 0;
    g_autofree char *path = dnsmasq_lease_path(network);
    if (lease_load(path, &leases, error) < 0)
        return -1;
    fill_leases(&call->arena, network, leases, args->mac ? mac : NULL, ret);
    ret->ret = ret->leases_len;
    if (!args->need_results)
        ret->leases_len = 0;
    return 0;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, network_get_dhcp_leases)},
};

const struct driver_methods lease_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bandwidth.h"

#include <string.h>

#include "base/error.h"
#include "base/mac.h"
#include "host/traffic.h"

struct domain_net *bandwidth_find_net(const struct domain *domain, const char *name, GError **error)
{
    uint8_t mac[6];
    bool by_mac = mac_parse(name, mac) == 0;

    LIST_EACH (net, &domain->devices.nets)
        if (by_mac ? memcmp(net->mac, mac, sizeof(mac)) == 0 : g_strcmp0(net->target, name) == 0)
            return net;
    error_set(error, VIR_ERR_INVALID_ARG, "'%s' is not a known interface", name);
    return NULL;
}

static bool has_type(const struct domain_net *net)
{
    return net->type == NET_ETHERNET || net->type == NET_BRIDGE || net->type == NET_NETWORK ||
           net->type == NET_DIRECT;
}

static bool has_device(const struct domain_net *net)
{
    return net->target && has_type(net);
}

static int refuse(const struct domain_net *net, GError **error)
{
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "the bandwidth of interfaces of type '%s' can't be set",
              names_word(&net_type_names, net->type));
    return -1;
}

int bandwidth_check(const struct domain_net *net, GError **error)
{
    return has_type(net) ? 0 : refuse(net, error);
}

static struct traffic_rate rate_of(const struct net_rate *rate)
{
    return rate ? (struct traffic_rate){rate->average, rate->peak, rate->burst}
                : (struct traffic_rate){0};
}

int bandwidth_apply(const struct domain_net *net, GError **error)
{
    static const struct net_bandwidth none;
    const struct net_bandwidth *bandwidth = net->bandwidth ? net->bandwidth : &none;
    struct traffic_rate to_guest = rate_of(bandwidth->inbound);
    struct traffic_rate from_guest = rate_of(bandwidth->outbound);

    /* what the guest gets leaves the host by the guest's tap; a macvtap is the guest's own end */
    if (!has_device(net))
        return refuse(net, error);
    if (net->type == NET_DIRECT)
        return traffic_limit(net->target, &from_guest, &to_guest, error);
    return traffic_limit(net->target, &to_guest, &from_guest, error);
}

int bandwidth_apply_all(const struct domain *live, GError **error)
{
    LIST_EACH (net, &live->devices.nets)
        if (net->bandwidth && has_device(net) && bandwidth_apply(net, error) < 0)
            return -1;
    return 0;
}

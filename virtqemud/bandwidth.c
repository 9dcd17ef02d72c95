/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bandwidth.h"

#include "base/error.h"
#include "base/mac.h"
#include "host/traffic.h"

struct domain_net *bandwidth_find_net(const struct domain *domain, const char *name, GError **error)
{
    struct domain_net *net;
    uint8_t mac[6];
    bool ambiguous = false;

    net = mac_parse(name, mac) == 0 ? domain_find_net(domain, mac, &ambiguous)
                                    : domain_find_net_target(domain, name);
    if (net)
        return net;
    if (ambiguous)
        error_set(error, VIR_ERR_OPERATION_FAILED, "multiple devices matching MAC address %s found",
                  name);
    else
        error_set(error, VIR_ERR_INVALID_ARG, "'%s' is not a known interface", name);
    return NULL;
}

static bool has_device(const struct domain_net *net)
{
    return net->target && (net->type == NET_ETHERNET || net->type == NET_BRIDGE ||
                           net->type == NET_NETWORK || net->type == NET_DIRECT);
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
    if (has_device(net) && net->type == NET_DIRECT)
        return traffic_limit(net->target, &from_guest, &to_guest, error);
    if (has_device(net))
        return traffic_limit(net->target, &to_guest, &from_guest, error);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "setting bandwidth on interfaces of type '%s' is not implemented",
              names_word(&net_type_names, net->type));
    return -1;
}

int bandwidth_apply_all(const struct domain *live, GError **error)
{
    LIST_EACH (net, &live->devices.nets)
        if (net->bandwidth && has_device(net) && bandwidth_apply(net, error) < 0)
            return -1;
    return 0;
}

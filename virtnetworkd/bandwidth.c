/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bandwidth.h"

#include <string.h>

#include "host/traffic.h"

static struct traffic_rate rate_of(const struct net_rate *rate)
{
    return rate ? (struct traffic_rate){rate->average, rate->peak, rate->burst}
                : (struct traffic_rate){0};
}

/* Ports without a guarantee have no class. */
static unsigned class_of(const struct network_port *port)
{
    return port && port->bandwidth && port->bandwidth->inbound ? port->bandwidth->class_id : 0;
}

static uint64_t rest_of(const struct network *network)
{
    uint64_t rest = network->bandwidth->inbound->average;

    LIST_EACH (port, &network->ports)
        if (class_of(port))
            rest -= MIN(rest, port->bandwidth->inbound->floor);
    return rest;
}

static int guarantee(const struct network *network, const struct network_port *port, GError **error)
{
    struct traffic_part part = {.id = class_of(port), .floor = port->bandwidth->inbound->floor};
    struct traffic_rate all = rate_of(network->bandwidth->inbound);

    memcpy(part.mac, port->mac, sizeof(part.mac));
    return traffic_guarantee(network->bridge, &part, &all, error);
}

static int set_rest(const struct network *network, GError **error)
{
    struct traffic_rate all = rate_of(network->bandwidth->inbound);

    return traffic_set_rest(network->bridge, rest_of(network), &all, error);
}

static bool has_guarantees(const struct network *network)
{
    LIST_EACH (port, &network->ports)
        if (class_of(port))
            return true;
    return false;
}

int bandwidth_limit(const struct network *network, GError **error)
{
    if (!network->bandwidth)
        return 0;
    struct traffic_rate to_guests = rate_of(network->bandwidth->inbound);
    struct traffic_rate from_guests = rate_of(network->bandwidth->outbound);
    if (traffic_limit_shared(network->bridge, &to_guests, &from_guests, error) < 0)
        return -1;
    if (!has_guarantees(network))
        return 0;
    LIST_EACH (port, &network->ports)
        if (class_of(port) && guarantee(network, port, error) < 0)
            return -1;
    return set_rest(network, error);
}

int bandwidth_follow(const struct network *network, const struct network_port *old,
                     const struct network_port *port, GError **error)
{
    unsigned before = class_of(old), now = class_of(port);

    if (!before && !now)
        return 0;
    if (before && before != now && traffic_release(network->bridge, before, error) < 0)
        return -1;
    if (now && guarantee(network, port, error) < 0)
        return -1;
    return set_rest(network, error);
}

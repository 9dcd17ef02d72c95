/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"

/*
 * Links, addresses and routes of this network namespace, by rtnetlink. Each call is one question or
 * order to the kernel, which answers at once. Any thread. Errors are VIR_ERR_SYSTEM_ERROR with the
 * kernel's reason, unless said otherwise; without CAP_NET_ADMIN they say so.
 */
struct netlink_bridge {
    const char *name;
    uint8_t mac[6];
    unsigned mtu; /* 0: the kernel's choice */
    bool stp;
    unsigned delay_seconds;
};

/* Makes a bridge, down. VIR_ERR_OPERATION_INVALID when there is a device of that name. */
int netlink_bridge_create(const struct netlink_bridge *bridge, GError **error);

/* False also for a device that is no bridge. */
bool netlink_bridge_exists(const char *name);

/* Has it look at VLANs: then it is told of stations, and need not hear all that its ports do. */
int netlink_bridge_filter_vlans(const char *name, GError **error);

/* The index of a device, or 0: there is none. */
unsigned netlink_find(const char *name);

struct netlink_link {
    char name[16];
    unsigned index;
    unsigned master; /* index of the bridge or the like that it is in, 0: none */
    bool is_bridge;
    bool up;
    uint8_t mac[6];
};

/* False: there is none of that name. */
bool netlink_get_link(const char *name, struct netlink_link *ret_link);

/* The device that a message of the kernel is about; false: none. */
struct nlmsghdr;
bool netlink_read_link(struct nlmsghdr *message, struct netlink_link *ret_link);

/* All devices: struct netlink_link, the caller's. */
int netlink_list_links(GArray **ret_links, GError **error);

/* Deletes a device; an absent one is no error. */
int netlink_delete(const char *name, GError **error);

int netlink_set_up(const char *name, bool up, GError **error);

/* Gives a device an address with its network; one that it has already is no error. IPv6 ones are
 * used without asking around first. With a peer, the network is that at the other end of the link.
 */
int netlink_add_address(const char *name, const struct ip_address *address, unsigned prefix,
                        const struct ip_address *peer, GError **error);

struct netlink_route {
    struct ip_address network;
    unsigned prefix;
    struct ip_address gateway; /* none: on the link */
    char dev[16];              /* "": none */
    unsigned metric;           /* 0: the kernel's choice */
};

/* A route by way of a device; one that is there already is no error. */
int netlink_add_route(const struct netlink_route *route, GError **error);

/* Routes of the main table, both families, without default routes: struct netlink_route, the
 * caller's. */
int netlink_list_routes(GArray **ret_routes, GError **error);

/* Plugs a device into a bridge; NULL: takes it out of the one it is in. */
int netlink_set_master(const char *name, const char *bridge, GError **error);

/* Can ports of a bridge marked so reach each other? */
int netlink_set_isolated(const char *name, bool isolated, GError **error);

/* Does a port of a bridge take MAC addresses from what comes in, and get what nobody is known for?
 */
int netlink_set_learning(const char *name, bool learning, GError **error);

/* Tells the bridge of a port that the address is there, for as long as it is plugged in. */
int netlink_add_station(const char *name, const uint8_t mac[6], GError **error);

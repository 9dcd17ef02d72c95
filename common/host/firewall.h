/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/ip.h"

/*
 * Rules of virtual networks in nftables: one table of our own for each family, in which a packet is
 * led to the chains of its network by maps, so that its way has the same length however many
 * networks there are. What is done for one network is one transaction: all of it, or nothing.
 */
#define FIREWALL_TABLE "modvirt"

enum firewall_kind {
    FIREWALL_NONE,     /* nobody stands between guests and the world */
    FIREWALL_ISOLATED, /* guests reach each other and this host */
    FIREWALL_ROUTE,    /* and everybody, who reach them */
    FIREWALL_NAT,      /* the same with addresses of this host; only replies get back in */
};

struct firewall_subnet {
    struct ip_address address;
    unsigned prefix;
    enum firewall_kind kind;
};

/* Ports of the host that lead to a guest. */
struct firewall_forward {
    const char *proto;         /* tcp, udp */
    struct ip_address address; /* of the host; none: any */
    const char *dev;           /* where packets come in; NULL: any */
    unsigned start, end;       /* ports of the host */
    struct ip_address guest;
    unsigned to; /* first port of the guest */
};

/* Texts must be names of network devices ("model/text-types.h"). */
struct firewall_network {
    const char *bridge;
    const char *dev;   /* the only one that traffic leaves by; NULL: any */
    bool ipv6_between; /* guests may speak IPv6 without a subnet of it */
    struct firewall_subnet *subnets;
    unsigned subnet_count;
    struct ip_address nat_start, nat_end; /* none: the host's own address */
    unsigned port_start, port_end;        /* 0: 1024 to 65535 */
    struct firewall_forward *forwards;
    unsigned forward_count;
};

/* Appends the orders that put the network's rules there - in place of chains with its name, but
 * other subnets and ports of it must not be there - or take away exactly these. Pure. */
void firewall_write_add(const struct firewall_network *network, GString *out);
void firewall_write_remove(const struct firewall_network *network, GString *out);

/* The same for all networks, in place of all that is ours, whatever it is. */
void firewall_write_all(const struct firewall_network *const *networks, unsigned count,
                        GString *out);

/* Has the kernel do a list of orders, as one transaction; may block for some milliseconds; any
 * thread. VIR_ERR_OPERATION_FAILED quotes what nftables says; VIR_ERR_OPERATION_DENIED without
 * CAP_NET_ADMIN. */
int firewall_apply(const char *orders, GError **error);

/* What nft says to "list WHAT": the caller's. */
int firewall_list(const char *what, char **ret_text, GError **error);

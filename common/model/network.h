/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ip.h"
#include "model/domain-address.h"
#include "model/net-parts.h"
#include "model/network-dns.h"
#include "model/network-ip.h"
#include "model/network-port.h"
#include "xml/schema.h"

/*
 * <network>: a virtual network. Those with a bridge of ours (isolated, nat, route, open) are
 * *managed*: we make the bridge and all around it. The others only say where guests are plugged.
 */
enum network_forward_mode {
    NETWORK_ISOLATED, /* no <forward> */
    NETWORK_NAT,
    NETWORK_ROUTE,
    NETWORK_OPEN,
    NETWORK_BRIDGE,
    NETWORK_PRIVATE,
    NETWORK_VEPA,
    NETWORK_PASSTHROUGH,
    NETWORK_HOSTDEV,
};
extern const struct names network_forward_mode_names;

enum network_hostdev_driver {
    NETWORK_HOSTDEV_DRIVER_NONE,
    NETWORK_HOSTDEV_DRIVER_KVM,
    NETWORK_HOSTDEV_DRIVER_VFIO,
    NETWORK_HOSTDEV_DRIVER_XEN,
};
extern const struct names network_hostdev_driver_names;

/* A device of the host that guests are plugged into, or that traffic leaves by. */
struct network_interface {
    const char *dev;
    unsigned connections; /* guests on it; live only */
};

struct network_pf {
    const char *dev;
};

enum network_hostdev_type { NETWORK_HOSTDEV_NONE, NETWORK_HOSTDEV_PCI };

struct network_hostdev {
    uint8_t type; /* enum network_hostdev_type */
    struct pci_address pci;
    unsigned connections;
};

/* <nat>: what the source of outgoing packets becomes. */
struct network_nat {
    uint8_t ipv6; /* enum tristate */
    struct ip_address address_start, address_end;
    struct opt_uint port_start, port_end;
};

struct network_forward {
    uint8_t mode; /* enum network_forward_mode, never isolated */
    const char *dev;
    uint8_t managed; /* enum tristate */
    uint8_t driver;  /* enum network_hostdev_driver */
    const char *driver_model;
    struct network_nat *nat;
    LIST_OF(struct network_pf) pfs; /* one at most */
    LIST_OF(struct network_interface) interfaces;
    LIST_OF(struct network_hostdev) hostdevs;
};

struct network_portgroup {
    const char *name;
    uint8_t is_default;             /* enum tristate */
    uint8_t trust_guest_rx_filters; /* enum tristate */
    struct net_vlan *vlan;
    struct net_virtual_port *virtual_port;
    struct net_bandwidth *bandwidth;
};

/* Ports of the host that lead to a guest: own extension, in the namespace modvirt. */
struct network_port_range {
    unsigned start, end; /* of the host; end 0: start */
    unsigned to;         /* first of the guest; 0: as start */
};

struct network_port_forward {
    uint8_t proto;             /* enum network_protocol */
    struct ip_address address; /* of the host; none: any */
    const char *dev;           /* where packets come in; NULL: any but the bridge */
    const char *guest_mac, *guest_name;
    struct ip_address guest_address;
    LIST_OF(struct network_port_range) ranges;
};

enum network_protocol { NETWORK_PROTOCOL_NONE, NETWORK_PROTOCOL_TCP, NETWORK_PROTOCOL_UDP };
extern const struct names network_protocol_names;

struct network {
    struct definition definition;
    unsigned connections;           /* guests plugged in; live only */
    uint8_t ipv6;                   /* enum tristate: guests may speak IPv6 without addresses */
    uint8_t trust_guest_rx_filters; /* enum tristate */
    const char *name;
    uint8_t uuid[16];
    const char *title, *description, *metadata;
    struct network_forward *forward; /* NULL: isolated */
    const char *bridge;
    const char *bridge_zone;
    uint8_t bridge_stp; /* enum tristate */
    struct opt_uint bridge_delay;
    uint8_t bridge_mac_table; /* enum bridge_mac_table */
    unsigned mtu;
    uint8_t mac[6];
    const char *domain;
    uint8_t domain_local_only; /* enum tristate */
    uint8_t domain_register;   /* enum tristate */
    struct network_dns dns;
    struct net_vlan *vlan;
    struct net_bandwidth *bandwidth;
    uint8_t port_isolated; /* enum tristate */
    LIST_OF(struct network_ip) ips;
    LIST_OF(struct network_route) routes;
    struct net_virtual_port *virtual_port;
    LIST_OF(struct network_portgroup) portgroups;
    LIST_OF(struct network_port_forward) port_forwards;
    LIST_OF(struct network_port) ports;  /* guests' interfaces on it; of a running network */
    LIST_OF(const char) dnsmasq_options; /* lines of its configuration, as they are */
};

XML_SCHEMA_DECLARE(network_interface);
XML_SCHEMA_DECLARE(network_pf);
XML_SCHEMA_DECLARE(network_hostdev);
XML_SCHEMA_DECLARE(network_nat);
XML_SCHEMA_DECLARE(network_forward);
XML_SCHEMA_DECLARE(network_portgroup);
XML_SCHEMA_DECLARE(network_port_range);
XML_SCHEMA_DECLARE(network_port_forward);
XML_SCHEMA_DECLARE(network);

/* enum network_forward_mode */
unsigned network_mode(const struct network *network);

/* Has it a bridge that we make? */
bool network_is_managed(const struct network *network);

/* The portgroup named name, or without a name the one that is the default; NULL: none. Borrowed. */
const struct network_portgroup *network_find_portgroup(const struct network *network,
                                                       const char *name);

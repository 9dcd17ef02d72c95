/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-address.h"
#include "model/net-parts.h"

/*
 * <networkport>: one guest's interface on a network. Who plugs it in says owner and MAC address;
 * the network answers with what it is plugged into.
 */
enum network_plug_type {
    NETWORK_PLUG_NONE,
    NETWORK_PLUG_NETWORK,
    NETWORK_PLUG_BRIDGE,
    NETWORK_PLUG_DIRECT,
    NETWORK_PLUG_HOSTDEV_PCI,
};
extern const struct names network_plug_type_names;

struct network_plug {
    uint8_t type;             /* enum network_plug_type */
    const char *bridge;       /* network, bridge */
    uint8_t bridge_mac_table; /* enum bridge_mac_table */
    const char *dev;          /* direct */
    uint8_t mode;             /* enum macvtap_mode: direct */
    uint8_t managed;          /* enum tristate: hostdev-pci, as the rest */
    uint8_t driver;           /* enum network_hostdev_driver */
    struct pci_address pci;
};

struct network_port_forward; /* model/network.h */

struct network_port {
    struct definition definition;
    uint8_t uuid[16];
    const char *owner_name;
    uint8_t owner_uuid[16];
    uint8_t mac[6];
    const char *group;
    uint8_t trust_guest_rx_filters; /* enum tristate */
    struct net_virtual_port *virtual_port;
    struct net_bandwidth *bandwidth;
    struct net_vlan *vlan;
    uint8_t isolated; /* enum tristate */
    struct network_plug *plug;
    LIST_OF(struct network_port_forward) forwards; /* that lead to it: in what is shown alone */
};

XML_SCHEMA_DECLARE(network_plug);
XML_SCHEMA_DECLARE(network_port);

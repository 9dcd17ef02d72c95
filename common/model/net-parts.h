/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/* What domain interfaces, networks and host interfaces have in common. */

enum bridge_mac_table { BRIDGE_MAC_TABLE_NONE, BRIDGE_MAC_TABLE_KERNEL, BRIDGE_MAC_TABLE_LIBVIRT };
extern const struct names bridge_mac_table_names;

enum macvtap_mode {
    MACVTAP_NONE,
    MACVTAP_VEPA,
    MACVTAP_PRIVATE,
    MACVTAP_BRIDGE,
    MACVTAP_PASSTHROUGH,
};
extern const struct names macvtap_mode_names;

struct net_ip {
    const char *family; /* ipv4, ipv6 */
    const char *address;
    struct opt_uint prefix;
    const char *peer;
};

struct net_route {
    const char *family;
    const char *address;
    const char *netmask;
    struct opt_uint prefix;
    const char *gateway;
    unsigned metric;
};

enum virtual_port_type {
    VIRTUAL_PORT_NONE,
    VIRTUAL_PORT_8021QBG,
    VIRTUAL_PORT_8021QBH,
    VIRTUAL_PORT_OPENVSWITCH,
    VIRTUAL_PORT_MIDONET,
};
extern const struct names virtual_port_type_names;

struct net_virtual_port {
    uint8_t type; /* enum virtual_port_type */
    struct opt_uint manager_id;
    struct opt_uint type_id;
    struct opt_uint type_id_version;
    uint8_t instance_id[16];
    uint8_t interface_id[16];
    const char *profile_id;
};

/* The first parameter that a switch of its type must be told and is not; NULL: none. */
const char *net_virtual_port_missing(const struct net_virtual_port *port);

/* KiB per second; burst in KiB */
struct net_rate {
    uint64_t average;
    uint64_t peak;
    uint64_t floor;
    uint64_t burst;
};

struct net_bandwidth {
    unsigned class_id; /* given by the network; live only */
    struct net_rate *inbound;
    struct net_rate *outbound;
};

enum vlan_native_mode { VLAN_NATIVE_NONE, VLAN_NATIVE_TAGGED, VLAN_NATIVE_UNTAGGED };
extern const struct names vlan_native_mode_names;

struct net_vlan_tag {
    struct opt_uint id;
    uint8_t native_mode; /* enum vlan_native_mode */
};

struct net_vlan {
    uint8_t trunk; /* enum tristate */
    LIST_OF(struct net_vlan_tag) tags;
};

XML_SCHEMA_DECLARE(net_ip);
XML_SCHEMA_DECLARE(net_route);
XML_SCHEMA_DECLARE(net_virtual_port);
XML_SCHEMA_DECLARE(net_rate);
XML_SCHEMA_DECLARE(net_bandwidth);
XML_SCHEMA_DECLARE(net_vlan_tag);
XML_SCHEMA_DECLARE(net_vlan);

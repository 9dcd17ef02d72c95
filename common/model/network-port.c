/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/network-port.h"

#include "model/network.h"
#include "model/text-types.h"

NAMES(network_plug_type_names, NULL, "network", "bridge", "direct", "hostdev-pci");

#define ON_BRIDGE (BIT(NETWORK_PLUG_NETWORK) | BIT(NETWORK_PLUG_BRIDGE))

#define ROWS_OF struct network_plug
static const struct xml_row network_plug_rows[] = {
    ROW_ENUM("@type", type, network_plug_type_names, "Kind", .flags = XML_REQUIRED),
    ROW_TYPE("@bridge", bridge, device_name_type, "Bridge", WHEN(type, ON_BRIDGE),
             .flags = XML_REQUIRED),
    ROW_ENUM("@macTableManager", bridge_mac_table, bridge_mac_table_names,
             "Who tells the bridge where MAC addresses are", WHEN(type, ON_BRIDGE)),
    ROW_TYPE("@dev", dev, device_name_type, "Device of the host",
             WHEN(type, BIT(NETWORK_PLUG_DIRECT)), .flags = XML_REQUIRED),
    ROW_ENUM("@mode", mode, macvtap_mode_names, "How guests on it reach each other",
             WHEN(type, BIT(NETWORK_PLUG_DIRECT)), .flags = XML_REQUIRED),
    ROW_YES_NO("@managed", managed, "Taken from the host, and given back",
               WHEN(type, BIT(NETWORK_PLUG_HOSTDEV_PCI))),
    ROW_ENUM("driver/@name", driver, network_hostdev_driver_names, "How it is given away",
             WHEN(type, BIT(NETWORK_PLUG_HOSTDEV_PCI))),
    ROW_EMBED("address", pci, pci_address, WHEN(type, BIT(NETWORK_PLUG_HOSTDEV_PCI))),
};
#undef ROWS_OF
XML_SCHEMA(network_plug, "plug", .doc = "What the interface is plugged into");

static const struct xml_namespace namespaces[] = {
    {"modvirt", "urn:modvirt:network:1"},
    {NULL, NULL},
};

#define ROWS_OF struct network_port
static const struct xml_row network_port_rows[] = {
    ROW_UUID("uuid", uuid, "Identity"),
    ROW_STRING("owner/name", owner_name, "Guest", .flags = XML_REQUIRED),
    ROW_UUID("owner/uuid", owner_uuid, "Its identity", .flags = XML_REQUIRED),
    ROW_MAC("mac/@address", mac, "MAC address of the interface", .flags = XML_REQUIRED),
    ROW_TYPE("group", group, line_type, "Port group"),
    ROW_YES_NO("rxfilters/@trustGuest", trust_guest_rx_filters,
               "The guest may change what it receives"),
    ROW_CHILD("virtualport", virtual_port, net_virtual_port, "Port of a switch"),
    ROW_CHILD("bandwidth", bandwidth, net_bandwidth, "Limits"),
    ROW_CHILD("vlan", vlan, net_vlan, "VLANs"),
    ROW_YES_NO("port/@isolated", isolated, "Can't reach other guests"),
    ROW_CHILD("plug", plug, network_plug, "What it is plugged into"),
    ROW_LIST("modvirt:portForward", forwards, network_port_forward,
             "Ports of the host that lead to it; not to be chosen here"),
};
#undef ROWS_OF
XML_SCHEMA(network_port, "networkport", .doc = "A guest's interface on a network",
           .namespaces = namespaces);

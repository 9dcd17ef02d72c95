/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/network.h"

#include <string.h>

#include "model/network-check.h"
#include "model/text-types.h"

NAMES(network_forward_mode_names, NULL, "nat", "route", "open", "bridge", "private", "vepa",
      "passthrough", "hostdev");
NAMES(network_hostdev_driver_names, NULL, "kvm", "vfio", "xen");
NAMES(network_protocol_names, NULL, "tcp", "udp");
NAMES(network_hostdev_type_names, NULL, "pci");

/* ---- forward ---- */

#define ROWS_OF struct network_interface
static const struct xml_row network_interface_rows[] = {
    ROW_TYPE("@dev", dev, device_name_type, "Device of the host", .flags = XML_REQUIRED),
    ROW_NUMBER("@connections", connections, "Guests that use it", .flags = XML_LIVE),
};
#undef ROWS_OF
XML_SCHEMA(network_interface, "interface", .doc = "A device of the host");

#define ROWS_OF struct network_pf
static const struct xml_row network_pf_rows[] = {
    ROW_TYPE("@dev", dev, device_name_type, "Device of the host", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(network_pf, "pf", .doc = "A device whose virtual functions go to guests");

#define ROWS_OF struct network_hostdev
static const struct xml_row network_hostdev_rows[] = {
    ROW_ENUM("@type", type, network_hostdev_type_names, "Kind of address", .flags = XML_REQUIRED),
    ROW_EMBED(".", pci, pci_address),
    ROW_NUMBER("@connections", connections, "Guests that use it", .flags = XML_LIVE),
};
#undef ROWS_OF
XML_SCHEMA(network_hostdev, "address", .doc = "A virtual function that goes to a guest");

#define ROWS_OF struct network_nat
static const struct xml_row network_nat_rows[] = {
    ROW_YES_NO("@ipv6", ipv6, "IPv6 is translated as well, not just routed"),
    ROW_IP("address/@start", address_start, "First of the addresses that packets leave with"),
    ROW_IP("address/@end", address_end, "Last of them"),
    ROW_NUMBER("port/@start", port_start, "First of the ports that packets leave with",
               RANGE(0, 65535), CODE(VIR_ERR_XML_DETAIL)),
    ROW_NUMBER("port/@end", port_end, "Last of them", RANGE(0, 65535), CODE(VIR_ERR_XML_DETAIL)),
};
#undef ROWS_OF
XML_SCHEMA(network_nat, "nat", .doc = "How addresses are translated", .check = network_check_nat);

#define ROWS_OF struct network_forward
static const struct xml_row network_forward_rows[] = {
    ROW_TYPE("@dev", dev, device_name_type, "The only device that traffic leaves by"),
    ROW_ENUM("@mode", mode, network_forward_mode_names, "How guests reach others",
             DEFAULT(NETWORK_NAT), CODE(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_ALWAYS),
    ROW_YES_NO("@managed", managed, "Host devices are taken from the host and given back"),
    ROW_ENUM("driver/@name", driver, network_hostdev_driver_names, "How devices are given away",
             .flags = XML_EXPECTED),
    ROW_TYPE("driver/@model", driver_model, line_type, "Driver of the host for them"),
    ROW_CHILD("nat", nat, network_nat, "How addresses are translated"),
    ROW_LIST("pf", pfs, network_pf, "Device whose virtual functions are given away"),
    ROW_LIST("interface", interfaces, network_interface, "Device of the host"),
    ROW_LIST("address", hostdevs, network_hostdev, "Device to be given away"),
};
#undef ROWS_OF
XML_SCHEMA(network_forward, "forward", .doc = "How guests reach what is outside of the network",
           .check = network_check_forward);

/* ---- port groups ---- */

#define ROWS_OF struct network_portgroup
static const struct xml_row network_portgroup_rows[] = {
    ROW_TYPE("@name", name, line_type, "Name", .flags = XML_REQUIRED),
    ROW_YES_NO("@default", is_default, "For interfaces that name no group"),
    ROW_YES_NO("@trustGuestRxFilters", trust_guest_rx_filters,
               "Guests may change what they receive"),
    ROW_CHILD("vlan", vlan, net_vlan, "VLANs"),
    ROW_CHILD("virtualport", virtual_port, net_virtual_port, "Port of a switch"),
    ROW_CHILD("bandwidth", bandwidth, net_bandwidth, "Limits"),
};
#undef ROWS_OF
XML_SCHEMA(network_portgroup, "portgroup", .doc = "Settings that interfaces ask for by name");

/* ---- port forwards ---- */

static const struct xml_namespace namespaces[] = {
    {"dnsmasq", "http://libvirt.org/schemas/network/dnsmasq/1.0"},
    {"modvirt", "urn:modvirt:network:1"},
    {NULL, NULL},
};

#define ROWS_OF struct network_port_range
static const struct xml_row network_port_range_rows[] = {
    ROW_NUMBER("@start", start, "First port of the host", RANGE(1, 65535), .flags = XML_REQUIRED),
    ROW_NUMBER("@end", end, "Last port of the host; start, if not given", RANGE(1, 65535)),
    ROW_NUMBER("@to", to, "First port of the guest; start, if not given", RANGE(1, 65535)),
};
#undef ROWS_OF
XML_SCHEMA(network_port_range, "range", .doc = "Ports that lead to a guest",
           .check = network_check_port_range);

#define ROWS_OF struct network_port_forward
static const struct xml_row network_port_forward_rows[] = {
    ROW_ENUM("@proto", proto, network_protocol_names, "Protocol", DEFAULT(NETWORK_PROTOCOL_TCP),
             .flags = XML_ALWAYS),
    ROW_IP("@address", address, "Address of the host; any, if not given"),
    ROW_TYPE("@dev", dev, device_name_type, "Device of the host that packets come in by"),
    ROW_TYPE("modvirt:guest/@mac", guest_mac, mac_text_type, "The guest, by MAC address"),
    ROW_TYPE("modvirt:guest/@name", guest_name, line_type, "The guest, by name"),
    ROW_IP("modvirt:guest/@address", guest_address, "The guest, by address"),
    ROW_LIST("modvirt:range", ranges, network_port_range, "Ports"),
};
#undef ROWS_OF
XML_SCHEMA(network_port_forward, "portForward", .doc = "Ports of the host that lead to a guest",
           .namespaces = namespaces, .check = network_check_port_forward);

/* ---- the network ---- */

#define ROWS_OF struct network
static const struct xml_row network_rows[] = {
    ROW_NUMBER("@connections", connections, "Guests on it", .flags = XML_LIVE),
    ROW_YES_NO("@ipv6", ipv6, "Guests may speak IPv6 to each other without addresses of the host"),
    ROW_YES_NO("@trustGuestRxFilters", trust_guest_rx_filters,
               "Guests may change what they receive"),
    ROW_STRING("name", name, "Name, unique on the host", CODE(VIR_ERR_NO_NAME),
               .flags = XML_REQUIRED),
    ROW_UUID("uuid", uuid, "Identity, unique everywhere", .flags = XML_EXPECTED),
    ROW_STRING("title", title, "One line about the network"),
    ROW_STRING("description", description, "Any text about it"),
    ROW_RAW("metadata", metadata, "Elements of applications, in their own namespaces"),
    ROW_CHILD("forward", forward, network_forward, "How guests reach what is outside"),
    ROW_TYPE("bridge/@name", bridge, device_name_type, "Bridge of the host"),
    ROW_TYPE("bridge/@zone", bridge_zone, dns_label_type, "Zone of firewalld"),
    ROW_ON_OFF("bridge/@stp", bridge_stp, "Spanning tree protocol"),
    ROW_NUMBER("bridge/@delay", bridge_delay, "Seconds that it listens before it forwards"),
    ROW_ENUM("bridge/@macTableManager", bridge_mac_table, bridge_mac_table_names,
             "Who tells the bridge where MAC addresses are"),
    ROW_NUMBER("mtu/@size", mtu, "Most bytes of a packet", RANGE(0, 65535)),
    ROW_MAC("mac/@address", mac, "MAC address of the bridge", .flags = XML_EXPECTED),
    ROW_TYPE("domain/@name", domain, dns_name_type, "DNS domain of guests", .flags = XML_EXPECTED),
    ROW_YES_NO("domain/@localOnly", domain_local_only, "Nobody else is asked for names in it"),
    ROW_YES_NO("domain/@register", domain_register, "The host's resolver is told of it"),
    ROW_EMBED("dns", dns, network_dns),
    ROW_CHILD("vlan", vlan, net_vlan, "VLANs"),
    ROW_CHILD("bandwidth", bandwidth, net_bandwidth, "Limits"),
    ROW_YES_NO("port/@isolated", port_isolated, "Guests can't reach each other"),
    ROW_LIST("ip", ips, network_ip, "Address of the host"),
    ROW_LIST("route", routes, network_route, "Route"),
    ROW_CHILD("virtualport", virtual_port, net_virtual_port, "Port of a switch"),
    ROW_LIST("portgroup", portgroups, network_portgroup, "Settings by name"),
    ROW_STRINGS("dnsmasq:options/dnsmasq:option/@value", dnsmasq_options,
                "Line of dnsmasq's configuration, as it is"),
    ROW_LIST("modvirt:portForward", port_forwards, network_port_forward,
             "Ports of the host that lead to a guest"),
    ROW_LIST("networkport", ports, network_port, "A guest's interface", .flags = XML_STATUS),
};
#undef ROWS_OF
XML_SCHEMA(network, "network", .doc = "A virtual network", .namespaces = namespaces,
           .check = network_check);

unsigned network_mode(const struct network *network)
{
    return network->forward ? network->forward->mode : NETWORK_ISOLATED;
}

bool network_is_managed(const struct network *network)
{
    return network_mode(network) <= NETWORK_OPEN;
}

const struct network_portgroup *network_find_portgroup(const struct network *network,
                                                       const char *name)
{
    LIST_EACH (group, &network->portgroups)
        if (name ? strcmp(group->name, name) == 0 : group->is_default == TRISTATE_YES)
            return group;
    return NULL;
}

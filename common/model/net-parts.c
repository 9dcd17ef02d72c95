/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/net-parts.h"

#include <string.h>

#include "base/uuid.h"
#include "model/network-ip.h"
#include "model/rows.h"
#include "model/text-types.h"

NAMES(bridge_mac_table_names, NULL, "kernel", "libvirt");
NAMES(macvtap_mode_names, NULL, "vepa", "private", "bridge", "passthrough");
NAMES(virtual_port_type_names, NULL, "802.1Qbg", "802.1Qbh", "openvswitch", "midonet");
NAMES(vlan_native_mode_names, NULL, "tagged", "untagged");

#define ROWS_OF struct net_ip
static const struct xml_row net_ip_rows[] = {
    ROW_STRING("@address", address, "IP address", .flags = XML_NEEDED, FORM(ip_text_type)),
    ROW_STRING("@family", family, "ipv4 or ipv6", WORDS(ip_family_names)),
    ROW_NUMBER("@prefix", prefix, "Length of the network's prefix"),
    ROW_STRING("@peer", peer, "Address of the other end"),
};
#undef ROWS_OF
XML_SCHEMA(net_ip, "ip", .doc = "An IP address");

#define ROWS_OF struct net_route
static const struct xml_row net_route_rows[] = {
    ROW_STRING("@family", family, "ipv4 or ipv6", WORDS(ip_family_names)),
    ROW_STRING("@address", address, "Network reached"),
    ROW_STRING("@netmask", netmask, "Its mask"),
    ROW_NUMBER("@prefix", prefix, "Length of its prefix"),
    ROW_STRING("@gateway", gateway, "Router", .flags = XML_NEEDED),
    ROW_NUMBER("@metric", metric, "Cost"),
};
#undef ROWS_OF
XML_SCHEMA(net_route, "route", .doc = "A route");

#define ROWS_OF struct net_virtual_port
static const struct xml_row net_virtual_port_rows[] = {
    ROW_ENUM("@type", type, virtual_port_type_names, "Kind of switch",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_OPT_NUMBER_ANY("parameters/@managerid", manager_id, "802.1Qbg: manager", RANGE(0, 255)),
    ROW_OPT_NUMBER_ANY("parameters/@typeid", type_id, "802.1Qbg: type", RANGE(0, 0xffffff)),
    ROW_OPT_NUMBER_ANY("parameters/@typeidversion", type_id_version,
                       "802.1Qbg: version of the type", RANGE(0, 255)),
    ROW_UUID("parameters/@instanceid", instance_id, "802.1Qbg: instance"),
    ROW_UUID("parameters/@interfaceid", interface_id, "Port of the switch"),
    ROW_STRING("parameters/@profileid", profile_id, "Profile of the port"),
};
#undef ROWS_OF

/* ---- what switches of a kind are told ---- */

enum port_parameter {
    PORT_MANAGER = 1 << 0,
    PORT_TYPE = 1 << 1,
    PORT_VERSION = 1 << 2,
    PORT_INSTANCE = 1 << 3,
    PORT_INTERFACE = 1 << 4,
    PORT_PROFILE = 1 << 5,
    PORT_PARAMETERS = 6,
};
static const char *const port_parameters[PORT_PARAMETERS] = {
    "managerid", "typeid", "typeidversion", "instanceid", "interfaceid", "profileid",
};
enum { PORT_PROFILE_LONGEST = 39 };

/* The identities that are made up when nobody says them are known, not needed. */
static const struct {
    uint8_t needed, known; /* enum port_parameter */
} port_kinds[] = {
    [VIRTUAL_PORT_NONE] = {0, 0xff},
    [VIRTUAL_PORT_8021QBG] = {PORT_MANAGER | PORT_TYPE | PORT_VERSION,
                              PORT_MANAGER | PORT_TYPE | PORT_VERSION | PORT_INSTANCE},
    [VIRTUAL_PORT_8021QBH] = {PORT_PROFILE, PORT_PROFILE},
    [VIRTUAL_PORT_OPENVSWITCH] = {0, PORT_INTERFACE | PORT_PROFILE},
    [VIRTUAL_PORT_MIDONET] = {PORT_INTERFACE, PORT_INTERFACE},
};

static unsigned parameters_of(const struct net_virtual_port *port)
{
    return (port->manager_id.set ? PORT_MANAGER : 0) | (port->type_id.set ? PORT_TYPE : 0) |
           (port->type_id_version.set ? PORT_VERSION : 0) |
           (uuid_is_valid(port->instance_id) ? PORT_INSTANCE : 0) |
           (uuid_is_valid(port->interface_id) ? PORT_INTERFACE : 0) |
           (port->profile_id && *port->profile_id ? PORT_PROFILE : 0);
}

static const char *first_parameter(unsigned parameters)
{
    for (unsigned i = 0; i < PORT_PARAMETERS; i++)
        if (parameters & 1U << i)
            return port_parameters[i];
    return NULL;
}

const char *net_virtual_port_missing(const struct net_virtual_port *port)
{
    return first_parameter(port_kinds[port->type].needed & ~parameters_of(port));
}

static int virtual_port_check(struct xml_at *at, void *object, GError **error)
{
    const struct net_virtual_port *port = object;
    const char *extra = first_parameter(parameters_of(port) & ~port_kinds[port->type].known);

    if (extra)
        return xml_at_fail(at, "parameters", VIR_ERR_XML_ERROR, error,
                           "%s is not for a virtual port of type '%s'", extra,
                           names_word(&virtual_port_type_names, port->type));
    if (port->profile_id && strlen(port->profile_id) > PORT_PROFILE_LONGEST)
        return xml_at_fail(at, "parameters/@profileid", VIR_ERR_XML_ERROR, error, "is too long");
    return 0;
}
XML_SCHEMA(net_virtual_port, "virtualport", .doc = "Port of a switch", .check = virtual_port_check);

#define ROWS_OF struct net_rate
static const struct xml_row net_rate_rows[] = {
    ROW_NUMBER("@average", average, "KiB per second, on average", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
               FORM_RANGE(1, INT64_MAX)),
    ROW_NUMBER("@peak", peak, "KiB per second, at most", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
               FORM_RANGE(1, INT64_MAX)),
    ROW_NUMBER("@floor", floor, "KiB per second, at least", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
               FORM_RANGE(1, INT64_MAX)),
    ROW_NUMBER("@burst", burst, "KiB sent in one burst", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
               FORM_RANGE(1, INT64_MAX)),
};
#undef ROWS_OF
XML_SCHEMA(net_rate, "inbound", .doc = "Rate of one direction");

#define ROWS_OF struct net_bandwidth
static const struct xml_row net_bandwidth_rows[] = {
    ROW_NUMBER("@classID", class_id, "Class of the network's bridge", .flags = XML_STATUS),
    ROW_CHILD("inbound", inbound, net_rate, "To the guest", .flags = XML_ONCE),
    ROW_CHILD("outbound", outbound, net_rate, "From the guest", .flags = XML_ONCE),
};
#undef ROWS_OF
XML_SCHEMA(net_bandwidth, "bandwidth", .doc = "Limits of network traffic");

#define ROWS_OF struct net_vlan_tag
static const struct xml_row net_vlan_tag_rows[] = {
    ROW_NUMBER("@id", id, "VLAN", RANGE(0, 4095), .flags = XML_NEEDED),
    ROW_ENUM("@nativeMode", native_mode, vlan_native_mode_names,
             "The VLAN of untagged packets, and whether they get a tag",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
};
#undef ROWS_OF
XML_SCHEMA(net_vlan_tag, "tag", .doc = "A VLAN");

#define ROWS_OF struct net_vlan
static const struct xml_row net_vlan_rows[] = {
    ROW_YES_NO("@trunk", trunk, "The guest sees the tags", WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_LIST("tag", tags, net_vlan_tag, "VLAN"),
};
#undef ROWS_OF
XML_SCHEMA(net_vlan, "vlan", .doc = "VLANs of an interface");

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-net.h"

#include "model/rows.h"
#include "model/text-types.h"

NAMES(net_type_names, NULL, "user", "ethernet", "vhostuser", "server", "client", "mcast", "network",
      "bridge", "internal", "direct", "hostdev", "udp", "vdpa", "null", "vds");
static NAMES(net_driver_words, NULL, "qemu", "vhost", "vfio", "kvm", "xen");
NAMES(net_driver_names, NULL, "qemu", "vhost");
static NAMES(net_socket_names, NULL, "unix");
static NAMES(net_socket_mode_names, NULL, "client", "server");
NAMES(net_txmode_names, NULL, "iothread", "timer");
NAMES(net_link_names, NULL, "up", "down");
NAMES(net_backend_type_names, NULL, "default", "passt");
NAMES(net_mac_type_names, NULL, "generated", "static");
NAMES(net_hostdev_type_names, NULL, "pci", "usb");
NAMES(net_teaming_type_names, NULL, "persistent", "transient");

#define ROWS_OF struct net_offload
static const struct xml_row net_offload_rows[] = {
    ROW_ON_OFF("@csum", csum, "Checksums", .flags = XML_ABI),
    ROW_ON_OFF("@gso", gso, "Generic segmentation", .flags = XML_ABI),
    ROW_ON_OFF("@tso4", tso4, "TCP segmentation, IPv4", .flags = XML_ABI),
    ROW_ON_OFF("@tso6", tso6, "TCP segmentation, IPv6", .flags = XML_ABI),
    ROW_ON_OFF("@ecn", ecn, "Explicit congestion notification", .flags = XML_ABI),
    ROW_ON_OFF("@ufo", ufo, "UDP fragmentation", .flags = XML_ABI),
    ROW_ON_OFF("@mrg_rxbuf", mrg_rxbuf, "Merged receive buffers", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(net_offload, "host", .doc = "Work done outside of the guest's driver");

#define ROWS_OF struct net_driver_options
static const struct xml_row net_driver_options_rows[] = {
    ROW_STRING("@name", name, "Back end: qemu or vhost; for hostdev: vfio, kvm, xen",
               WORDS(net_driver_words)),
    ROW_STRING("@model", model, "Of hostdev: kernel module on the host"),
    ROW_YES_NO("@iommufd", iommufd, "Of hostdev: passed by iommufd"),
    ROW_ENUM("@txmode", txmode, net_txmode_names, "How packets are sent", .flags = XML_ABI),
    ROW_ON_OFF("@ioeventfd", ioeventfd, "I/O is handled outside of the vcpu threads"),
    ROW_ON_OFF("@event_idx", event_idx, "Fewer interrupts and notifications", .flags = XML_ABI),
    ROW_NUMBER("@queues", queues, "Pairs of queues", .flags = XML_ABI, FORM_RANGE(1, UINT32_MAX)),
    ROW_NUMBER("@rx_queue_size", rx_queue_size, "Length of a receive queue", .flags = XML_ABI,
               FORM_RANGE(1, UINT32_MAX)),
    ROW_NUMBER("@tx_queue_size", tx_queue_size, "Length of a send queue", .flags = XML_ABI,
               FORM_RANGE(1, UINT32_MAX)),
    ROW_ON_OFF("@rss", rss, "Receive side scaling", .flags = XML_ABI),
    ROW_ON_OFF("@rss_hash_report", rss_hash_report, "The guest gets the hash", .flags = XML_ABI),
    ROW_EMBED(".", virtio, domain_virtio),
    ROW_EMBED("host", host, net_offload),
    ROW_EMBED("guest", guest, net_offload),
};
#undef ROWS_OF
XML_SCHEMA(net_driver_options, "driver", .doc = "How the interface is emulated");

#define ROWS_OF struct net_backend
static const struct xml_row net_backend_rows[] = {
    ROW_ENUM("@type", type, net_backend_type_names, "What implements user networking"),
    ROW_STRING("@tap", tap, "Device that makes taps", FORM(absolute_path_type)),
    ROW_STRING("@vhost", vhost, "Device of vhost", FORM(absolute_path_type)),
    ROW_STRING("@logFile", log_file, "Log of passt"),
    ROW_STRING("@hostname", hostname, "Name given to the guest by passt"),
    ROW_STRING("@fqdn", fqdn, "Full name given to the guest by passt"),
};
#undef ROWS_OF
XML_SCHEMA(net_backend, "backend", .doc = "Back end of the interface");

#define ROWS_OF struct net_port_range
static const struct xml_row net_port_range_rows[] = {
    ROW_NUMBER("@start", start, "First port", RANGE(1, 65535), .flags = XML_REQUIRED),
    ROW_NUMBER("@end", end, "Last port", RANGE(1, 65535)),
    ROW_NUMBER("@to", to, "First port of the guest", RANGE(1, 65535)),
    ROW_YES_NO("@exclude", exclude, "These are not forwarded"),
};
#undef ROWS_OF
XML_SCHEMA(net_port_range, "range", .doc = "Ports to forward");

#define ROWS_OF struct net_port_forward
static const struct xml_row net_port_forward_rows[] = {
    ROW_STRING("@proto", proto, "tcp or udp", .flags = XML_REQUIRED),
    ROW_STRING("@address", address, "Address of the host"),
    ROW_STRING("@dev", dev, "Interface of the host"),
    ROW_LIST("range", ranges, net_port_range, "Ports"),
};
#undef ROWS_OF
XML_SCHEMA(net_port_forward, "portForward", .doc = "Ports of the host that lead to the guest");

#define ROWS_OF struct net_teaming
static const struct xml_row net_teaming_rows[] = {
    ROW_ENUM("@type", type, net_teaming_type_names, "Stays, or is unplugged for migration",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_REQUIRED | XML_ABI),
    ROW_STRING("@persistent", persistent, "Alias of the interface that stays"),
};
#undef ROWS_OF
XML_SCHEMA(net_teaming, "teaming", .doc = "A pair of interfaces of which one can be unplugged");

static int variable_parse(const struct xml_row *row, const char *text, struct arena *arena,
                          void *member, GString *problem)
{
    if (*text && !text[strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_")])
        return 0;
    g_string_append_printf(problem, "'%.80s' is not a name of letters, digits and underscores",
                           text);
    return -1;
}

static const struct xml_type variable_form = {
    .name = "letters, digits and underscores",
    .rng = "<data type='string'><param name='pattern'>[a-zA-Z0-9_]+</param></data>",
    .size = sizeof(char *),
    .parse = variable_parse,
};

#define ROWS_OF struct net_filter_parameter
static const struct xml_row net_filter_parameter_rows[] = {
    ROW_STRING("@name", name, "Name", .flags = XML_REQUIRED, FORM(variable_form)),
    ROW_STRING("@value", value, "Value", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(net_filter_parameter, "parameter", .doc = "Variable of a packet filter");

#define ROWS_OF struct net_filterref
static const struct xml_row net_filterref_rows[] = {
    ROW_STRING("@filter", filter, "Name of the filter", .flags = XML_REQUIRED),
    ROW_LIST("parameter", parameters, net_filter_parameter, "Variable"),
};
#undef ROWS_OF
XML_SCHEMA(net_filterref, "filterref", .doc = "Packet filter");

#define ROWS_OF struct net_hostdev_source
static const struct xml_row net_hostdev_source_rows[] = {
    ROW_ENUM("address/@type", type, net_hostdev_type_names, "Kind of device",
             .flags = XML_REQUIRED),
    ROW_EMBED("address", pci, pci_address, WHEN(type, BIT(NET_HOSTDEV_PCI)), .flags = XML_HOST),
    ROW_NUMBER("address/@bus", usb_bus, "USB bus", WHEN(type, BIT(NET_HOSTDEV_USB))),
    ROW_NUMBER("address/@device", usb_device, "USB device", WHEN(type, BIT(NET_HOSTDEV_USB))),
    ROW_TYPE("address/@port", usb_port, usb_port_type, "USB port",
             WHEN(type, BIT(NET_HOSTDEV_USB))),
};
#undef ROWS_OF
XML_SCHEMA(net_hostdev_source, "source", .doc = "A network device of the host");

#define ROWS_OF struct net_vds_source
static const struct xml_row net_vds_source_rows[] = {
    ROW_STRING("@switchid", switch_id, "Distributed switch"),
    ROW_STRING("@portid", port_id, "Port of the switch"),
    ROW_STRING("@portgroupid", portgroup_id, "Group of the port"),
    ROW_STRING("@connectionid", connection_id, "Connection"),
};
#undef ROWS_OF
XML_SCHEMA(net_vds_source, "source", .doc = "Port of a VMware distributed switch");

#define ROWS_OF struct net_request
static const struct xml_row net_request_rows[] = {
    ROW_YES_NO("@trustGuestRxFilters", trust_guest_rx_filters,
               "The guest may change its MAC address and filters"),
    ROW_YES_NO("port/@isolated", isolated, "Kept apart from other isolated ports of the bridge"),
    ROW_CHILD("vlan", vlan, net_vlan, "VLANs"),
    ROW_CHILD("virtualport", virtual_port, net_virtual_port, "Port of a switch"),
    ROW_CHILD("bandwidth", bandwidth, net_bandwidth, "Limits of traffic"),
};
#undef ROWS_OF
XML_SCHEMA(net_request, "request", .doc = "What was asked of the network");

#define SOCKETS (BIT(NET_SERVER) | BIT(NET_CLIENT) | BIT(NET_MCAST) | BIT(NET_UDP))
/* Where an interface may really be that is on a network. */
#define ON_NETWORK (BIT(NET_BRIDGE) | BIT(NET_DIRECT))
#define FILTERED (BIT(NET_NETWORK) | BIT(NET_BRIDGE) | BIT(NET_ETHERNET))
#define DEVICES (BIT(NET_DIRECT) | BIT(NET_VDPA) | BIT(NET_USER) | BIT(NET_VHOST_USER))

#define ROWS_OF struct domain_net
static const struct xml_row domain_net_rows[] = {
    ROW_ENUM("@type", type, net_type_names, "Where the other end is", DEFAULT(NET_USER),
             .flags = XML_EXPECTED | XML_ALWAYS),
    ROW_YES_NO("@managed", managed, "The host's driver is taken away and given back",
               WHEN(type, BIT(NET_HOSTDEV)), .flags = XML_BLANK),
    ROW_YES_NO("@trustGuestRxFilters", trust_guest_rx_filters,
               "The guest may change its MAC address and filters"),
    ROW_MAC("mac/@address", mac, "MAC address of the guest's device",
            .flags = XML_EXPECTED | XML_ABI),
    ROW_ENUM("mac/@type", mac_type, net_mac_type_names, "VMware: how it was chosen"),
    ROW_YES_NO("mac/@check", mac_check, "VMware: whether it is checked"),
    ROW_MAC("mac/@currentAddress", current_mac, "What the guest made of it", .flags = XML_LIVE),
    ROW_CHILD("driver", driver, net_driver_options, "How it is passed",
              WHEN(type, BIT(NET_HOSTDEV)), .flags = XML_HERE),

    ROW_STRING("source/@network", network, "Name of the network", WHEN(type, BIT(NET_NETWORK)),
               .flags = XML_REQUIRED),
    ROW_STRING("source/@network", network, "Network that it is on", WHEN(type, ON_NETWORK),
               .flags = XML_LIVE),
    ROW_STRING("source/@network", network, "Network that it is of", WHEN(type, BIT(NET_HOSTDEV)),
               .flags = XML_STATUS),
    ROW_STRING("source/@portgroup", portgroup, "Group of settings of the network",
               WHEN(type, BIT(NET_NETWORK)), FORM(word_type)),
    ROW_STRING("source/@portgroup", portgroup, "Group of settings of the network",
               WHEN(type, ON_NETWORK), .flags = XML_LIVE),
    ROW_UUID("source/@portid", port_id, "Port of the network in use", .flags = XML_LIVE,
             WHEN(type, BIT(NET_NETWORK) | ON_NETWORK)),
    ROW_UUID("source/@portid", port_id, "Port of the network in use", .flags = XML_STATUS,
             WHEN(type, BIT(NET_HOSTDEV))),
    ROW_STRING("source/@bridge", bridge, "Bridge in use", WHEN(type, BIT(NET_NETWORK)),
               .flags = XML_LIVE),
    ROW_STRING("source/@bridge", bridge, "Bridge of the host", WHEN(type, BIT(NET_BRIDGE)),
               .flags = XML_REQUIRED),
    ROW_ENUM("source/@macTableManager", mac_table_manager, bridge_mac_table_names,
             "Who keeps the bridge's table", .flags = XML_LIVE,
             WHEN(type, BIT(NET_NETWORK) | BIT(NET_BRIDGE))),
    ROW_STRING("source/@name", path, "Name", WHEN(type, BIT(NET_INTERNAL)), .flags = XML_REQUIRED),
    ROW_STRING("source/@dev", source_dev, "Device of the host", WHEN(type, DEVICES),
               FORM(word_type)),
    ROW_ENUM("source/@mode", macvtap_mode, macvtap_mode_names, "How guests see one another",
             WHEN(type, BIT(NET_DIRECT)), DEFAULT(MACVTAP_VEPA), .flags = XML_ALWAYS),
    ROW_STRING("source/@address", address, "Address", WHEN(type, BIT(NET_SERVER)),
               FORM(ip_text_type)),
    ROW_STRING("source/@address", address, "Address", WHEN(type, SOCKETS & ~BIT(NET_SERVER)),
               FORM(ip_text_type), .flags = XML_EXPECTED),
    ROW_NUMBER("source/@port", port, "Port", RANGE(1, 65535), WHEN(type, SOCKETS),
               .flags = XML_REQUIRED),
    ROW_STRING("source/local/@address", local_address, "Own address", WHEN(type, BIT(NET_UDP)),
               FORM(ip_text_type), .flags = XML_EXPECTED),
    ROW_NUMBER("source/local/@port", local_port, "Own port", RANGE(1, 65535),
               WHEN(type, BIT(NET_UDP)), .flags = XML_EXPECTED),
    ROW_STRING("source/@type", path_type, "unix", WHEN(type, BIT(NET_VHOST_USER)),
               WORDS(net_socket_names), .flags = XML_EXPECTED),
    ROW_STRING("source/@path", path, "Path of the socket", WHEN(type, BIT(NET_VHOST_USER)),
               FORM(absolute_path_type)),
    ROW_STRING("source/@mode", path_mode, "client or server", WHEN(type, BIT(NET_VHOST_USER)),
               WORDS(net_socket_mode_names), .flags = XML_EXPECTED),
    ROW_CHILD("source/reconnect", reconnect, source_reconnect, "When the connection is lost",
              WHEN(type, BIT(NET_VHOST_USER))),
    ROW_CHILD("source/.", hostdev, net_hostdev_source, "Network device of the host",
              WHEN(type, BIT(NET_HOSTDEV))),
    ROW_ELEMENT("source", "Port of a switch", WHEN(type, BIT(NET_VDS)), .flags = XML_EXPECTED),
    ROW_CHILD("source/.", vds, net_vds_source, "Port of a VMware distributed switch",
              WHEN(type, BIT(NET_VDS))),
    ROW_LIST("source/ip", host_ips, net_ip, "Address of the host's end"),
    ROW_LIST("source/route", host_routes, net_route, "Route of the host"),

    ROW_CHILD("request", request, net_request, "What was asked of the network",
              .flags = XML_STATUS),
    ROW_CHILD("vlan", vlan, net_vlan, "VLANs"),
    ROW_CHILD("virtualport", virtual_port, net_virtual_port, "Port of a switch"),
    ROW_CHILD("bandwidth", bandwidth, net_bandwidth, "Limits of traffic"),
    ROW_YES_NO("port/@isolated", isolated, "Kept apart from other isolated ports of the bridge"),
    ROW_LIST("ip", ips, net_ip, "Address of the guest's end"),
    ROW_LIST("route", routes, net_route, "Route of the guest"),
    ROW_LIST("portForward", port_forwards, net_port_forward, "Ports that lead to the guest"),
    ROW_STRING("script/@path", script, "Program run when the device is there", FORM(filled_type),
               .flags = XML_EXPECTED),
    ROW_STRING("downscript/@path", downscript, "Program run when the device goes",
               FORM(filled_type), .flags = XML_EXPECTED),
    ROW_STRING("backenddomain/@name", backend_domain, "Xen domain that serves the interface"),
    ROW_STRING("target/@dev", target, "Name of the device on the host", FORM(word_type)),
    ROW_YES_NO("target/@managed", target_managed, "The device is made and removed here"),
    ROW_STRING("guest/@dev", guest_dev, "Name in the container", FORM(word_type)),
    ROW_STRING("guest/@actual", guest_actual, "Name in use", .flags = XML_LIVE),
    ROW_STRING("model/@type", model, "Device that the guest sees", .flags = XML_EXPECTED | XML_ABI,
               FORM(word_type)),
    ROW_CHILD("driver", driver, net_driver_options, "How it is emulated",
              WHEN(type, ~BIT(NET_HOSTDEV))),
    ROW_CHILD("backend", backend, net_backend, "Back end"),
    ROW_CHILD("teaming", teaming, net_teaming, "Pair of interfaces"),
    ROW_CHILD("filterref", filterref, net_filterref, "Packet filter", WHEN(type, FILTERED)),
    ROW_CHILD("filterref", filterref, net_filterref, "Without effect", WHEN(type, ~FILTERED),
              .flags = XML_OUTPUT),
    ROW_NUMBER("tune/sndbuf", sndbuf, "Bytes queued on the host",
               WRONG(VIR_ERR_CONFIG_UNSUPPORTED)),
    ROW_ENUM("link/@state", link, net_link_names, "State of the virtual cable",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED | XML_BLANK),
    ROW_NUMBER("mtu/@size", mtu, "Largest packet", RANGE(0, 65535),
               .flags = XML_EXPECTED | XML_ABI | XML_BLANK),
    ROW_NUMBER("coalesce/rx/frames/@max", coalesce_frames, "Packets received before an interrupt",
               .flags = XML_BLANK),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_net, "interface", .doc = "A network interface");

bool domain_net_is_virtio(const struct domain_net *net)
{
    return net->model && names_find(&virtio_model_names, net->model) > 0;
}

void domain_net_keep_request(struct domain_net *net, struct arena *arena)
{
    if (net->request)
        return;
    net->request = arena_new(arena, struct net_request);
    *net->request = (struct net_request){.trust_guest_rx_filters = net->trust_guest_rx_filters,
                                         .isolated = net->isolated,
                                         .virtual_port = net->virtual_port,
                                         .bandwidth = net->bandwidth,
                                         .vlan = net->vlan};
}

void domain_net_revert(struct domain_net *net)
{
    const struct net_request *request = net->request;

    if (!request)
        return;
    net->type = NET_NETWORK;
    net->trust_guest_rx_filters = request->trust_guest_rx_filters;
    net->isolated = request->isolated;
    net->virtual_port = request->virtual_port;
    net->bandwidth = request->bandwidth;
    net->vlan = request->vlan;
    net->request = NULL;
}

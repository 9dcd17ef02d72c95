/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-source.h"
#include "model/net-parts.h"

enum net_type {
    NET_NONE,
    NET_USER,
    NET_ETHERNET,
    NET_VHOST_USER,
    NET_SERVER,
    NET_CLIENT,
    NET_MCAST,
    NET_NETWORK,
    NET_BRIDGE,
    NET_INTERNAL,
    NET_DIRECT,
    NET_HOSTDEV,
    NET_UDP,
    NET_VDPA,
    NET_NULL,
    NET_VDS,
};
extern const struct names net_type_names;

enum net_driver { NET_DRIVER_NONE, NET_DRIVER_QEMU, NET_DRIVER_VHOST };
extern const struct names net_driver_names;

enum net_txmode { NET_TXMODE_NONE, NET_TXMODE_IOTHREAD, NET_TXMODE_TIMER };
extern const struct names net_txmode_names;

enum net_link { NET_LINK_NONE, NET_LINK_UP, NET_LINK_DOWN };
extern const struct names net_link_names;

enum net_backend_type { NET_BACKEND_NONE, NET_BACKEND_DEFAULT, NET_BACKEND_PASST };
extern const struct names net_backend_type_names;

enum net_mac_type { NET_MAC_NONE, NET_MAC_GENERATED, NET_MAC_STATIC };
extern const struct names net_mac_type_names;

enum net_teaming_type { NET_TEAMING_NONE, NET_TEAMING_PERSISTENT, NET_TEAMING_TRANSIENT };
extern const struct names net_teaming_type_names;

/* Offloads of a virtio device: <driver><host .../><guest .../> */
struct net_offload {
    uint8_t csum; /* enum tristate, all of them */
    uint8_t gso;
    uint8_t tso4;
    uint8_t tso6;
    uint8_t ecn;
    uint8_t ufo;
    uint8_t mrg_rxbuf;
};

struct net_driver_options {
    const char *name;  /* a word of net_driver_names; for hostdev: kvm, vfio, xen */
    const char *model; /* hostdev: the host's module, and whether by iommufd */
    uint8_t iommufd;   /* enum tristate */
    uint8_t txmode;    /* enum net_txmode */
    uint8_t ioeventfd; /* enum tristate, as the rest */
    uint8_t event_idx;
    uint8_t rss;
    uint8_t rss_hash_report;
    unsigned queues;
    unsigned rx_queue_size;
    unsigned tx_queue_size;
    struct domain_virtio virtio;
    struct net_offload host;
    struct net_offload guest;
};

struct net_backend {
    uint8_t type; /* enum net_backend_type */
    const char *hostname;
    const char *fqdn;
    const char *tap;
    const char *vhost;
    const char *log_file;
};

struct net_port_range {
    unsigned start;
    unsigned end;
    unsigned to;
    uint8_t exclude; /* enum tristate */
};

struct net_port_forward {
    const char *proto;
    const char *address;
    const char *dev;
    LIST_OF(struct net_port_range) ranges;
};

struct net_teaming {
    uint8_t type; /* enum net_teaming_type */
    const char *persistent;
};

struct net_filter_parameter {
    const char *name;
    const char *value;
};

struct net_filterref {
    const char *filter;
    LIST_OF(struct net_filter_parameter) parameters;
};

enum net_hostdev_type { NET_HOSTDEV_NONE, NET_HOSTDEV_PCI, NET_HOSTDEV_USB };
extern const struct names net_hostdev_type_names;

/* A host device given to the guest as an interface */
struct net_hostdev_source {
    uint8_t type; /* enum net_hostdev_type */
    struct pci_address pci;
    unsigned usb_bus;
    unsigned usb_device;
    struct usb_port usb_port;
};

struct net_vds_source {
    const char *switch_id;
    const char *port_id;
    const char *portgroup_id;
    const char *connection_id;
};

/* What the document of an interface on a network asked for. While the guest runs, what the network
 * made of it stands in its place. */
struct net_request {
    uint8_t trust_guest_rx_filters; /* enum tristate, as isolated */
    uint8_t isolated;
    struct net_virtual_port *virtual_port;
    struct net_bandwidth *bandwidth;
    struct net_vlan *vlan;
};

struct domain_net {
    struct domain_device_info info;
    uint8_t type; /* enum net_type */
    uint8_t mac[6];
    uint8_t current_mac[6];         /* the guest's own; zero: it left it as it was */
    uint8_t mac_type;               /* enum net_mac_type */
    uint8_t mac_check;              /* enum tristate */
    uint8_t link;                   /* enum net_link */
    uint8_t trust_guest_rx_filters; /* enum tristate, as the next four */
    uint8_t managed;                /* hostdev */
    uint8_t target_managed;
    uint8_t isolated;
    uint8_t mac_table_manager; /* enum bridge_mac_table */
    uint8_t macvtap_mode;      /* enum macvtap_mode: direct */
    const char *model;         /* virtio, e1000, rtl8139, ...: the guest's device */
    const char *target;        /* name of the device on this host */
    const char *script;
    const char *downscript;
    const char *backend_domain; /* xen */
    const char *guest_dev;      /* lxc: name in the guest */
    const char *guest_actual;

    /* Where the other end is: what is used depends on the type. */
    const char *network; /* network */
    const char *portgroup;
    uint8_t port_id[16];         /* of the network's port in use */
    struct net_request *request; /* with a port in use */
    const char *bridge;          /* bridge (network: the one in use, live only) */
    const char *source_dev;      /* direct, user, vdpa */
    const char *address;         /* server, client, mcast, udp */
    unsigned port;
    const char *local_address; /* udp */
    unsigned local_port;
    const char *path; /* vhost-user: socket; internal: name */
    const char *path_type;
    const char *path_mode; /* client, server */
    struct source_reconnect *reconnect;
    struct net_hostdev_source *hostdev;
    struct net_vds_source *vds;
    LIST_OF(struct net_ip) host_ips;
    LIST_OF(struct net_route) host_routes;

    LIST_OF(struct net_ip) ips;
    LIST_OF(struct net_route) routes;
    LIST_OF(struct net_port_forward) port_forwards;
    struct net_backend *backend;
    struct net_driver_options *driver;
    struct net_filterref *filterref;
    struct net_virtual_port *virtual_port;
    struct net_bandwidth *bandwidth;
    struct net_vlan *vlan;
    struct net_teaming *teaming;
    struct opt_uint mtu;
    struct opt_uint coalesce_frames; /* <coalesce><rx><frames max=> */
    struct opt_ulong sndbuf;
};

XML_SCHEMA_DECLARE(net_offload);
XML_SCHEMA_DECLARE(net_driver_options);
XML_SCHEMA_DECLARE(net_backend);
XML_SCHEMA_DECLARE(net_port_range);
XML_SCHEMA_DECLARE(net_port_forward);
XML_SCHEMA_DECLARE(net_teaming);
XML_SCHEMA_DECLARE(net_filter_parameter);
XML_SCHEMA_DECLARE(net_filterref);
XML_SCHEMA_DECLARE(net_hostdev_source);
XML_SCHEMA_DECLARE(net_vds_source);
XML_SCHEMA_DECLARE(net_request);
XML_SCHEMA_DECLARE(domain_net);

/* True if the guest's device is one of the virtio models. */
bool domain_net_is_virtio(const struct domain_net *net);

/* Keeps what is asked for before what is given takes its place; once a run. */
void domain_net_keep_request(struct domain_net *net, struct arena *arena);

/* The interface as its document asked for it, where it is on a network. */
void domain_net_revert(struct domain_net *net);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ip.h"
#include "xml/schema.h"

/* Addresses of a network: the host's own on the bridge, and what DHCP gives to guests. */

extern const struct names ip_family_names;

enum lease_unit { LEASE_UNIT_NONE, LEASE_SECONDS, LEASE_MINUTES, LEASE_HOURS };
extern const struct names lease_unit_names;

struct network_lease {
    struct opt_uint expiry; /* 0: never */
    uint8_t unit;           /* enum lease_unit */
};

struct network_dhcp_range {
    struct ip_address start, end;
    struct network_lease lease;
};

struct network_dhcp_host {
    const char *mac; /* as it was spelled */
    const char *id;  /* IPv6 */
    const char *name;
    struct ip_address address;
    struct network_lease lease;
};

struct network_dhcp {
    LIST_OF(struct network_dhcp_range) ranges;
    LIST_OF(struct network_dhcp_host) hosts;
    const char *bootp_file;
    const char *bootp_server;
};

struct network_ip {
    uint8_t family; /* enum ip_family: as written; IP_NONE is IPv4 */
    struct ip_address address;
    struct ip_address netmask;
    struct opt_uint prefix;
    uint8_t local_ptr; /* enum tristate */
    const char *tftp_root;
    struct network_dhcp *dhcp;
};

struct network_route {
    uint8_t family;
    struct ip_address address;
    struct ip_address netmask;
    struct opt_uint prefix;
    struct ip_address gateway;
    unsigned metric;
};

XML_SCHEMA_DECLARE(network_lease);
XML_SCHEMA_DECLARE(network_dhcp_range);
XML_SCHEMA_DECLARE(network_dhcp_host);
XML_SCHEMA_DECLARE(network_dhcp);
XML_SCHEMA_DECLARE(network_ip);
XML_SCHEMA_DECLARE(network_route);

/* The length of the prefix, however it was given. */
unsigned network_ip_prefix(const struct network_ip *ip);
unsigned network_route_prefix(const struct network_route *route);

/* Seconds of a lease that is given; 0: for ever. */
uint64_t network_lease_seconds(const struct network_lease *lease);

/* Is there anything for a DHCP server to do? */
bool network_ip_has_dhcp(const struct network_ip *ip);

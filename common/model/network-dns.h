/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ip.h"
#include "xml/schema.h"

/* What a network's name server tells guests. */

struct network_dns_forwarder {
    const char *domain;
    struct ip_address address;
};

struct network_dns_txt {
    const char *name;
    const char *value;
};

struct network_dns_srv {
    const char *service;
    const char *protocol;
    const char *domain;
    const char *target;
    unsigned port, priority, weight;
};

struct network_dns_host {
    struct ip_address address;
    LIST_OF(const char) names;
};

struct network_dns {
    uint8_t enable;              /* enum tristate */
    uint8_t forward_plain_names; /* enum tristate */
    LIST_OF(struct network_dns_forwarder) forwarders;
    LIST_OF(struct network_dns_txt) txts;
    LIST_OF(struct network_dns_srv) srvs;
    LIST_OF(struct network_dns_host) hosts;
};

XML_SCHEMA_DECLARE(network_dns_forwarder);
XML_SCHEMA_DECLARE(network_dns_txt);
XML_SCHEMA_DECLARE(network_dns_srv);
XML_SCHEMA_DECLARE(network_dns_host);
XML_SCHEMA_DECLARE(network_dns);

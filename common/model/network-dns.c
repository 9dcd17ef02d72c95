/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/network-dns.h"

#include "model/text-types.h"

#define REFUSE(at, path, code, ...) xml_at_fail((at), (path), (code), error, __VA_ARGS__)

static int forwarder_check(struct xml_at *at, void *object, GError **error)
{
    const struct network_dns_forwarder *forwarder = object;

    if (!forwarder->domain && !forwarder->address.family)
        return REFUSE(at, "", VIR_ERR_XML_ERROR,
                      "Invalid forwarder element, must contain at least one of addr or domain");
    return 0;
}

#define ROWS_OF struct network_dns_forwarder
static const struct xml_row network_dns_forwarder_rows[] = {
    ROW_TYPE("@domain", domain, dns_name_type, "Only names of this domain"),
    ROW_IP("@addr", address, "Name server; without it, those of the host"),
};
#undef ROWS_OF
XML_SCHEMA(network_dns_forwarder, "forwarder", .doc = "Where names are asked for",
           .check = forwarder_check);

#define ROWS_OF struct network_dns_txt
static const struct xml_row network_dns_txt_rows[] = {
    ROW_TYPE("@name", name, dns_name_type, "Name", CODE(VIR_ERR_XML_DETAIL), .flags = XML_REQUIRED),
    ROW_TYPE("@value", value, line_type, "Text", CODE(VIR_ERR_XML_DETAIL), .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(network_dns_txt, "txt", .doc = "A TXT record");

static int srv_check(struct xml_at *at, void *object, GError **error)
{
    const struct network_dns_srv *srv = object;

    if (!srv->target && (srv->port || srv->priority || srv->weight))
        return REFUSE(at, "@target", VIR_ERR_XML_DETAIL,
                      "DNS SRV port, priority and weight not permitted without target for service "
                      "'%s'",
                      srv->service);
    return 0;
}

#define ROWS_OF struct network_dns_srv
static const struct xml_row network_dns_srv_rows[] = {
    ROW_TYPE("@service", service, dns_label_type, "Service, without its underscore",
             CODE(VIR_ERR_XML_DETAIL), .flags = XML_REQUIRED),
    ROW_TYPE("@protocol", protocol, dns_label_type, "tcp, udp", CODE(VIR_ERR_XML_DETAIL),
             .flags = XML_REQUIRED),
    ROW_TYPE("@domain", domain, dns_name_type, "Domain that has it; the network's by default"),
    ROW_TYPE("@target", target, dns_name_type, "Host that has it; a dot: none"),
    ROW_NUMBER("@port", port, "Its port", RANGE(1, 65535), CODE(VIR_ERR_XML_DETAIL)),
    ROW_NUMBER("@priority", priority, "Lower ones are tried first", RANGE(0, 65535),
               CODE(VIR_ERR_XML_DETAIL)),
    ROW_NUMBER("@weight", weight, "Share among those of one priority", RANGE(0, 65535),
               CODE(VIR_ERR_XML_DETAIL)),
};
#undef ROWS_OF
XML_SCHEMA(network_dns_srv, "srv", .doc = "A SRV record", .check = srv_check);

static int host_check(struct xml_at *at, void *object, GError **error)
{
    const struct network_dns_host *host = object;

    if (!host->names.count)
        return REFUSE(at, "hostname", VIR_ERR_XML_DETAIL, "Missing hostname in DNS HOST record");
    LIST_EACH (name, &host->names)
        if (!dns_name_is_valid(name))
            return REFUSE(at, "hostname", VIR_ERR_XML_DETAIL,
                          "hostname %u is not a DNS name: letters, digits, hyphens and underscores "
                          "between dots",
                          name_i + 1);
    return 0;
}

#define ROWS_OF struct network_dns_host
static const struct xml_row network_dns_host_rows[] = {
    ROW_IP("@ip", address, "Address", CODE(VIR_ERR_XML_DETAIL), .flags = XML_REQUIRED),
    ROW_STRINGS("hostname", names, "Name"),
};
#undef ROWS_OF
XML_SCHEMA(network_dns_host, "host", .doc = "Names of an address", .check = host_check);

static int dns_check(struct xml_at *at, void *object, GError **error)
{
    const struct network_dns *dns = object;

    if (dns->enable == TRISTATE_NO && (dns->forward_plain_names || dns->forwarders.count ||
                                       dns->txts.count || dns->srvs.count || dns->hosts.count))
        return REFUSE(
            at, "@enable", VIR_ERR_XML_ERROR,
            "Extra data in disabled network: DNS is off, so nothing else can be said of it");
    return 0;
}

#define ROWS_OF struct network_dns
static const struct xml_row network_dns_rows[] = {
    ROW_YES_NO("@enable", enable, "Whether guests have a name server here"),
    ROW_YES_NO("@forwardPlainNames", forward_plain_names,
               "Whether names without a domain are asked for elsewhere"),
    ROW_LIST("forwarder", forwarders, network_dns_forwarder, "Where names are asked for"),
    ROW_LIST("txt", txts, network_dns_txt, "TXT record"),
    ROW_LIST("srv", srvs, network_dns_srv, "SRV record"),
    ROW_LIST("host", hosts, network_dns_host, "Names of an address"),
};
#undef ROWS_OF
XML_SCHEMA(network_dns, "dns", .doc = "What the network's name server says", .check = dns_check);

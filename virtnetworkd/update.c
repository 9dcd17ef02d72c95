/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "update.h"

#include <string.h>

#include "base/error.h"
#include "base/mac.h"
#include "xml/xml.h"

#define REFUSE(code, ...) (error_set(error, (code), __VA_ARGS__), -1)

/* Any LIST_OF of structs. */
struct list {
    void **items;
    unsigned count;
};

/* How alike must two elements be? */
enum match {
    MATCH_ADD,    /* they can't both be there */
    MATCH_MODIFY, /* the one is to take the other's place */
    MATCH_DELETE, /* the one names the other */
};

struct section {
    const char *name;
    const struct xml_schema *schema;
    /* The list that elements go into; NULL and error when there is none. */
    struct list *(*list)(struct network *network, const void *element, int parent, GError **error);
    bool (*matches)(const void *one, const void *two, enum match match);
    bool (*is_named)(const void *element); /* does it say which one is meant? */
    enum error_code unnamed;               /* it does not */
    bool may_modify;
};

/* ---- addresses ---- */

/* Of several, the first that has guests' addresses, or could have. */
static struct network_ip *find_ip(struct network *network, int parent, GError **error)
{
    if (parent >= 0 && parent < (int)network->ips.count)
        return network->ips.items[parent];
    if (parent >= 0) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "couldn't update dhcp host entry - no <ip> element found at index %d", parent);
        return NULL;
    }
    LIST_EACH (ip, &network->ips)
        if (network_ip_has_dhcp(ip))
            return ip;
    LIST_EACH (ip, &network->ips)
        if (ip->address.family == IP_V4)
            return ip;
    if (network->ips.count)
        return network->ips.items[0];
    error_set(error, VIR_ERR_OPERATION_INVALID,
              "couldn't update dhcp host entry - no <ip> element found in network '%s'",
              network->name);
    return NULL;
}

static struct network_dhcp *get_dhcp(struct network *network, struct network_ip *ip)
{
    if (!ip->dhcp)
        ip->dhcp = arena_new(&network->definition.arena, struct network_dhcp);
    return ip->dhcp;
}

static struct list *host_list(struct network *network, const void *element, int parent,
                              GError **error)
{
    const struct network_dhcp_host *host = element;
    struct network_ip *ip = find_ip(network, parent, error);

    if (!ip)
        return NULL;
    if (host->address.family && host->address.family != ip->address.family) {
        bool ipv6 = ip->address.family == IP_V6;
        bool wrong = ipv6 ? host->mac != NULL : !host->mac && !host->name;

        error_set(error, wrong ? VIR_ERR_XML_ERROR : VIR_ERR_OPERATION_INVALID,
                  "the address family of a host entry IP must match the address family of the dhcp "
                  "element's parent");
        return NULL;
    }
    return (struct list *)(void *)&get_dhcp(network, ip)->hosts;
}

static bool same_text(const char *one, const char *two)
{
    return one && two && g_ascii_strcasecmp(one, two) == 0;
}

static bool same_mac(const char *one, const char *two)
{
    uint8_t a[MAC_BYTES], b[MAC_BYTES];

    return one && two && mac_parse(one, a) == 0 && mac_parse(two, b) == 0 &&
           memcmp(a, b, MAC_BYTES) == 0;
}

static bool host_is_named(const void *element)
{
    const struct network_dhcp_host *host = element;

    return host->mac || host->id || host->name || host->address.family;
}

static bool host_matches(const void *a, const void *b, enum match match)
{
    const struct network_dhcp_host *one = a, *two = b;

    if (match != MATCH_DELETE)
        return same_mac(one->mac, two->mac) || same_text(one->id, two->id) ||
               same_text(one->name, two->name) || ip_equal(&one->address, &two->address);
    return (!one->mac || same_mac(one->mac, two->mac)) &&
           (!one->id || same_text(one->id, two->id)) &&
           (!one->name || same_text(one->name, two->name)) &&
           (!one->address.family || ip_equal(&one->address, &two->address));
}

static struct list *range_list(struct network *network, const void *element, int parent,
                               GError **error)
{
    struct network_ip *ip = find_ip(network, parent, error);

    return ip ? (struct list *)(void *)&get_dhcp(network, ip)->ranges : NULL;
}

static bool range_is_named(const void *element)
{
    const struct network_dhcp_range *range = element;

    return range->start.family && range->end.family;
}

static bool range_matches(const void *a, const void *b, enum match match)
{
    const struct network_dhcp_range *one = a, *two = b;

    return ip_equal(&one->start, &two->start) && ip_equal(&one->end, &two->end);
}

/* ---- names ---- */

static struct list *dns_host_list(struct network *network, const void *element, int parent,
                                  GError **error)
{
    return (struct list *)(void *)&network->dns.hosts;
}

static bool dns_host_is_named(const void *element)
{
    const struct network_dns_host *host = element;

    return host->address.family || host->names.count;
}

static bool dns_host_matches(const void *a, const void *b, enum match match)
{
    const struct network_dns_host *one = a, *two = b;
    bool shares_name = false;

    if (match == MATCH_ADD) /* a name may have several addresses */
        return ip_equal(&one->address, &two->address);
    LIST_EACH (name, &one->names)
        LIST_EACH (other, &two->names)
            shares_name = shares_name || strcmp(name, other) == 0;
    return shares_name || ip_equal(&one->address, &two->address);
}

static struct list *txt_list(struct network *network, const void *element, int parent,
                             GError **error)
{
    return (struct list *)(void *)&network->dns.txts;
}

static bool txt_is_named(const void *element)
{
    return ((const struct network_dns_txt *)element)->name != NULL;
}

static bool txt_matches(const void *a, const void *b, enum match match)
{
    const struct network_dns_txt *one = a, *two = b;

    return g_strcmp0(one->name, two->name) == 0;
}

static struct list *srv_list(struct network *network, const void *element, int parent,
                             GError **error)
{
    return (struct list *)(void *)&network->dns.srvs;
}

static bool srv_is_named(const void *element)
{
    return ((const struct network_dns_srv *)element)->service != NULL;
}

static bool srv_matches(const void *a, const void *b, enum match match)
{
    const struct network_dns_srv *one = a, *two = b;

    return g_strcmp0(one->service, two->service) == 0 &&
           (!one->protocol || g_strcmp0(one->protocol, two->protocol) == 0) &&
           (!one->domain || g_strcmp0(one->domain, two->domain) == 0) &&
           (!one->target || g_strcmp0(one->target, two->target) == 0);
}

/* ---- the rest ---- */

static struct list *interface_list(struct network *network, const void *element, int parent,
                                   GError **error)
{
    if (!network->forward) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "an isolated network has no interfaces to forward to");
        return NULL;
    }
    return (struct list *)(void *)&network->forward->interfaces;
}

static bool interface_is_named(const void *element)
{
    return ((const struct network_interface *)element)->dev != NULL;
}

static bool interface_matches(const void *a, const void *b, enum match match)
{
    const struct network_interface *one = a, *two = b;

    return g_strcmp0(one->dev, two->dev) == 0;
}

static struct list *portgroup_list(struct network *network, const void *element, int parent,
                                   GError **error)
{
    return (struct list *)(void *)&network->portgroups;
}

static bool portgroup_is_named(const void *element)
{
    return ((const struct network_portgroup *)element)->name != NULL;
}

static bool portgroup_matches(const void *a, const void *b, enum match match)
{
    const struct network_portgroup *one = a, *two = b;

    return g_strcmp0(one->name, two->name) == 0;
}

static const struct section sections[VIR_NETWORK_SECTION_LAST] = {
    [VIR_NETWORK_SECTION_BRIDGE] = {"bridge"},
    [VIR_NETWORK_SECTION_DOMAIN] = {"domain"},
    [VIR_NETWORK_SECTION_IP] = {"ip"},
    [VIR_NETWORK_SECTION_IP_DHCP_HOST] = {"dhcp host", &network_dhcp_host_schema, host_list,
                                          host_matches, host_is_named, VIR_ERR_XML_ERROR,
                                          .may_modify = true},
    [VIR_NETWORK_SECTION_IP_DHCP_RANGE] = {"dhcp range", &network_dhcp_range_schema, range_list,
                                           range_matches, range_is_named, VIR_ERR_XML_ERROR},
    [VIR_NETWORK_SECTION_FORWARD] = {"forward"},
    [VIR_NETWORK_SECTION_FORWARD_INTERFACE] = {"forward interface", &network_interface_schema,
                                               interface_list, interface_matches,
                                               interface_is_named, VIR_ERR_XML_ERROR},
    [VIR_NETWORK_SECTION_FORWARD_PF] = {"forward pf"},
    [VIR_NETWORK_SECTION_PORTGROUP] = {"portgroup", &network_portgroup_schema, portgroup_list,
                                       portgroup_matches, portgroup_is_named, VIR_ERR_XML_ERROR,
                                       .may_modify = true},
    [VIR_NETWORK_SECTION_DNS_HOST] = {"DNS HOST", &network_dns_host_schema, dns_host_list,
                                      dns_host_matches, dns_host_is_named, VIR_ERR_XML_DETAIL},
    [VIR_NETWORK_SECTION_DNS_TXT] = {"DNS TXT", &network_dns_txt_schema, txt_list, txt_matches,
                                     txt_is_named, VIR_ERR_XML_DETAIL},
    [VIR_NETWORK_SECTION_DNS_SRV] = {"DNS SRV", &network_dns_srv_schema, srv_list, srv_matches,
                                     srv_is_named, VIR_ERR_XML_DETAIL},
};

/* ---- commands ---- */

/* How many match, and the first of them. */
static unsigned find(const struct section *section, const struct list *list, const void *element,
                     enum match match, unsigned *ret_position)
{
    unsigned count = 0;

    for (unsigned i = list->count; i > 0; i--)
        if (section->matches(element, list->items[i - 1], match)) {
            *ret_position = i - 1;
            count++;
        }
    return count;
}

static int add(struct network *network, const struct section *section, struct list *list,
               void *element, bool first, GError **error)
{
    unsigned position;

    if (find(section, list, element, MATCH_ADD, &position) > 0)
        return REFUSE(VIR_ERR_OPERATION_INVALID,
                      "there is an existing %s entry in network '%s' that matches", section->name,
                      network->name);
    list_insert(&network->definition.arena, &list->items, &list->count, first ? 0 : list->count,
                element);
    return 0;
}

static int modify(struct network *network, const struct section *section, struct list *list,
                  void *element, GError **error)
{
    unsigned position;

    if (find(section, list, element, MATCH_MODIFY, &position) == 0)
        return REFUSE(VIR_ERR_OPERATION_INVALID,
                      "couldn't locate an existing %s entry in network '%s' that matches",
                      section->name, network->name);
    list->items[position] = element;
    return 0;
}

static int delete (struct network *network, const struct section *section, struct list *list,
                   const void *element, GError **error)
{
    unsigned position, count = find(section, list, element, MATCH_DELETE, &position);

    if (count == 0)
        return REFUSE(VIR_ERR_OPERATION_INVALID,
                      "couldn't locate a matching %s entry in network '%s'", section->name,
                      network->name);
    if (count > 1)
        return REFUSE(VIR_ERR_OPERATION_INVALID,
                      "multiple matching %s entries were found in network '%s'", section->name,
                      network->name);
    list_remove(list->items, &list->count, position);
    return 0;
}

/* What is to go may be less than what could be there. */
static int check_element(const struct section *section, const void *element, GError **error)
{
    if (section->is_named(element))
        return 0;
    return REFUSE(section->unnamed, "nothing in the element says which %s entry is meant",
                  section->name);
}

static int check(const struct update *update, GError **error)
{
    if (update->section == VIR_NETWORK_SECTION_NONE || update->section >= VIR_NETWORK_SECTION_LAST)
        return REFUSE(VIR_ERR_INVALID_ARG, "unknown section %u of a network", update->section);
    if (update->command == VIR_NETWORK_UPDATE_COMMAND_NONE ||
        update->command >= VIR_NETWORK_UPDATE_COMMAND_LAST)
        return REFUSE(VIR_ERR_OPERATION_UNSUPPORTED, "unrecognized network update command code %u",
                      update->command);
    if (!sections[update->section].schema)
        return REFUSE(VIR_ERR_OPERATION_UNSUPPORTED, "can't update '%s' section of a network",
                      sections[update->section].name);
    if (update->command == VIR_NETWORK_UPDATE_COMMAND_MODIFY &&
        !sections[update->section].may_modify)
        return REFUSE(VIR_ERR_OPERATION_UNSUPPORTED,
                      "%s entries cannot be modified, only added or deleted",
                      sections[update->section].name);
    return 0;
}

/* The default of what goes to no port group by name, and to no interface: there is one of each. */
static int check_defaults(struct network *network, GError **error)
{
    const char *name = NULL;

    if (network->forward && network->forward->interfaces.count)
        network->forward->dev = network->forward->interfaces.items[0]->dev;
    LIST_EACH (group, &network->portgroups) {
        if (group->is_default != TRISTATE_YES)
            continue;
        if (name)
            return REFUSE(VIR_ERR_OPERATION_INVALID,
                          "port groups '%s' and '%s' of network '%s' can't both be the default",
                          name, group->name, network->name);
        name = group->name;
    }
    return 0;
}

static int command(struct network *network, const struct update *update, void *element,
                   GError **error)
{
    const struct section *section = &sections[update->section];
    struct list *list = section->list(network, element, update->parent, error);

    if (!list || check_element(section, element, error) < 0)
        return -1;
    switch (update->command) {
    case VIR_NETWORK_UPDATE_COMMAND_MODIFY:
        return modify(network, section, list, element, error);
    case VIR_NETWORK_UPDATE_COMMAND_DELETE:
        return delete (network, section, list, element, error);
    default:
        return add(network, section, list, element,
                   update->command == VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST, error);
    }
}

int update_apply(struct network *network, const struct update *update, GError **error)
{
    const struct xml_schema *schema;
    unsigned flags = XML_READ_INACTIVE;
    void *element;

    if (update->command == VIR_NETWORK_UPDATE_COMMAND_DELETE)
        flags |= XML_READ_PATTERN;
    if (check(update, error) < 0 ||
        xml_read_part(&sections[update->section].schema, 1, update->text, -1, flags,
                      &network->definition.arena, NULL, &schema, &element, error) < 0 ||
        command(network, update, element, error) < 0)
        return -1;
    return check_defaults(network, error);
}

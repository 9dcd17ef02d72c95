/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"

#include "vnet.h"

#define SHIFT_MOST 1024

static enum firewall_kind kind_of(const struct network *network, const struct network_ip *ip)
{
    const struct network_nat *nat = network->forward ? network->forward->nat : NULL;

    if (network_mode(network) == NETWORK_ISOLATED)
        return FIREWALL_ISOLATED;
    if (network_mode(network) == NETWORK_ROUTE)
        return FIREWALL_ROUTE;
    if (ip->address.family == IP_V6 && !(nat && nat->ipv6 == TRISTATE_YES))
        return FIREWALL_ROUTE;
    return FIREWALL_NAT;
}

static void add_subnets(const struct network *network, struct firewall_network *rules)
{
    rules->subnets = g_new0(struct firewall_subnet, network->ips.count);
    LIST_EACH (ip, &network->ips) {
        rules->subnets[rules->subnet_count++] = (struct firewall_subnet){
            .address = ip->address,
            .prefix = network_ip_prefix(ip),
            .kind = kind_of(network, ip),
        };
        rules->ipv6_between |= ip->address.family == IP_V6;
    }
}

/* The address that a guest named by MAC address or name has for certain: a host of DHCP. */
static struct ip_address find_guest(const struct network *network,
                                    const struct network_port_forward *forward)
{
    if (forward->guest_address.family)
        return forward->guest_address;
    LIST_EACH (ip, &network->ips) {
        if (!ip->dhcp)
            continue;
        LIST_EACH (host, &ip->dhcp->hosts)
            if ((forward->guest_mac && host->mac &&
                 g_ascii_strcasecmp(host->mac, forward->guest_mac) == 0) ||
                (forward->guest_name && g_strcmp0(host->name, forward->guest_name) == 0))
                return host->address;
    }
    return (struct ip_address){0};
}

static void add_forward(const struct network *network, const struct network_port_forward *forward,
                        GArray *forwards)
{
    struct ip_address guest = find_guest(network, forward);

    for (unsigned i = 0; guest.family && i < forward->ranges.count; i++) {
        const struct network_port_range *range = forward->ranges.items[i];
        struct firewall_forward one = {
            .proto = names_word(&network_protocol_names, forward->proto),
            .address = forward->address,
            .dev = forward->dev,
            .start = range->start,
            .end = range->end ? range->end : range->start,
            .guest = guest,
            .to = range->to ? range->to : range->start,
        };
        g_array_append_val(forwards, one);
    }
}

static void add_forwards(const struct network *network, struct firewall_network *rules)
{
    GArray *forwards = g_array_new(FALSE, FALSE, sizeof(struct firewall_forward));

    LIST_EACH (forward, &network->port_forwards)
        add_forward(network, forward, forwards);
    rules->forward_count = forwards->len;
    rules->forwards = (struct firewall_forward *)(void *)g_array_free(forwards, FALSE);
}

void rules_make(const struct network *network, struct rules *ret_rules)
{
    const struct network_nat *nat = network->forward ? network->forward->nat : NULL;
    struct firewall_network *rules = &ret_rules->network;

    *ret_rules = (struct rules){.wanted = network_is_managed(network) &&
                                          network_mode(network) != NETWORK_OPEN};
    if (!ret_rules->wanted)
        return;
    rules->bridge = network->bridge;
    rules->dev = network->forward ? network->forward->dev : NULL;
    rules->ipv6_between = network->ipv6 == TRISTATE_YES;
    add_subnets(network, rules);
    add_forwards(network, rules);
    if (!nat)
        return;
    rules->nat_start = nat->address_start;
    rules->nat_end = nat->address_end;
    rules->port_start = nat->port_start.value;
    rules->port_end = nat->port_end.value;
}

void rules_clear(struct rules *rules)
{
    g_free(rules->network.subnets);
    g_free(rules->network.forwards);
}

static int apply(const struct network *network,
                 void (*write)(const struct firewall_network *network, GString *out),
                 GError **error)
{
    g_autoptr(GString) orders = g_string_new(NULL);
    struct rules rules;
    int result = 0;

    rules_make(network, &rules);
    if (rules.wanted) {
        write(&rules.network, orders);
        result = firewall_apply(orders->str, error);
    }
    rules_clear(&rules);
    return result;
}

int rules_add(const struct network *network, GError **error)
{
    return apply(network, firewall_write_add, error);
}

int rules_remove(const struct network *network, GError **error)
{
    return apply(network, firewall_write_remove, error);
}

static void clear_rules(void *rules)
{
    rules_clear(rules);
    g_free(rules);
}

int rules_restore(const struct object *except, GError **error)
{
    g_autoptr(GPtrArray) networks = registry_list(networkd->networks, registry_filter_active, NULL);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(clear_rules);
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();
    g_autoptr(GPtrArray) lives = g_ptr_array_new_with_free_func((GDestroyNotify)definition_unref);
    g_autoptr(GString) orders = g_string_new(NULL);

    for (guint i = 0; i < networks->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};
        struct rules *rules = g_new0(struct rules, 1);

        object_get_view(networks->pdata[i], &view);
        g_ptr_array_add(all, rules);
        if (!view.live || networks->pdata[i] == except)
            continue;
        g_ptr_array_add(lives, definition_ref(view.live));
        rules_make(view_live(&view), rules);
        if (rules->wanted)
            g_ptr_array_add(wanted, &rules->network);
    }
    firewall_write_all((const struct firewall_network *const *)wanted->pdata, wanted->len, orders);
    return firewall_apply(orders->str, error);
}

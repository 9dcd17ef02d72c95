/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "host/netlink.h"
#include "host/traffic.h"

#include "bandwidth.h"
#include "bridges.h"
#include "dnsmasq-config.h"
#include "dnsmasq.h"
#include "firewalld.h"
#include "hook.h"
#include "pool.h"
#include "rules.h"
#include "vnet.h"

/* ---- collisions ---- */

static int check_route(const struct network *network, const struct network_ip *ip,
                       const struct netlink_route *route, GError **error)
{
    unsigned prefix = network_ip_prefix(ip);
    char ours[IP_TEXT], theirs[IP_TEXT];

    /* a broader route is just where everything else goes; local addresses of links are nobody's */
    if (route->prefix < prefix || !ip_is_within(&route->network, &ip->address, prefix) ||
        strcmp(route->dev, network->bridge) == 0)
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR,
              "Network is already in use by interface %s: %s/%u of network '%s' collides with the "
              "route to %s/%u",
              *route->dev ? route->dev : "(none)", ip_format(&ip->address, ours), prefix,
              network->name, ip_format(&route->network, theirs), route->prefix);
    return -1;
}

static int check_routes(const struct network *network, GError **error)
{
    g_autoptr(GArray) routes = NULL;

    if (!network->ips.count)
        return 0;
    if (netlink_list_routes(&routes, error) < 0)
        return -1;
    LIST_EACH (ip, &network->ips)
        for (guint i = 0; i < routes->len; i++)
            if (check_route(network, ip, &g_array_index(routes, struct netlink_route, i), error) <
                0)
                return -1;
    return 0;
}

static unsigned last_port(const struct network_port_range *range)
{
    return range->end ? range->end : range->start;
}

/* A port of the host that two forwards both have; 0: none. */
static unsigned find_port(const struct network_port_forward *one,
                          const struct network_port_forward *two)
{
    LIST_EACH (a, &one->ranges)
        LIST_EACH (b, &two->ranges)
            if (a->start <= last_port(b) && b->start <= last_port(a))
                return MAX(a->start, b->start);
    return 0;
}

static char *find_forward(const struct network *one, const struct network *two)
{
    unsigned port;

    LIST_EACH (a, &one->port_forwards)
        LIST_EACH (b, &two->port_forwards)
            if (a->proto == b->proto && (port = find_port(a, b)))
                return g_strdup_printf("%s port %u of the host",
                                       names_word(&network_protocol_names, a->proto), port);
    return NULL;
}

/* What two networks can't both have, or NULL. The caller frees. */
static char *find_collision(const struct network *one, const struct network *two)
{
    char text[IP_TEXT];

    if (strcmp(one->bridge, two->bridge) == 0)
        return g_strdup_printf("bridge '%s'", one->bridge);
    if (memcmp(one->mac, two->mac, sizeof(one->mac)) == 0)
        return g_strdup("MAC address");
    LIST_EACH (a, &one->ips)
        LIST_EACH (b, &two->ips)
            if (ip_networks_overlap(&a->address, network_ip_prefix(a), &b->address,
                                    network_ip_prefix(b)))
                return g_strdup_printf("range of addresses with %s", ip_format(&a->address, text));
    return find_forward(one, two);
}

static int check_others(const struct network *network, GError **error)
{
    g_autoptr(GPtrArray) others = registry_list(networkd->networks, registry_filter_active, NULL);

    for (guint i = 0; i < others->len; i++) {
        OBJECT_VIEW_AUTO struct object_view view = {0};
        const struct network *other;
        g_autofree char *problem = NULL;

        object_get_view(others->pdata[i], &view);
        other = view_live(&view);
        if (!other || !network_is_managed(other) || strcmp(other->name, network->name) == 0)
            continue;
        problem = find_collision(network, other);
        if (!problem)
            continue;
        error_set(error, VIR_ERR_INTERNAL_ERROR, "networks '%s' and '%s' can't both have the %s",
                  network->name, other->name, problem);
        return -1;
    }
    return 0;
}

static int check_collisions(const struct network *network, GError **error)
{
    if (!network_is_managed(network))
        return 0;
    if (check_others(network, error) < 0 || check_routes(network, error) < 0)
        return -1;
    if (!netlink_find(network->bridge))
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID,
              "there is a network device '%s' already, which the network did not make",
              network->bridge);
    return -1;
}

/* ---- the bridge ---- */

static void set_sysctl(const char *path, const char *value)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *now = NULL;

    if (file_read_all(path, 64, &now, NULL, NULL) < 0 || strcmp(g_strstrip(now), value) == 0)
        return;
    if (!g_file_set_contents_full(path, value, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error))
        log_warn("cannot set %s to %s: %s", path, value, error->message);
}

static bool has_family(const struct network *network, enum ip_family family)
{
    LIST_EACH (ip, &network->ips)
        if (ip->address.family == family)
            return true;
    return false;
}

/* The bridge takes no part in IPv6 that nobody asked for, and believes no router behind it. */
static void set_bridge_sysctls(const struct network *network)
{
    static const char *const keys[] = {"accept_ra", "autoconf"};
    bool ipv6 = has_family(network, IP_V6) || network->ipv6 == TRISTATE_YES;
    g_autofree char *disable =
        g_strdup_printf("/proc/sys/net/ipv6/conf/%s/disable_ipv6", network->bridge);

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *path =
            g_strdup_printf("/proc/sys/net/ipv6/conf/%s/%s", network->bridge, keys[i]);
        set_sysctl(path, "0");
    }
    set_sysctl(disable, ipv6 ? "0" : "1");
}

static void set_forwarding(const struct network *network)
{
    if (network_mode(network) == NETWORK_ISOLATED)
        return;
    if (has_family(network, IP_V4))
        set_sysctl("/proc/sys/net/ipv4/ip_forward", "1");
    if (has_family(network, IP_V6))
        set_sysctl("/proc/sys/net/ipv6/conf/all/forwarding", "1");
}

static int ensure_bridge(const struct network *network, GError **error)
{
    struct netlink_bridge bridge = {
        .name = network->bridge,
        .mtu = network->mtu,
        .stp = network->bridge_stp == TRISTATE_ON,
        .delay_seconds = network->bridge_delay.value,
    };

    if (netlink_bridge_exists(network->bridge))
        return 0;
    memcpy(bridge.mac, network->mac, sizeof(bridge.mac));
    return netlink_bridge_create(&bridge, error);
}

static int add_routes(const struct network *network, GError **error)
{
    LIST_EACH (route, &network->routes) {
        struct netlink_route one = {
            .network = route->address,
            .prefix = network_route_prefix(route),
            .gateway = route->gateway,
            .metric = route->metric,
        };
        g_strlcpy(one.dev, network->bridge, sizeof(one.dev));
        if (netlink_add_route(&one, error) < 0)
            return -1;
    }
    return 0;
}

static int add_addresses(const struct network *network, GError **error)
{
    LIST_EACH (ip, &network->ips)
        if (netlink_add_address(network->bridge, &ip->address, network_ip_prefix(ip), NULL, error) <
            0)
            return -1;
    return 0;
}

/* What a bridge is told of where guests are, it need not learn from all that they send. */
static void set_mac_table(const struct network *network)
{
    g_autoptr(GError) error = NULL;

    if (network->bridge && network->bridge_mac_table == BRIDGE_MAC_TABLE_LIBVIRT &&
        netlink_bridge_filter_vlans(network->bridge, &error) < 0)
        log_warn("network '%s': %s", network->name, error->message);
}

#define DHCP_SERVER 67
#define DHCP_CLIENT 68

/* Before it is up: the kernel would have to stop it. */
static void fill_checksums(const struct network *network)
{
    g_autoptr(GError) error = NULL;

    if (dnsmasq_has_dhcp(network) &&
        traffic_fill_checksums(network->bridge, DHCP_SERVER, DHCP_CLIENT, &error) < 0)
        log_info("'%s': answers of DHCP go without checksums, which some clients miss: %s",
                 network->bridge, error->message);
}

/* It goes up last: one that is not was left behind by a start that did not come to its end. */
static int make_bridge(const struct network *network, GError **error)
{
    if (ensure_bridge(network, error) < 0)
        return -1;
    set_bridge_sysctls(network);
    set_mac_table(network);
    if (add_addresses(network, error) < 0 || bandwidth_limit(network, error) < 0)
        return -1;
    fill_checksums(network);
    return netlink_set_up(network->bridge, true, error);
}

int start_ensure(struct object *object, const struct network *network, GError **error)
{
    struct netlink_link link;

    if (!network_is_managed(network)) {
        set_mac_table(network);
        return 0;
    }
    if ((!netlink_get_link(network->bridge, &link) || !link.up) && make_bridge(network, error) < 0)
        return -1;
    if (add_routes(network, error) < 0)
        return -1;
    set_forwarding(network);
    return dnsmasq_start(vnet_of(object), network, error);
}

/* ---- start and stop ---- */

/* What the packet filter does where the document leaves it open. */
static void complete_live(struct network *network)
{
    struct arena *arena = &network->definition.arena;
    struct network_forward *forward = network->forward;

    if (network_mode(network) != NETWORK_NAT)
        return;
    if (!forward->nat)
        forward->nat = arena_new(arena, struct network_nat);
    if (forward->nat->port_start.set || forward->nat->address_start.family)
        return;
    forward->nat->port_start = OPT_UINT(1024);
    forward->nat->port_end = OPT_UINT(65535);
}

/* The bridge, the rules and dnsmasq go at the same time. */
static void clear_up(struct object *object, const struct network *network)
{
    g_autoptr(GError) error = NULL;
    struct process process;
    unsigned bridge;

    if (!network_is_managed(network))
        return;
    dnsmasq_begin_stop(vnet_of(object), network, &process);
    firewalld_remove(network);
    bridge = bridges_begin_delete(network->bridge);
    if (rules_remove(network, &error) < 0)
        log_error("network '%s': %s", network->name, error->message);
    bridges_end_delete(bridge);
    dnsmasq_end_stop(network, &process);
}

/* Publishes the live definition: what clients read, rules keep, and *ret_live is, is one. */
static int begin(struct job *job, const struct network *draft, struct network **ret_live,
                 GError **error)
{
    int result;

    g_mutex_lock(&networkd->lock);
    result = check_collisions(draft, error);
    if (result == 0) {
        *ret_live = (struct network *)definition_pack(&draft->definition);
        object_publish_active(job, definition_ref(&(*ret_live)->definition), -1, 0, 0);
    }
    g_mutex_unlock(&networkd->lock);
    return result;
}

static void end(struct job *job, const struct network *network)
{
    g_autoptr(GError) error = NULL;

    object_publish_inactive(job, 0, 0);
    if (store_remove_status(networkd->store, job, &error) < 0)
        log_warn("network '%s': %s", network->name, error->message);
    if (registry_remove_unused(networkd->networks, job))
        dnsmasq_forget(network);
}

struct rules_order {
    const struct network *network;
    GError *error;
};

static void *add_rules(void *data)
{
    struct rules_order *order = data;

    return GINT_TO_POINTER(rules_add(order->network, &order->error));
}

/* dnsmasq takes its time to start; rules, which know the bridge by its name, are made meanwhile. */
static int make(struct object *object, const struct network *network, GError **error)
{
    struct rules_order order = {.network = network};
    GThread *thread = g_thread_new("rules", add_rules, &order);
    int result = start_ensure(object, network, error);

    if (GPOINTER_TO_INT(g_thread_join(thread)) == 0)
        return result;
    if (result == 0)
        g_propagate_error(error, order.error);
    else
        g_error_free(order.error);
    return -1;
}

int start_network(struct job *job, struct definition *definition, GError **error)
{
    DEFINITION_AUTO struct network *draft = (struct network *)definition;
    DEFINITION_AUTO struct network *live = NULL;
    struct object *object = job_object(job);

    complete_live(draft);
    if (pool_complete(draft, error) < 0 || begin(job, draft, &live, error) < 0) {
        registry_remove_unused(networkd->networks, job);
        return -1;
    }
    if (store_save_status(networkd->store, job, error) < 0 ||
        hook_run(live, "start", "begin", error) < 0 || make(object, live, error) < 0 ||
        firewalld_add(live, error) < 0 || hook_run(live, "started", "begin", error) < 0) {
        clear_up(object, live);
        end(job, live);
        return -1;
    }
    vnet_raise(object, job, VIR_NETWORK_EVENT_STARTED);
    return 0;
}

void stop_network(struct job *job)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct object *object = job_object(job);

    object_get_view(object, &view);
    clear_up(object, view_live(&view));
    hook_tell(view_live(&view), "stopped", "end");
    vnet_raise(object, job, VIR_NETWORK_EVENT_STOPPED);
    end(job, view_live(&view));
}

int start_autostart(struct job *job, const struct object_view *view, GError **error)
{
    return start_network(job, definition_copy(view->config), error);
}

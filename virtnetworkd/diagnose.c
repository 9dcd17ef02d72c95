/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diagnose.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "host/firewall.h"
#include "host/netlink.h"
#include "xml/xml.h"

#include "dnsmasq-config.h"
#include "dnsmasq.h"
#include "ruleset.h"
#include "status.h"
#include "vnet.h"

#define STATUS_MOST (4 * 1024 * 1024)

/* ---- rules of others ---- */

/* What packets of a network do: who must pass, and what is to be asked of an administrator. */
struct traffic {
    struct ruleset_packet packet;
    const char *what, *advice;
    unsigned mode; /* of the networks that have it alone; 0: all */
};

#define FORWARDED "what is forwarded", "what comes from it and goes to it"
#define SERVED "what comes to this host", "ports 53 and 67 of it"

/* "192.168.122.0/24", or nothing; the caller's. */
static char *subnet_of(const struct network *network)
{
    char text[IP_TEXT];

    LIST_EACH (ip, &network->ips)
        if (ip->address.family == IP_V4) {
            struct ip_address first = ip_first(&ip->address, network_ip_prefix(ip));

            return g_strdup_printf("%s/%u", ip_format(&first, text), network_ip_prefix(ip));
        }
    return NULL;
}

static bool has_traffic(const struct network *network, const struct traffic *traffic)
{
    if (traffic->mode && traffic->mode != network_mode(network))
        return false;
    if (strcmp(traffic->packet.hook, "input") == 0)
        return dnsmasq_is_needed(network);
    return network_mode(network) != NETWORK_ISOLATED;
}

static char *find_cause(const struct ruleset *ruleset, const struct traffic *traffic,
                        const char *bridge)
{
    g_autofree char *rule = NULL;
    g_autofree char *where = ruleset_find_drop(ruleset, &traffic->packet, &rule);

    if (!where)
        return NULL;
    if (rule && strstr(rule, bridge))
        return g_strdup_printf("%s has the rule: %s", where, rule);
    return g_strdup_printf("%s drops %s unless a rule before accepts it, and none does for "
                           "'%s'%s%s: let it accept %s",
                           where, traffic->what, bridge, rule ? ", by the rule: " : "",
                           rule ? rule : "", traffic->advice);
}

char *diagnose_rules(const char *rules, const struct network *network)
{
    const char *bridge = network->bridge;
    g_autofree char *subnet = subnet_of(network);
    const struct traffic traffics[] = {
        {{.hook = "forward", .in = bridge, .subnet = subnet}, FORWARDED},
        {{.hook = "forward", .out = bridge, .established = true, .subnet = subnet}, FORWARDED},
        {{.hook = "forward", .out = bridge, .subnet = subnet}, FORWARDED, NETWORK_ROUTE},
        {{.hook = "input", .in = bridge, .udp_port = 67, .subnet = subnet}, SERVED},
        {{.hook = "input", .in = bridge, .udp_port = 53, .subnet = subnet}, SERVED},
    };
    struct ruleset *ruleset = ruleset_read(rules, FIREWALL_TABLE);
    char *cause = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(traffics) && !cause; i++)
        if (has_traffic(network, &traffics[i]))
            cause = find_cause(ruleset, &traffics[i], bridge);
    ruleset_free(ruleset);
    return cause;
}

/* ---- the host ---- */

static bool is_off(const char *path)
{
    g_autofree char *text = NULL;

    return file_read_all(path, 64, &text, NULL, NULL) == 0 && *text == '0';
}

static bool is_filtered(const struct network *network)
{
    return network_mode(network) != NETWORK_OPEN;
}

/* NULL: the rules of the network are in this table. */
static char *check_table(const struct network *network, const char *table)
{
    g_autofree char *rules = NULL;
    g_autofree char *chain = g_strdup_printf("jump to-%s", network->bridge);

    if (firewall_list(table, &rules, NULL) == 0 && strstr(rules, chain))
        return NULL;
    return g_strdup_printf("its rules are not in %s, and no daemon runs that would put them back",
                           table);
}

static char *check_rules(const struct network *network)
{
    static const char *const tables[] = {"table ip " FIREWALL_TABLE, "table ip6 " FIREWALL_TABLE};
    g_autofree char *rules = NULL;
    g_autoptr(GError) error = NULL;
    char *cause = NULL;

    if (firewall_list("ruleset", &rules, &error) < 0)
        return g_strdup_printf("rules can't be read: %s", error->message);
    for (size_t i = 0; is_filtered(network) && i < G_N_ELEMENTS(tables) && !cause; i++)
        cause = check_table(network, tables[i]);
    return cause ?: diagnose_rules(rules, network);
}

char *diagnose_network(const struct network *network)
{
    if (!network_is_managed(network))
        return NULL;
    if (!netlink_bridge_exists(network->bridge))
        return g_strdup_printf("its bridge '%s' is gone: a restart of virtnetworkd makes it again",
                               network->bridge);
    if (dnsmasq_is_needed(network) && !dnsmasq_pid(network))
        return g_strdup("its dnsmasq does not run, and no daemon runs that would start it");
    if (network_mode(network) != NETWORK_ISOLATED && is_off("/proc/sys/net/ipv4/ip_forward"))
        return g_strdup("net.ipv4.ip_forward is 0: this host forwards nothing");
    return check_rules(network);
}

/* ---- the command ---- */

static struct network *load(const char *name, GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/%s.xml", networkd->status_folder, name);
    g_autofree char *text = NULL;
    struct definition *live;
    size_t length;
    void *rest;

    if (strchr(name, '/') || file_read_optional(path, STATUS_MOST, &text, &length, error) < 0)
        return NULL;
    if (!text) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "network '%s' is not active", name);
        return NULL;
    }
    return store_status_read(&status_file, text, length, &live, &rest, error) == 0
               ? (struct network *)live
               : NULL;
}

int diagnose_main(const char *name)
{
    g_autoptr(GError) error = NULL;
    DEFINITION_AUTO struct network *network = load(name, &error);

    if (!network) {
        fprintf(stderr, "%s: %s\n", name, error ? error->message : "no name of a network");
        return 2;
    }
    g_autofree char *cause = diagnose_network(network);
    printf("%s: %s\n", name, cause ? cause : "nothing wrong was found");
    return cause ? 1 : 0;
}

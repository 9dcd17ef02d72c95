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
#include "status.h"
#include "vnet.h"

#define STATUS_MOST (4 * 1024 * 1024)

/* ---- rules of others ---- */

/* A table as it is read: what its base chains do by default, and whether it lets the bridge pass.
 */
struct table {
    char *name;
    char *drops_forward, *drops_input; /* the chain that does */
    bool accepts;
};

static void table_clear(struct table *table)
{
    g_free(table->name);
    g_free(table->drops_forward);
    g_free(table->drops_input);
    *table = (struct table){0};
}

static bool is_base(const char *line, const char *hook)
{
    g_autofree char *words = g_strdup_printf("hook %s ", hook);

    return g_str_has_prefix(line, "type filter ") && strstr(line, words) != NULL;
}

static char *find_cause(const struct table *table, const struct network *network)
{
    if (!table->name || table->accepts || strstr(table->name, " " FIREWALL_TABLE))
        return NULL;
    if (table->drops_forward && network_mode(network) != NETWORK_ISOLATED)
        return g_strdup_printf("%s, chain %s drops what is forwarded unless a rule accepts it, and "
                               "none names '%s': let it accept what comes from and goes to it",
                               table->name, table->drops_forward, network->bridge);
    if (table->drops_input && dnsmasq_is_needed(network))
        return g_strdup_printf("%s, chain %s drops what comes to this host unless a rule accepts "
                               "it, and none names '%s': let it accept ports 53 and 67 of it",
                               table->name, table->drops_input, network->bridge);
    return NULL;
}

/* A verdict at the end of a rule that names the bridge. */
static bool names(const char *line, const char *bridge)
{
    g_autofree char *quoted = g_strdup_printf("\"%s\"", bridge);

    return strstr(line, quoted) != NULL;
}

static char *read_rule(const char *line, const char *chain, const struct network *network,
                       struct table *table)
{
    bool ours = strstr(table->name, " " FIREWALL_TABLE) != NULL;

    if (is_base(line, "forward") && strstr(line, "policy drop"))
        table->drops_forward = g_strdup(chain);
    else if (is_base(line, "input") && strstr(line, "policy drop"))
        table->drops_input = g_strdup(chain);
    else if (strcmp(line, "accept") == 0 ||
             (names(line, network->bridge) && g_str_has_suffix(line, "accept")))
        table->accepts = true;
    else if (!ours && names(line, network->bridge) &&
             (g_str_has_suffix(line, "drop") || strstr(line, " reject")))
        return g_strdup_printf("%s, chain %s has the rule: %s", table->name, chain, line);
    return NULL;
}

char *diagnose_rules(const char *rules, const struct network *network)
{
    g_auto(GStrv) lines = g_strsplit(rules, "\n", -1);
    g_autofree char *chain = NULL;
    struct table table = {0};
    char *cause = NULL;

    for (char **line = lines; *line && !cause; line++) {
        char *text = g_strstrip(*line);

        if (g_str_has_prefix(text, "table ")) {
            cause = find_cause(&table, network);
            table_clear(&table);
            table.name = g_strndup(text, strcspn(text, "{") - 1);
        } else if (g_str_has_prefix(text, "chain ")) {
            g_free(chain);
            chain = g_strndup(text + strlen("chain "), strcspn(text + strlen("chain "), " "));
        } else if (table.name && chain) {
            cause = read_rule(text, chain, network, &table);
        }
    }
    if (!cause)
        cause = find_cause(&table, network);
    table_clear(&table);
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

static char *check_rules(const struct network *network)
{
    g_autofree char *rules = NULL;
    g_autofree char *chain = g_strdup_printf("jump to-%s", network->bridge);
    g_autoptr(GError) error = NULL;

    if (firewall_list("ruleset", &rules, &error) < 0)
        return g_strdup_printf("rules can't be read: %s", error->message);
    if (is_filtered(network) && !strstr(rules, chain))
        return g_strdup("its rules are not in the table " FIREWALL_TABLE
                        ", and no daemon runs that would put them back");
    return diagnose_rules(rules, network);
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
    return status_file.read(text, length, &live, &rest, error) == 0 ? (struct network *)live : NULL;
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

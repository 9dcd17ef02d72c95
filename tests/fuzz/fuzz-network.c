/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fuzz-document.h"
#include "virtnetworkd/dnsmasq-config.h"
#include "virtnetworkd/rules.h"

/*
 * What a network's document makes of other programs' configuration: whatever its texts are, each
 * line for dnsmasq begins with a word that we write, and each order for nftables with one of its
 * verbs; and the document is the same when it is read again.
 */
static void check_lines(const char *text, const char *const *starts)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        bool known = !**line;

        for (size_t i = 0; starts[i] && !known; i++)
            known = g_str_has_prefix(*line, starts[i]);
        for (const char *c = *line; *c && known; c++)
            known = (unsigned char)*c >= 0x20;
        if (!known)
            FAIL("a line nobody wrote: %s\nin %s", *line, text);
    }
}

static void check_dnsmasq(struct network *network)
{
    static const char *const words[] = {"##",
                                        "strict-order",
                                        "port=0",
                                        "no-resolv",
                                        "server=",
                                        "domain-needed",
                                        "local=/",
                                        "domain=",
                                        "expand-hosts",
                                        "pid-file=/p",
                                        "except-interface=lo",
                                        "bind-dynamic",
                                        "interface=",
                                        "dhcp-option=",
                                        "ra-param=*,0,0",
                                        "txt-record=",
                                        "srv-host=_",
                                        "dhcp-range=",
                                        "dhcp-no-override",
                                        "dhcp-authoritative",
                                        "enable-tftp",
                                        "tftp-root=",
                                        "dhcp-boot=",
                                        "dhcp-lease-max=",
                                        "dhcp-hostsfile=/h",
                                        "addn-hosts=/n",
                                        "enable-ra",
                                        NULL};
    const struct dnsmasq_paths paths = {"/p", "/h", "/n"};

    network->dnsmasq_options.count = 0; /* are lines as they are */
    if (!network->bridge || !network_is_managed(network))
        return;
    g_autofree char *config = dnsmasq_write_config(network, &paths);
    g_autofree char *hosts = dnsmasq_write_hosts(network);
    g_autofree char *names = dnsmasq_write_addn_hosts(network);
    check_lines(config, words);
    if (strpbrk(hosts, "#\"\\ \t") || strpbrk(names, "#\"\\ "))
        FAIL("a host that is more than one: %s%s", hosts, names);
}

static void check_rules(const struct network *network)
{
    static const char *const verbs[] = {"add ", "flush chain ", "delete ", NULL};
    g_autoptr(GString) orders = g_string_new(NULL);
    struct rules rules;

    if (!network->bridge)
        return;
    rules_make(network, &rules);
    if (rules.wanted) {
        firewall_write_add(&rules.network, orders);
        firewall_write_remove(&rules.network, orders);
    }
    rules_clear(&rules);
    check_lines(orders->str, verbs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    DEFINITION_AUTO struct network *network =
        (struct network *)xml_read(&network_schema, text, -1, XML_READ_INACTIVE, NULL, NULL);

    if (!network)
        return 0;
    fuzz_check_again(&network->definition);
    check_rules(network);
    check_dnsmasq(network);
    return 0;
}

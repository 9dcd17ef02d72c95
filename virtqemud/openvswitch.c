/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openvswitch.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mac.h"
#include "base/process.h"
#include "base/uuid.h"

#define PROGRAM "ovs-vsctl"
#define PACKAGE "openvswitch-switch"
#define TIMEOUT "--timeout=5"
#define DEADLINE_MS 10000

bool openvswitch_is_used(const struct domain_net *net)
{
    return net->virtual_port && net->virtual_port->type == VIRTUAL_PORT_OPENVSWITCH;
}

bool openvswitch_can_say(const struct domain_net *net)
{
    const char *profile = net->virtual_port->profile_id;

    return !(net->bridge && *net->bridge == '-') && !(net->target && *net->target == '-') &&
           !(profile && strpbrk(profile, "\"\\"));
}

/* ---- words ---- */

static void add(GPtrArray *words, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GPtrArray *words, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(words, g_strdup_vprintf(format, args));
    va_end(args);
}

/* One tag is the VLAN of the port; several are those that it carries. */
static void add_vlan(GPtrArray *words, const struct net_vlan *vlan)
{
    static const char *const modes[] = {
        [VLAN_NATIVE_TAGGED] = "native-tagged", [VLAN_NATIVE_UNTAGGED] = "native-untagged"};
    bool trunk = vlan->tags.count > 1 || vlan->trunk == TRISTATE_YES;
    g_autoptr(GString) list = g_string_new(NULL);

    LIST_EACH (tag, &vlan->tags) {
        g_string_append_printf(list, "%s%u", list->len ? "," : "", tag->id.value);
        if (!tag->native_mode)
            continue;
        add(words, "vlan_mode=%s", modes[tag->native_mode]);
        add(words, "tag=%u", tag->id.value);
    }
    if (list->len)
        add(words, "%s=%s", trunk ? "trunk" : "tag", list->str);
}

static void add_fact(GPtrArray *words, const char *target, const char *name, const char *value)
{
    add(words, "--");
    add(words, "set");
    add(words, "Interface");
    add(words, "%s", target);
    add(words, "external-ids:%s=\"%s\"", name, value);
}

static void add_facts(GPtrArray *words, const struct domain *domain, const struct domain_net *net)
{
    char mac[MAC_TEXT], uuid[UUID_TEXT];

    add_fact(words, net->target, "attached-mac", mac_format(net->mac, mac));
    if (uuid_is_valid(net->virtual_port->interface_id))
        add_fact(words, net->target, "iface-id",
                 uuid_format(net->virtual_port->interface_id, uuid));
    add_fact(words, net->target, "vm-id", uuid_format(domain->uuid, uuid));
    if (net->virtual_port->profile_id)
        add_fact(words, net->target, "port-profile", net->virtual_port->profile_id);
    add_fact(words, net->target, "iface-status", "active");
}

GPtrArray *openvswitch_words(const struct domain *domain, const struct domain_net *net)
{
    static const char *const begin[] = {PROGRAM, TIMEOUT, "--", "--if-exists", "del-port"};
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (size_t i = 0; i < G_N_ELEMENTS(begin); i++)
        add(words, "%s", begin[i]);
    add(words, "%s", net->target);
    add(words, "--");
    add(words, "add-port");
    add(words, "%s", net->bridge);
    add(words, "%s", net->target);
    if (net->vlan)
        add_vlan(words, net->vlan);
    add_facts(words, domain, net);
    g_ptr_array_add(words, NULL);
    return words;
}

/* ---- the program ---- */

static int run(const char *const *argv, GError **error)
{
    const struct process_spec spec = {.argv = argv};
    g_autofree char *path = g_find_program_in_path(PROGRAM);

    if (path)
        return process_run(&spec, 4096, DEADLINE_MS, NULL, error);
    error_set(error, VIR_ERR_SYSTEM_ERROR,
              "an interface on Open vSwitch needs the program '" PROGRAM "': install " PACKAGE);
    return -1;
}

int openvswitch_plug(const struct domain *domain, const struct domain_net *net, GError **error)
{
    g_autoptr(GPtrArray) words = openvswitch_words(domain, net);

    if (run((const char *const *)words->pdata, error) == 0)
        return 0;
    g_prefix_error(error, "Unable to add port %s to OVS bridge %s: ", net->target, net->bridge);
    return -1;
}

void openvswitch_unplug(const struct domain_net *net)
{
    const char *const argv[] = {PROGRAM,    TIMEOUT,     "--", "--if-exists",
                                "del-port", net->target, NULL};
    g_autoptr(GError) error = NULL;

    if (run(argv, &error) < 0)
        log_warn("Unable to delete port %s from OVS: %s", net->target, error->message);
}

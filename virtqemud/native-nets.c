/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces: -netdev with -device, -nic, and the older -net. */
#include <string.h>

#include "base/mac.h"

#include "native-parts.h"

static const struct {
    const char *driver;
    const char *model;
} models[] = {
    {"virtio-net-pci", "virtio"},
    {"virtio-net", "virtio"},
    {"virtio-net-device", "virtio"},
    {"virtio-net-ccw", "virtio"},
    {"virtio", "virtio"},
    {"virtio-net-pci-transitional", "virtio-transitional"},
    {"virtio-net-pci-non-transitional", "virtio-non-transitional"},
    {"e1000", "e1000"},
    {"e1000e", "e1000e"},
    {"igb", "igb"},
    {"rtl8139", "rtl8139"},
    {"ne2k_pci", "ne2k_pci"},
    {"ne2k_isa", "ne2k_isa"},
    {"pcnet", "pcnet"},
    {"vmxnet3", "vmxnet3"},
    {"i82551", "i82551"},
    {"i82557b", "i82557b"},
    {"i82559er", "i82559er"},
    {"usb-net", "usb-net"},
};

static const char *find_model(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++)
        if (g_str_equal(models[i].driver, driver))
            return models[i].model;
    return NULL;
}

/* ---- The host's end ---- */

/* A script of "no" means a device that is there already, and is left as it is. */
static void take_script(struct native_list *list, const char *key, const char **ret_script,
                        bool *ret_none)
{
    const char *script = native_list_take(list, key);

    if (script && g_str_equal(script, "no"))
        *ret_none = true;
    else
        *ret_script = script;
}

static bool read_tap(struct native_list *list, struct domain_net *net)
{
    bool no_script = false, no_downscript = false, vhost;
    const char *bridge = native_list_take(list, "br");

    net->type = bridge ? NET_BRIDGE : NET_ETHERNET;
    net->bridge = bridge;
    net->target = native_list_take(list, "ifname");
    take_script(list, "script", &net->script, &no_script);
    take_script(list, "downscript", &net->downscript, &no_downscript);
    if (net->target && no_script && !bridge)
        net->target_managed = TRISTATE_NO;
    if (native_list_take_bool(list, "vhost", &vhost))
        net->driver->name = vhost ? "vhost" : "qemu";
    native_list_ignore(list, "fd", "vhostfd", NULL); /* numbers of the process that it was for */
    return !bridge || (!net->script && !net->downscript);
}

static bool read_bridge(struct native_list *list, struct domain_net *net)
{
    const char *bridge = native_list_take(list, "br");

    net->type = NET_BRIDGE;
    net->bridge = bridge ? bridge : "br0";
    return true;
}

/* "HOST:PORT" of a key, HOST may be empty. */
static bool take_address(struct native_list *list, const char *key, const char **ret_address,
                         unsigned *ret_port, struct arena *arena)
{
    const char *text = native_list_take(list, key), *colon = text ? strrchr(text, ':') : NULL;
    uint64_t port;

    if (!colon || !native_number(colon + 1, &port) || port == 0 || port > 65535)
        return false;
    *ret_address = colon > text ? arena_strndup(arena, text, (size_t)(colon - text)) : NULL;
    *ret_port = (unsigned)port;
    return true;
}

static bool read_socket(struct native *native, struct native_list *list, struct domain_net *net)
{
    static const struct {
        const char *key;
        enum net_type type;
    } kinds[] = {
        {"listen", NET_SERVER}, {"connect", NET_CLIENT}, {"mcast", NET_MCAST}, {"udp", NET_UDP}};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (!native_list_find(list, kinds[i].key))
            continue;
        net->type = (uint8_t)kinds[i].type;
        if (!take_address(list, kinds[i].key, &net->address, &net->port, native->arena))
            return false;
        return (net->address || net->type == NET_SERVER) &&
               (net->type != NET_UDP || take_address(list, "localaddr", &net->local_address,
                                                     &net->local_port, native->arena));
    }
    return false;
}

/* All that a back end says; the list may have more. */
static bool read_backend(struct native *native, struct native_list *list, const char *type,
                         struct domain_net *net)
{
    if (g_str_equal(type, "user")) {
        net->type = NET_USER;
        return true;
    }
    if (g_str_equal(type, "tap"))
        return read_tap(list, net);
    if (g_str_equal(type, "bridge"))
        return read_bridge(list, net);
    return g_str_equal(type, "socket") && read_socket(native, list, net);
}

static struct domain_net *new_net(struct native *native)
{
    struct domain_net *net = arena_new(native->arena, struct domain_net);

    net->driver = arena_new(native->arena, struct net_driver_options);
    return net;
}

static bool take_mac(struct native_list *list, const char *key, struct domain_net *net)
{
    const char *mac = native_list_find(list, key);

    return !mac || (mac_parse(mac, net->mac) == 0 && native_list_take(list, key));
}

static void add_net(struct native *native, struct domain_net *net)
{
    if (!net->driver->name && !net->driver->queues)
        net->driver = NULL;
    native_add(native, nets, net);
}

/* ---- -device ---- */

bool native_net_device(struct native *native, struct native_list *list, const char *driver)
{
    const char *id = native_list_take(list, "netdev");
    struct native_option *backend = id ? native_find_backend(native, "netdev", id) : NULL;
    struct domain_net *net = new_net(native);
    unsigned mtu;

    net->model = find_model(driver);
    if (!backend || !net->model)
        return false;
    const char *type = native_list_take(&backend->list, "type");
    native_list_ignore(&backend->list, "id", NULL);
    if (!type || !read_backend(native, &backend->list, type, net) ||
        !native_list_done(&backend->list))
        return false;
    if (native_list_take_uint(list, "host_mtu", &mtu))
        net->mtu = OPT_UINT(mtu);
    native_list_take_uint(list, "bootindex", &net->info.boot_order);
    native_list_ignore(list, "id", NULL);
    if (!take_mac(list, "mac", net) || !native_place_pci(native, list, &net->info) ||
        !native_list_done(list))
        return false;
    backend->taken = true;
    add_net(native, net);
    return true;
}

/* ---- -nic and -net ---- */

static bool read_none(struct native_option *option)
{
    option->taken = option->list.count == 1;
    return option->taken;
}

/* Device and back end in one. */
static int read_nic(struct native *native, struct native_option *option, GError **error)
{
    struct native_list *list = &option->list;
    const char *type = native_list_take(list, "type"), *model = native_list_take(list, "model");
    struct domain_net *net = new_net(native);

    if (!type)
        return native_fault(option, "this is no interface", error);
    if (g_str_equal(type, "none") && read_none(option))
        return 0;
    net->model = find_model(model ? model : native->is_x86 ? "e1000" : "virtio");
    native_list_ignore(list, "id", NULL);
    if (!net->model || !take_mac(list, "mac", net) || !read_backend(native, list, type, net) ||
        !native_list_done(list))
        return 0;
    option->taken = true;
    add_net(native, net);
    return 0;
}

static int read_net(struct native *native, struct native_option *option, GError **error)
{
    const char *type = native_list_find(&option->list, "type");

    if (!type)
        return native_fault(option, "this is no interface", error);
    if (g_str_equal(type, "none"))
        read_none(option);
    return 0;
}

static bool is_net(const struct native_option *option)
{
    return option->row && option->row->read == read_net && !option->taken;
}

/* The only card and the only back end, which are plugged into the same hub. */
static bool find_pair(struct native *native, struct native_option **ret_card,
                      struct native_option **ret_backend)
{
    struct native_option *card = NULL, *backend = NULL;

    for (guint i = 0; i < native->options->len; i++) {
        struct native_option *option = &g_array_index(native->options, struct native_option, i);
        if (!is_net(option))
            continue;
        bool is_card = g_str_equal(native_list_find(&option->list, "type"), "nic");
        struct native_option **place = is_card ? &card : &backend;
        if (*place)
            return false;
        *place = option;
    }
    *ret_card = card;
    *ret_backend = backend;
    return card && backend;
}

void native_complete_nets(struct native *native)
{
    struct native_option *card, *backend;
    struct domain_net *net = new_net(native);

    if (!find_pair(native, &card, &backend))
        return;
    const char *model = native_list_take(&card->list, "model");
    net->model = find_model(model ? model : native->is_x86 ? "e1000" : "virtio");
    native_list_ignore(&card->list, "type", "vlan", "id", "name", NULL);
    native_list_ignore(&backend->list, "vlan", "id", "name", NULL);
    const char *type = native_list_take(&backend->list, "type");
    if (!net->model || !take_mac(&card->list, "macaddr", net) || !native_list_done(&card->list) ||
        !read_backend(native, &backend->list, type, net) || !native_list_done(&backend->list))
        return;
    card->taken = backend->taken = true;
    add_net(native, net);
}

const struct native_row native_net_rows[] = {
    {"netdev", "type", NATIVE_BACKEND, .read = native_note_backend},
    {"nic", "type", NATIVE_DEVICE, .read = read_nic},
    {"net", "type", NATIVE_DEVICE, .read = read_net},
    {NULL},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/uuid.h"
#include "host/macvtap.h"
#include "host/tap.h"

#include "bridge-helper.h"
#include "chardev.h"
#include "device-common.h"
#include "helper.h"
#include "host-end.h"
#include "openvswitch.h"
#include "option.h"

#define MOST_QUEUES 256
#define SCRIPT_MS 30000
#define RECONNECT_MS 5000
#define FD_IN_PLAN "@FD@"

/* One back end being built. */
struct building {
    const struct domain *domain;
    const struct domain_net *net;
    const struct arguments_context *context;
    struct arguments *arguments;
};

static int refuse(const struct building *building, const char *reason, GError **error)
{
    return device_refuse(error, "interface", building->net->info.alias, "%s", reason);
}

#define LLDPAD_PID "/run/lldpad.pid"

/* ---- names ---- */

/* An interface on a virtual network is on the network's bridge, once that is known. */
static bool is_bridged(const struct domain_net *net)
{
    return net->type == NET_BRIDGE || (net->type == NET_NETWORK && net->bridge);
}

void net_choose_names(struct domain *live)
{
    char name[TAP_NAME_BYTES];

    LIST_EACH (net, &live->devices.nets) {
        if (openvswitch_is_used(net) && !uuid_is_valid(net->virtual_port->interface_id))
            uuid_generate(net->virtual_port->interface_id);
        if (net->target ||
            (!is_bridged(net) && net->type != NET_ETHERNET && net->type != NET_DIRECT))
            continue;
        tap_choose_name(net->type == NET_DIRECT ? "macvtap" : "vnet", name);
        net->target = arena_strdup(&live->definition.arena, name);
    }
}

/* ---- TAP devices ---- */

static bool wants_vhost(const struct building *building)
{
    const struct net_driver_options *driver = building->net->driver;

    return building->domain->type == DOMAIN_TYPE_KVM && domain_net_is_virtio(building->net) &&
           !(driver && g_strcmp0(driver->name, "qemu") == 0);
}

/* What the kernel does for virtio; without it QEMU does the same, slower. */
static int open_vhost(const struct building *building, GString *list, GError **error)
{
    const struct net_driver_options *driver = building->net->driver;
    const struct net_backend *backend = building->net->backend;
    bool required = driver && g_strcmp0(driver->name, "vhost") == 0;
    const char *node = backend && backend->vhost ? backend->vhost : "/dev/vhost-net";
    int fd = open(node, O_RDWR | O_CLOEXEC);

    if (fd < 0 && required) {
        error_set_errno(error, errno, "interface '%s': cannot open %s", building->net->info.alias,
                        node);
        return -1;
    }
    if (fd >= 0)
        g_string_append_printf(list, "%s%d", list->len ? ":" : "",
                               words_add_fd(building->arguments, fd));
    return fd < 0 ? 0 : 1;
}

static void add_vhost_in_plan(struct json_object *json, const struct building *building)
{
    const struct net_driver_options *driver = building->net->driver;

    if (driver && g_strcmp0(driver->name, "vhost") == 0)
        json_add(json, "b:vhost", true, "s:vhostfd", FD_IN_PLAN, NULL);
}

static int add_vhost(struct json_object *json, const struct building *building, unsigned queues,
                     GError **error)
{
    g_autoptr(GString) list = g_string_new(NULL);

    if (!wants_vhost(building))
        return 0;
    if (building->context->plan) {
        add_vhost_in_plan(json, building);
        return 0;
    }
    for (unsigned i = 0; i < queues; i++) {
        int opened = open_vhost(building, list, error);
        if (opened <= 0)
            return opened;
    }
    json_add(json, "b:vhost", true, queues > 1 ? "s:vhostfds" : "s:vhostfd", list->str, NULL);
    return 0;
}

/* Of an interface that is plugged into nothing: it is left to the script. */
static int run_script(const struct domain_net *net, const char *script, GError **error)
{
    const char *const argv[] = {script, net->target, NULL};
    const struct process_spec spec = {.argv = argv};

    if (net->type != NET_ETHERNET || !net->target || !script || !*script)
        return 0;
    return process_run(&spec, 4096, SCRIPT_MS, NULL, error);
}

static int plug_in(const struct building *building, GError **error)
{
    const struct domain_net *net = building->net;

    if (openvswitch_is_used(net))
        return openvswitch_plug(building->domain, net, error);
    return tap_attach(net->target, net->bridge, net->mtu.set ? net->mtu.value : 0,
                      net->isolated == TRISTATE_YES, error);
}

/* The host's end has an address of its own, above all others: a bridge takes the lowest of its
 * ports' for itself. */
static int set_up_tap(const struct building *building, GError **error)
{
    const struct domain_net *net = building->net;
    uint8_t mac[6];

    memcpy(mac, net->mac, sizeof(mac));
    mac[0] = 0xfe;
    if (tap_set_mac(net->target, mac, error) < 0)
        return -1;
    if (net->mtu.set && tap_set_mtu(net->target, net->mtu.value, error) < 0)
        return -1;
    if (is_bridged(net) && plug_in(building, error) < 0)
        return -1;
    if (net->coalesce_frames.set &&
        tap_set_coalesce(net->target, net->coalesce_frames.value, error) < 0)
        return -1;
    if (tap_set_up(net->target, net->link != NET_LINK_DOWN, error) < 0)
        return -1;
    return host_end_set(net, error);
}

static unsigned queues_of(const struct domain_net *net)
{
    return net->driver && net->driver->queues ? net->driver->queues : 1;
}

/* Descriptors of the device, one a queue, named as QEMU takes them: "5:6". */
static int open_tap(const struct building *building, unsigned queues, GString *list, GError **error)
{
    const struct domain_net *net = building->net;
    const char *node = net->backend ? net->backend->tap : NULL;
    bool ours = net->type != NET_ETHERNET || net->target_managed != TRISTATE_NO;
    int fds[MOST_QUEUES];

    if (!net->target)
        return refuse(building, "its <target dev=''/> is missing", error);
    if (is_bridged(net) && building->context->session) {
        if (bridge_helper_open(building->context->config->bridge_helper, net->bridge, &fds[0],
                               error) < 0)
            return -1;
        ours = false;
    } else if (tap_open(node, net->target, queues, domain_net_is_virtio(net), fds, error) < 0)
        return -1;
    for (unsigned i = 0; i < queues; i++)
        g_string_append_printf(list, "%s%d", i ? ":" : "",
                               words_add_fd(building->arguments, fds[i]));
    if (ours && set_up_tap(building, error) < 0)
        return -1;
    return run_script(net, net->script, error);
}

static int build_tap(const struct building *building, struct json_object **ret_json, GError **error)
{
    const struct domain_net *net = building->net;
    unsigned queues = queues_of(net);
    g_autoptr(GString) list = g_string_new(building->context->plan ? FD_IN_PLAN : NULL);

    if (net->type == NET_NETWORK && !net->bridge)
        return refuse(building, "its network has not said what it is on", error);
    if (is_bridged(net) && !net->bridge)
        return refuse(building, "its <source bridge=''/> is missing", error);
    if (queues > MOST_QUEUES || (queues > 1 && is_bridged(net) && building->context->session))
        return refuse(building, "it has too many queues", error);
    if (!building->context->plan && open_tap(building, queues, list, error) < 0)
        return -1;
    struct json_object *json JSON_AUTO =
        json_build("s:type", "tap", queues > 1 ? "s:fds" : "s:fd", list->str, NULL);
    if (add_vhost(json, building, queues, error) < 0)
        return -1;
    if (net->sndbuf.set)
        json_add(json, "U:sndbuf", net->sndbuf.value, NULL);
    *ret_json = g_steal_pointer(&json);
    return 0;
}

/* ---- by another process or the kernel ---- */

/* QEMU listens, and does nothing else before somebody has connected. */
static bool is_served(const struct domain_net *net)
{
    return net->type == NET_VHOST_USER && g_strcmp0(net->path_mode, "server") == 0;
}

char *netdev_awaited(const struct domain *live)
{
    g_autoptr(GString) text = g_string_new(NULL);

    LIST_EACH (net, &live->devices.nets)
        if (is_served(net))
            g_string_append_printf(text, "%sinterface '%s' at '%s'", text->len ? ", " : "",
                                   net->info.alias, net->path);
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* The stream through which the other process gets the guest's memory. */
static int add_stream(const struct building *building, GError **error)
{
    const struct domain_net *net = building->net;
    struct chardev_end end = {.path = net->path,
                              .mode = is_served(net) ? CHARDEV_MODE_BIND : CHARDEV_MODE_CONNECT,
                              .reconnect = net->reconnect};
    struct chardev_end *ends[] = {&end};
    const struct chardev_source source = {.type = CHARDEV_UNIX, .ends = {ends, 1}};

    return chardev_build(&source, CHARDEV_USE_VHOST_USER, net->info.alias, building->context,
                         building->arguments, error);
}

static int build_vhost_user(const struct building *building, struct json_object **ret_json,
                            GError **error)
{
    const struct domain_net *net = building->net;
    g_autofree char *stream = g_strdup_printf("char%s", net->info.alias);

    if (!emulator_has(building->context->emulator, EMULATOR_NETDEV_VHOST_USER))
        return refuse(building, "the emulator has no vhost-user", error);
    if (!domain_net_is_virtio(net))
        return refuse(building, "type='vhostuser' needs <model type='virtio'/>", error);
    if (add_stream(building, error) < 0)
        return -1;
    *ret_json = json_build("s:type", "vhost-user", "s:chardev", stream, NULL);
    if (queues_of(net) > 1)
        json_add(*ret_json, "u:queues", queues_of(net), NULL);
    return 0;
}

static int build_vdpa(const struct building *building, struct json_object **ret_json,
                      GError **error)
{
    const struct domain_net *net = building->net;
    g_autofree char *path = NULL;

    if (!emulator_has(building->context->emulator, EMULATOR_NETDEV_VHOST_VDPA))
        return refuse(building, "the emulator has no vhost-vdpa", error);
    if (!net->source_dev)
        return refuse(building, "its <source dev=''/> is missing", error);
    if (building->context->plan)
        path = g_strdup(net->source_dev);
    else {
        int fd = open(net->source_dev, O_RDWR | O_CLOEXEC);
        if (fd < 0) {
            error_set_errno(error, errno, "interface '%s': Unable to open '%s' for vdpa device",
                            net->info.alias, net->source_dev);
            return -1;
        }
        path = words_add_fd_set(building->arguments, fd);
    }
    *ret_json = json_build("s:type", "vhost-vdpa", "s:vhostdev", path, NULL);
    if (queues_of(net) > 1)
        json_add(*ret_json, "u:queues", queues_of(net), NULL);
    return 0;
}

static int build_passt(const struct building *building, struct json_object **ret_json,
                       GError **error)
{
    const struct arguments_context *context = building->context;
    const struct device device = {.kind = DEVICE_NET,
                                  .object = (void *)building->net,
                                  .info = (struct domain_device_info *)&building->net->info};
    g_autofree char *path = helper_socket_path(building->domain, HELPER_NETWORK, &device,
                                               context->status_folder, context->folder);

    if (!emulator_has(context->emulator, EMULATOR_NETDEV_STREAM))
        return refuse(building, "the emulator has no back end for passt", error);
    *ret_json =
        json_build("s:type", "stream", "j:addr", json_build("s:type", "unix", "s:path", path, NULL),
                   "b:server", false, NULL);
    if (emulator_has(context->emulator, EMULATOR_NETDEV_RECONNECT_MS))
        json_add(*ret_json, "u:reconnect-ms", RECONNECT_MS, NULL);
    else if (emulator_has(context->emulator, EMULATOR_NETDEV_RECONNECT))
        json_add(*ret_json, "u:reconnect", RECONNECT_MS / 1000, NULL);
    return 0;
}

static bool is_passt(const struct domain_net *net)
{
    return net->backend && net->backend->type == NET_BACKEND_PASST;
}

/* ---- on top of one of the host's interfaces ---- */

static unsigned macvtap_mode_of(const struct domain_net *net)
{
    static const unsigned modes[] = {[MACVTAP_NONE] = MACVLAN_MODE_VEPA,
                                     [MACVTAP_VEPA] = MACVLAN_MODE_VEPA,
                                     [MACVTAP_PRIVATE] = MACVLAN_MODE_PRIVATE,
                                     [MACVTAP_BRIDGE] = MACVLAN_MODE_BRIDGE,
                                     [MACVTAP_PASSTHROUGH] = MACVLAN_MODE_PASSTHRU};

    return modes[net->macvtap_mode];
}

static int open_direct(const struct building *building, unsigned queues, GString *list,
                       GError **error)
{
    const struct domain_net *net = building->net;
    int fds[MOST_QUEUES];

    if (!net->target)
        return refuse(building, "its <target dev=''/> is missing", error);
    if (macvtap_make(net->target, net->source_dev, net->mac, macvtap_mode_of(net), error) < 0)
        return -1;
    if (macvtap_open(net->target, queues, domain_net_is_virtio(net), fds, error) < 0) {
        macvtap_remove(net->target);
        return -1;
    }
    for (unsigned i = 0; i < queues; i++)
        g_string_append_printf(list, "%s%d", i ? ":" : "",
                               words_add_fd(building->arguments, fds[i]));
    return 0;
}

static int build_direct(const struct building *building, struct json_object **ret_json,
                        GError **error)
{
    unsigned queues = queues_of(building->net);
    g_autoptr(GString) list = g_string_new(building->context->plan ? FD_IN_PLAN : NULL);

    if (!building->net->source_dev)
        return refuse(building, "its <source dev=''/> is missing", error);
    if (queues > MOST_QUEUES)
        return refuse(building, "it has too many queues", error);
    if (!building->context->plan && open_direct(building, queues, list, error) < 0)
        return -1;
    struct json_object *json JSON_AUTO =
        json_build("s:type", "tap", queues > 1 ? "s:fds" : "s:fd", list->str, NULL);
    if (add_vhost(json, building, queues, error) < 0)
        return -1;
    *ret_json = g_steal_pointer(&json);
    return 0;
}

void netdev_remove(const struct domain_net *net)
{
    g_autoptr(GError) error = NULL;

    if (run_script(net, net->downscript, &error) < 0)
        log_warn("interface '%s': %s", net->info.alias, error->message);
    if (net->type == NET_DIRECT && net->target)
        macvtap_remove(net->target);
    if (is_bridged(net) && openvswitch_is_used(net) && net->target)
        openvswitch_unplug(net);
}

/* ---- without a device of the host ---- */

static int build_user(const struct building *building, struct json_object **ret_json,
                      GError **error)
{
    struct json_object *json;

    if (is_passt(building->net))
        return build_passt(building, ret_json, error);
    if (!emulator_has(building->context->emulator, EMULATOR_NETDEV_USER))
        return refuse(building, "the emulator has no user mode network (slirp)", error);
    json = json_build("s:type", "user", NULL);
    LIST_EACH (ip, &building->net->ips) {
        bool v6 = g_strcmp0(ip->family, "ipv6") == 0;
        g_autofree char *net = g_strdup_printf("%s/%u", ip->address, ip->prefix.value);

        if (v6)
            json_add(json, "s:ipv6-prefix", ip->address, "u:ipv6-prefixlen",
                     ip->prefix.set ? ip->prefix.value : 64, NULL);
        else
            json_add(json, "s:net", ip->prefix.set ? net : ip->address, NULL);
    }
    *ret_json = json;
    return 0;
}

/* {"type":"socket","mcast":"192.0.0.1:5558"}: the word that says what the address is for. */
static int build_socket(const struct building *building, struct json_object **ret_json,
                        GError **error)
{
    static const char *const pairs[] = {[NET_SERVER] = "s:listen",
                                        [NET_CLIENT] = "s:connect",
                                        [NET_MCAST] = "s:mcast",
                                        [NET_UDP] = "s:udp"};
    const struct domain_net *net = building->net;
    g_autofree char *address =
        g_strdup_printf("%s:%u", net->address ? net->address : "", net->port);
    g_autofree char *local =
        g_strdup_printf("%s:%u", net->local_address ? net->local_address : "", net->local_port);

    *ret_json = json_build("s:type", "socket", pairs[net->type], address, "S:localaddr",
                           net->type == NET_UDP ? local : NULL, NULL);
    return 0;
}

static int build_none(const struct building *building, struct json_object **ret_json,
                      GError **error)
{
    return 0;
}

static int (*const builders[])(const struct building *, struct json_object **, GError **) = {
    [NET_USER] = build_user,     [NET_ETHERNET] = build_tap,
    [NET_SERVER] = build_socket, [NET_CLIENT] = build_socket,
    [NET_MCAST] = build_socket,  [NET_UDP] = build_socket,
    [NET_BRIDGE] = build_tap,    [NET_NETWORK] = build_tap,
    [NET_NULL] = build_none,     [NET_VHOST_USER] = build_vhost_user,
    [NET_VDPA] = build_vdpa,     [NET_HOSTDEV] = build_none,
    [NET_DIRECT] = build_direct,
};

static bool is_switched(const struct domain_net *net)
{
    return openvswitch_is_used(net) && (net->type == NET_BRIDGE || net->type == NET_NETWORK);
}

/* Tags are put on by a switch or by an adapter; the kernel's bridge is not asked to. */
static int check_vlan(const struct domain_net *net, GError **error)
{
    if (!net->vlan || net->type == NET_HOSTDEV || is_switched(net))
        return 0;
    if (net->network)
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "an interface connecting to network '%s' is requesting a vlan tag, but that is "
                  "not supported for this type of network",
                  net->network);
    else
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "an interface of type '%s' is requesting a vlan tag, but that is not supported "
                  "for this type of connection",
                  names_word(&net_type_names, net->type));
    return -1;
}

static bool has_port_elsewhere(const struct domain_net *net)
{
    return net->virtual_port && net->virtual_port->type && !is_switched(net);
}

/* An edge bridge hears of its guests from lldpad, and others from programs of their own. */
static const char *reason_of_port(const struct net_virtual_port *port)
{
    static const char *const reasons[] = {
        [VIRTUAL_PORT_8021QBG] = "<virtualport type='802.1Qbg'> needs a program that tells lldpad "
                                 "of guests, which virtqemud does not",
        [VIRTUAL_PORT_8021QBH] = "<virtualport type='802.1Qbh'> needs an adapter that takes port "
                                 "profiles (VM-FEX), which virtqemud knows none of",
        [VIRTUAL_PORT_OPENVSWITCH] = "<virtualport type='openvswitch'> needs an interface of type "
                                     "'bridge', or a network of such a bridge",
        [VIRTUAL_PORT_MIDONET] = "<virtualport type='midonet'> needs MidoNet's program mm-ctl, "
                                 "which virtqemud does not run",
    };

    if (!port)
        return NULL;
    if (port->type == VIRTUAL_PORT_8021QBG && access(LLDPAD_PID, F_OK) < 0)
        return "<virtualport type='802.1Qbg'> needs lldpad, which does not run: see the package "
               "lldpad";
    return reasons[port->type];
}

/* What would leave a guest more open, or less connected, than its document says. */
static int check_net(const struct building *building, GError **error)
{
    const struct domain_net *net = building->net;
    const struct {
        bool used;
        const char *reason;
    } gaps[] = {
        {net->filterref != NULL,
         "packet filters (filterref) need virtnwfilterd, which is not in this version"},
        {has_port_elsewhere(net), reason_of_port(net->virtual_port)},
        {is_switched(net) && !openvswitch_can_say(net),
         "a name for Open vSwitch has a quotation mark, or begins like an option"},
        {net->vlan && net->vlan->tags.count > 1 && net->type == NET_HOSTDEV,
         "a virtual function has one VLAN"},
        {is_passt(net) && net->type != NET_USER,
         "<backend type='passt'/> by vhost-user is not in this version: use type='user'"},
        {net->driver && net->driver->iommufd == TRISTATE_YES,
         "iommufd is for <hostdev>, in this version"},
        {net->port_forwards.count > 0 && !is_passt(net),
         "<portForward> needs <backend type='passt'/>"},
        {net->mac_table_manager == BRIDGE_MAC_TABLE_LIBVIRT && !net->network,
         "macTableManager='libvirt' is not in this version"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(gaps); i++)
        if (gaps[i].used)
            return refuse(building, gaps[i].reason, error);
    return check_vlan(net, error);
}

int netdev_build(const struct domain *domain, const struct domain_net *net,
                 const struct arguments_context *context, struct arguments *arguments,
                 struct json_object **ret_netdev, GError **error)
{
    const struct building building = {domain, net, context, arguments};
    g_autofree char *id = g_strdup_printf("host%s", net->info.alias);
    struct json_object *json = NULL;

    if (net->type >= G_N_ELEMENTS(builders) || !builders[net->type])
        return device_refuse(error, "interface", net->info.alias,
                             "type='%s' is not in this version",
                             names_word(&net_type_names, net->type));
    if (check_net(&building, error) < 0 || builders[net->type](&building, &json, error) < 0)
        return -1;
    if (json)
        json_add(json, "s:id", id, NULL);
    *ret_netdev = json;
    return 0;
}

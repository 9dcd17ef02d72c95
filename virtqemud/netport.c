/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netport.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mac.h"
#include "base/uuid.h"
#include "base/workers.h"
#include "driver/peer.h"
#include "model/network.h"
#include "xml/xml.h"

#include "netwatch.h"
#include "port-debts.h"

#define GIVE_BACK_MS 2000

/* ---- documents ---- */

/* What the network answered, as it is to be again. */
static struct network_plug plug_of(const struct domain_net *net)
{
    struct network_plug plug = {0};

    if (net->type == NET_DIRECT)
        plug = (struct network_plug){
            .type = NETWORK_PLUG_DIRECT, .dev = net->source_dev, .mode = net->macvtap_mode};
    else if (net->type == NET_HOSTDEV && net->hostdev)
        plug = (struct network_plug){
            .type = NETWORK_PLUG_HOSTDEV_PCI, .pci = net->hostdev->pci, .managed = net->managed};
    return plug;
}

static char *write_port(const struct domain *live, const struct domain_net *net, bool reclaim)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct network_plug plug = plug_of(net);
    struct network_port port = {
        .owner_name = live->name,
        .group = net->portgroup,
        .trust_guest_rx_filters = net->trust_guest_rx_filters,
        .virtual_port = net->virtual_port,
        .bandwidth = net->bandwidth,
        .vlan = net->vlan,
        .isolated = net->isolated,
        .plug = reclaim && plug.type ? &plug : NULL,
    };

    memcpy(port.uuid, net->port_id, sizeof(port.uuid));
    memcpy(port.owner_uuid, live->uuid, sizeof(port.owner_uuid));
    memcpy(port.mac, net->mac, sizeof(port.mac));
    xml_write_part(&network_port_schema, &port, XML_WRITE_STATUS, 0, text);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static int parse_port(const char *text, struct arena *arena, struct network_port **ret_port,
                      GError **error)
{
    static const struct xml_schema *const schemas[] = {&network_port_schema};
    const struct xml_schema *schema;
    void *port;

    if (xml_read_part(schemas, 1, text, -1, XML_READ_STATUS, arena, NULL, &schema, &port, error) <
        0)
        return -1;
    *ret_port = port;
    return 0;
}

/* ---- asking ---- */

int netport_find_network(struct qemu *qemu, const char *name, struct arena *arena,
                         struct remote_nonnull_network *ret_network, GError **error)
{
    const struct remote_network_lookup_by_name_args args = {.name = (char *)name};
    struct remote_network_lookup_by_name_ret ret;

    if (peer_call(qemu->networks, REMOTE_PROC_NETWORK_LOOKUP_BY_NAME, &args, arena, &ret, error) <
        0)
        return -1;
    *ret_network = ret.net;
    return 0;
}

int netport_find_bridge(struct qemu *qemu, const char *name, struct arena *arena,
                        const char **ret_bridge, GError **error)
{
    struct remote_network_get_bridge_name_args args;
    struct remote_network_get_bridge_name_ret ret;

    if (netport_find_network(qemu, name, arena, &args.net, error) < 0 ||
        peer_call(qemu->networks, REMOTE_PROC_NETWORK_GET_BRIDGE_NAME, &args, arena, &ret, error) <
            0)
        return -1;
    *ret_bridge = ret.name;
    return 0;
}

int netport_create(struct qemu *qemu, const struct remote_nonnull_network *network,
                   const struct domain *live, const struct domain_net *net, bool reclaim,
                   struct arena *arena, GError **error)
{
    g_autofree char *text = write_port(live, net, reclaim);
    const struct remote_network_port_create_xml_args args = {
        .network = *network,
        .xml = text,
        .flags = reclaim ? VIR_NETWORK_PORT_CREATE_RECLAIM : 0,
    };

    return peer_call(qemu->networks, REMOTE_PROC_NETWORK_PORT_CREATE_XML, &args, arena, NULL,
                     error);
}

int netport_read(struct qemu *qemu, const struct remote_nonnull_network *network,
                 const uint8_t uuid[16], struct arena *arena, struct network_port **ret_port,
                 GError **error)
{
    struct remote_network_port_get_xml_desc_args args = {.port.net = *network};
    struct remote_network_port_get_xml_desc_ret ret;

    memcpy(args.port.uuid, uuid, sizeof(args.port.uuid));
    if (peer_call(qemu->networks, REMOTE_PROC_NETWORK_PORT_GET_XML_DESC, &args, arena, &ret,
                  error) < 0)
        return -1;
    return parse_port(ret.xml, arena, ret_port, error);
}

/* ---- what an interface really is ---- */

static void settle_hostdev(struct domain_net *net, struct arena *arena,
                           const struct network_plug *plug)
{
    net->type = NET_HOSTDEV;
    net->hostdev = arena_new(arena, struct net_hostdev_source);
    net->hostdev->type = NET_HOSTDEV_PCI;
    net->hostdev->pci = plug->pci;
    net->managed = plug->managed;
}

static int settle_plug(struct domain_net *net, struct arena *arena, const struct network_plug *plug,
                       GError **error)
{
    switch (plug ? plug->type : NETWORK_PLUG_NONE) {
    case NETWORK_PLUG_NETWORK:
    case NETWORK_PLUG_BRIDGE:
        net->type = plug->type == NETWORK_PLUG_NETWORK ? NET_NETWORK : NET_BRIDGE;
        net->bridge = arena_strdup(arena, plug->bridge);
        net->mac_table_manager = plug->bridge_mac_table;
        return 0;
    case NETWORK_PLUG_DIRECT:
        net->type = NET_DIRECT;
        net->source_dev = arena_strdup(arena, plug->dev);
        net->macvtap_mode = plug->mode;
        return 0;
    case NETWORK_PLUG_HOSTDEV_PCI:
        settle_hostdev(net, arena, plug);
        return 0;
    default:
        error_set(error, VIR_ERR_INTERNAL_ERROR, "network '%s' does not say what its port is",
                  net->network);
        return -1;
    }
}

/* NULL: none. */
static void *copy(const struct xml_schema *schema, const void *part, struct arena *arena)
{
    return part ? xml_copy_part(schema, part, arena) : NULL;
}

int netport_settle(struct domain_net *net, struct arena *arena, const struct network_port *port,
                   GError **error)
{
    domain_net_keep_request(net, arena);
    if (settle_plug(net, arena, port->plug, error) < 0)
        return -1;
    net->trust_guest_rx_filters = port->trust_guest_rx_filters;
    net->isolated = port->isolated;
    net->bandwidth = copy(&net_bandwidth_schema, port->bandwidth, arena);
    net->vlan = copy(&net_vlan_schema, port->vlan, arena);
    net->virtual_port = copy(&net_virtual_port_schema, port->virtual_port, arena);
    return 0;
}

/* ---- taking ---- */

void netport_choose(struct domain_net *net)
{
    memset(net->port_id, 0, sizeof(net->port_id));
    net->request = NULL;
    if (net->type == NET_NETWORK) {
        net->bridge = NULL;
        uuid_generate(net->port_id);
    } else {
        net->network = net->portgroup = NULL;
    }
}

int netport_take(struct qemu *qemu, struct domain *live, struct domain_net *net, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    struct remote_nonnull_network network;
    struct network_port *port;

    if (net->type != NET_NETWORK)
        return 0;
    if (netport_find_network(qemu, net->network, &arena, &network, error) < 0 ||
        netport_create(qemu, &network, live, net, false, &arena, error) < 0 ||
        netport_read(qemu, &network, net->port_id, &arena, &port, error) < 0)
        return -1;
    return netport_settle(net, &live->definition.arena, port, error);
}

int netport_take_all(struct qemu *qemu, struct domain *live, GError **error)
{
    LIST_EACH (net, &live->devices.nets)
        if (netport_take(qemu, live, net, error) < 0)
            return -1;
    return 0;
}

int netport_get_leases(struct qemu *qemu, const struct domain_net *net, struct arena *arena,
                       struct remote_network_get_dhcp_leases_ret *ret_leases, GError **error)
{
    char mac[MAC_TEXT];
    struct remote_network_get_dhcp_leases_args args = {.mac = mac_format(net->mac, mac),
                                                       .need_results = 1};

    if (netport_find_network(qemu, net->network, arena, &args.net, error) < 0)
        return -1;
    return peer_call(qemu->networks, REMOTE_PROC_NETWORK_GET_DHCP_LEASES, &args, arena, ret_leases,
                     error);
}

/* ---- giving back ---- */

/* Shared by who waits and the worker. */
struct give_back {
    atomic_uint references;
    struct qemu *qemu;
    struct arena arena;
    struct remote_nonnull_network_port *ports; /* the uuids of their networks are not known yet */
    unsigned count;

    GMutex lock;
    GCond changed;
    bool done, noted;
};

static void give_back_unref(struct give_back *task)
{
    if (atomic_fetch_sub(&task->references, 1) != 1)
        return;
    arena_clear(&task->arena);
    g_cond_clear(&task->changed);
    g_mutex_clear(&task->lock);
    g_free(task);
}

static int give_back_one(struct qemu *qemu, const struct remote_nonnull_network_port *port,
                         GError **error)
{
    struct remote_network_port_delete_args args = {.port = *port};
    struct arena arena ARENA_AUTO = {0};

    if (netport_find_network(qemu, port->net.name, &arena, &args.port.net, error) < 0)
        return -1;
    return peer_call(qemu->networks, REMOTE_PROC_NETWORK_PORT_DELETE, &args, &arena, NULL, error);
}

/* With its network, or never there. */
static bool is_gone(const GError *error)
{
    return error_is(error, VIR_ERR_NO_NETWORK_PORT) || error_is(error, VIR_ERR_NO_NETWORK) ||
           error_is(error, VIR_ERR_OPERATION_INVALID);
}

static bool is_given_back(struct qemu *qemu, const struct remote_nonnull_network_port *port)
{
    g_autoptr(GError) error = NULL;

    if (give_back_one(qemu, port, &error) == 0 || is_gone(error))
        return true;
    log_warn("network '%s' keeps a port for now: %s", port->net.name, error->message);
    return false;
}

/* A guest's record goes when nobody waits any more, so what is not done by then is noted. */
static void note_debts(struct give_back *task)
{
    for (unsigned i = 0; i < task->count; i++)
        port_debts_note(task->qemu, &task->ports[i]);
    task->noted = true;
}

static void settle_debts(struct give_back *task, bool paid)
{
    if (!paid) {
        note_debts(task);
        netwatch_owe(task->qemu);
        return;
    }
    for (unsigned i = 0; task->noted && i < task->count; i++)
        port_debts_clear(task->qemu, &task->ports[i]);
}

static void give_back(void *data)
{
    struct give_back *task = data;
    bool paid = true;

    for (unsigned i = 0; i < task->count; i++)
        paid &= is_given_back(task->qemu, &task->ports[i]);
    g_mutex_lock(&task->lock);
    task->done = true;
    settle_debts(task, paid);
    g_cond_signal(&task->changed);
    g_mutex_unlock(&task->lock);
    give_back_unref(task);
}

static void await_give_back(struct give_back *task, int milliseconds)
{
    int64_t end = g_get_monotonic_time() + milliseconds * INT64_C(1000);

    g_mutex_lock(&task->lock);
    while (!task->done && g_cond_wait_until(&task->changed, &task->lock, end))
        ;
    if (!task->done)
        note_debts(task);
    g_mutex_unlock(&task->lock);
}

static struct give_back *give_back_new(struct qemu *qemu, const struct domain *domain)
{
    struct give_back *task = g_new0(struct give_back, 1);

    atomic_init(&task->references, 1);
    task->qemu = qemu;
    g_mutex_init(&task->lock);
    g_cond_init(&task->changed);
    task->ports = arena_array(&task->arena, domain->devices.nets.count, sizeof(*task->ports));
    LIST_EACH (net, &domain->devices.nets) {
        if (!net->network || !uuid_is_valid(net->port_id))
            continue;
        struct remote_nonnull_network_port *port = &task->ports[task->count++];
        port->net.name = arena_strdup(&task->arena, net->network);
        memcpy(port->uuid, net->port_id, sizeof(port->uuid));
    }
    return task;
}

void netport_pay_debts(struct qemu *qemu)
{
    struct arena arena ARENA_AUTO = {0};
    unsigned count;
    const struct remote_nonnull_network_port *ports = port_debts_list(qemu, &arena, &count);

    for (unsigned i = 0; i < count; i++)
        if (is_given_back(qemu, &ports[i]))
            port_debts_clear(qemu, &ports[i]);
        else
            netwatch_owe(qemu);
}

void netport_give_back(struct qemu *qemu, const struct domain *domain)
{
    struct daemon *daemon = qemu->driver->daemon;
    struct give_back *task = give_back_new(qemu, domain);

    if (task->count) {
        atomic_fetch_add(&task->references, 1);
        workers_push(daemon->workers, give_back, task, true);
        await_give_back(task, loop_is_current(daemon->loop) ? 0 : GIVE_BACK_MS);
    }
    give_back_unref(task);
}

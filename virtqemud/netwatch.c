/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netwatch.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "base/workers.h"
#include "driver/peer.h"
#include "host/netlink.h"
#include "host/tap.h"
#include "model/network.h"
#include "wire/frame.h"
#include "xml/xml.h"

#include "guest.h"
#include "netport.h"
#include "openvswitch.h"
#include "port-debts.h"

/* After a link is lost: at once nearly, then less and less often. */
#define RETRY_MS 500
#define RETRY_MOST_MS 30000
/* How long the job of a guest is waited for that seems to have lost a port. */
#define STRAY_MS 10000

/* To start a program for a network may take seconds. */
static const struct peer_times times = {.open = 5000, .call = 15000, .idle = 60000};

struct netwatch {
    atomic_uint references; /* the daemon's, and of what is posted */
    atomic_bool owes;       /* there are ports to give back */

    /* loop thread */
    struct qemu *qemu; /* NULL: ended */
    struct loop_timer *retry;
    int64_t delay;
};

static void netwatch_unref(struct netwatch *watch)
{
    if (atomic_fetch_sub(&watch->references, 1) == 1)
        g_free(watch);
}

/* ---- one interface ---- */

static bool is_on_network(const struct domain_net *net)
{
    return net->network && uuid_is_valid(net->port_id);
}

static bool is_bridged(const struct domain_net *net)
{
    return (net->type == NET_NETWORK || net->type == NET_BRIDGE) && net->bridge && net->target &&
           !openvswitch_is_used(net); /* a switch remembers it */
}

static bool is_plugged(const struct domain_net *net)
{
    struct netlink_link link;

    return netlink_get_link(net->target, &link) && link.master == netlink_find(net->bridge);
}

static int plug(const struct domain_net *net, GError **error)
{
    if (!is_bridged(net) || !tap_exists(net->target) || is_plugged(net))
        return 0;
    netlink_set_master(net->target, NULL, NULL); /* out of what it may be in */
    return tap_attach(net->target, net->bridge, net->mtu.set ? net->mtu.value : 0,
                      net->isolated == TRISTATE_YES, error);
}

/* The port as it is; made anew if the network has lost it. A device of the host stays the guest's
 * own; a bridge may be another one by now. */
static int get_port(struct qemu *qemu, const struct domain *live, const struct domain_net *net,
                    struct arena *arena, struct network_port **ret_port, GError **error)
{
    bool reclaim = net->type == NET_DIRECT || net->type == NET_HOSTDEV;
    struct remote_nonnull_network network;
    g_autoptr(GError) missing = NULL;

    if (netport_find_network(qemu, net->network, arena, &network, error) < 0)
        return -1;
    if (netport_read(qemu, &network, net->port_id, arena, ret_port, &missing) == 0)
        return 0;
    if (!error_is(missing, VIR_ERR_NO_NETWORK_PORT)) {
        g_propagate_error(error, g_steal_pointer(&missing));
        return -1;
    }
    if (netport_create(qemu, &network, live, net, reclaim, arena, error) < 0)
        return -1;
    log_info("domain '%s': its port of network '%s' is there again", live->name, net->network);
    return netport_read(qemu, &network, net->port_id, arena, ret_port, error);
}

static struct domain_net *find_port(const struct domain *domain, const uint8_t uuid[16])
{
    if (domain)
        LIST_EACH (net, &domain->devices.nets)
            if (memcmp(net->port_id, uuid, sizeof(net->port_id)) == 0)
                return net;
    return NULL;
}

static bool is_same(const struct domain_net *net, const struct network_port *port)
{
    return (!net->bridge || !port->plug || g_strcmp0(net->bridge, port->plug->bridge) == 0) &&
           (!net->bandwidth || !port->bandwidth ||
            net->bandwidth->class_id == port->bandwidth->class_id);
}

/* The network has another bridge, or has given out other numbers. */
static int note_change(struct guest *guest, const uint8_t uuid[16], const struct network_port *port,
                       GError **error)
{
    JOB_AUTO struct job *job = NULL;
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (job_begin(&guest->object, JOB_MODIFY, "plugging in again", JOB_DEADLINE_MS, &job, error) <
        0)
        return -1;
    object_get_view(&guest->object, &view);
    if (!find_port(view_live(&view), uuid))
        return 0;
    DEFINITION_AUTO struct domain *live = (struct domain *)definition_copy(view.live);
    struct domain_net *net = find_port(live, uuid);
    if (netport_settle(net, &live->definition.arena, port, error) < 0)
        return -1;
    object_publish_live(job, definition_copy(&live->definition));
    return store_save_status(qemu_of(&guest->object)->store, job, error);
}

static int look_after(struct guest *guest, const struct domain *live, const struct domain_net *net,
                      GError **error)
{
    struct qemu *qemu = qemu_of(&guest->object);
    struct arena arena ARENA_AUTO = {0};
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct network_port *port;

    if (get_port(qemu, live, net, &arena, &port, error) < 0)
        return -1;
    if (!is_same(net, port) && note_change(guest, net->port_id, port, error) < 0)
        return -1;
    object_get_view(&guest->object, &view);
    const struct domain_net *now = find_port(view_live(&view), net->port_id);
    if (now)
        return plug(now, error);
    /* it was given back while it was made */
    DEFINITION_AUTO struct domain *alone = (struct domain *)definition_new(&domain_schema);
    domain_add_device(alone, DEVICE_NET, (void *)net, NULL);
    netport_give_back(qemu, alone);
    return 0;
}

/* ---- all of them ---- */

/* A network that is not there or not started will tell when it is. */
static bool is_told_later(const GError *error)
{
    return error_is(error, VIR_ERR_NO_NETWORK) || error_is(error, VIR_ERR_OPERATION_INVALID);
}

/* A guest's start takes its ports and plugs in itself: it is not to be met halfway. */
static void await_start(struct guest *guest)
{
    JOB_AUTO struct job *job = NULL;

    if (guest_is_starting(guest))
        job_begin(&guest->object, JOB_MODIFY, "looking after ports", JOB_DEADLINE_MS, &job, NULL);
}

/* network NULL: of any. */
static void look_after_guest(struct guest *guest, const char *network)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    await_start(guest);
    object_get_view(&guest->object, &view);
    const struct domain *live = view_live(&view);
    if (!live)
        return;
    LIST_EACH (net, &live->devices.nets) {
        g_autoptr(GError) error = NULL;

        if (!is_on_network(net) || (network && strcmp(net->network, network) != 0))
            continue;
        if (look_after(guest, live, net, &error) < 0 && !is_told_later(error))
            log_warn("domain '%s': its interface '%s' is not plugged into network '%s' again: %s",
                     view.name, net->info.alias, net->network, error->message);
    }
}

static void look_after_all(struct qemu *qemu, const char *network)
{
    g_autoptr(GPtrArray) guests = registry_list(qemu->domains, registry_filter_active, NULL);

    for (guint i = 0; i < guests->len; i++)
        look_after_guest(guests->pdata[i], network);
}

/* ---- ports that nobody has ---- */

static bool has_port(const struct guest *guest, const struct object_view *view,
                     const uint8_t uuid[16])
{
    return find_port(view_live(view), uuid) || find_port(guest->plugging, uuid);
}

/* Of a guest of ours that does not have it, and is not about to: nobody else is changing it. */
static bool is_stray(struct qemu *qemu, const struct network_port *port)
{
    OBJECT_AUTO struct object *object = registry_get_by_uuid(qemu->domains, port->owner_uuid, NULL);
    OBJECT_VIEW_AUTO struct object_view view = {0}, before = {0};
    JOB_AUTO struct job *job = NULL;

    if (!object)
        return false;
    object_get_view(object, &before);
    if (find_port(view_live(&before), port->uuid) ||
        job_begin(object, JOB_MODIFY, "looking after ports", STRAY_MS, &job, NULL) < 0)
        return false;
    object_get_view(object, &view);
    return !has_port(guest_of(object), &view, port->uuid);
}

static void sweep_port(struct qemu *qemu, const struct remote_nonnull_network_port *handle)
{
    const struct remote_network_port_delete_args args = {.port = *handle};
    struct arena arena ARENA_AUTO = {0};
    struct network_port *port;
    g_autoptr(GError) error = NULL;

    if (netport_read(qemu, &handle->net, handle->uuid, &arena, &port, NULL) < 0 ||
        !is_stray(qemu, port))
        return;
    if (peer_call(qemu->networks, REMOTE_PROC_NETWORK_PORT_DELETE, &args, &arena, NULL, &error) < 0)
        log_warn("%s", error->message);
    else
        log_info("network '%s': a port that domain '%s' no longer has is gone", handle->net.name,
                 port->owner_name);
}

static int sweep(struct qemu *qemu, GError **error)
{
    const struct remote_connect_list_all_networks_args all = {
        .need_results = 1, .flags = VIR_CONNECT_LIST_NETWORKS_ACTIVE};
    struct remote_connect_list_all_networks_ret networks = {0};
    struct arena arena ARENA_AUTO = {0};

    atomic_store(&qemu->netwatch->owes, false);
    if (peer_call(qemu->networks, REMOTE_PROC_CONNECT_LIST_ALL_NETWORKS, &all, &arena, &networks,
                  error) < 0)
        return -1;
    for (uint32_t i = 0; i < networks.nets_len; i++) {
        const struct remote_network_list_all_ports_args args = {.network = networks.nets_val[i],
                                                                .need_results = 1};
        struct remote_network_list_all_ports_ret ports = {0};

        if (peer_call(qemu->networks, REMOTE_PROC_NETWORK_LIST_ALL_PORTS, &args, &arena, &ports,
                      NULL) < 0)
            continue;
        for (uint32_t j = 0; j < ports.ports_len; j++)
            sweep_port(qemu, &ports.ports_val[j]);
    }
    return 0;
}

/* ---- on a worker ---- */

static void look_at_all(void *data)
{
    struct qemu *qemu = data;
    g_autoptr(GError) error = NULL;

    look_after_all(qemu, NULL);
    if (sweep(qemu, &error) == 0) {
        netport_pay_debts(qemu);
        return;
    }
    log_warn("%s", error->message);
    netwatch_owe(qemu);
}

struct started {
    struct qemu *qemu;
    char *network;
};

static void look_at_started(void *data)
{
    struct started *started = data;

    look_after_all(started->qemu, started->network);
    g_free(started->network);
    g_free(started);
}

/* All that follows comes with the link: see linked(). */
static void link_again(void *data)
{
    struct qemu *qemu = data;
    g_autoptr(GError) error = NULL;

    if (peer_call(qemu->networks, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, NULL, NULL, NULL, &error) <
        0)
        log_debug("%s", error->message);
}

/* ---- the link ---- */

static bool has_port_of_network(struct object *object, const struct object_view *view, void *data)
{
    if (view->live)
        LIST_EACH (net, &view_live(view)->devices.nets)
            if (is_on_network(net))
                return true;
    return false;
}

static bool is_for_network(struct object *object, const struct object_view *view, void *data)
{
    if (view->config)
        LIST_EACH (net, &view_config(view)->devices.nets)
            if (net->type == NET_NETWORK)
                return true;
    return has_port_of_network(object, view, NULL);
}

static bool needed(struct peer *peer, void *data)
{
    struct qemu *qemu = data;

    return atomic_load(&qemu->netwatch->owes) ||
           registry_count(qemu->domains, has_port_of_network, NULL) > 0;
}

static void push(struct qemu *qemu, void (*run)(void *data), void *data)
{
    workers_push(qemu->driver->daemon->workers, run, data, false);
}

/* Until there is a link, or nobody needs one. What is owed is given back by the way. */
static void retry(struct loop_timer *timer, void *data)
{
    struct qemu *qemu = data;
    struct netwatch *watch = qemu->netwatch;
    bool is_linked = peer_is_linked(qemu->networks);

    if (!needed(NULL, qemu) || (is_linked && !atomic_load(&watch->owes)))
        return;
    push(qemu, is_linked ? look_at_all : link_again, qemu);
    watch->delay = MIN(watch->delay * 2, RETRY_MOST_MS);
    loop_timer_restart(watch->retry, watch->delay);
}

static int linked(struct peer *peer, void *data, GError **error)
{
    const struct remote_connect_network_event_register_any_args args = {
        .eventID = VIR_NETWORK_EVENT_ID_LIFECYCLE};
    struct arena arena ARENA_AUTO = {0};

    if (peer_call(peer, REMOTE_PROC_CONNECT_NETWORK_EVENT_REGISTER_ANY, &args, &arena, NULL,
                  error) < 0)
        return -1;
    push(data, look_at_all, data);
    return 0;
}

static void event(struct peer *peer, const struct frame *frame, void *data)
{
    struct remote_network_event_lifecycle_msg message;
    struct arena arena ARENA_AUTO = {0};
    struct started *started;

    if (frame->header.procedure != REMOTE_PROC_NETWORK_EVENT_LIFECYCLE ||
        codec_decode(&remote_network_event_lifecycle_msg_type, frame->payload, frame->payload_size,
                     &arena, &message, NULL) < 0 ||
        message.event != VIR_NETWORK_EVENT_STARTED)
        return;
    started = g_new(struct started, 1);
    *started = (struct started){data, g_strdup(message.net.name)};
    push(data, look_at_started, started);
}

static void lost(struct peer *peer, void *data)
{
    struct qemu *qemu = data;

    qemu->netwatch->delay = RETRY_MS;
    loop_timer_restart(qemu->netwatch->retry, RETRY_MS);
}

/* ---- the whole ---- */

static void begin_retrying(void *data)
{
    struct netwatch *watch = data;

    if (watch->qemu)
        loop_timer_restart(watch->retry, watch->delay);
    netwatch_unref(watch);
}

void netwatch_owe(struct qemu *qemu)
{
    struct netwatch *watch = qemu->netwatch;

    atomic_store(&watch->owes, true);
    atomic_fetch_add(&watch->references, 1);
    loop_post(qemu->driver->daemon->loop, begin_retrying, watch);
}

void netwatch_begin(struct qemu *qemu)
{
    static const struct peer_handlers handlers = {linked, event, lost, needed};

    qemu->netwatch = g_new0(struct netwatch, 1);
    atomic_init(&qemu->netwatch->references, 1);
    qemu->netwatch->qemu = qemu;
    qemu->netwatch->delay = RETRY_MS;
    qemu->netwatch->retry = loop_add_timer(qemu->driver->daemon->loop, RETRY_MS, retry, qemu);
    loop_timer_stop(qemu->netwatch->retry);
    qemu->networks = peer_new(qemu->driver->daemon, PROTOCOL_OWNER_NETWORK, &handlers, qemu);
    peer_set_times(qemu->networks, &times);
}

void netwatch_look(struct qemu *qemu)
{
    struct arena arena ARENA_AUTO = {0};
    unsigned debts;

    port_debts_list(qemu, &arena, &debts);
    /* of a guest whose start was cut short there may be a port that only its network knows */
    if (debts || registry_count(qemu->domains, is_for_network, NULL) > 0)
        atomic_store(&qemu->netwatch->owes, true);
    retry(qemu->netwatch->retry, qemu);
}

void netwatch_end(struct qemu *qemu)
{
    peer_free(g_steal_pointer(&qemu->networks));
    loop_timer_remove(qemu->netwatch->retry);
    qemu->netwatch->qemu = NULL;
    g_clear_pointer(&qemu->netwatch, netwatch_unref);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/log.h"
#include "base/uuid.h"
#include "driver/generic.h"
#include "driver/params.h"
#include "object/access.h"
#include "object/change.h"
#include "protocol/remote-handlers.h"
#include "xml/xml.h"

#include "bandwidth.h"
#include "hook.h"
#include "methods.h"
#include "ports.h"
#include "rules.h"
#include "vnet.h"

static void fill_handle(struct call *call, struct object *object, const struct network_port *port,
                        struct remote_nonnull_network_port *ret_handle)
{
    vnet_fill_handle(call, object, &ret_handle->net);
    memcpy(ret_handle->uuid, port->uuid, sizeof(ret_handle->uuid));
}

/* ---- reading ---- */

static int get_live(struct object *object, struct object_view *ret_view, GError **error)
{
    object_get_view(object, ret_view);
    if (ret_view->live)
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID, "network '%s' is not active", ret_view->name);
    return -1;
}

/* The port of a handle, borrowed from the view. */
static int get_port(const struct remote_nonnull_network_port *handle, struct object_view *ret_view,
                    const struct network_port **ret_port, GError **error)
{
    OBJECT_AUTO struct object *object =
        registry_get(networkd->networks, handle->net.name, handle->net.uuid, error);

    if (!object || get_live(object, ret_view, error) < 0)
        return -1;
    *ret_port = ports_find(view_live(ret_view), handle->uuid, error);
    return *ret_port ? 0 : -1;
}

static bool may_list(struct call *call, const struct network_port *port)
{
    char text[UUID_TEXT];
    const struct access_subject subject = {.object = call->object,
                                           .part = uuid_format(port->uuid, text)};

    return call_may_list_subject(call, &subject);
}

int network_list_all_ports(struct call *call, const struct remote_network_list_all_ports_args *args,
                           struct remote_network_list_all_ports_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (get_live(call->object, &view, error) < 0)
        return -1;
    const struct network *network = view_live(&view);
    ret->ports_val = arena_array(&call->arena, network->ports.count, sizeof(*ret->ports_val));
    LIST_EACH (port, &network->ports)
        if (may_list(call, port))
            fill_handle(call, call->object, port, &ret->ports_val[ret->ret++]);
    ret->ports_len = args->need_results ? ret->ret : 0;
    return 0;
}

int network_port_lookup_by_uuid(struct call *call,
                                const struct remote_network_port_lookup_by_uuid_args *args,
                                struct remote_network_port_lookup_by_uuid_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct network_port *port;
    char text[UUID_TEXT];
    const struct access_subject subject = {.object = call->object,
                                           .part = uuid_format((const uint8_t *)args->uuid, text)};

    if (call_check_subject(call, &subject, error) < 0 || get_live(call->object, &view, error) < 0 ||
        !(port = ports_find(view_live(&view), args->uuid, error)))
        return -1;
    fill_handle(call, call->object, port, &ret->port);
    return 0;
}

int network_port_get_xml_desc(struct call *call,
                              const struct remote_network_port_get_xml_desc_args *args,
                              struct remote_network_port_get_xml_desc_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct network_port *port;
    struct network_port shown;

    if (get_port(&args->port, &view, &port, error) < 0)
        return -1;
    rules_find_forwards(view_live(&view), port, &call->arena, &shown);
    g_autoptr(GString) text = g_string_new(NULL);
    xml_write_part(&network_port_schema, &shown, XML_WRITE_STATUS, 0, text);
    ret->xml = arena_strdup(&call->arena, text->str);
    return 0;
}

/* ---- bandwidth ---- */

struct limits {
    unsigned in_average, in_peak, in_floor, in_burst;
    unsigned out_average, out_peak, out_burst;
};

#define LIMIT(name, member)                                                                        \
    {                                                                                              \
        name, VIR_TYPED_PARAM_UINT, offsetof(struct limits, member), 0                             \
    }

static const struct param_row limit_rows[] = {
    LIMIT(VIR_NETWORK_PORT_BANDWIDTH_IN_AVERAGE, in_average),
    LIMIT(VIR_NETWORK_PORT_BANDWIDTH_IN_PEAK, in_peak),
    LIMIT(VIR_NETWORK_PORT_BANDWIDTH_IN_FLOOR, in_floor),
    LIMIT(VIR_NETWORK_PORT_BANDWIDTH_IN_BURST, in_burst),
    LIMIT(VIR_NETWORK_PORT_BANDWIDTH_OUT_AVERAGE, out_average),
    LIMIT(VIR_NETWORK_PORT_BANDWIDTH_OUT_PEAK, out_peak),
    LIMIT(VIR_NETWORK_PORT_BANDWIDTH_OUT_BURST, out_burst),
};

static struct limits get_limits(const struct net_bandwidth *bandwidth)
{
    static const struct net_rate none;
    const struct net_rate *in = bandwidth && bandwidth->inbound ? bandwidth->inbound : &none;
    const struct net_rate *out = bandwidth && bandwidth->outbound ? bandwidth->outbound : &none;

    return (struct limits){
        .in_average = (unsigned)in->average,
        .in_peak = (unsigned)in->peak,
        .in_floor = (unsigned)in->floor,
        .in_burst = (unsigned)in->burst,
        .out_average = (unsigned)out->average,
        .out_peak = (unsigned)out->peak,
        .out_burst = (unsigned)out->burst,
    };
}

static struct net_rate *make_rate(struct arena *arena, unsigned average, unsigned peak,
                                  unsigned floor, unsigned burst)
{
    if (!average && !floor)
        return NULL;
    struct net_rate *rate = arena_new(arena, struct net_rate);
    *rate = (struct net_rate){average, peak, floor, burst};
    return rate;
}

static struct net_bandwidth *make_bandwidth(struct arena *arena, const struct limits *limits,
                                            const struct net_bandwidth *old)
{
    struct net_bandwidth *bandwidth = arena_new(arena, struct net_bandwidth);

    bandwidth->class_id = old && limits->in_floor ? old->class_id : 0;
    bandwidth->inbound =
        make_rate(arena, limits->in_average, limits->in_peak, limits->in_floor, limits->in_burst);
    bandwidth->outbound =
        make_rate(arena, limits->out_average, limits->out_peak, 0, limits->out_burst);
    return bandwidth->inbound || bandwidth->outbound ? bandwidth : NULL;
}

int network_port_get_parameters(struct call *call,
                                const struct remote_network_port_get_parameters_args *args,
                                struct remote_network_port_get_parameters_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};
    const struct network_port *port;

    if (get_port(&args->port, &view, &port, error) < 0)
        return -1;
    struct limits limits = get_limits(port->bandwidth);
    params_add_rows(&params, limit_rows, G_N_ELEMENTS(limit_rows), &limits);
    /* all of them, whatever room is said to be there: libvirt's library never sets that number */
    params_reply(&params, (int)params.count, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

/* ---- changing ---- */

/* Ends with job_end() and change_clear(), in any case. */
static int begin(struct call *call, const struct remote_nonnull_network *net, struct job **ret_job,
                 struct change *change, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    OBJECT_AUTO struct object *object =
        registry_get(networkd->networks, net->name, net->uuid, error);

    if (!object ||
        job_begin(object, JOB_MODIFY, protocol_method_word(call->request->method), JOB_DEADLINE_MS,
                  ret_job, error) < 0 ||
        get_live(object, &view, error) < 0)
        return -1;
    return change_begin(change, networkd->store, *ret_job, VIR_NETWORK_UPDATE_AFFECT_LIVE, error);
}

static int read_port(struct network *network, const char *text, bool validate,
                     struct network_port **ret_port, GError **error)
{
    static const struct xml_schema *const schemas[] = {&network_port_schema};
    unsigned flags = XML_READ_STATUS | (validate ? XML_READ_VALIDATE : 0);
    const struct xml_schema *schema;

    if (xml_read_part(schemas, 1, text, -1, flags, &network->definition.arena, NULL, &schema,
                      (void **)ret_port, error) < 0)
        return -1;
    (*ret_port)->forwards.count = 0; /* they are the network's to say */
    return 0;
}

/* What it is plugged into is the network's to say, but for one that was there before. */
static int check_plug(const struct network_port *port, bool reclaim, GError **error)
{
    if (!port->plug || reclaim)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "Port reclaim not requested but plug type is not none");
    return -1;
}

/* Of a port that did not come to be: its place on the bridge. */
static void take_back(struct network *network, struct network_port *port)
{
    ports_remove(network, port->uuid, NULL);
    bandwidth_follow(network, port, NULL, NULL);
}

/* Ports of the host lead to guests that are there: by the definition as it is, or was before. */
static int forward_anew(struct object *object, const struct network *network, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    if (!network->port_forwards.count)
        return 0;
    object_get_view(object, &view);
    return rules_replace(view_live(&view), network, error);
}

static void forward_as_before(struct object *object, const struct network *network)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    g_autoptr(GError) error = NULL;

    object_get_view(object, &view);
    if (network->port_forwards.count && rules_replace(network, view_live(&view), &error) < 0)
        log_warn("network '%s': %s", network->name, error->message);
}

int network_port_create_xml(struct call *call,
                            const struct remote_network_port_create_xml_args *args,
                            struct remote_network_port_create_xml_ret *ret, GError **error)
{
    JOB_AUTO struct job *job = NULL;
    CHANGE_AUTO struct change change = {0};
    struct network_port *port;

    if (begin(call, &args->network, &job, &change, error) < 0)
        return -1;
    struct network *network = (struct network *)change.live;
    bool reclaim = args->flags & VIR_NETWORK_PORT_CREATE_RECLAIM;
    if (read_port(network, args->xml, args->flags & VIR_NETWORK_PORT_CREATE_VALIDATE, &port,
                  error) < 0 ||
        check_plug(port, reclaim, error) < 0 || ports_add(network, port, reclaim, error) < 0 ||
        bandwidth_follow(network, NULL, port, error) < 0)
        return -1;
    if (forward_anew(job_object(job), network, error) < 0) {
        take_back(network, port);
        return -1;
    }
    if (hook_run_port(network, port, "port-created", error) < 0 ||
        change_save(&change, error) < 0) {
        forward_as_before(job_object(job), network);
        take_back(network, port);
        return -1;
    }
    fill_handle(call, job_object(job), port, &ret->port);
    return 0;
}

int network_port_delete(struct call *call, const struct remote_network_port_delete_args *args,
                        void *ret, GError **error)
{
    JOB_AUTO struct job *job = NULL;
    CHANGE_AUTO struct change change = {0};
    g_autoptr(GError) problem = NULL;
    const struct network_port *port;

    if (begin(call, &args->port.net, &job, &change, error) < 0)
        return -1;
    struct network *network = (struct network *)change.live;
    if (!(port = ports_find(network, args->port.uuid, error)) ||
        ports_remove(network, args->port.uuid, error) < 0 ||
        forward_anew(job_object(job), network, error) < 0)
        return -1;
    if (change_save(&change, error) < 0) {
        forward_as_before(job_object(job), network);
        return -1;
    }
    if (bandwidth_follow(network, port, NULL, &problem) < 0)
        log_warn("network '%s': %s", network->name, problem->message);
    hook_tell_port(network, port, "port-deleted");
    return 0;
}

int network_port_set_parameters(struct call *call,
                                const struct remote_network_port_set_parameters_args *args,
                                void *ret, GError **error)
{
    JOB_AUTO struct job *job = NULL;
    CHANGE_AUTO struct change change = {0};
    struct network_port *port;

    if (begin(call, &args->port.net, &job, &change, error) < 0 ||
        !(port = ports_find((struct network *)change.live, args->port.uuid, error)))
        return -1;
    struct limits limits = get_limits(port->bandwidth);
    if (params_read(args->params_val, args->params_len, limit_rows, G_N_ELEMENTS(limit_rows),
                    &limits, error) < 0)
        return -1;
    struct network *network = (struct network *)change.live;
    const struct network_port old = *port;
    struct net_bandwidth *bandwidth = make_bandwidth(&change.live->arena, &limits, port->bandwidth);
    if (ports_limit(network, port, bandwidth, error) < 0)
        return -1;
    if (bandwidth_follow(network, &old, port, error) == 0 && change_save(&change, error) == 0)
        return 0;
    const struct network_port wanted = *port;
    *port = old;
    bandwidth_follow(network, &wanted, port, NULL);
    return -1;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, network_list_all_ports), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_port_lookup_by_uuid),
     .finds = true,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_port_get_xml_desc)},
    {.binding = HANDLER(remote, network_port_get_parameters),
     .flags = VIR_TYPED_PARAM_STRING_OKAY,
     .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, network_port_create_xml),
     .flags = VIR_NETWORK_PORT_CREATE_RECLAIM | VIR_NETWORK_PORT_CREATE_VALIDATE},
    {.binding = HANDLER(remote, network_port_delete)},
    {.binding = HANDLER(remote, network_port_set_parameters)},
};

const struct driver_methods port_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/mac.h"
#include "driver/domains.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"

#include "bandwidth.h"
#include "methods.h"
#include "setting.h"

/* How fast guests' network interfaces are. */

struct bandwidth_values {
    unsigned in_average, in_peak, in_burst, in_floor;
    unsigned out_average, out_peak, out_burst;
    bool has_in_average, has_in_floor, has_out_average;
};

#define ROW(field, member, present)                                                                \
    {                                                                                              \
        VIR_DOMAIN_BANDWIDTH_##field, VIR_TYPED_PARAM_UINT,                                        \
            offsetof(struct bandwidth_values, member), present                                     \
    }
#define GIVEN(member) offsetof(struct bandwidth_values, member)

static const struct param_row bandwidth_rows[] = {
    ROW(IN_AVERAGE, in_average, GIVEN(has_in_average)),
    ROW(IN_PEAK, in_peak, 0),
    ROW(IN_BURST, in_burst, 0),
    ROW(IN_FLOOR, in_floor, GIVEN(has_in_floor)),
    ROW(OUT_AVERAGE, out_average, GIVEN(has_out_average)),
    ROW(OUT_PEAK, out_peak, 0),
    ROW(OUT_BURST, out_burst, 0),
};
#define ROWS G_N_ELEMENTS(bandwidth_rows)

/* ---- reading ---- */

static void fill(const struct net_bandwidth *bandwidth, struct bandwidth_values *values)
{
    static const struct net_rate none;
    const struct net_rate *in = bandwidth && bandwidth->inbound ? bandwidth->inbound : &none;
    const struct net_rate *out = bandwidth && bandwidth->outbound ? bandwidth->outbound : &none;

    *values = (struct bandwidth_values){
        .in_average = (unsigned)in->average,
        .in_peak = (unsigned)in->peak,
        .in_burst = (unsigned)in->burst,
        .in_floor = (unsigned)in->floor,
        .out_average = (unsigned)out->average,
        .out_peak = (unsigned)out->peak,
        .out_burst = (unsigned)out->burst,
    };
}

int domain_get_interface_parameters(struct call *call,
                                    const struct remote_domain_get_interface_parameters_args *args,
                                    struct remote_domain_get_interface_parameters_ret *ret,
                                    GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};
    const struct domain *domain;
    struct bandwidth_values values;

    if (domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    const struct domain_net *net = bandwidth_find_net(domain, args->device, error);
    if (!net)
        return -1;
    fill(net->bandwidth, &values);
    params_add_rows(&params, bandwidth_rows, ROWS, &values);
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

/* ---- changing ---- */

struct bandwidth_request {
    const char *device;
    struct bandwidth_values values;
};

/* An average of 0 takes the limit away; without an average, and without a floor, nothing is said.
 */
static struct net_rate *make_rate(struct arena *arena, const struct net_rate *rate)
{
    return rate->average || rate->floor ? arena_memdup(arena, rate, sizeof(*rate)) : NULL;
}

static int check_floor(const struct domain_net *net, unsigned floor, GError **error)
{
    char mac[MAC_TEXT];

    if (!floor || net->type == NET_NETWORK)
        return 0;
    error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
              "Invalid use of 'floor' on interface with MAC address %s - 'floor' is only supported "
              "for interface type 'network' with forward type 'nat', 'route', 'open' or none",
              mac_format(net->mac, mac));
    return -1;
}

static int modify(struct domain *domain, bool live, const void *data, GError **error)
{
    const struct bandwidth_request *request = data;
    const struct bandwidth_values *values = &request->values;
    struct arena *arena = &domain->definition.arena;
    struct domain_net *net = bandwidth_find_net(domain, request->device, error);
    const struct net_rate in = {values->in_average, values->in_peak, values->in_floor,
                                values->in_burst};
    const struct net_rate out = {values->out_average, values->out_peak, 0, values->out_burst};

    if (!net || bandwidth_check(net, error) < 0 ||
        (live && check_floor(net, values->in_floor, error) < 0))
        return -1;
    if (!net->bandwidth)
        net->bandwidth = arena_new(arena, struct net_bandwidth);
    if (values->has_in_average || values->has_in_floor)
        net->bandwidth->inbound = make_rate(arena, &in);
    if (values->has_out_average)
        net->bandwidth->outbound = make_rate(arena, &out);
    if (!net->bandwidth->inbound && !net->bandwidth->outbound)
        net->bandwidth = NULL;
    if (net->request)
        net->request->bandwidth = net->bandwidth;
    return 0;
}

static int apply(struct guest *guest, const struct domain *live, const void *data,
                 unsigned deadline_ms, GError **error)
{
    const struct bandwidth_request *request = data;
    const struct domain_net *net = bandwidth_find_net(live, request->device, error);

    return net ? bandwidth_apply(net, error) : -1;
}

static const struct setting bandwidth_setting = {modify, apply};

int domain_set_interface_parameters(struct call *call,
                                    const struct remote_domain_set_interface_parameters_args *args,
                                    void *ret, GError **error)
{
    struct bandwidth_request request = {.device = args->device};

    if (params_read(args->params_val, args->params_len, bandwidth_rows, ROWS, &request.values,
                    error) < 0)
        return -1;
    return setting_change(call, args->flags, &bandwidth_setting, &request, NULL, error);
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_interface_parameters),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, domain_set_interface_parameters), .flags = AFFECT, .job = true},
};

const struct driver_methods bandwidth_methods = DRIVER_METHODS(rows);

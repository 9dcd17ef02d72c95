/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "host/cgroup-value.h"
#include "protocol/remote-handlers.h"

#include "group-limits.h"
#include "methods.h"
#include "placement.h"
#include "setting.h"
#include "tune-parts.h"

/* How much of the host's CPUs guests get. */

#define ROW(field, kind, member)                                                                   \
    {                                                                                              \
        VIR_DOMAIN_SCHEDULER_##field, VIR_TYPED_PARAM_##kind, offsetof(struct cpu_tune, member), 0 \
    }

static const struct param_row scheduler_rows[] = {
    ROW(CPU_SHARES, ULLONG, shares),
    ROW(VCPU_PERIOD, ULLONG, period),
    ROW(VCPU_QUOTA, LLONG, quota),
    ROW(EMULATOR_PERIOD, ULLONG, emulator_period),
    ROW(EMULATOR_QUOTA, LLONG, emulator_quota),
    ROW(GLOBAL_PERIOD, ULLONG, global_period),
    ROW(GLOBAL_QUOTA, LLONG, global_quota),
    ROW(IOTHREAD_PERIOD, ULLONG, iothread_period),
    ROW(IOTHREAD_QUOTA, LLONG, iothread_quota),
};
#define ROWS G_N_ELEMENTS(scheduler_rows)

/* Microseconds: what the kernel gives a group that nobody has limited. */
#define USUAL_PERIOD 100000
#define NO_QUOTA (-1)

static int check_scheduler(struct call *call, GError **error)
{
    if (!qemu_of_call(call)->driver->daemon->session)
        return 0;
    error_set(error, VIR_ERR_OPERATION_UNSUPPORTED, "CPU tuning is not available in session mode");
    return -1;
}

/* ---- reading ---- */

int domain_get_scheduler_type(struct call *call,
                              const struct remote_domain_get_scheduler_type_args *args,
                              struct remote_domain_get_scheduler_type_ret *ret, GError **error)
{
    if (check_scheduler(call, error) < 0)
        return -1;
    ret->type = "posix";
    ret->nparams = ROWS;
    return 0;
}

static void *member_of(struct cpu_tune *tune, const struct param_row *row)
{
    return (char *)tune + row->offset;
}

/* What nobody has limited is as the kernel has it. */
static void fill_live(struct guest *guest, struct cpu_tune *tune)
{
    g_auto(GStrv) group = guest_get_cgroup(guest);

    cgroup_get((const char *const *)group, CGROUP_CPU_SHARES, &tune->shares, NULL);
    for (size_t i = 1; i < ROWS; i++) {
        void *member = member_of(tune, &scheduler_rows[i]);

        if (scheduler_rows[i].type == VIR_TYPED_PARAM_LLONG && *(int64_t *)member <= 0)
            *(int64_t *)member = NO_QUOTA;
        else if (scheduler_rows[i].type == VIR_TYPED_PARAM_ULLONG && *(uint64_t *)member == 0)
            *(uint64_t *)member = USUAL_PERIOD;
    }
}

static int get_scheduler(struct call *call, unsigned flags, struct params *params, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;
    struct cpu_tune tune = {0};

    if (check_scheduler(call, error) < 0 ||
        domain_get_affected(call, flags, &view, &domain, error) < 0)
        return -1;
    if (domain->cpu_tune)
        tune = *domain->cpu_tune;
    if (&domain->definition == view.live)
        fill_live(guest_of(call->object), &tune);
    params_add_rows(params, scheduler_rows, ROWS, &tune);
    return 0;
}

int domain_get_scheduler_parameters_flags(
    struct call *call, const struct remote_domain_get_scheduler_parameters_flags_args *args,
    struct remote_domain_get_scheduler_parameters_flags_ret *ret, GError **error)
{
    struct params params = {.arena = &call->arena};
    int count;

    if (get_scheduler(call, args->flags, &params, error) < 0)
        return -1;
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &count);
    return 0;
}

int domain_get_scheduler_parameters(struct call *call,
                                    const struct remote_domain_get_scheduler_parameters_args *args,
                                    struct remote_domain_get_scheduler_parameters_ret *ret,
                                    GError **error)
{
    struct params params = {.arena = &call->arena};
    int count;

    if (get_scheduler(call, 0, &params, error) < 0)
        return -1;
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &count);
    return 0;
}

/* ---- changing ---- */

struct scheduler_request {
    const struct remote_typed_param *params;
    uint32_t count;
    struct cpu_tune given; /* 0: not given, or left as it is */
};

static int modify(struct domain *domain, bool live, const void *values, GError **error)
{
    const struct scheduler_request *request = values;
    struct cpu_tune *tune = tune_make_cpu(domain);
    struct cpu_tune old = *tune;

    if (params_read(request->params, request->count, scheduler_rows, ROWS, tune, error) < 0)
        return -1;
    /* a running guest has no way not to have one: 0 leaves it as it is */
    for (size_t i = 0; live && i < ROWS; i++) {
        uint64_t *member = member_of(tune, &scheduler_rows[i]);

        if (*member == 0)
            *member = *(uint64_t *)member_of(&old, &scheduler_rows[i]);
    }
    return 0;
}

static unsigned roles_of(const struct cpu_tune *given)
{
    return (given->period || given->quota ? ROLE_BIT(ROLE_VCPU) : 0) |
           (given->emulator_period || given->emulator_quota ? ROLE_BIT(ROLE_EMULATOR) : 0) |
           (given->iothread_period || given->iothread_quota ? ROLE_BIT(ROLE_IOTHREAD) : 0);
}

static int apply(struct guest *guest, const struct domain *live, const void *values,
                 unsigned deadline_ms, GError **error)
{
    const struct scheduler_request *request = values;
    unsigned roles = roles_of(&request->given);

    if (group_limits_apply_cpu(guest, live->cpu_tune, &request->given, error) < 0)
        return -1;
    return roles ? placement_apply_quota(guest, live, roles, error) : 0;
}

static const struct setting scheduler_setting = {modify, apply};

static int check_range(const struct remote_typed_param *param, GError **error)
{
    const struct remote_typed_param_value *value = &param->value;
    bool is_period = g_str_has_suffix(param->field, "_period");

    if (is_period && value->ul && (value->ul < CPU_PERIOD_LEAST || value->ul > CPU_PERIOD_MOST)) {
        error_set(error, VIR_ERR_INVALID_ARG, "value of '%s' is out of range [%d, %d]",
                  param->field, CPU_PERIOD_LEAST, CPU_PERIOD_MOST);
        return -1;
    }
    if (value->type == VIR_TYPED_PARAM_LLONG && value->l > 0 &&
        (value->l < CPU_QUOTA_LEAST || value->l > CPU_QUOTA_MOST)) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "value of '%s' is out of range [%d, %" G_GINT64_FORMAT "]", param->field,
                  CPU_QUOTA_LEAST, CPU_QUOTA_MOST);
        return -1;
    }
    return 0;
}

static void raise_event(struct call *call, const struct scheduler_request *request)
{
    struct params params = {.arena = &call->arena};

    for (uint32_t i = 0; i < request->count; i++)
        if (request->params[i].value.ul)
            setting_add_given(&params, "cputune.", &request->params[i], 1);
    setting_raise(call, &params);
}

static int set_scheduler(struct call *call, const struct remote_typed_param *params, uint32_t count,
                         unsigned flags, GError **error)
{
    struct scheduler_request request = {.params = params, .count = count};
    bool live;

    if (check_scheduler(call, error) < 0 ||
        params_read(params, count, scheduler_rows, ROWS, &request.given, error) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        if (check_range(&params[i], error) < 0)
            return -1;
    if (setting_change(call, flags, &scheduler_setting, &request, &live, error) < 0)
        return -1;
    if (live)
        raise_event(call, &request);
    return 0;
}

int domain_set_scheduler_parameters(struct call *call,
                                    const struct remote_domain_set_scheduler_parameters_args *args,
                                    void *ret, GError **error)
{
    return set_scheduler(call, args->params_val, args->params_len, VIR_DOMAIN_AFFECT_CURRENT,
                         error);
}

int domain_set_scheduler_parameters_flags(
    struct call *call, const struct remote_domain_set_scheduler_parameters_flags_args *args,
    void *ret, GError **error)
{
    return set_scheduler(call, args->params_val, args->params_len, args->flags, error);
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_scheduler_type)},
    {.binding = HANDLER(remote, domain_get_scheduler_parameters)},
    {.binding = HANDLER(remote, domain_get_scheduler_parameters_flags),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, domain_set_scheduler_parameters), .job = true},
    {.binding = HANDLER(remote, domain_set_scheduler_parameters_flags),
     .flags = AFFECT,
     .job = true},
};

const struct driver_methods scheduler_methods = DRIVER_METHODS(rows);

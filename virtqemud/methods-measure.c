/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "driver/domains.h"
#include "driver/params.h"
#include "protocol/remote-handlers.h"

#include "counters.h"
#include "json.h"
#include "methods.h"
#include "qmp.h"
#include "setting.h"

/* What is measured of guests when somebody asks for it. */

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

/* ---- counters ---- */

struct perf_values {
    bool enabled[PERF_KINDS];
    bool given[PERF_KINDS];
};

/* One row for each kind: names are perf.h's. */
static void make_rows(struct param_row rows[PERF_KINDS])
{
    for (unsigned kind = 0; kind < PERF_KINDS; kind++)
        rows[kind] = (struct param_row){perf_name(kind), VIR_TYPED_PARAM_BOOLEAN,
                                        offsetof(struct perf_values, enabled[kind]),
                                        offsetof(struct perf_values, given[kind])};
}

int domain_get_perf_events(struct call *call, const struct remote_domain_get_perf_events_args *args,
                           struct remote_domain_get_perf_events_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};
    struct param_row rows[PERF_KINDS];
    struct perf_values values = {0};
    const struct domain *domain;

    if (domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    for (unsigned kind = 0; kind < PERF_KINDS; kind++)
        values.enabled[kind] = counters_enabled(domain, kind);
    make_rows(rows);
    params_add_rows(&params, rows, PERF_KINDS, &values);
    ret->params_val = params.items;
    ret->params_len = params.count;
    return 0;
}

static void enable(struct domain *domain, const char *name, bool enabled)
{
    struct arena *arena = &domain->definition.arena;

    LIST_EACH (event, &domain->perf_events)
        if (strcmp(event->name, name) == 0) {
            event->enabled = tristate_of(enabled);
            return;
        }
    struct perf_event *event = arena_new(arena, struct perf_event);
    *event = (struct perf_event){.name = name, .enabled = tristate_of(enabled)};
    LIST_APPEND(arena, &domain->perf_events, event);
}

static int modify(struct domain *domain, bool live, const void *data, GError **error)
{
    const struct perf_values *values = data;

    for (unsigned kind = 0; kind < PERF_KINDS; kind++)
        if (values->given[kind])
            enable(domain, perf_name(kind), values->enabled[kind]);
    return 0;
}

static int apply(struct guest *guest, const struct domain *live, const void *data,
                 unsigned deadline_ms, GError **error)
{
    return counters_apply(guest, live, error);
}

static const struct setting perf_setting = {modify, apply};

int domain_set_perf_events(struct call *call, const struct remote_domain_set_perf_events_args *args,
                           void *ret, GError **error)
{
    struct param_row rows[PERF_KINDS];
    struct perf_values values = {0};

    make_rows(rows);
    if (params_read(args->params_val, args->params_len, rows, PERF_KINDS, &values, error) < 0)
        return -1;
    return setting_change(call, args->flags, &perf_setting, &values, NULL, error);
}

/* ---- how fast memory changes ---- */

#define MOST_SECONDS 60

static const struct {
    unsigned flag;
    const char *mode;
} dirty_modes[] = {
    {VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP, "dirty-bitmap"},
    {VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING, "dirty-ring"},
};

static int check_mode(const struct domain *live, unsigned flags, GError **error)
{
    bool has_ring =
        live->features && live->features->kvm && live->features->kvm->dirty_ring == TRISTATE_ON;

    if (flags & VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING && !has_ring) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "dirty-ring calculation mode requires dirty-ring feature enabled.");
        return -1;
    }
    if (flags & VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP && has_ring) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "dirty-bitmap calculation mode requires dirty-ring feature disabled.");
        return -1;
    }
    return 0;
}

int domain_start_dirty_rate_calc(struct call *call,
                                 const struct remote_domain_start_dirty_rate_calc_args *args,
                                 void *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const char *mode = NULL;

    if (args->seconds < 1 || args->seconds > MOST_SECONDS) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "seconds=%d is invalid, please choose value within [1, %d].", args->seconds,
                  MOST_SECONDS);
        return -1;
    }
    object_get_view(call->object, &view);
    if (!view.live) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return -1;
    }
    if (check_mode(view_live(&view), args->flags, error) < 0)
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(dirty_modes); i++)
        if (args->flags & dirty_modes[i].flag)
            mode = dirty_modes[i].mode;
    return guest_command(call->job, "calc-dirty-rate",
                         json_build("I:calc-time", (int64_t)args->seconds, "S:mode", mode, NULL),
                         error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_perf_events),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, domain_set_perf_events), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_start_dirty_rate_calc),
     .flags = VIR_DOMAIN_DIRTYRATE_MODE_PAGE_SAMPLING | VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP |
              VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING,
     .job = true},
};

const struct driver_methods measure_methods = DRIVER_METHODS(rows);

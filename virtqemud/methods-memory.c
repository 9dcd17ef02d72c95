/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domains.h"
#include "protocol/remote-handlers.h"

#include "methods.h"
#include "qmp-commands.h"
#include "setting.h"

/* How much memory guests have, and how often they tell of it. */

/* ---- how much ---- */

static int set_current(struct domain *domain, bool live, const void *values, GError **error)
{
    uint64_t kib = *(const uint64_t *)values;

    if (kib > domain->memory) {
        error_set(error, VIR_ERR_INVALID_ARG, "cannot set memory higher than max memory");
        return -1;
    }
    /* how far the guest follows, its balloon tells */
    if (!live)
        domain->current_memory = kib;
    return 0;
}

static int apply_balloon(struct guest *guest, const struct domain *live, const void *values,
                         unsigned deadline_ms, GError **error)
{
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    /* without an answer nobody knows: the guest then gets what it has by the last report */
    uint64_t kib = deadline_ms ? live->current_memory : *(const uint64_t *)values;
    int result = qmp_set_balloon(qmp, kib * 1024, deadline_ms, error);
    qmp_unref(qmp);
    return result;
}

static int check_balloon(struct call *call, unsigned flags, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    unsigned affected;

    object_get_view(call->object, &view);
    if (object_check_affect(call->object->kind, &view, flags, &affected, error) < 0)
        return -1;
    const struct domain *live = view_live(&view);
    if (!(affected & VIR_DOMAIN_AFFECT_LIVE) ||
        (live->devices.memballoon && live->devices.memballoon->model != MEMBALLOON_NONE))
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID,
              "Unable to change memory of active domain without the balloon device and guest OS "
              "balloon driver");
    return -1;
}

static const struct setting current_setting = {set_current, apply_balloon};

/* Cells and devices have their own sizes, which would no longer add up. */
static int set_maximum(struct domain *domain, bool live, const void *values, GError **error)
{
    uint64_t kib = *(const uint64_t *)values;

    if (live) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "cannot resize the maximum memory on an active domain");
        return -1;
    }
    if (domain->cpu && domain->cpu->numa && domain->cpu->numa->cells.count) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "initial memory size of a domain with NUMA nodes cannot be modified with this "
                  "API");
        return -1;
    }
    if (domain->max_memory && domain->max_memory < kib) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "cannot set initial memory size greater than the maximum memory size");
        return -1;
    }
    domain->memory = kib;
    if (domain->current_memory > kib)
        domain->current_memory = kib;
    return 0;
}

static const struct setting maximum_setting = {set_maximum, NULL};

static int set_memory(struct call *call, uint64_t kib, unsigned flags, GError **error)
{
    if (kib == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "memory must not be zero");
        return -1;
    }
    if (flags & VIR_DOMAIN_MEM_MAXIMUM)
        return setting_change(call, flags, &maximum_setting, &kib, NULL, error);
    if (check_balloon(call, flags, error) < 0)
        return -1;
    return setting_change(call, flags, &current_setting, &kib, NULL, error);
}

int domain_set_memory(struct call *call, const struct remote_domain_set_memory_args *args,
                      void *ret, GError **error)
{
    return set_memory(call, args->memory, VIR_DOMAIN_AFFECT_LIVE, error);
}

int domain_set_memory_flags(struct call *call,
                            const struct remote_domain_set_memory_flags_args *args, void *ret,
                            GError **error)
{
    return set_memory(call, args->memory, args->flags, error);
}

int domain_set_max_memory(struct call *call, const struct remote_domain_set_max_memory_args *args,
                          void *ret, GError **error)
{
    return set_memory(call, args->memory, VIR_DOMAIN_MEM_MAXIMUM, error);
}

/* ---- how often it is told ---- */

static int set_period(struct domain *domain, bool live, const void *values, GError **error)
{
    struct domain_memballoon *balloon = domain->devices.memballoon;

    if (!balloon || balloon->model == MEMBALLOON_NONE) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "No memory balloon device configured, can not set the collection period");
        return -1;
    }
    balloon->period = *(const unsigned *)values;
    return 0;
}

static int apply_period(struct guest *guest, const struct domain *live, const void *values,
                        unsigned deadline_ms, GError **error)
{
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    g_autofree char *path =
        g_strdup_printf("/machine/peripheral/%s", live->devices.memballoon->info.alias);
    int result =
        qmp_set_balloon_period(qmp, path, live->devices.memballoon->period, deadline_ms, error);
    qmp_unref(qmp);
    return result;
}

static const struct setting period_setting = {set_period, apply_period};

int domain_set_memory_stats_period(struct call *call,
                                   const struct remote_domain_set_memory_stats_period_args *args,
                                   void *ret, GError **error)
{
    unsigned period = (unsigned)args->period;

    if (args->period < 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "period must be zero or greater");
        return -1;
    }
    return setting_change(call, args->flags, &period_setting, &period, NULL, error);
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_set_memory), .job = true},
    {.binding = HANDLER(remote, domain_set_memory_flags),
     .flags = AFFECT | VIR_DOMAIN_MEM_MAXIMUM,
     .job = true},
    {.binding = HANDLER(remote, domain_set_max_memory), .job = true},
    {.binding = HANDLER(remote, domain_set_memory_stats_period), .flags = AFFECT, .job = true},
};

const struct driver_methods memory_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domains.h"
#include "driver/params.h"
#include "host/cgroup-value.h"
#include "protocol/remote-handlers.h"

#include "group-limits.h"
#include "methods.h"
#include "setting.h"
#include "tune-parts.h"

/* How much of the host's memory guests may take, and of which NUMA nodes. */

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static int check_session(struct call *call, const char *what, GError **error)
{
    if (!qemu_of_call(call)->driver->daemon->session)
        return 0;
    error_set(error, VIR_ERR_OPERATION_UNSUPPORTED, "%s is not available in session mode", what);
    return -1;
}

/* ---- limits ---- */

#define ROW(field, member)                                                                         \
    {                                                                                              \
        VIR_DOMAIN_MEMORY_##field, VIR_TYPED_PARAM_ULLONG,                                         \
            offsetof(struct memory_tune, member.value), offsetof(struct memory_tune, member.set)   \
    }

static const struct param_row memory_rows[] = {
    ROW(HARD_LIMIT, hard_limit),
    ROW(SOFT_LIMIT, soft_limit),
    ROW(SWAP_HARD_LIMIT, swap_hard_limit),
};
#define MEMORY_ROWS G_N_ELEMENTS(memory_rows)

static struct opt_ulong *limit_of(struct memory_tune *tune, const struct param_row *row)
{
    return (struct opt_ulong *)((char *)tune + row->offset);
}

/* As the kernel has them. */
static void fill_live(struct guest *guest, struct memory_tune *tune)
{
    static const enum cgroup_value values[MEMORY_ROWS] = {CGROUP_MEMORY_HARD, CGROUP_MEMORY_SOFT,
                                                          CGROUP_MEMORY_SWAP};
    g_auto(GStrv) group = guest_get_cgroup(guest);

    for (size_t i = 0; i < MEMORY_ROWS; i++) {
        struct opt_ulong *limit = limit_of(tune, &memory_rows[i]);

        limit->set = cgroup_get((const char *const *)group, values[i], &limit->value, NULL) == 0 &&
                     limit->value != CGROUP_UNLIMITED;
    }
}

int domain_get_memory_parameters(struct call *call,
                                 const struct remote_domain_get_memory_parameters_args *args,
                                 struct remote_domain_get_memory_parameters_ret *ret,
                                 GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};
    const struct domain *domain;
    struct memory_tune tune = {0};

    if (check_session(call, "Memory tuning", error) < 0 ||
        domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    if (domain->memory_tune)
        tune = *domain->memory_tune;
    if (&domain->definition == view.live)
        fill_live(guest_of(call->object), &tune);
    for (size_t i = 0; i < MEMORY_ROWS; i++)
        if (!limit_of(&tune, &memory_rows[i])->set)
            limit_of(&tune, &memory_rows[i])->value = VIR_DOMAIN_MEMORY_PARAM_UNLIMITED;
    params_add_rows(&params, memory_rows, MEMORY_ROWS, &tune);
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

struct memory_request {
    const struct remote_domain_set_memory_parameters_args *args;
    struct memory_tune given;
};

static int modify_memory(struct domain *domain, bool live, const void *values, GError **error)
{
    const struct memory_request *request = values;
    struct memory_tune *tune = tune_make_memory(domain);

    if (params_read(request->args->params_val, request->args->params_len, memory_rows, MEMORY_ROWS,
                    tune, error) < 0)
        return -1;
    for (size_t i = 0; i < MEMORY_ROWS; i++)
        if (limit_of(tune, &memory_rows[i])->value >= VIR_DOMAIN_MEMORY_PARAM_UNLIMITED)
            *limit_of(tune, &memory_rows[i]) = (struct opt_ulong){0};
    if (!tune->swap_hard_limit.set ||
        (tune->hard_limit.set && tune->hard_limit.value <= tune->swap_hard_limit.value))
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG,
              "memory hard_limit tunable value must be lower than or equal to swap_hard_limit");
    return -1;
}

static int apply_memory(struct guest *guest, const struct domain *live, const void *values,
                        unsigned deadline_ms, GError **error)
{
    const struct memory_request *request = values;

    return group_limits_apply_memory(guest, live->memory_tune, &request->given, error);
}

static const struct setting memory_setting = {modify_memory, apply_memory};

int domain_set_memory_parameters(struct call *call,
                                 const struct remote_domain_set_memory_parameters_args *args,
                                 void *ret, GError **error)
{
    struct memory_request request = {.args = args};

    if (check_session(call, "Memory tuning", error) < 0 ||
        params_read(args->params_val, args->params_len, memory_rows, MEMORY_ROWS, &request.given,
                    error) < 0)
        return -1;
    return setting_change(call, args->flags, &memory_setting, &request, NULL, error);
}

/* ---- NUMA nodes ---- */

struct numa_values {
    int mode;
    const char *nodeset;
    bool has_mode, has_nodeset;
    struct cpuset *nodes; /* of nodeset */
};

static const struct param_row numa_rows[] = {
    {VIR_DOMAIN_NUMA_MODE, VIR_TYPED_PARAM_INT, offsetof(struct numa_values, mode),
     offsetof(struct numa_values, has_mode)},
    {VIR_DOMAIN_NUMA_NODESET, VIR_TYPED_PARAM_STRING, offsetof(struct numa_values, nodeset),
     offsetof(struct numa_values, has_nodeset)},
};

/* The document's modes, by the API's numbers. */
static const enum numa_mode numa_modes[] = {
    [VIR_DOMAIN_NUMATUNE_MEM_STRICT] = NUMA_MODE_STRICT,
    [VIR_DOMAIN_NUMATUNE_MEM_PREFERRED] = NUMA_MODE_PREFERRED,
    [VIR_DOMAIN_NUMATUNE_MEM_INTERLEAVE] = NUMA_MODE_INTERLEAVE,
    [VIR_DOMAIN_NUMATUNE_MEM_RESTRICTIVE] = NUMA_MODE_RESTRICTIVE,
};

static int mode_number(const struct numa_memory_tune *memory)
{
    for (size_t i = 0; memory && i < G_N_ELEMENTS(numa_modes); i++)
        if (numa_modes[i] == memory->mode)
            return (int)i;
    return VIR_DOMAIN_NUMATUNE_MEM_STRICT;
}

int domain_get_numa_parameters(struct call *call,
                               const struct remote_domain_get_numa_parameters_args *args,
                               struct remote_domain_get_numa_parameters_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    struct params params = {.arena = &call->arena};
    g_autoptr(GString) nodes = g_string_new(NULL);
    const struct domain *domain;

    if (domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    const struct numa_memory_tune *memory = domain->numa_tune ? domain->numa_tune->memory : NULL;
    if (memory && memory->nodeset)
        cpuset_format(memory->nodeset, nodes);
    struct numa_values values = {.mode = mode_number(memory), .nodeset = nodes->str};
    params_add_rows(&params, numa_rows, G_N_ELEMENTS(numa_rows), &values);
    params_reply(&params, args->nparams, &ret->params_val, &ret->params_len, &ret->nparams);
    return 0;
}

/* Memory that is there already stays where it is, except in the mode where only the control group
 * holds it, and in a guest that was bound to no nodes. */
static int check_live(const struct numa_memory_tune *memory, const struct numa_values *values,
                      GError **error)
{
    if (values->has_mode &&
        numa_modes[values->mode] != (memory ? memory->mode : NUMA_MODE_STRICT)) {
        error_set(error, VIR_ERR_OPERATION_INVALID,
                  "can't change numatune mode for running domain");
        return -1;
    }
    if (!values->has_nodeset || !memory || memory->mode == NUMA_MODE_RESTRICTIVE)
        return 0;
    error_set(error, VIR_ERR_OPERATION_INVALID,
              "change of nodeset for running domain requires restrictive numa mode");
    return -1;
}

static int modify_numa(struct domain *domain, bool live, const void *data, GError **error)
{
    const struct numa_values *values = data;
    struct arena *arena = &domain->definition.arena;

    if (live && check_live(domain->numa_tune ? domain->numa_tune->memory : NULL, values, error) < 0)
        return -1;
    if (!domain->numa_tune)
        domain->numa_tune = arena_new(arena, struct numa_tune);
    if (!domain->numa_tune->memory) {
        domain->numa_tune->memory = arena_new(arena, struct numa_memory_tune);
        domain->numa_tune->memory->mode = NUMA_MODE_STRICT;
    }
    struct numa_memory_tune *memory = domain->numa_tune->memory;
    if (values->has_mode)
        memory->mode = (uint8_t)numa_modes[values->mode];
    if (values->has_nodeset) {
        memory->nodeset = values->nodes;
        memory->placement = PLACEMENT_STATIC;
    }
    if (memory->nodeset || memory->placement == PLACEMENT_AUTO)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "nodeset for NUMA memory tuning must be set if 'placement' is 'static'");
    return -1;
}

static int apply_numa(struct guest *guest, const struct domain *live, const void *data,
                      unsigned deadline_ms, GError **error)
{
    const struct numa_values *values = data;

    return values->has_nodeset ? group_limits_apply_nodes(guest, live, error) : 0;
}

static const struct setting numa_setting = {modify_numa, apply_numa};

static int check_numa(struct numa_values *values, struct arena *arena, GError **error)
{
    if (values->has_mode && (values->mode < 0 || values->mode >= (int)G_N_ELEMENTS(numa_modes))) {
        error_set(error, VIR_ERR_INVALID_ARG, "unsupported numatune mode: '%d'", values->mode);
        return -1;
    }
    if (!values->has_nodeset)
        return 0;
    values->nodes = cpuset_parse(arena, values->nodeset);
    if (values->nodes && cpuset_count(values->nodes))
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "Failed to parse bitmap '%s'", values->nodeset);
    return -1;
}

int domain_set_numa_parameters(struct call *call,
                               const struct remote_domain_set_numa_parameters_args *args, void *ret,
                               GError **error)
{
    struct numa_values values = {0};

    if (params_read(args->params_val, args->params_len, numa_rows, G_N_ELEMENTS(numa_rows), &values,
                    error) < 0 ||
        check_numa(&values, &call->arena, error) < 0)
        return -1;
    return setting_change(call, args->flags, &numa_setting, &values, NULL, error);
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_memory_parameters),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, domain_set_memory_parameters), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_get_numa_parameters),
     .flags = AFFECT | VIR_TYPED_PARAM_STRING_OKAY},
    {.binding = HANDLER(remote, domain_set_numa_parameters), .flags = AFFECT, .job = true},
};

const struct driver_methods memtune_methods = DRIVER_METHODS(rows);

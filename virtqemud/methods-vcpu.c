/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domains.h"
#include "object/change.h"
#include "protocol/remote-handlers.h"

#include "agent-cpus.h"
#include "defaults.h"
#include "expectation.h"
#include "methods.h"
#include "placement.h"
#include "unplug.h"
#include "vcpus.h"

/* How many vcpus guests have, and which. */

#define UNPLUG_MS 5000

/* ---- one change ---- */

struct vcpu_request {
    unsigned count;           /* wanted; 0: those of set are enabled or disabled */
    const struct cpuset *set; /* NULL: count; of a running guest one alone */
    bool enable;
    bool hotpluggable; /* those that are added to the stored document can be unplugged */
    bool wait;         /* until the guest has let them go */
};

static int wait_for_guest(struct guest *guest, struct job *job, unsigned id, bool wait,
                          GError **error)
{
    g_autofree char *alias = vcpus_alias(id);
    struct expectation expectation;

    expectation_begin(&expectation, guest, alias);
    int result = unplug_ask(guest, alias, error);
    enum news news = expectation_end(&expectation, job, result == 0 && wait ? UNPLUG_MS : 0);
    if (result < 0 || news == NEWS_GONE || !wait)
        return news == NEWS_GONE ? 1 : result;
    if (news == NEWS_REFUSED)
        error_set(error, VIR_ERR_OPERATION_FAILED, "vcpu unplug request was rejected by the guest");
    else
        error_set(error, VIR_ERR_OPERATION_TIMEOUT,
                  "vcpu unplug request timed out: the guest may still let vcpu %u go", id);
    return -1;
}

/* Those that were there at the start stay. */
static int check_unpluggable(const struct domain *live, unsigned id, GError **error)
{
    LIST_EACH (vcpu, &live->vcpus)
        if (vcpu->id.value == id && vcpu->hotpluggable == TRISTATE_YES)
            return 0;
    error_set(error, VIR_ERR_OPERATION_UNSUPPORTED, "vcpu '%u' can't be unplugged", id);
    return -1;
}

/* A vcpu that QEMU is asked for leaves the document when it has gone. */
static int unplug(struct change *change, struct domain *live, unsigned id, bool wait,
                  GError **error)
{
    struct guest *guest = guest_of(job_object(change->job));

    if (check_unpluggable(live, id, error) < 0)
        return -1;
    int gone = wait_for_guest(guest, change->job, id, wait, error);
    if (gone > 0) {
        g_autofree char *alias = vcpus_alias(id);

        vcpus_forget(guest, change->job, live, alias);
    }
    return gone < 0 ? -1 : 0;
}

static int change_one(struct change *change, struct qmp *qmp, struct domain *live, unsigned id,
                      const struct vcpu_request *request, bool enable, GError **error)
{
    int result =
        enable ? vcpus_plug(qmp, live, id, error) : unplug(change, live, id, request->wait, error);

    if (result == 0)
        change->applied = true;
    return result;
}

static bool can_change(const struct domain *live, unsigned id, bool enable)
{
    return vcpus_has(live, id) != enable && (enable || check_unpluggable(live, id, NULL) == 0);
}

static int check_candidates(const struct domain *live, unsigned wanted, bool enable, GError **error)
{
    unsigned found = 0;

    for (unsigned id = 0; id < live->max_vcpus; id++)
        found += can_change(live, id, enable);
    if (found >= wanted)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu "
              "count");
    return -1;
}

/* The first that are not there, or the last that are. */
static int change_count(struct change *change, struct qmp *qmp, struct domain *live,
                        const struct vcpu_request *request, GError **error)
{
    unsigned now = domain_vcpus(live);
    bool enable = request->count > now;
    unsigned left = enable ? request->count - now : now - request->count;

    if (check_candidates(live, left, enable, error) < 0)
        return -1;
    for (unsigned i = 0; left; i++) {
        unsigned id = enable ? i : live->max_vcpus - 1 - i;

        if (!can_change(live, id, enable))
            continue;
        if (change_one(change, qmp, live, id, request, enable, error) < 0)
            return -1;
        left--;
    }
    return 0;
}

/* Some of it may have been done when it fails: that is in the live document then. */
static int change_live(struct change *change, const struct vcpu_request *request, GError **error)
{
    struct guest *guest = guest_of(job_object(change->job));
    struct domain *live = (struct domain *)change->live;
    struct qmp *qmp = guest_get_qmp(guest, error);

    if (!qmp)
        return -1;
    int result = vcpus_learn(qmp, live, error);
    if (result == 0)
        result = request->set
                     ? change_one(change, qmp, live, (unsigned)cpuset_next(request->set, 0),
                                  request, request->enable, error)
                     : change_count(change, qmp, live, request, error);
    qmp_unref(qmp);
    if (change->applied)
        placement_apply_all(guest, live, result < 0 ? NULL : error);
    return result;
}

/* ---- the stored document ---- */

static int check_count(const struct domain *domain, const struct vcpu_request *request,
                       const char *which, GError **error)
{
    if (request->set || request->count <= domain->max_vcpus)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG,
              "requested vcpus is greater than max allowable vcpus for the %s domain: %u > %u",
              which, request->count, domain->max_vcpus);
    return -1;
}

static int check_live_set(const struct domain *live, const struct vcpu_request *request,
                          GError **error)
{
    for (int id = cpuset_next(request->set, 0); id >= 0;
         id = cpuset_next(request->set, (unsigned)id + 1))
        if (vcpus_has(live, (unsigned)id) == request->enable) {
            error_set(error, VIR_ERR_INVALID_ARG, "vcpu '%d' is already in requested state", id);
            return -1;
        }
    if (cpuset_count(request->set) == 1)
        return 0;
    error_set(error, VIR_ERR_OPERATION_UNSUPPORTED, "only one hotpluggable entity can be selected");
    return -1;
}

/* Those that QEMU starts with are the first ones. */
static int check_config_set(const struct domain *config, const struct vcpu_request *request,
                            GError **error)
{
    unsigned first = (unsigned)cpuset_next(request->set, 0);

    if (first == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "vCPU '0' can't be modified");
        return -1;
    }
    for (unsigned id = first; id < config->max_vcpus; id++)
        if (!cpuset_has(request->set, id) && vcpus_is_at_boot(config, id)) {
            error_set(error, VIR_ERR_INVALID_ARG,
                      "vcpu '%u' can't be modified as it is followed by non-hotpluggable online "
                      "vcpus",
                      first);
            return -1;
        }
    return 0;
}

static int check_set(const struct domain *domain, const struct vcpu_request *request, bool live,
                     GError **error)
{
    if (!request->set)
        return 0;
    int id = cpuset_next(request->set, domain->max_vcpus);
    if (id >= 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "vcpu %d is not present in %s config", id,
                  live ? "live" : "persistent");
        return -1;
    }
    return live ? check_live_set(domain, request, error) : check_config_set(domain, request, error);
}

static void set_config(struct domain *domain, const struct vcpu_request *request)
{
    if (!request->set) {
        vcpus_store_count(domain, request->count, request->hotpluggable);
        return;
    }
    for (int id = cpuset_next(request->set, 0); id >= 0;
         id = cpuset_next(request->set, (unsigned)id + 1))
        vcpus_store(domain, (unsigned)id, request->enable, true);
}

/* ---- all together ---- */

static int save(struct change *change, int result, GError **error)
{
    if (result == 0)
        return change_save(change, error);
    /* what could not be done live is not to be stored either */
    g_clear_pointer(&change->config, definition_unref);
    if (change->applied)
        change_save(change, NULL);
    return -1;
}

static int change_vcpus(struct call *call, struct job *job, unsigned flags,
                        const struct vcpu_request *request, GError **error)
{
    CHANGE_AUTO struct change change = {0};

    if (change_begin(&change, qemu_of_call(call)->store, job, flags, error) < 0)
        return -1;
    struct domain *live = (struct domain *)change.live, *config = (struct domain *)change.config;
    if ((live && check_count(live, request, "live", error) < 0) ||
        (config && check_count(config, request, "persistent", error) < 0) ||
        (config && check_set(config, request, false, error) < 0) ||
        (live && check_set(live, request, true, error) < 0))
        return -1;
    if (config)
        set_config(config, request);
    if (change_check(&change, error) < 0)
        return -1;
    return save(&change, live ? change_live(&change, request, error) : 0, error);
}

static void drop_pins(struct domain *config)
{
    struct cpu_tune *tune = config->cpu_tune;

    for (unsigned i = tune ? tune->vcpu_pins.count : 0; i-- > 0;)
        if (tune->vcpu_pins.items[i]->vcpu.value >= config->max_vcpus)
            LIST_REMOVE(&tune->vcpu_pins, i);
}

static bool has_cpu_from(const struct cpu_numa *numa, unsigned first)
{
    LIST_EACH (cell, &numa->cells)
        if (cell->cpus && cpuset_next(cell->cpus, first) >= 0)
            return true;
    return false;
}

static int check_maximum(const struct domain *config, unsigned count, GError **error)
{
    const struct cpu_topology *topology = config->cpu ? config->cpu->topology : NULL;
    const char *fault = NULL;

    if (topology && (uint64_t)topology->sockets * MAX(topology->dies, 1) *
                            MAX(topology->clusters, 1) * topology->cores * topology->threads !=
                        count)
        fault = "CPU topology doesn't match the desired vcpu count";
    else if (config->cpu && config->cpu->numa && has_cpu_from(config->cpu->numa, count))
        fault = "Number of CPUs in <numa> exceeds the desired maximum vcpu count";
    if (!fault)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "%s", fault);
    return -1;
}

static int set_maximum(struct call *call, struct job *job, unsigned count, unsigned flags,
                       GError **error)
{
    CHANGE_AUTO struct change change = {0};

    if (change_begin(&change, qemu_of_call(call)->store, job, flags, error) < 0)
        return -1;
    if (change.live) {
        error_set(error, VIR_ERR_OPERATION_UNSUPPORTED,
                  "maximum vcpu count of a live domain can't be modified");
        return -1;
    }
    struct domain *config = (struct domain *)change.config;
    if (check_maximum(config, count, error) < 0)
        return -1;
    vcpus_store_maximum(config, count);
    drop_pins(config);
    defaults_fill_nodes(config);
    return change_save(&change, error);
}

/* ---- methods ---- */

/* What its own kernel counts; an agent may be mute, so nothing waits for it. */
static int set_guest_count(struct call *call, unsigned count, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};

    object_get_view(call->object, &view);
    if (!view.live) {
        error_set(error, VIR_ERR_OPERATION_INVALID, "domain is not running");
        return -1;
    }
    if (count > domain_vcpus(view_live(&view))) {
        error_set(error, VIR_ERR_INVALID_ARG,
                  "requested vcpu count is greater than the count of enabled vcpus in the domain: "
                  "%u > %u",
                  count, domain_vcpus(view_live(&view)));
        return -1;
    }
    return agent_cpus_set_count(guest_of(call->object), count, error);
}

static int set_count(struct call *call, unsigned count, unsigned flags, GError **error)
{
    const struct vcpu_request request = {
        .count = count,
        .hotpluggable = flags & VIR_DOMAIN_VCPU_HOTPLUGGABLE,
        .wait = !(flags & VIR_DOMAIN_VCPU_ASYNC_UNPLUG),
    };
    JOB_AUTO struct job *job = NULL;

    if (count == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "the number of vcpus must not be zero");
        return -1;
    }
    if (flags & VIR_DOMAIN_VCPU_GUEST)
        return set_guest_count(call, count, error);
    if (job_begin(call->object, JOB_MODIFY, "virDomainSetVcpusFlags", JOB_DEADLINE_MS, &job,
                  error) < 0)
        return -1;
    if (flags & VIR_DOMAIN_VCPU_MAXIMUM)
        return set_maximum(call, job, count, flags, error);
    return change_vcpus(call, job, flags, &request, error);
}

int domain_set_vcpus(struct call *call, const struct remote_domain_set_vcpus_args *args, void *ret,
                     GError **error)
{
    return set_count(call, args->nvcpus, VIR_DOMAIN_AFFECT_LIVE, error);
}

int domain_set_vcpus_flags(struct call *call, const struct remote_domain_set_vcpus_flags_args *args,
                           void *ret, GError **error)
{
    return set_count(call, args->nvcpus, args->flags, error);
}

int domain_set_vcpu(struct call *call, const struct remote_domain_set_vcpu_args *args, void *ret,
                    GError **error)
{
    struct vcpu_request request = {
        .set = cpuset_parse(&call->arena, args->cpumap),
        .enable = args->state == 1,
        .wait = !(args->flags & VIR_DOMAIN_SETVCPU_ASYNC_UNPLUG),
    };

    if (args->state != 0 && args->state != 1) {
        error_set(error, VIR_ERR_INVALID_ARG, "unsupported state value");
        return -1;
    }
    if (!request.set || cpuset_count(request.set) == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "Failed to parse bitmap '%s'", args->cpumap);
        return -1;
    }
    return change_vcpus(call, call->job, args->flags, &request, error);
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_set_vcpus)},
    {.binding = HANDLER(remote, domain_set_vcpus_flags),
     .flags = AFFECT | VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_VCPU_GUEST |
              VIR_DOMAIN_VCPU_HOTPLUGGABLE | VIR_DOMAIN_VCPU_ASYNC_UNPLUG,
     .thread = METHOD_PATIENT},
    {.binding = HANDLER(remote, domain_set_vcpu),
     .flags = AFFECT | VIR_DOMAIN_SETVCPU_ASYNC_UNPLUG,
     .job = true},
};

const struct driver_methods vcpu_methods = DRIVER_METHODS(rows);

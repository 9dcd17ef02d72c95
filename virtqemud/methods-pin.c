/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domains.h"
#include "protocol/remote-handlers.h"

#include "cpu-maps.h"
#include "methods.h"
#include "setting.h"
#include "tune-parts.h"

/* On which of the host's CPUs the threads of guests run. */

/* ---- reading ---- */

int domain_get_vcpu_pin_info(struct call *call,
                             const struct remote_domain_get_vcpu_pin_info_args *args,
                             struct remote_domain_get_vcpu_pin_info_ret *ret, GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;

    if (cpu_maps_check_room(args->ncpumaps, args->maplen, error) < 0 ||
        domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    unsigned count = MIN((unsigned)args->ncpumaps, domain->max_vcpus);
    ret->cpumaps_len = count * (uint32_t)args->maplen;
    ret->cpumaps_val = arena_alloc(&call->arena, ret->cpumaps_len);
    ret->num = (int)count;
    return cpu_maps_fill_vcpus(domain, count, (size_t)args->maplen, ret->cpumaps_val, error);
}

int domain_get_emulator_pin_info(struct call *call,
                                 const struct remote_domain_get_emulator_pin_info_args *args,
                                 struct remote_domain_get_emulator_pin_info_ret *ret,
                                 GError **error)
{
    OBJECT_VIEW_AUTO struct object_view view = {0};
    const struct domain *domain;

    if (cpu_maps_check_room(1, args->maplen, error) < 0 ||
        domain_get_affected(call, args->flags, &view, &domain, error) < 0)
        return -1;
    ret->cpumaps_len = (uint32_t)args->maplen;
    ret->cpumaps_val = arena_alloc(&call->arena, ret->cpumaps_len);
    ret->ret = 1;
    return cpu_maps_fill(placement_cpus(domain, ROLE_EMULATOR, 0), ret->cpumaps_val,
                         ret->cpumaps_len, error);
}

/* ---- changing ---- */

struct pin {
    enum thread_role role;
    unsigned id;
    struct cpuset *cpus;
};

static int pin_vcpu(struct domain *domain, bool live, const struct pin *pin, GError **error)
{
    struct arena *arena = &domain->definition.arena;
    struct cpu_tune *tune = tune_make_cpu(domain);
    unsigned at = 0;

    if (pin->id >= domain->max_vcpus) {
        error_set(error, VIR_ERR_INVALID_ARG, "vcpu %u is out of range of %s cpu count %u", pin->id,
                  live ? "live" : "persistent", domain->max_vcpus);
        return -1;
    }
    for (; at < tune->vcpu_pins.count && tune->vcpu_pins.items[at]->vcpu.value <= pin->id; at++)
        if (tune->vcpu_pins.items[at]->vcpu.value == pin->id) {
            tune->vcpu_pins.items[at]->cpus = pin->cpus;
            return 0;
        }
    struct vcpu_pin *added = arena_new(arena, struct vcpu_pin);
    *added = (struct vcpu_pin){.vcpu = OPT_UINT(pin->id), .cpus = pin->cpus};
    LIST_INSERT(arena, &tune->vcpu_pins, at, added);
    return 0;
}

static int pin_iothread(struct domain *domain, bool live, const struct pin *pin, GError **error)
{
    struct arena *arena = &domain->definition.arena;
    struct cpu_tune *tune = tune_make_cpu(domain);

    if (!domain_has_iothread(domain, pin->id)) {
        error_set(error, VIR_ERR_INVALID_ARG, "%s %u not found", live ? "iothread" : "iothreadid",
                  pin->id);
        return -1;
    }
    LIST_EACH (old, &tune->iothread_pins)
        if (old->iothread == pin->id) {
            old->cpus = pin->cpus;
            return 0;
        }
    struct iothread_pin *added = arena_new(arena, struct iothread_pin);
    *added = (struct iothread_pin){.iothread = pin->id, .cpus = pin->cpus};
    LIST_APPEND(arena, &tune->iothread_pins, added);
    return 0;
}

static int modify(struct domain *domain, bool live, const void *values, GError **error)
{
    const struct pin *pin = values;

    if (cpuset_count(pin->cpus) == 0) {
        error_set(error, VIR_ERR_INVALID_ARG, "Empty %s for pinning",
                  pin->role == ROLE_IOTHREAD ? "iothread cpumap list" : "cpu list");
        return -1;
    }
    if (pin->role == ROLE_VCPU)
        return pin_vcpu(domain, live, pin, error);
    if (pin->role == ROLE_IOTHREAD)
        return pin_iothread(domain, live, pin, error);
    tune_make_cpu(domain)->emulator_pin = pin->cpus;
    return 0;
}

static int apply(struct guest *guest, const struct domain *live, const void *values,
                 unsigned deadline_ms, GError **error)
{
    const struct pin *pin = values;

    return placement_apply_cpus(guest, live, ROLE_BIT(pin->role), error);
}

static const struct setting pin_setting = {modify, apply};

static void raise_event(struct call *call, const struct pin *pin)
{
    static const char *const fields[] = {
        [ROLE_EMULATOR] = VIR_DOMAIN_TUNABLE_CPU_EMULATORPIN,
        [ROLE_VCPU] = "cputune.vcpupin", /* and the number, as the next */
        [ROLE_IOTHREAD] = "cputune.iothreadpin",
    };
    struct params params = {.arena = &call->arena};
    g_autoptr(GString) text = g_string_new(NULL);

    cpuset_format(pin->cpus, text);
    if (pin->role == ROLE_EMULATOR)
        params_add_string(&params, text->str, "%s", fields[pin->role]);
    else
        params_add_string(&params, text->str, "%s%u", fields[pin->role], pin->id);
    setting_raise(call, &params);
}

static int change(struct call *call, enum thread_role role, unsigned id, const char *map,
                  uint32_t length, unsigned flags, GError **error)
{
    struct pin pin = {.role = role, .id = id};
    bool live;

    if (cpu_maps_read(map, length, &call->arena, &pin.cpus, error) < 0 ||
        setting_change(call, flags, &pin_setting, &pin, &live, error) < 0)
        return -1;
    if (live)
        raise_event(call, &pin);
    return 0;
}

int domain_pin_vcpu(struct call *call, const struct remote_domain_pin_vcpu_args *args, void *ret,
                    GError **error)
{
    return change(call, ROLE_VCPU, args->vcpu, args->cpumap_val, args->cpumap_len,
                  VIR_DOMAIN_AFFECT_LIVE, error);
}

int domain_pin_vcpu_flags(struct call *call, const struct remote_domain_pin_vcpu_flags_args *args,
                          void *ret, GError **error)
{
    return change(call, ROLE_VCPU, args->vcpu, args->cpumap_val, args->cpumap_len, args->flags,
                  error);
}

int domain_pin_emulator(struct call *call, const struct remote_domain_pin_emulator_args *args,
                        void *ret, GError **error)
{
    return change(call, ROLE_EMULATOR, 0, args->cpumap_val, args->cpumap_len, args->flags, error);
}

int domain_pin_iothread(struct call *call, const struct remote_domain_pin_iothread_args *args,
                        void *ret, GError **error)
{
    return change(call, ROLE_IOTHREAD, args->iothreads_id, args->cpumap_val, args->cpumap_len,
                  args->flags, error);
}

#define AFFECT (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG)

static const struct method rows[] = {
    {.binding = HANDLER(remote, domain_get_vcpu_pin_info), .flags = AFFECT},
    {.binding = HANDLER(remote, domain_get_emulator_pin_info), .flags = AFFECT},
    {.binding = HANDLER(remote, domain_pin_vcpu), .job = true},
    {.binding = HANDLER(remote, domain_pin_vcpu_flags), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_pin_emulator), .flags = AFFECT, .job = true},
    {.binding = HANDLER(remote, domain_pin_iothread), .flags = AFFECT, .job = true},
};

const struct driver_methods pin_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "placement.h"

#include <sched.h>
#include <stdio.h>

#include "base/log.h"
#include "host/cgroup-value.h"
#include "host/thread.h"

#include "shares.h"
#include "tune-parts.h"

/* ---- roles ---- */

struct thread {
    pid_t id;
    enum thread_role role;
    unsigned number; /* of the vcpu or I/O thread */
};

/* QEMU is not to make up roles: one that the document does not know is the emulator's. */
static struct thread role_of(const struct domain *live, const struct thread_info *info)
{
    struct thread thread = {.id = info->id};

    if (sscanf(info->name, "CPU %u/", &thread.number) == 1 && thread.number < live->max_vcpus)
        thread.role = ROLE_VCPU;
    else if (sscanf(info->name, "IO iothread%u", &thread.number) == 1 &&
             domain_has_iothread(live, thread.number))
        thread.role = ROLE_IOTHREAD;
    return thread;
}

static int for_each(struct guest *guest, const struct domain *live, unsigned roles,
                    int (*function)(const struct thread *thread, const void *data, GError **error),
                    const void *data, GError **error)
{
    g_autoptr(GArray) threads = NULL;

    if (thread_list(guest_pid(guest), &threads, error) < 0)
        return -1;
    for (guint i = 0; i < threads->len; i++) {
        struct thread thread = role_of(live, &g_array_index(threads, struct thread_info, i));

        if (roles & ROLE_BIT(thread.role) && function(&thread, data, error) < 0)
            return -1;
    }
    return 0;
}

/* ---- which CPUs ---- */

static const struct cpuset *find_vcpu_pin(const struct cpu_tune *tune, unsigned id)
{
    LIST_EACH (pin, &tune->vcpu_pins)
        if (pin->vcpu.value == id)
            return pin->cpus;
    return NULL;
}

static const struct cpuset *find_iothread_pin(const struct cpu_tune *tune, unsigned id)
{
    LIST_EACH (pin, &tune->iothread_pins)
        if (pin->iothread == id)
            return pin->cpus;
    return NULL;
}

const struct cpuset *placement_cpus(const struct domain *domain, enum thread_role role, unsigned id)
{
    const struct cpu_tune *tune = domain->cpu_tune;
    const struct cpuset *pin = NULL;

    if (tune && role == ROLE_VCPU)
        pin = find_vcpu_pin(tune, id);
    else if (tune && role == ROLE_IOTHREAD)
        pin = find_iothread_pin(tune, id);
    else if (tune)
        pin = tune->emulator_pin;
    return pin ? pin : domain->vcpu_cpuset;
}

static int set_cpus(const struct thread *thread, const void *data, GError **error)
{
    return thread_set_cpus(thread->id, placement_cpus(data, thread->role, thread->number), error);
}

int placement_apply_cpus(struct guest *guest, const struct domain *live, unsigned roles,
                         GError **error)
{
    return for_each(guest, live, roles, set_cpus, live, error);
}

/* ---- how they are scheduled ---- */

static const struct thread_scheduler *find_scheduler(const struct cpu_tune *tune,
                                                     const struct thread *thread)
{
    if (thread->role == ROLE_EMULATOR)
        return tune->emulator_scheduler;
    if (thread->role == ROLE_VCPU) {
        LIST_EACH (scheduler, &tune->vcpu_schedulers)
            if (cpuset_has(scheduler->threads, thread->number))
                return scheduler;
    } else {
        LIST_EACH (scheduler, &tune->iothread_schedulers)
            if (cpuset_has(scheduler->threads, thread->number))
                return scheduler;
    }
    return NULL;
}

static int set_scheduler(const struct thread *thread, const void *data, GError **error)
{
    static const int policies[] = {
        [SCHEDULER_BATCH] = SCHED_BATCH,
        [SCHEDULER_IDLE] = SCHED_IDLE,
        [SCHEDULER_FIFO] = SCHED_FIFO,
        [SCHEDULER_RR] = SCHED_RR,
    };
    const struct thread_scheduler *scheduler = find_scheduler(data, thread);

    if (!scheduler)
        return 0;
    return thread_set_scheduler(thread->id, policies[scheduler->scheduler],
                                scheduler->priority.value, error);
}

/* ---- how much they get ---- */

const struct placement_bandwidth placement_bandwidths[THREAD_ROLES] = {
    [ROLE_EMULATOR] = {offsetof(struct cpu_tune, emulator_period),
                       offsetof(struct cpu_tune, emulator_quota)},
    [ROLE_VCPU] = {offsetof(struct cpu_tune, period), offsetof(struct cpu_tune, quota)},
    [ROLE_IOTHREAD] = {offsetof(struct cpu_tune, iothread_period),
                       offsetof(struct cpu_tune, iothread_quota)},
};

static uint64_t period_of(const struct cpu_tune *tune, enum thread_role role)
{
    return tune ? *(const uint64_t *)((const char *)tune + placement_bandwidths[role].period) : 0;
}

static int64_t quota_of(const struct cpu_tune *tune, enum thread_role role)
{
    return tune ? *(const int64_t *)((const char *)tune + placement_bandwidths[role].quota) : 0;
}

struct quota_request {
    const char *const *group;
    const struct domain *live;
};

static char *part_name(const struct thread *thread)
{
    if (thread->role == ROLE_EMULATOR)
        return g_strdup("emulator");
    return g_strdup_printf("%s%u", thread->role == ROLE_VCPU ? "vcpu" : "iothread", thread->number);
}

/* Each thread of a vcpu or for disks has a part of its own; those of the emulator share one. */
static int set_quota(const struct thread *thread, const void *data, GError **error)
{
    const struct quota_request *request = data;
    const struct cpu_tune *tune = request->live->cpu_tune;
    uint64_t period = period_of(tune, thread->role);
    int64_t quota = quota_of(tune, thread->role);
    g_autofree char *name = part_name(thread);
    g_auto(GStrv) part = NULL;

    if (cgroup_make_part(request->group, name, &part, error) < 0)
        return -1;
    const char *const *folders = (const char *const *)part;
    if (period && cgroup_set(folders, CGROUP_CPU_PERIOD, period, error) < 0)
        return -1;
    if (cgroup_set(folders, CGROUP_CPU_QUOTA, quota > 0 ? (uint64_t)quota : CGROUP_UNLIMITED,
                   error) < 0)
        return -1;
    return cgroup_enter_thread(folders, thread->id, error);
}

int placement_apply_quota(struct guest *guest, const struct domain *live, unsigned roles,
                          GError **error)
{
    g_auto(GStrv) group = guest_get_cgroup(guest);
    struct quota_request request = {(const char *const *)group, live};

    return for_each(guest, live, roles, set_quota, &request, error);
}

/* ---- how much they used ---- */

/* Each vcpu has a part that counts for it alone. A guest runs as well where that can't be. */
static int account(const struct thread *thread, const void *data, GError **error)
{
    g_autofree char *name = part_name(thread);
    g_autoptr(GError) refused = NULL;

    if (cgroup_account_thread(data, name, thread->id, &refused) < 0)
        log_debug("%s", refused->message);
    return 0;
}

uint64_t *placement_read_vcpus(struct guest *guest, const struct domain *live, unsigned *ret_count)
{
    g_auto(GStrv) group = guest_get_cgroup(guest);
    uint64_t *sum = NULL;

    for (unsigned id = 0; id < live->max_vcpus; id++) {
        const struct thread vcpu = {.role = ROLE_VCPU, .number = id};
        g_autofree char *name = part_name(&vcpu);
        unsigned count;
        g_autofree uint64_t *times = cgroup_read_percpu((const char *const *)group, name, &count);

        if (!times)
            continue;
        if (!sum) {
            sum = g_new0(uint64_t, count);
            *ret_count = count;
        }
        for (unsigned i = 0; i < MIN(count, *ret_count); i++)
            sum[i] += times[i];
    }
    return sum;
}

/* ---- which of the caches ---- */

static int enter_shares(const struct thread *thread, const void *data, GError **error)
{
    return shares_enter(data, thread->number, thread->id, error);
}

/* ---- at the start ---- */

/* The roles of whose threads the document says something. */
static unsigned pinned_roles(const struct domain *live)
{
    const struct cpu_tune *tune = live->cpu_tune;

    if (live->vcpu_cpuset)
        return ROLES_ALL;
    if (!tune)
        return 0;
    return (tune->emulator_pin ? ROLE_BIT(ROLE_EMULATOR) : 0) |
           (tune->vcpu_pins.count ? ROLE_BIT(ROLE_VCPU) : 0) |
           (tune->iothread_pins.count ? ROLE_BIT(ROLE_IOTHREAD) : 0);
}

static unsigned limited_roles(const struct cpu_tune *tune)
{
    unsigned roles = 0;

    for (unsigned role = 0; role < THREAD_ROLES; role++)
        if (period_of(tune, role) || quota_of(tune, role))
            roles |= ROLE_BIT(role);
    return roles;
}

int placement_apply_all(struct guest *guest, const struct domain *live, GError **error)
{
    const struct cpu_tune *tune = live->cpu_tune;
    unsigned pinned = pinned_roles(live), limited = limited_roles(tune);
    bool scheduled = tune && (tune->emulator_scheduler || tune->vcpu_schedulers.count ||
                              tune->iothread_schedulers.count);
    g_auto(GStrv) group = guest_get_cgroup(guest);

    if (for_each(guest, live, ROLE_BIT(ROLE_VCPU), account, group, error) < 0 ||
        for_each(guest, live, ROLE_BIT(ROLE_VCPU), enter_shares, live, error) < 0)
        return -1;
    if (pinned && placement_apply_cpus(guest, live, pinned, error) < 0)
        return -1;
    if (limited && placement_apply_quota(guest, live, limited, error) < 0)
        return -1;
    return scheduled ? for_each(guest, live, ROLES_ALL, set_scheduler, tune, error) : 0;
}

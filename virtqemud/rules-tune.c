/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "faults.h"
#include "rules-parts.h"

/* Threads, memory and labels of the guest: what is said twice, or contradicts itself. */

/* ---- vcpus and threads ---- */

static int check_vcpus(const struct domain *domain, GError **error)
{
    LIST_EACH (vcpu, &domain->vcpus) {
        bool first = vcpu->id.value == 0;
        const struct fault faults[] = {
            {vcpu->id.value >= domain->max_vcpus, FAULT_XML, "@id: the guest has fewer"},
            {first && vcpu->enabled == TRISTATE_NO, FAULT_GUEST, "the first one can't be offline"},
            {first && vcpu->hotpluggable == TRISTATE_YES, FAULT_GUEST,
             "the first one can't be unplugged"},
            {vcpu->enabled != TRISTATE_YES && vcpu->hotpluggable == TRISTATE_NO, FAULT_GUEST,
             "one that is offline must be hotpluggable"},
        };
        if (FAULTS_CHECK(faults, error, "vcpus/vcpu '%u'", vcpu->id.value) < 0)
            return -1;
    }
    const struct fault faults[] = {
        {domain->current_vcpus > domain->max_vcpus, FAULT_GUEST,
         "@current is more than there can be"},
    };
    return FAULTS_CHECK(faults, error, "vcpu");
}

/* ---- cputune ---- */

static bool is_pinned_twice(const struct cpu_tune *tune)
{
    LIST_EACH (pin, &tune->vcpu_pins)
        for (unsigned i = 0; i < pin_i; i++)
            if (tune->vcpu_pins.items[i]->vcpu.value == pin->vcpu.value)
                return true;
    LIST_EACH (pin, &tune->iothread_pins)
        for (unsigned i = 0; i < pin_i; i++)
            if (tune->iothread_pins.items[i]->iothread == pin->iothread)
                return true;
    return false;
}

static bool is_scheduled_twice(const struct cpu_tune *tune)
{
    LIST_EACH (group, &tune->vcpu_schedulers)
        for (unsigned i = 0; i < group_i; i++)
            if (cpuset_overlap(tune->vcpu_schedulers.items[i]->threads, group->threads))
                return true;
    LIST_EACH (group, &tune->iothread_schedulers)
        for (unsigned i = 0; i < group_i; i++)
            if (cpuset_overlap(tune->iothread_schedulers.items[i]->threads, group->threads))
                return true;
    return false;
}

/* Zero: nothing is asked for. */
static int check_ranges(const struct domain *domain, GError **error)
{
    const struct cpu_tune none = {0}, *tune = domain->cpu_tune ?: &none;
    const struct {
        const char *name;
        int64_t value, least, most;
    } ranges[] = {
        {"shares", (int64_t)tune->shares, 2, 262144},
        {"period", (int64_t)tune->period, CPU_PERIOD_LEAST, CPU_PERIOD_MOST},
        {"quota", tune->quota, CPU_QUOTA_LEAST, CPU_QUOTA_MOST},
        {"global_period", (int64_t)tune->global_period, CPU_PERIOD_LEAST, CPU_PERIOD_MOST},
        {"global_quota", tune->global_quota, CPU_QUOTA_LEAST, CPU_QUOTA_MOST},
        {"emulator_period", (int64_t)tune->emulator_period, CPU_PERIOD_LEAST, CPU_PERIOD_MOST},
        {"emulator_quota", tune->emulator_quota, CPU_QUOTA_LEAST, CPU_QUOTA_MOST},
        {"iothread_period", (int64_t)tune->iothread_period, CPU_PERIOD_LEAST, CPU_PERIOD_MOST},
        {"iothread_quota", tune->iothread_quota, CPU_QUOTA_LEAST, CPU_QUOTA_MOST},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++)
        if (ranges[i].value > 0 &&
            (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most))
            return faults_fail(FAULT_QEMU, error,
                               "Value of cputune '%s' must be in range [%" G_GINT64_FORMAT
                               ", %" G_GINT64_FORMAT "]",
                               ranges[i].name, ranges[i].least, ranges[i].most);
    return 0;
}

static int check_iothread(const struct domain *domain, unsigned id, GError **error)
{
    if (domain_has_iothread(domain, id))
        return 0;
    return faults_fail(FAULT_QEMU, error, "Cannot find 'iothread' : %u", id);
}

/* Those that are tuned are there. */
static int check_threads(const struct domain *domain, GError **error)
{
    const struct cpu_tune none = {0}, *tune = domain->cpu_tune ?: &none;

    LIST_EACH (pin, &tune->iothread_pins)
        if (check_iothread(domain, pin->iothread, error) < 0)
            return -1;
    LIST_EACH (scheduler, &tune->vcpu_schedulers) {
        int vcpu = cpuset_next(scheduler->threads, 0);

        if (vcpu >= 0 && (unsigned)vcpu >= domain->max_vcpus)
            return faults_fail(FAULT_QEMU, error, "vCPU '%d' is not present in domain definition",
                               vcpu);
    }
    LIST_EACH (scheduler, &tune->iothread_schedulers) {
        int id = cpuset_next(scheduler->threads, 0);

        if (id >= 0 && check_iothread(domain, (unsigned)id, error) < 0)
            return -1;
    }
    return 0;
}

static int check_tune(const struct domain *domain, GError **error)
{
    const struct cpu_tune none = {0}, *tune = domain->cpu_tune ?: &none;
    const struct fault faults[] = {
        {is_pinned_twice(tune), FAULT_XML, "a thread is pinned twice"},
        {is_scheduled_twice(tune), FAULT_DETAIL, "a thread has two schedulers"},
    };

    return FAULTS_CHECK(faults, error, "cputune");
}

/* ---- thread pools ---- */

static int check_pool(struct opt_int least, struct opt_int most, GError **error)
{
    const struct fault faults[] = {
        {(least.set && least.value < 0) || (most.set && most.value < 0), FAULT_XML,
         "thread_pool_min and thread_pool_max can't be negative"},
        {most.set && most.value == 0, FAULT_QEMU, "thread_pool_max must be a positive integer"},
        {least.set && most.set && least.value > most.value, FAULT_QEMU,
         "thread_pool_min must be smaller or equal to thread_pool_max"},
    };

    return FAULTS_SAY(faults, error, NULL);
}

static int check_pools(const struct domain *domain, GError **error)
{
    const struct default_iothread *loop = domain->default_iothread;

    LIST_EACH (iothread, &domain->iothreads)
        if (check_pool(iothread->thread_pool_min, iothread->thread_pool_max, error) < 0)
            return -1;
    return loop ? check_pool(loop->thread_pool_min, loop->thread_pool_max, error) : 0;
}

/* ---- lists in which each name may be there once ---- */

static const char *const perf_words[] = {"cmt",
                                         "mbmt",
                                         "mbml",
                                         "cpu_cycles",
                                         "instructions",
                                         "cache_references",
                                         "cache_misses",
                                         "branch_instructions",
                                         "branch_misses",
                                         "bus_cycles",
                                         "stalled_cycles_frontend",
                                         "stalled_cycles_backend",
                                         "ref_cpu_cycles",
                                         "cpu_clock",
                                         "task_clock",
                                         "page_faults",
                                         "context_switches",
                                         "cpu_migrations",
                                         "page_faults_min",
                                         "page_faults_maj",
                                         "alignment_faults",
                                         "emulation_faults",
                                         NULL};

static bool is_event_twice(const struct domain *domain, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (g_strcmp0(domain->perf_events.items[i]->name, domain->perf_events.items[index]->name) ==
            0)
            return true;
    return false;
}

static bool is_cipher_twice(const struct domain *domain, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (g_strcmp0(domain->keywrap_ciphers.items[i]->name,
                      domain->keywrap_ciphers.items[index]->name) == 0)
            return true;
    return false;
}

static bool is_label_twice(const struct domain *domain, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (g_strcmp0(domain->seclabels.items[i]->model, domain->seclabels.items[index]->model) ==
            0)
            return true;
    return false;
}

/* A file is given a label of its own. */
static bool is_overridden(const struct domain *domain, const char *model)
{
    LIST_EACH (disk, &domain->devices.disks)
        LIST_EACH (label, &disk->source.labels)
            if (label->label && label->relabel != TRISTATE_NO &&
                g_strcmp0(label->model, model) == 0)
                return true;
    return false;
}

static int check_devices(const struct domain *domain, GError **error)
{
    const struct blkio_tune none = {0}, *tune = domain->blkio_tune ?: &none;

    LIST_EACH (device, &tune->devices) {
        bool twice = false;

        for (unsigned i = 0; i < device_i; i++)
            twice |= g_strcmp0(tune->devices.items[i]->path, device->path) == 0;
        const struct fault faults[] = {
            {twice, FAULT_QEMU, "duplicate blkio device path '%s'"},
        };
        if (FAULTS_SAY(faults, error, device->path) < 0)
            return -1;
    }
    return 0;
}

static int check_names(const struct domain *domain, GError **error)
{
    LIST_EACH (event, &domain->perf_events) {
        const struct fault faults[] = {
            {is_event_twice(domain, event_i), FAULT_XML, "it is there twice"},
            {!g_strv_contains(perf_words, event->name ?: ""), FAULT_XML, "there is no such one"},
        };
        if (FAULTS_CHECK(faults, error, "perf/event '%s'", event->name) < 0)
            return -1;
    }
    LIST_EACH (cipher, &domain->keywrap_ciphers) {
        const struct fault faults[] = {
            {is_cipher_twice(domain, cipher_i), FAULT_XML, "it is there twice"},
            {strcmp(cipher->name, "aes") && strcmp(cipher->name, "dea"), FAULT_XML,
             "@name is 'aes' or 'dea'"},
        };
        if (FAULTS_CHECK(faults, error, "keywrap/cipher '%s'", cipher->name) < 0)
            return -1;
    }
    LIST_EACH (label, &domain->seclabels) {
        const struct fault faults[] = {
            {is_label_twice(domain, label_i), FAULT_DETAIL, "there are two of this model"},
            {label->type == SECLABEL_NONE && label->relabel == TRISTATE_YES, FAULT_GUEST,
             "type 'none' and relabel='yes' exclude each other"},
            {label->type == SECLABEL_DYNAMIC && label->relabel == TRISTATE_NO, FAULT_GUEST,
             "type 'dynamic' needs relabel='yes'"},
            {label->relabel == TRISTATE_NO && is_overridden(domain, label->model), FAULT_GUEST,
             "a label of a disk needs relabel='yes' here"},
        };
        if (FAULTS_CHECK(faults, error, "seclabel '%s'", label->model ?: "") < 0)
            return -1;
    }
    return 0;
}

int rules_check_tune(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain *domain, GError **error) = {
        check_vcpus, check_ranges,  check_threads, check_tune,
        check_pools, check_devices, check_names,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](domain, error) < 0)
            return -1;
    return 0;
}

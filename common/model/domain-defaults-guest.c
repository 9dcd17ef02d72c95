/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults-parts.h"

#include <errno.h>

#include "base/uuid.h"

static int make_uuid(struct opt_uuid *uuid, GError **error)
{
    if (uuid->set || !is_zero(uuid->bytes, UUID_BYTES) || uuid_generate(uuid->bytes) == 0)
        return 0;
    error_set_errno(error, errno, "cannot make up a uuid");
    return -1;
}

static uint64_t numa_memory(const struct domain *domain)
{
    uint64_t sum = 0;

    if (domain->cpu && domain->cpu->numa)
        LIST_EACH (cell, &domain->cpu->numa->cells)
            sum += cell->memory;
    return sum;
}

static int memory_defaults(struct domain *domain, GError **error)
{
    uint64_t modules = 0, cells = numa_memory(domain);

    LIST_EACH (memory, &domain->devices.memories)
        modules += memory->size;
    if (cells)
        domain->memory = cells + modules;
    if (domain->memory <= modules) { /* nothing would be left at boot */
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR,
                       "Memory size must be specified via <memory> or in the <numa> "
                       "configuration, and be more than that of all <memory> devices");
        return -1;
    }
    if (!domain->current_memory || domain->current_memory > domain->memory)
        domain->current_memory = domain->memory;
    return 0;
}

static void vcpu_defaults(struct domain *domain)
{
    default_to(&domain->vcpu_placement, PLACEMENT_STATIC);
    if (!domain->max_vcpus)
        domain->max_vcpus = 1;
    if (domain->current_vcpus >= domain->max_vcpus)
        domain->current_vcpus = 0;
}

static bool has_iothread(const struct domain *domain, unsigned id)
{
    LIST_EACH (iothread, &domain->iothreads)
        if (iothread->id == id)
            return true;
    return false;
}

/* As soon as one I/O thread has a number, all have. */
static void iothread_defaults(struct domain *domain)
{
    if (!domain->iothreads.count)
        return;
    for (unsigned id = 1; domain->iothreads.count < domain->iothread_count; id++) {
        if (has_iothread(domain, id))
            continue;
        struct domain_iothread *iothread =
            arena_new(&domain->definition.arena, struct domain_iothread);
        iothread->id = id;
        LIST_APPEND(&domain->definition.arena, &domain->iothreads, iothread);
    }
    domain->iothread_count = domain->iothreads.count;
}

static bool has_boot_order(const struct domain *domain)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++)
        if (devices[i].info && devices[i].info->boot_order)
            return true;
    return false;
}

static void os_defaults(struct domain *domain)
{
    struct domain_os *os = &domain->os;

    if (!os->type)
        os->type = domain->bootloader ? OS_XEN : OS_HVM;
    /* "linux" is how paravirtualized Xen guests were called, and still are written */
    if (os->type == OS_XEN && domain->type == DOMAIN_TYPE_XEN)
        os->type = OS_LINUX;
    if (os->type == OS_HVM && !os->boots.count && !has_boot_order(domain)) {
        struct os_boot *boot = arena_new(&domain->definition.arena, struct os_boot);

        boot->dev = BOOT_DEVICE_DISK;
        LIST_APPEND(&domain->definition.arena, &os->boots, boot);
    }
    if (os->loader && os->loader->path)
        default_to(&os->loader->type, LOADER_ROM);
}

static void cpu_defaults(struct domain_cpu *cpu)
{
    if (!cpu)
        return;
    if (cpu->model)
        default_to(&cpu->mode, CPU_MODE_CUSTOM);
    if (!cpu->model && (cpu->mode != CPU_MODE_HOST_MODEL || cpu->fallback != CPU_FALLBACK_FORBID))
        cpu->fallback = CPU_FALLBACK_NONE;
    if (cpu->model && cpu->mode == CPU_MODE_CUSTOM) {
        default_to(&cpu->match, CPU_MATCH_EXACT);
        default_to(&cpu->fallback, CPU_FALLBACK_ALLOW);
    }
}

static void seclabel_defaults(struct domain *domain)
{
    LIST_EACH (seclabel, &domain->seclabels)
        if (seclabel->type != SECLABEL_NONE)
            default_to(&seclabel->relabel,
                       seclabel->type == SECLABEL_DYNAMIC ? TRISTATE_YES : TRISTATE_NO);
}

/* The machine's uuid in one spelling. */
static void sysinfo_defaults(struct domain *domain)
{
    LIST_EACH (sysinfo, &domain->sysinfos)
        for (unsigned i = 0; sysinfo->system && i < sysinfo->system->entries.count; i++) {
            struct sysinfo_entry *entry = sysinfo->system->entries.items[i];
            uint8_t uuid[UUID_BYTES];

            if (g_strcmp0(entry->name, "uuid") == 0 && entry->value &&
                uuid_parse(entry->value, uuid) == 0)
                entry->value = uuid_format(uuid, arena_alloc(&domain->definition.arena, UUID_TEXT));
        }
}

/* One entry for each thread. */
static void split_schedulers(struct arena *arena, struct thread_scheduler ***items, unsigned *count)
{
    struct thread_scheduler **split = NULL;
    unsigned n_split = 0;

    for (unsigned i = 0; i < *count; i++)
        for (int id = cpuset_next((*items)[i]->threads, 0); id >= 0;
             id = cpuset_next((*items)[i]->threads, (unsigned)id + 1)) {
            struct thread_scheduler *one = arena_memdup(arena, (*items)[i], sizeof(*one));

            one->threads = cpuset_new(arena, (unsigned)id + 1);
            cpuset_add(one->threads, (unsigned)id);
            list_insert(arena, (void ***)&split, &n_split, n_split, one);
        }
    *items = split;
    *count = n_split;
}

static void scheduler_defaults(struct domain *domain)
{
    struct arena *arena = &domain->definition.arena;
    struct cpu_tune *tune = domain->cpu_tune;

    if (!tune)
        return;
    split_schedulers(arena, &tune->vcpu_schedulers.items, &tune->vcpu_schedulers.count);
    split_schedulers(arena, &tune->iothread_schedulers.items, &tune->iothread_schedulers.count);
}

int domain_defaults_guest(struct domain *domain, GError **error)
{
    domain_defaults_numa(domain);
    if (make_uuid(&domain->given_uuid, error) < 0 ||
        (domain->has_genid && make_uuid(&domain->given_genid, error) < 0) ||
        memory_defaults(domain, error) < 0)
        return -1;
    vcpu_defaults(domain);
    iothread_defaults(domain);
    os_defaults(domain);
    cpu_defaults(domain->cpu);
    seclabel_defaults(domain);
    sysinfo_defaults(domain);
    scheduler_defaults(domain);
    return 0;
}

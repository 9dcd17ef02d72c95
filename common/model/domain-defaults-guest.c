/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults-parts.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/uuid.h"
#include "xml/xml.h"

static int make_uuid(struct opt_uuid *uuid, GError **error)
{
    if (uuid->set || !bytes_are_zero(uuid->bytes, UUID_BYTES) || uuid_generate(uuid->bytes) == 0)
        return 0;
    error_set_errno(error, errno, "cannot make up a uuid");
    return -1;
}

/* The firmware's tables may name the guest: what they say is who it is, unless it says it itself.
 */
static void adopt_uuid(struct domain *domain)
{
    LIST_EACH (sysinfo, &domain->sysinfos) {
        const char *text = sysinfo->system ? sysinfo_find(sysinfo->system, "uuid") : NULL;

        if (text && !domain->given_uuid.set && bytes_are_zero(domain->uuid, UUID_BYTES))
            uuid_parse(text, domain->uuid);
    }
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
    if (domain->current_vcpus == domain->max_vcpus)
        domain->current_vcpus = 0;
}

/* As soon as one I/O thread has a number, all have. */
static void iothread_defaults(struct domain *domain)
{
    if (!domain->iothreads.count)
        return;
    for (unsigned id = 1; domain->iothreads.count < domain->iothread_count; id++) {
        if (domain_find_iothread(domain, id))
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
    if (os->bootmenu != TRISTATE_YES) /* nobody waits for a menu that is not there */
        os->bootmenu_timeout = (struct opt_uint){0};
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

/* The machine's uuid in one spelling; of an entry that has a file and a value, the file. */
static void sysinfo_defaults(struct domain *domain)
{
    LIST_EACH (sysinfo, &domain->sysinfos) {
        LIST_EACH (file, &sysinfo->entries)
            if (file->file)
                file->value = NULL;
        for (unsigned i = 0; sysinfo->system && i < sysinfo->system->entries.count; i++) {
            struct sysinfo_entry *entry = sysinfo->system->entries.items[i];
            uint8_t uuid[UUID_BYTES];

            if (g_strcmp0(entry->name, "uuid") == 0 && entry->value &&
                uuid_parse(entry->value, uuid) == 0)
                entry->value = uuid_format(uuid, arena_alloc(&domain->definition.arena, UUID_TEXT));
        }
    }
}

/* ---- the clock ---- */

static void timer_defaults(struct clock_timer *timer)
{
    if (timer->catchup &&
        xml_equal(&timer_catchup_schema, timer->catchup, &(struct timer_catchup){0}))
        timer->catchup = NULL;
}

/* A clock that is so many seconds off runs on as the guest sets it: it is a variable one. */
static void clock_defaults(struct domain_clock *clock)
{
    bool is_reset = g_strcmp0(clock->adjustment, "reset") == 0;

    if (clock->offset == CLOCK_NONE)
        clock->offset = CLOCK_UTC;
    if (clock->adjustment && !is_reset && clock->offset != CLOCK_VARIABLE) {
        clock->basis = clock->offset == CLOCK_LOCALTIME ? CLOCK_BASIS_LOCALTIME : CLOCK_BASIS_UTC;
        clock->offset = CLOCK_VARIABLE;
    }
    if (clock->offset == CLOCK_VARIABLE && (!clock->adjustment || is_reset))
        clock->adjustment = "0";
    LIST_EACH (timer, &clock->timers)
        timer_defaults(timer);
}

int domain_defaults_guest(struct domain *domain, GError **error)
{
    domain_defaults_numa(domain);
    adopt_uuid(domain);
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
    clock_defaults(&domain->clock);
    domain_defaults_tune(domain);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules-guest.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/uuid.h"

#include "machine.h"

#define FAIL(error, code, ...) (error_set_from((error), VIR_FROM_QEMU, (code), __VA_ARGS__), -1)
#define REFUSE(error, ...) FAIL(error, VIR_ERR_CONFIG_UNSUPPORTED, __VA_ARGS__)
#define REFUSE_XML(error, ...) FAIL(error, VIR_ERR_XML_ERROR, __VA_ARGS__)

static enum machine_family family_of(const struct domain *domain)
{
    return machine_family_of(domain->os.arch, domain->os.machine);
}

/* ---- features, and the machines that have them ---- */

#define PC (BIT(MACHINE_PC) | BIT(MACHINE_Q35) | BIT(MACHINE_ISA))
#define POWER BIT(MACHINE_PSERIES)
#define RISCV BIT(MACHINE_RISCV_VIRT)

static int check_families(const struct domain *domain, GError **error)
{
    const struct domain_features *features = domain->features;
    const struct {
        const char *name;
        bool wanted;
        uint64_t families;
    } rows[] = {
        {"gic", features->gic, BIT(MACHINE_ARM_VIRT)},
        {"ras", features->ras, BIT(MACHINE_ARM_VIRT)},
        {"virtualization", features->virtualization, BIT(MACHINE_ARM_VIRT)},
        {"ioapic", features->ioapic, PC},
        {"pvspinlock", features->pvspinlock, PC},
        {"vmport", features->vmport, PC},
        {"ps2", features->ps2, PC},
        {"smm", features->smm && features->smm->state, PC},
        {"hyperv", features->hyperv != NULL, PC},
        {"apic eoi", features->apic_eoi, PC},
        {"hpt", features->hpt != NULL, POWER},
        {"htm", features->htm, POWER},
        {"nested-hv", features->nested_hv, POWER},
        {"ccf-assist", features->ccf_assist, POWER},
        {"cfpc", features->cfpc, POWER},
        {"sbbc", features->sbbc, POWER},
        {"ibs", features->ibs, POWER},
        {"aia", features->aia, RISCV},
    };
    enum machine_family family = family_of(domain);

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].wanted && !(rows[i].families & BIT(family)))
            return REFUSE(error,
                          "The '%s' feature is not supported for architecture '%s' or machine "
                          "type '%s'",
                          rows[i].name, domain->os.arch, domain->os.machine);
    return 0;
}

enum { RING_LEAST = 1024, RING_MOST = 65536 };

static int check_values(const struct domain_features *features, GError **error)
{
    const struct features_kvm *kvm = features->kvm;
    const struct features_hyperv *hyperv = features->hyperv;

    if (features->tcg && features->tcg->tb_cache % 1024)
        return REFUSE(error, "tb-cache size must be an integer multiple of MiB");
    if (kvm && kvm->dirty_ring == TRISTATE_ON &&
        (kvm->dirty_ring_size < RING_LEAST || kvm->dirty_ring_size > RING_MOST ||
         (kvm->dirty_ring_size & (kvm->dirty_ring_size - 1))))
        return REFUSE_XML(error, "dirty ring must be power of 2 and ranges [%d, %d]", RING_LEAST,
                          RING_MOST);
    if (hyperv && hyperv->vendor_id == TRISTATE_ON && !hyperv->vendor_id_value)
        return REFUSE_XML(error, "missing 'value' attribute for HyperV feature 'vendor_id'");
    return 0;
}

static int check_features(const struct domain *domain, GError **error)
{
    if (!domain->features)
        return 0;
    return check_families(domain, error) < 0 ? -1 : check_values(domain->features, error);
}

/* ---- firmware ---- */

/* Tables of ACPI come from UEFI's firmware on Arm; on x86 UEFI needs them. */
static int check_acpi(const struct domain *domain, GError **error)
{
    const struct domain_os *os = &domain->os;
    bool acpi = domain->features && domain->features->acpi;
    bool is_pc = (PC & BIT(family_of(domain))) != 0;
    bool flash = os->loader && os->loader->type == LOADER_PFLASH;

    if (is_pc && !acpi && os->firmware == OS_FIRMWARE_EFI)
        return REFUSE(error, "UEFI requires ACPI on this architecture");
    if (acpi && g_strcmp0(os->arch, "aarch64") == 0 && !flash && os->firmware != OS_FIRMWARE_EFI)
        return REFUSE(error, "ACPI requires UEFI on this architecture");
    return 0;
}

static int check_firmware(const struct domain *domain, GError **error)
{
    const struct domain_os *os = &domain->os;

    if (os->features.count && !os->firmware)
        return FAIL(error, VIR_ERR_XML_DETAIL,
                    "cannot use feature-based firmware autoselection when firmware autoselection "
                    "is disabled");
    if (os->varstore && os->nvram)
        return REFUSE(error, "os/varstore: the firmware's variables are there, or in os/nvram");
    if (os->varstore && os->firmware != OS_FIRMWARE_EFI && !(os->loader && os->loader->path))
        return FAIL(error, VIR_ERR_XML_DETAIL,
                    "os/varstore: there is no firmware that could have variables");
    return check_acpi(domain, error);
}

/* ---- the CPU ---- */

enum { VENDOR_ID_LENGTH = 12, EMULATED_CACHE_LEVEL = 3 };

static bool is_hosts(const struct domain_cpu *cpu)
{
    return cpu->mode == CPU_MODE_HOST_PASSTHROUGH || cpu->mode == CPU_MODE_MAXIMUM;
}

static int check_cache(const struct domain_cpu *cpu, GError **error)
{
    const struct cpu_cache *cache = cpu->cache;

    if (!cache)
        return 0;
    if (cache->mode == CPU_CACHE_EMULATE && cache->level.value != EMULATED_CACHE_LEVEL)
        return REFUSE(error, "CPU cache mode 'emulate' can only be used with level='%d'",
                      EMULATED_CACHE_LEVEL);
    if (cache->mode == CPU_CACHE_PASSTHROUGH && !is_hosts(cpu))
        return REFUSE(error, "CPU cache mode 'passthrough' can only be used with "
                             "'host-passthrough' / 'maximum' CPUs");
    if (cache->mode != CPU_CACHE_EMULATE && cache->level.set)
        return REFUSE(error, "unsupported CPU cache level for mode '%s'",
                      names_word(&cpu_cache_mode_names, cache->mode));
    return 0;
}

static int check_cpu(const struct domain *domain, GError **error)
{
    const struct domain_cpu *cpu = domain->cpu;

    if (!cpu)
        return 0;
    if (cpu->migratable && !is_hosts(cpu))
        return REFUSE(error, "Attribute migratable is only allowed for 'host-passthrough' / "
                             "'maximum' CPU mode");
    if (cpu->vendor_id && strlen(cpu->vendor_id) != VENDOR_ID_LENGTH)
        return REFUSE_XML(error, "vendor_id must be exactly %d characters long", VENDOR_ID_LENGTH);
    if (cpu->physaddr && cpu->physaddr->mode == CPU_PHYSADDR_EMULATE && !cpu->physaddr->bits)
        return REFUSE(error, "if using CPU maximum physical address mode='emulate', bits= must be "
                             "specified too");
    if ((cpu->cache || cpu->physaddr) && !(PC & BIT(family_of(domain))))
        return REFUSE(error, "CPU %s is not supported for '%s' architecture",
                      cpu->cache ? "cache specification"
                                 : "maximum physical address bits specification",
                      domain->os.arch);
    return check_cache(cpu, error);
}

/* ---- how far it is from one NUMA node to another ---- */

static bool has_cache(const struct numa_cell *cell, unsigned level)
{
    LIST_EACH (cache, &cell->caches)
        if (cache->level == level)
            return true;
    return false;
}

static int check_interconnect(const struct domain_cpu *cpu, const struct numa_interconnect *way,
                              GError **error)
{
    const struct numa_cell *target = domain_cpu_find_cell(cpu, way->target.value);

    if (!domain_cpu_find_cell(cpu, way->initiator.value))
        return REFUSE_XML(error, "'initiator' refers to a non-existent NUMA node");
    if (!target)
        return REFUSE_XML(error, "'target' refers to a non-existent NUMA node");
    if (way->cache && !has_cache(target, way->cache))
        return REFUSE_XML(error, "'cache' refers to a non-existent NUMA node cache");
    return 0;
}

static int check_interconnects(const struct domain *domain, GError **error)
{
    const struct cpu_numa *numa = domain->cpu ? domain->cpu->numa : NULL;

    if (!numa)
        return 0;
    LIST_EACH (latency, &numa->latencies)
        if (check_interconnect(domain->cpu, latency, error) < 0)
            return -1;
    LIST_EACH (bandwidth, &numa->bandwidths)
        if (check_interconnect(domain->cpu, bandwidth, error) < 0)
            return -1;
    return 0;
}

/* ---- timers ---- */

/* Those of other machines say nothing to QEMU; that of Arm is set through KVM. */
static const struct {
    bool is_known;
    uint64_t ticks, tracks; /* what they may be, beside nothing */
} timer_rules[] = {
    [TIMER_PIT] = {true, BIT(TIMER_TICK_DELAY) | BIT(TIMER_TICK_CATCHUP) | BIT(TIMER_TICK_DISCARD),
                   0},
    [TIMER_RTC] = {true, BIT(TIMER_TICK_DELAY) | BIT(TIMER_TICK_CATCHUP),
                   BIT(TIMER_TRACK_GUEST) | BIT(TIMER_TRACK_WALL) | BIT(TIMER_TRACK_REALTIME)},
    [TIMER_HPET] = {true, ~UINT64_C(0), 0},
    [TIMER_TSC] = {true, ~UINT64_C(0), ~UINT64_C(0)},
    [TIMER_KVMCLOCK] = {true, ~UINT64_C(0), ~UINT64_C(0)},
    [TIMER_HYPERVCLOCK] = {true, ~UINT64_C(0), ~UINT64_C(0)},
    [TIMER_ARMVTIMER] = {true, BIT(TIMER_TICK_DELAY) | BIT(TIMER_TICK_DISCARD), 0},
};

static int check_timer(const struct domain *domain, const struct clock_timer *timer, GError **error)
{
    const char *name = names_word(&timer_name_names, timer->name);
    bool arm = family_of(domain) == MACHINE_ARM_VIRT && domain->type == DOMAIN_TYPE_KVM;

    if (timer->name >= G_N_ELEMENTS(timer_rules) || !timer_rules[timer->name].is_known)
        return REFUSE(error, "unsupported timer type (name) '%s'", name);
    if (timer->name == TIMER_ARMVTIMER && !arm)
        return REFUSE(error,
                      "Configuring the '%s' timer is not supported for virtType=%s arch=%s "
                      "machine=%s guests",
                      name, names_word(&domain_type_names, domain->type), domain->os.arch,
                      domain->os.machine);
    if (timer->tickpolicy && !(timer_rules[timer->name].ticks & BIT(timer->tickpolicy)))
        return REFUSE(error, "unsupported %s timer tickpolicy '%s'", name,
                      names_word(&timer_tickpolicy_names, timer->tickpolicy));
    if (timer->track && !(timer_rules[timer->name].tracks & BIT(timer->track)))
        return REFUSE(error, "unsupported %s timer track '%s'", name,
                      names_word(&timer_track_names, timer->track));
    return 0;
}

static int check_timers(const struct domain *domain, GError **error)
{
    LIST_EACH (timer, &domain->clock.timers)
        if (check_timer(domain, timer, error) < 0)
            return -1;
    return 0;
}

/* ---- what the firmware tells ---- */

/* "mm/dd/yyyy" or "mm/dd/yy" */
static bool is_date(const char *text)
{
    unsigned month, day, year;
    int end = 0;

    return sscanf(text, "%2u/%2u/%4u%n", &month, &day, &year, &end) == 3 && !text[end] &&
           month >= 1 && month <= 12 && day >= 1 && day <= 31 && (year < 100 || year >= 1900);
}

static int check_sysinfo(const struct domain *domain, const struct domain_sysinfo *sysinfo,
                         GError **error)
{
    const char *date = sysinfo_find(sysinfo->bios, "date");
    const char *text = sysinfo_find(sysinfo->system, "uuid");
    uint8_t uuid[UUID_BYTES];

    if (date && !is_date(date))
        return FAIL(error, VIR_ERR_XML_DETAIL, "Invalid BIOS 'date' format");
    if (text && uuid_parse(text, uuid) < 0)
        return FAIL(error, VIR_ERR_XML_DETAIL, "malformed <sysinfo> uuid element");
    if (text && memcmp(uuid, domain->uuid, UUID_BYTES) != 0)
        return FAIL(error, VIR_ERR_XML_DETAIL, "UUID mismatch between <uuid> and <sysinfo>: '%s'",
                    text);
    LIST_EACH (entry, &sysinfo->entries) {
        if (!entry->name || !g_str_has_prefix(entry->name, "opt/"))
            return REFUSE(error, "Invalid firmware name");
        if (g_str_has_prefix(entry->name, "opt/ovmf/") ||
            g_str_has_prefix(entry->name, "opt/org.qemu/"))
            return REFUSE(error, "That firmware name is reserved");
        if ((!entry->value || !*entry->value) && !entry->file)
            return REFUSE_XML(error, "Expected value or filename in sysinfo 'entry'");
    }
    return 0;
}

static int check_sysinfos(const struct domain *domain, GError **error)
{
    LIST_EACH (sysinfo, &domain->sysinfos)
        if (check_sysinfo(domain, sysinfo, error) < 0)
            return -1;
    return 0;
}

/* ---- what the host gives ---- */

static int check_pool(struct opt_int least, struct opt_int most, GError **error)
{
    if ((least.set && least.value < 0) || (most.set && most.value < 0))
        return REFUSE_XML(error, "thread_pool_min and thread_pool_max can't be negative");
    if (most.set && most.value == 0)
        return REFUSE(error, "thread_pool_max must be a positive integer");
    if (least.set && most.set && least.value > most.value)
        return REFUSE(error, "thread_pool_min must be smaller or equal to thread_pool_max");
    return 0;
}

static int check_pools(const struct domain *domain, GError **error)
{
    const struct default_iothread *loop = domain->default_iothread;

    LIST_EACH (iothread, &domain->iothreads)
        if (check_pool(iothread->thread_pool_min, iothread->thread_pool_max, error) < 0)
            return -1;
    return loop ? check_pool(loop->thread_pool_min, loop->thread_pool_max, error) : 0;
}

static int check_cpu_tune(const struct domain *domain, GError **error)
{
    const struct cpu_tune *tune = domain->cpu_tune;

    if (!tune)
        return 0;
    LIST_EACH (scheduler, &tune->vcpu_schedulers) {
        int vcpu = cpuset_next(scheduler->threads, 0);

        if (vcpu >= 0 && (unsigned)vcpu >= domain->max_vcpus)
            return REFUSE(error, "vCPU '%d' is not present in domain definition", vcpu);
    }
    LIST_EACH (scheduler, &tune->iothread_schedulers) {
        int id = cpuset_next(scheduler->threads, 0);

        if (id >= 0 && !domain_has_iothread(domain, (unsigned)id))
            return REFUSE(error, "Cannot find 'iothread' : %d", id);
    }
    if ((tune->caches.count || tune->bandwidths.count || tune->energies.count) &&
        domain->type != DOMAIN_TYPE_KVM)
        return REFUSE(error, "cachetune is only supported for KVM domains");
    return 0;
}

static int check_memory(const struct domain *domain, GError **error)
{
    const struct numa_memory_tune *memory = domain->numa_tune ? domain->numa_tune->memory : NULL;

    if (domain->memory_tune && domain->memory_tune->min_guarantee.value)
        return REFUSE(error, "Parameter 'min_guarantee' not supported by QEMU.");
    if (memory && memory->placement != PLACEMENT_AUTO && !memory->nodeset)
        return REFUSE(error, "nodeset for NUMA memory tuning must be set if 'placement' is "
                             "'static'");
    return 0;
}

/* ---- what is for other hypervisors ---- */

static int check_others(const struct domain *domain, GError **error)
{
    if (domain->bootloader)
        return REFUSE(error, "bootloader is not supported by QEMU");
    if (domain->type == DOMAIN_TYPE_HVF)
        return REFUSE(error, "domain/@type: 'hvf' runs on macOS alone");
    if (domain->on_crash == LIFECYCLE_RENAME_RESTART)
        return REFUSE(error, "qemu driver doesn't support the 'rename-restart' action for "
                             "'on_crash'");
    if (domain->idmap && !domain->idmap->uids.count != !domain->idmap->gids.count)
        return REFUSE(error, "uid and gid should be mapped both");
    if (domain->os.useserial == TRISTATE_YES && !domain->devices.serials.count)
        return REFUSE_XML(error, "need at least one serial port to use BIOS serial output");
    return 0;
}

/* ---- what is passed on as it is ---- */

static bool is_variable(const char *name)
{
    return (g_ascii_isalpha(*name) || *name == '_') &&
           strspn(name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_") == strlen(name);
}

static bool is_value(const struct override_property *property)
{
    if (g_str_equal(property->type, "remove"))
        return !property->value;
    if (g_str_equal(property->type, "bool"))
        return g_strcmp0(property->value, "true") == 0 || g_strcmp0(property->value, "false") == 0;
    return property->value != NULL;
}

static int check_passthrough(const struct domain *domain, GError **error)
{
    LIST_EACH (variable, &domain->qemu_environment)
        if (!is_variable(variable->name))
            return FAIL(error, VIR_ERR_INTERNAL_ERROR,
                        "Invalid environment name '%s', it must begin with a letter or underscore "
                        "and have nothing but those and digits",
                        variable->name);
    LIST_EACH (device, &domain->qemu_overrides)
        LIST_EACH (property, &device->frontend)
            if (!is_value(property))
                return REFUSE_XML(error,
                                  "invalid value '%s' of 'value' attribute of 'qemu:property' of "
                                  "type '%s'",
                                  property->value ? property->value : "", property->type);
    return 0;
}

int rules_check_guest(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain *domain, GError **error) = {
        check_others,      check_features, check_firmware, check_interconnects,
        check_passthrough, check_cpu,      check_timers,   check_pools,
        check_sysinfos,    check_cpu_tune, check_memory,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](domain, error) < 0)
            return -1;
    return 0;
}

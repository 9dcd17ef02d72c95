/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"

#include "faults.h"
#include "machine.h"
#include "rules-parts.h"

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
            return faults_fail(FAULT_QEMU, error,
                               "The '%s' feature is not supported for architecture '%s' or machine "
                               "type '%s'",
                               rows[i].name, domain->os.arch, domain->os.machine);
    return 0;
}

enum { RING_LEAST = 1024, RING_MOST = 65536 };
enum { SPINLOCK_RETRIES_LEAST = 4095, HYPERV_VENDOR_LONGEST = 12 };

static int check_values(const struct domain *domain, GError **error)
{
    const struct domain_features *features = domain->features;
    const struct features_kvm no_kvm = {0}, *kvm = features->kvm ?: &no_kvm;
    const struct features_hyperv no_hyperv = {0}, *hyperv = features->hyperv ?: &no_hyperv;
    const char *vendor = hyperv->vendor_id_value;
    uint64_t retries = hyperv->spinlock_retries, ring = kvm->dirty_ring_size;
    const struct fault faults[] = {
        {features->tcg && features->tcg->tb_cache % 1024, FAULT_QEMU,
         "tb-cache size must be an integer multiple of MiB"},
        {kvm->dirty_ring == TRISTATE_ON &&
             (ring < RING_LEAST || ring > RING_MOST || ring & (ring - 1)),
         FAULT_XML, "dirty ring must be power of 2 and ranges [1024, 65536]"},
        {hyperv->vendor_id == TRISTATE_ON && !vendor, FAULT_XML,
         "missing 'value' attribute for HyperV feature 'vendor_id'"},
        {vendor && strlen(vendor) > HYPERV_VENDOR_LONGEST, FAULT_XML,
         "HyperV vendor_id value must not be more than 12 characters."},
        {hyperv->spinlocks == TRISTATE_ON && retries && retries < SPINLOCK_RETRIES_LEAST, FAULT_XML,
         "HyperV spinlock retry count must be at least 4095"},
        {features->smm && features->smm->tseg.set && family_of(domain) != MACHINE_Q35, FAULT_QEMU,
         "SMM TSEG is only supported with q35 machine type"},
    };

    return FAULTS_SAY(faults, error, NULL);
}

static int check_features(const struct domain *domain, GError **error)
{
    if (!domain->features)
        return 0;
    return check_families(domain, error) < 0 ? -1 : check_values(domain, error);
}

/* ---- firmware ---- */

static int check_firmware(const struct domain *domain, GError **error)
{
    const struct domain_os *os = &domain->os;
    bool efi = os->firmware == OS_FIRMWARE_EFI;
    const struct fault faults[] = {
        {os->features.count && !os->firmware, FAULT_DETAIL,
         "cannot use feature-based firmware autoselection when firmware autoselection is disabled"},
        {os->varstore && os->nvram, FAULT_QEMU,
         "os/varstore: the firmware's variables are there, or in os/nvram"},
        {os->varstore && !efi && !(os->loader && os->loader->path), FAULT_DETAIL,
         "os/varstore: there is no firmware that could have variables"},
    };

    return FAULTS_SAY(faults, error, NULL);
}

/* Tables of ACPI come from UEFI's firmware on Arm; on x86 UEFI needs them. */
static int check_acpi(const struct domain *domain, GError **error)
{
    const struct domain_os *os = &domain->os;
    bool acpi = domain->features && domain->features->acpi;
    bool flash = os->loader && os->loader->type == LOADER_PFLASH;
    bool efi = os->firmware == OS_FIRMWARE_EFI;
    bool arm = g_strcmp0(os->arch, "aarch64") == 0;
    const struct fault faults[] = {
        {domain_is_x86(domain) && !acpi && efi, FAULT_QEMU,
         "UEFI requires ACPI on this architecture"},
        {arm && acpi && !flash && !efi, FAULT_QEMU, "ACPI requires UEFI on this architecture"},
    };

    return FAULTS_SAY(faults, error, NULL);
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
        return faults_fail(FAULT_QEMU, error, "unsupported timer type (name) '%s'", name);
    if (timer->name == TIMER_ARMVTIMER && !arm)
        return faults_fail(FAULT_QEMU, error,
                           "Configuring the '%s' timer is not supported for virtType=%s arch=%s "
                           "machine=%s guests",
                           name, names_word(&domain_type_names, domain->type), domain->os.arch,
                           domain->os.machine);
    if (timer->tickpolicy && !(timer_rules[timer->name].ticks & BIT(timer->tickpolicy)))
        return faults_fail(FAULT_QEMU, error, "unsupported %s timer tickpolicy '%s'", name,
                           names_word(&timer_tickpolicy_names, timer->tickpolicy));
    if (timer->track && !(timer_rules[timer->name].tracks & BIT(timer->track)))
        return faults_fail(FAULT_QEMU, error, "unsupported %s timer track '%s'", name,
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

static bool is_reserved(const char *name)
{
    return g_str_has_prefix(name, "opt/ovmf/") || g_str_has_prefix(name, "opt/org.qemu/");
}

static int check_entry(const struct sysinfo_entry *entry, GError **error)
{
    const char *name = entry->name ?: "";
    const struct fault faults[] = {
        {!g_str_has_prefix(name, "opt/"), FAULT_QEMU, "Invalid firmware name"},
        {is_reserved(name), FAULT_QEMU, "That firmware name is reserved"},
        {(!entry->value || !*entry->value) && !entry->file, FAULT_XML,
         "Expected value or filename in sysinfo 'entry'"},
    };

    return FAULTS_SAY(faults, error, NULL);
}

static int check_sysinfo(const struct domain *domain, const struct domain_sysinfo *sysinfo,
                         GError **error)
{
    const char *date = sysinfo_find(sysinfo->bios, "date");
    const char *text = sysinfo_find(sysinfo->system, "uuid");
    uint8_t uuid[UUID_BYTES] = {0};
    bool malformed = text && uuid_parse(text, uuid) < 0;
    const struct fault faults[] = {
        {date && !is_date(date), FAULT_DETAIL, "Invalid BIOS 'date' format"},
        {malformed, FAULT_DETAIL, "malformed <sysinfo> uuid element"},
        {text && !malformed && memcmp(uuid, domain->uuid, UUID_BYTES), FAULT_DETAIL,
         "UUID mismatch between <uuid> and <sysinfo>: '%s'"},
    };

    if (FAULTS_SAY(faults, error, text) < 0)
        return -1;
    LIST_EACH (entry, &sysinfo->entries)
        if (check_entry(entry, error) < 0)
            return -1;
    return 0;
}

static int check_sysinfos(const struct domain *domain, GError **error)
{
    LIST_EACH (sysinfo, &domain->sysinfos)
        if (check_sysinfo(domain, sysinfo, error) < 0)
            return -1;
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
            return faults_fail(
                FAULT_INTERNAL, error,
                "Invalid environment name '%s', it must begin with a letter or underscore "
                "and have nothing but those and digits",
                variable->name);
    LIST_EACH (device, &domain->qemu_overrides)
        LIST_EACH (property, &device->frontend)
            if (!is_value(property))
                return faults_fail(FAULT_XML, error,
                                   "invalid value '%s' of 'value' attribute of 'qemu:property' of "
                                   "type '%s'",
                                   property->value ? property->value : "", property->type);
    return 0;
}

int rules_check_guest(const struct domain *domain, GError **error)
{
    static int (*const checks[])(const struct domain *domain, GError **error) = {
        check_features, check_firmware, check_acpi, check_passthrough, check_timers, check_sysinfos,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(checks); i++)
        if (checks[i](domain, error) < 0)
            return -1;
    return 0;
}

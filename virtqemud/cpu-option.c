/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu-option.h"

#include <string.h>

#include "base/error.h"

#include "cpu-names.h"
#include "device-common.h"
#include "host-model.h"
#include "machine.h"

#define HYPERV_VENDOR_BYTES 12
#define SPINLOCK_NEVER 0xffffffff /* the host is not told, whatever the number of retries */

/* Words of documents become words of an option without a way to quote: nothing but these may be in
 * them. */
#define NAME_CHARACTERS G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._+-"

static const struct domain_features no_features;

static const struct domain_features *features_of(const struct domain *domain)
{
    return domain->features ? domain->features : &no_features;
}

static enum accelerator accelerator_of(const struct domain *domain)
{
    return domain->type == DOMAIN_TYPE_KVM ? ACCELERATOR_KVM : ACCELERATOR_TCG;
}

static bool is_name(const char *word)
{
    return word && *word && strspn(word, NAME_CHARACTERS) == strlen(word);
}

static int refuse_name(const char *what, const char *word, GError **error)
{
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "cpu: '%s' is no name of a %s", word ? word : "",
              what);
    return -1;
}

static void add(GString *option, const char *name, const char *value)
{
    g_string_append_printf(option, ",%s=%s", name, value);
}

static void add_bool(GString *option, const char *name, bool on)
{
    add(option, name, on ? "on" : "off");
}

static void add_tristate(GString *option, const char *name, unsigned tristate)
{
    if (tristate != TRISTATE_ABSENT)
        add_bool(option, name, tristate == TRISTATE_ON);
}

/* ---- model and features ---- */

static const struct emulator_host_model *host_model(const struct domain *domain,
                                                    const struct emulator *emulator)
{
    return &emulator->cpus[accelerator_of(domain)].host;
}

static bool host_has(const struct domain *domain, const struct emulator *emulator, const char *name)
{
    char **maximum = emulator->cpus[accelerator_of(domain)].maximum;

    return maximum && g_strv_contains((const char *const *)maximum, name);
}

static int add_features(GString *option, const struct domain *domain,
                        const struct emulator *emulator, GError **error)
{
    LIST_EACH (feature, &domain->cpu->features) {
        bool on = feature->policy != CPU_POLICY_DISABLE && feature->policy != CPU_POLICY_FORBID;

        if (!is_name(feature->name))
            return refuse_name("feature", feature->name, error);
        if (cpu_feature_is_the_hosts(feature->name) ||
            (feature->policy == CPU_POLICY_OPTIONAL && !host_has(domain, emulator, feature->name)))
            continue;
        add_bool(option, cpu_feature_to_qemu(feature->name), on);
    }
    return 0;
}

static void add_host_features(GString *option, const struct emulator_host_model *host)
{
    for (unsigned i = 0; i < host->feature_count; i++)
        add_bool(option, cpu_feature_to_qemu(host->features[i].name), host->features[i].on);
}

static void add_model(GString *option, const struct domain *domain, const struct emulator *emulator)
{
    const struct domain_cpu *cpu = domain->cpu;
    const struct emulator_host_model *host = host_model(domain, emulator);

    if (cpu->mode == CPU_MODE_HOST_PASSTHROUGH || cpu->mode == CPU_MODE_MAXIMUM) {
        g_string_append(option, cpu->mode == CPU_MODE_MAXIMUM ? "max" : "host");
        if (cpu->migratable != TRISTATE_ABSENT || cpu->mode == CPU_MODE_HOST_PASSTHROUGH)
            add_bool(option, "migratable", cpu->migratable != TRISTATE_OFF);
    } else if (host_model_is_wanted(cpu) && host->model) {
        g_string_append(option, host->model);
        add_host_features(option, host);
    } else
        g_string_append(option, cpu->model);
}

static int add_cpu(GString *option, const struct domain *domain, const struct emulator *emulator,
                   GError **error)
{
    const struct domain_cpu *cpu = domain->cpu;

    if (cpu->mode == CPU_MODE_CUSTOM && cpu->match != CPU_MATCH_MINIMUM && !is_name(cpu->model))
        return refuse_name("model", cpu->model, error);
    if (cpu->vendor_id && !is_name(cpu->vendor_id))
        return refuse_name("vendor", cpu->vendor_id, error);
    add_model(option, domain, emulator);
    if (cpu->vendor_id)
        add(option, "vendor", cpu->vendor_id);
    return add_features(option, domain, emulator, error);
}

/* A named model knows nothing of the host's caches anyway. */
static void add_cache(GString *option, const struct domain_cpu *cpu)
{
    const struct cpu_cache *cache = cpu->cache;

    if (!cache || cache->mode == CPU_CACHE_NONE)
        return;
    bool emulated = cache->mode == CPU_CACHE_EMULATE;
    bool named = cpu->mode != CPU_MODE_HOST_PASSTHROUGH && cpu->mode != CPU_MODE_MAXIMUM;
    if (emulated)
        add_bool(option, "l3-cache", true);
    if (!named)
        add_bool(option, "host-cache-info", cache->mode == CPU_CACHE_PASSTHROUGH);
    if (!emulated)
        add_bool(option, "l3-cache", false);
}

static void add_address_bits(GString *option, const struct cpu_physaddr *bits)
{
    if (!bits)
        return;
    if (bits->mode == CPU_PHYSADDR_PASSTHROUGH) {
        add_bool(option, "host-phys-bits", true);
        if (bits->limit)
            g_string_append_printf(option, ",host-phys-bits-limit=%u", bits->limit);
    } else if (bits->bits)
        g_string_append_printf(option, ",phys-bits=%u", bits->bits);
}

/* ---- clocks ---- */

static void add_timers(GString *option, const struct domain_clock *clock)
{
    LIST_EACH (timer, &clock->timers) {
        if (timer->name == TIMER_KVMCLOCK)
            add_tristate(option, "kvmclock", timer->present);
        if (timer->name == TIMER_HYPERVCLOCK && timer->present == TRISTATE_YES)
            add_bool(option, "hv-time", true);
        if (timer->name == TIMER_TSC && timer->frequency)
            g_string_append_printf(option, ",tsc-frequency=%" G_GUINT64_FORMAT, timer->frequency);
    }
}

/* ---- paravirtualization ---- */

static void add_enlightenments(GString *option, const struct features_hyperv *hyperv)
{
    const struct {
        const char *name;
        uint8_t state;
    } plain[] = {
        {"hv-vpindex", hyperv->vpindex},
        {"hv-runtime", hyperv->runtime},
        {"hv-synic", hyperv->synic},
        {"hv-stimer", hyperv->stimer},
        {"hv-stimer-direct", hyperv->stimer == TRISTATE_ON ? hyperv->stimer_direct : 0},
        {"hv-reset", hyperv->reset},
        {"hv-frequencies", hyperv->frequencies},
        {"hv-reenlightenment", hyperv->reenlightenment},
        {"hv-tlbflush", hyperv->tlbflush},
        {"hv-tlbflush-direct", hyperv->tlbflush == TRISTATE_ON ? hyperv->tlbflush_direct : 0},
        {"hv-tlbflush-ext", hyperv->tlbflush == TRISTATE_ON ? hyperv->tlbflush_extended : 0},
        {"hv-ipi", hyperv->ipi},
        {"hv-evmcs", hyperv->evmcs},
        {"hv-avic", hyperv->avic},
        {"hv-emsr-bitmap", hyperv->emsr_bitmap},
        {"hv-xmm-input", hyperv->xmm_input},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(plain); i++)
        if (plain[i].state == TRISTATE_ON)
            add_bool(option, plain[i].name, true);
}

static int add_hyperv_vendor(GString *option, const struct features_hyperv *hyperv, GError **error)
{
    const char *vendor = hyperv->vendor_id_value ? hyperv->vendor_id_value : "";

    if (hyperv->vendor_id != TRISTATE_ON)
        return 0;
    if (strchr(vendor, ',') || strlen(vendor) > HYPERV_VENDOR_BYTES) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "features/hyperv/vendor_id/@value: '%s' is longer than %d bytes or has a comma",
                  vendor, HYPERV_VENDOR_BYTES);
        return -1;
    }
    add(option, "hv-vendor-id", vendor);
    return 0;
}

static int add_hyperv(GString *option, const struct features_hyperv *hyperv, GError **error)
{
    if (!hyperv)
        return 0;
    if (hyperv->mode == HYPERV_MODE_PASSTHROUGH || hyperv->mode == HYPERV_MODE_HOST)
        add_bool(option, "hv-passthrough", true);
    if (hyperv->mode == HYPERV_MODE_PASSTHROUGH)
        return 0;
    if (hyperv->relaxed == TRISTATE_ON)
        add_bool(option, "hv-relaxed", true);
    if (hyperv->vapic == TRISTATE_ON)
        add_bool(option, "hv-vapic", true);
    if (hyperv->spinlocks == TRISTATE_ON)
        g_string_append_printf(option, ",hv-spinlocks=0x%x",
                               hyperv->spinlock_retries ? hyperv->spinlock_retries
                                                        : SPINLOCK_NEVER);
    add_enlightenments(option, hyperv);
    return add_hyperv_vendor(option, hyperv, error);
}

static void add_kvm(GString *option, const struct features_kvm *kvm)
{
    if (!kvm)
        return;
    if (kvm->hidden == TRISTATE_ON)
        add_bool(option, "kvm", false);
    if (kvm->hint_dedicated == TRISTATE_ON)
        add_bool(option, "kvm-hint-dedicated", true);
    if (kvm->poll_control == TRISTATE_ON)
        add_bool(option, "kvm-poll-control", true);
    if (kvm->pv_ipi == TRISTATE_OFF)
        add_bool(option, "kvm-pv-ipi", false);
}

static bool panics_by_hyperv(const struct domain *domain)
{
    LIST_EACH (panic, &domain->devices.panics)
        if (panic->model == PANIC_HYPERV)
            return true;
    return false;
}

/* A feature whose element alone means that it is on. */
static unsigned state_of(bool present, unsigned state)
{
    return present && state == TRISTATE_ABSENT ? TRISTATE_ON : state;
}

static int add_extras(GString *option, const struct domain *domain, GError **error)
{
    const struct domain_features *features = features_of(domain);

    add_timers(option, &domain->clock);
    add_tristate(option, "kvm-pv-eoi", features->apic_eoi);
    add_tristate(option, "kvm-pv-unhalt", state_of(features->has_pvspinlock, features->pvspinlock));
    if (add_hyperv(option, features->hyperv, error) < 0)
        return -1;
    if (panics_by_hyperv(domain))
        add_bool(option, "hv-crash", true);
    add_kvm(option, features->kvm);
    add_tristate(option, "pmu", state_of(features->has_pmu, features->pmu));
    if (domain->cpu) {
        add_cache(option, domain->cpu);
        add_address_bits(option, domain->cpu->physaddr);
    }
    return 0;
}

int cpu_option_build(const struct domain *domain, const struct arguments_context *context,
                     char **ret_option, GError **error)
{
    g_autoptr(GString) option = g_string_new(NULL);
    const struct emulator_machine *machine =
        emulator_find_machine(context->emulator, domain->os.machine);
    bool named = domain->cpu && domain->cpu->mode != CPU_MODE_NONE;

    if (named && add_cpu(option, domain, context->emulator, error) < 0)
        return -1;
    gsize named_length = option->len;
    if (domain_is_x86(domain) && add_extras(option, domain, error) < 0)
        return -1;
    if (machine_family_of(domain->os.arch, domain->os.machine) == MACHINE_ARM_VIRT)
        add_tristate(option, "pmu", features_of(domain)->pmu);
    /* a bare default is not worth a word; with extras it must be named */
    if (!named && machine && machine->default_cpu)
        g_string_prepend(option, machine->default_cpu);
    else if (!named && option->len > named_length) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "features: what they change of the CPU needs a <cpu> for this machine");
        return -1;
    }
    *ret_option = option->len ? g_strdup(option->str) : NULL;
    return 0;
}

/* ---- whether it can be had ---- */

static bool is_disabled(const struct domain_cpu *cpu, const char *name)
{
    LIST_EACH (feature, &cpu->features)
        if ((feature->policy == CPU_POLICY_DISABLE || feature->policy == CPU_POLICY_OPTIONAL) &&
            g_strcmp0(feature->name, name) == 0)
            return true;
    return false;
}

static int check_known(const struct domain *domain, const struct emulator *emulator, GError **error)
{
    char **known = emulator->cpus[accelerator_of(domain)].known;

    LIST_EACH (feature, &domain->cpu->features)
        if (known && is_name(feature->name) && !cpu_feature_is_the_hosts(feature->name) &&
            !g_strv_contains((const char *const *)known, feature->name)) {
            error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "unknown CPU feature: %s", feature->name);
            return -1;
        }
    return 0;
}

/* Features that a maximum never lists, though they may be there. */
static bool can_be_looked_up(const char *name)
{
    return cpu_property_is_feature(name) && !cpu_feature_is_the_hosts(name) &&
           strcmp(name, "invtsc") != 0;
}

/* What the document asks for by name. */
static void add_missing_features(GPtrArray *missing, const struct domain *domain,
                                 const struct emulator *emulator)
{
    if (!emulator->cpus[accelerator_of(domain)].maximum)
        return;
    LIST_EACH (feature, &domain->cpu->features)
        if (feature->policy == CPU_POLICY_REQUIRE && can_be_looked_up(feature->name) &&
            !host_has(domain, emulator, feature->name))
            g_ptr_array_add(missing, (char *)feature->name);
}

static void add_missing_of_model(GPtrArray *missing, const struct domain_cpu *cpu,
                                 const struct emulator_cpu_model *model)
{
    for (char **name = model && !model->usable ? model->blockers : NULL; name && *name; name++)
        if (!is_disabled(cpu, *name))
            g_ptr_array_add(missing, *name);
}

/* What the guest would be without, if this is to be checked. */
static int check_missing(const struct domain *domain, const struct emulator *emulator,
                         GError **error)
{
    const struct domain_cpu *cpu = domain->cpu;
    g_autoptr(GPtrArray) missing = g_ptr_array_new();
    bool full = cpu->check == CPU_CHECK_FULL;

    if (cpu->check != CPU_CHECK_PARTIAL && !full)
        return 0;
    if (cpu->mode == CPU_MODE_CUSTOM && cpu->match != CPU_MATCH_MINIMUM)
        add_missing_of_model(missing, cpu,
                             emulator_find_cpu(emulator, accelerator_of(domain), cpu->model));
    if (cpu->mode == CPU_MODE_CUSTOM || cpu->mode == CPU_MODE_HOST_MODEL)
        add_missing_features(missing, domain, emulator);
    if (missing->len == 0)
        return 0;
    g_ptr_array_add(missing, NULL);
    g_autofree char *names = g_strjoinv(full ? "," : ", ", (char **)missing->pdata);
    if (full)
        error_set(error, VIR_ERR_OPERATION_FAILED,
                  "guest CPU doesn't match specification: missing features: %s", names);
    else
        error_set(error, VIR_ERR_CPU_INCOMPATIBLE,
                  "Host CPU does not provide required features: %s", names);
    return -1;
}

static int check_custom(const struct domain *domain, const struct emulator *emulator,
                        GError **error)
{
    const struct domain_cpu *cpu = domain->cpu;
    enum accelerator accelerator = accelerator_of(domain);
    const struct emulator_cpu_model *model =
        cpu->model ? emulator_find_cpu(emulator, accelerator, cpu->model) : NULL;

    if (cpu->match == CPU_MATCH_MINIMUM && host_model(domain, emulator)->model)
        return 0;
    if (!model && emulator->cpus[accelerator].model_count > 0) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "cpu: the emulator %s has no CPU model '%s'",
                  emulator->path, cpu->model ? cpu->model : "");
        return -1;
    }
    return 0;
}

static int check_forbidden(const struct domain *domain, const struct emulator *emulator,
                           GError **error)
{
    LIST_EACH (feature, &domain->cpu->features)
        if (feature->policy == CPU_POLICY_FORBID && host_has(domain, emulator, feature->name)) {
            error_set(
                error, VIR_ERR_CPU_INCOMPATIBLE,
                "guest CPU is not compatible with host CPU, which has the forbidden feature %s",
                feature->name);
            return -1;
        }
    return 0;
}

int cpu_option_check(const struct domain *domain, const struct emulator *emulator, GError **error)
{
    const struct domain_cpu *cpu = domain->cpu;

    if (!cpu || cpu->mode == CPU_MODE_NONE)
        return 0;
    if (cpu->mode == CPU_MODE_HOST_PASSTHROUGH && domain->type != DOMAIN_TYPE_KVM) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "CPU mode 'host-passthrough' for %s %s domain on this host is not supported by "
                  "hypervisor: it needs type='kvm'",
                  domain->os.arch, names_word(&domain_type_names, domain->type));
        return -1;
    }
    if (cpu->mode == CPU_MODE_HOST_MODEL && !host_model(domain, emulator)->model) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "CPU mode 'host-model' is not supported: the emulator %s does not know the "
                  "host's CPU",
                  emulator->path);
        return -1;
    }
    if (cpu->mode == CPU_MODE_CUSTOM && check_custom(domain, emulator, error) < 0)
        return -1;
    if (domain_is_x86(domain) &&
        (check_known(domain, emulator, error) < 0 || check_missing(domain, emulator, error) < 0))
        return -1;
    return check_forbidden(domain, emulator, error);
}

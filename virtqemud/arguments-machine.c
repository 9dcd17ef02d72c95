/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments-parts.h"

#include "base/error.h"

#include "block-nodes.h"
#include "cpu-option.h"
#include "device-common.h"
#include "firmware.h"
#include "launch-security.h"
#include "machine.h"
#include "option.h"
#include "vcpus.h"

static const struct domain_features no_features;

static const struct domain_features *features_of(const struct build *build)
{
    return build->domain->features ? build->domain->features : &no_features;
}

static enum machine_family family_of(const struct build *build)
{
    return machine_family_of(build->domain->os.arch, build->domain->os.machine);
}

/* ---- firmware ---- */

static bool has_flash(const struct build *build)
{
    const struct os_loader *loader = build->domain->os.loader;

    return loader && loader->path && loader->type == LOADER_PFLASH;
}

static bool has_variables(const struct build *build)
{
    const struct os_nvram *nvram = build->domain->os.nvram;

    return firmware_nvram_path(build->domain) || (nvram && nvram->source.type == SOURCE_NETWORK);
}

static int add_flash(const struct build *build, const struct domain_source *source,
                     const char *name, bool readonly, GError **error)
{
    const struct block_options options = {.readonly = readonly};
    g_autoptr(GPtrArray) nodes = block_nodes_new();

    if (block_nodes_image(source, name, &options, build->context, nodes, error) < 0)
        return -1;
    while (nodes->len > 0)
        words_add_json(build->arguments, "-blockdev", g_ptr_array_steal_index(nodes, 0));
    return 0;
}

/* Firmware and its variables are two flash chips of the machine. */
static int add_firmware(const struct build *build, GError **error)
{
    const struct domain_os *os = &build->domain->os;
    struct domain_source code = {.type = SOURCE_FILE, .format = IMAGE_FORMAT_RAW};
    struct domain_source nvram = code;

    if (!has_flash(build))
        return 0;
    code.path = os->loader->path;
    code.format = os->loader->format ? os->loader->format : IMAGE_FORMAT_RAW;
    if (add_flash(build, &code, "pflash0", os->loader->readonly == TRISTATE_YES, error) < 0)
        return -1;
    if (!has_variables(build))
        return 0;
    if (os->nvram->source.type == SOURCE_NETWORK)
        nvram = os->nvram->source;
    else
        nvram.path = firmware_nvram_path(build->domain);
    nvram.format = os->nvram->format ? os->nvram->format : IMAGE_FORMAT_RAW;
    return add_flash(build, &nvram, "pflash1", false, error);
}

static void add_flash_options(GString *option, const struct build *build)
{
    if (!has_flash(build))
        return;
    option_add(option, "pflash0", "libvirt-pflash0-format");
    if (has_variables(build))
        option_add(option, "pflash1", "libvirt-pflash1-format");
}

static void add_secure_flash(const struct build *build)
{
    const struct os_loader *loader = build->domain->os.loader;

    if (has_flash(build) && loader->secure == TRISTATE_YES)
        words_add(build->arguments, "-global", "driver=cfi.pflash01,property=secure,value=on",
                  NULL);
}

/* ---- -machine ---- */

/* A feature whose element alone means that it is on. */
static unsigned state_of(bool present, unsigned state)
{
    return present && state == TRISTATE_ABSENT ? TRISTATE_ON : state;
}

static bool dumps_core(const struct build *build)
{
    if (build->domain->dump_core != TRISTATE_ABSENT)
        return build->domain->dump_core == TRISTATE_ON;
    return build->context->config->dump_guest_core;
}

static unsigned timer_presence(const struct domain *domain, enum timer_name name)
{
    LIST_EACH (timer, &domain->clock.timers)
        if (timer->name == name)
            return timer->present;
    return TRISTATE_ABSENT;
}

static void add_interrupts(GString *option, const struct build *build)
{
    static const char *const irqchips[] = {[IOAPIC_QEMU] = "split", [IOAPIC_KVM] = "on"};
    static const char *const gics[] = {[GIC_HOST] = "host", [GIC_2] = "2", [GIC_3] = "3"};
    const struct domain_features *features = features_of(build);

    option_add(option, "kernel_irqchip", irqchips[features->ioapic]);
    bool usual =
        features->gic_version == GIC_2 && g_strcmp0(build->domain->os.arch, "aarch64") != 0;
    if (features->gic_version && !usual)
        option_add(option, "gic-version", gics[features->gic_version]);
}

/* Both kinds of x86 machine and arm's have ACPI, unless they are told not to. */
static void add_acpi(GString *option, const struct build *build)
{
    enum machine_family family = family_of(build);
    bool arm = g_strcmp0(build->domain->os.arch, "aarch64") == 0;

    if (family == MACHINE_PC || family == MACHINE_Q35)
        option_add(option, "hpet",
                   timer_presence(build->domain, TIMER_HPET) == TRISTATE_NO ? "off" : NULL);
    if (domain_is_x86(build->domain) || (family == MACHINE_ARM_VIRT && arm))
        option_add_bool(option, "acpi", features_of(build)->acpi);
}

static bool has_memory_model(const struct domain *domain, enum memory_model model)
{
    LIST_EACH (memory, &domain->devices.memories)
        if (memory->model == model)
            return true;
    return false;
}

/* "sgx-epc.0.memdev=memepc0,sgx-epc.0.node=0" */
static void add_enclaves(GString *option, const struct domain *domain)
{
    unsigned number = 0;

    LIST_EACH (memory, &domain->devices.memories) {
        if (memory->model != MEMORY_MODEL_SGX_EPC)
            continue;
        g_autofree char *device = g_strdup_printf("sgx-epc.%u.memdev", number);
        g_autofree char *node = g_strdup_printf("sgx-epc.%u.node", number++);
        option_addf(option, device, "mem%s", memory->info.alias);
        if (memory->node.set)
            option_addf(option, node, "%u", memory->node.value);
    }
}

static void add_memory_options(GString *option, const struct domain *domain)
{
    if (has_memory_model(domain, MEMORY_MODEL_NVDIMM))
        option_add_bool(option, "nvdimm", true);
    if (arguments_has_heterogeneous_memory(domain))
        option_add_bool(option, "hmat", true);
    add_enclaves(option, domain);
}

/* What machines of POWER, Arm, RISC-V and Z have beside those of PCs. */
static void add_other_features(GString *option, const struct domain *domain,
                               const struct domain_features *features)
{
    if (features->hpt && features->hpt->resizing)
        option_add(option, "resize-hpt", names_word(&hpt_resizing_names, features->hpt->resizing));
    if (features->hpt && features->hpt->maxpagesize)
        option_addf(option, "cap-hpt-max-page-size", "%" G_GUINT64_FORMAT "k",
                    features->hpt->maxpagesize);
    option_add_tristate(option, "cap-htm", features->htm);
    option_add_tristate(option, "cap-nested-hv", features->nested_hv);
    option_add_tristate(option, "cap-ccf-assist", features->ccf_assist);
    option_add_tristate(option, "ras", features->ras);
    if (features->virtualization)
        option_add_bool(option, "virtualization", true);
    if (features->cfpc)
        option_add(option, "cap-cfpc", names_word(&mitigation_names, features->cfpc));
    if (features->sbbc)
        option_add(option, "cap-sbbc", names_word(&mitigation_names, features->sbbc));
    if (features->ibs)
        option_add(option, "cap-ibs", names_word(&ibs_value_names, features->ibs));
    if (features->aia)
        option_add(option, "aia", names_word(&aia_value_names, features->aia));
    LIST_EACH (cipher, &domain->keywrap_ciphers) {
        g_autofree char *key = g_strdup_printf("%s-key-wrap", cipher->name);
        option_add_tristate(option, key, cipher->state);
    }
    LIST_EACH (iommu, &domain->devices.iommus)
        if (iommu->model == IOMMU_SMMUV3)
            option_add(option, "iommu", "smmuv3");
}

/* The firmware of s390x boots one device, and gets one word for it; NULL: none. */
static const char *loadparm_of(const struct domain *domain)
{
    const struct domain_device_info *first = NULL;
    unsigned count, lowest = UINT_MAX;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++) {
        unsigned order = devices[i].info ? device_boot_index(domain, devices[i].info) : 0;
        if (order && order < lowest) {
            lowest = order;
            first = devices[i].info;
        }
    }
    return first ? first->loadparm : NULL;
}

static void add_machine_option(const struct build *build)
{
    const struct domain_features *features = features_of(build);
    const struct memory_backing *backing = build->domain->memory_backing;
    GString *option = option_new("");

    g_string_append(option, build->domain->os.machine);
    option_add_bool(option, "usb", false);
    option_add_tristate(option, "vmport", state_of(features->has_vmport, features->vmport));
    option_add_tristate(option, "smm", features->smm ? state_of(true, features->smm->state) : 0);
    option_add_tristate(option, "i8042", features->ps2);
    if (build->domain->os.useserial == TRISTATE_YES)
        option_add_bool(option, "graphics", false);
    add_interrupts(option, build);
    option_add_bool(option, "dump-guest-core", dumps_core(build));
    if (backing && backing->nosharepages)
        option_add_bool(option, "mem-merge", false);
    option_add(option, "memory-backend", arguments_memory_id(build));
    add_flash_options(option, build);
    add_acpi(option, build);
    add_memory_options(option, build->domain);
    add_other_features(option, build->domain, features);
    if (g_strcmp0(build->domain->os.arch, "s390x") == 0)
        option_add(option, "loadparm", loadparm_of(build->domain));
    option_add(option, "confidential-guest-support", launch_security_id(build->domain));
    words_add_option(build->arguments, "-machine", option);
}

static void add_accelerator(const struct build *build)
{
    const struct domain_features *features = features_of(build);
    bool kvm = build->domain->type == DOMAIN_TYPE_KVM;
    GString *option = option_new(kvm ? "kvm" : "tcg");

    if (kvm && features->kvm && features->kvm->dirty_ring == TRISTATE_ON)
        option_addf(option, "dirty-ring-size", "%u", features->kvm->dirty_ring_size);
    if (!kvm && features->tcg && features->tcg->tb_cache)
        option_addf(option, "tb-size", "%" G_GUINT64_FORMAT, features->tcg->tb_cache / 1024);
    words_add_option(build->arguments, "-accel", option);
}

/* The root of PCI is the machine's own, and no -device has its properties. */
static void add_root_globals(const struct build *build)
{
    const struct domain_controller *root = domain_find_controller(build->domain, CONTROLLER_PCI, 0);
    const struct controller_pci *pci = root ? root->pci : NULL;
    bool i440fx = device_machine_is_i440fx(build->domain);

    if (pci && pci->hole64.set && (i440fx || device_machine_is_q35(build->domain))) {
        g_autofree char *hole = g_strdup_printf("%s-pcihost.pci-hole64-size=%" G_GUINT64_FORMAT "K",
                                                i440fx ? "i440FX" : "q35", pci->hole64.value);
        words_add(build->arguments, "-global", hole, NULL);
    }
    if (pci && pci->hotplug && i440fx)
        words_add(build->arguments, "-global",
                  pci->hotplug == TRISTATE_YES ? "PIIX4_PM.acpi-root-pci-hotplug=on"
                                               : "PIIX4_PM.acpi-root-pci-hotplug=off",
                  NULL);
}

static void add_globals(const struct build *build)
{
    const struct features_smm *smm = features_of(build)->smm;

    add_secure_flash(build);
    add_root_globals(build);
    if (smm && smm->tseg.set) {
        g_autofree char *size =
            g_strdup_printf("mch.extended-tseg-mbytes=%" G_GUINT64_FORMAT, smm->tseg.value >> 20);
        words_add(build->arguments, "-global", size, NULL);
    }
}

int arguments_add_machine(const struct build *build, GError **error)
{
    g_autofree char *cpu = NULL;
    const struct os_loader *loader = build->domain->os.loader;

    if (add_firmware(build, error) < 0 ||
        cpu_option_build(build->domain, build->context, &cpu, error) < 0)
        return -1;
    add_machine_option(build);
    add_accelerator(build);
    if (cpu)
        words_add(build->arguments, "-cpu", cpu, NULL);
    add_globals(build);
    if (loader && loader->path && loader->type != LOADER_PFLASH)
        words_add(build->arguments, "-bios", loader->path, NULL);
    return 0;
}

/* ---- -smp ---- */

static int check_topology(const struct cpu_topology *topology, unsigned vcpus, GError **error)
{
    uint64_t product = (uint64_t)topology->sockets * MAX(topology->dies, 1) *
                       MAX(topology->clusters, 1) * topology->cores * topology->threads;

    if (product == vcpus)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "CPU topology doesn't match maximum vcpu count: cpu/topology has room for "
              "%" G_GUINT64_FORMAT ", vcpu says %u",
              product, vcpus);
    return -1;
}

int arguments_add_topology(const struct build *build, GError **error)
{
    const struct domain *domain = build->domain;
    const struct emulator *emulator = build->context->emulator;
    const struct cpu_topology plain = {.sockets = domain->max_vcpus, .cores = 1, .threads = 1};
    const struct cpu_topology *topology =
        domain->cpu && domain->cpu->topology ? domain->cpu->topology : &plain;
    unsigned at_boot;
    GString *option;

    if (vcpus_at_boot(domain, &at_boot, error) < 0 ||
        check_topology(topology, domain->max_vcpus, error) < 0)
        return -1;
    g_autofree char *count = g_strdup_printf("%u", at_boot);
    option = option_new(count);
    if (at_boot < domain->max_vcpus)
        option_addf(option, "maxcpus", "%u", domain->max_vcpus);
    option_addf(option, "sockets", "%u", topology->sockets);
    if (topology->dies && emulator_has(emulator, EMULATOR_SMP_DIES))
        option_addf(option, "dies", "%u", topology->dies);
    if (topology->clusters > 1 && emulator_has(emulator, EMULATOR_SMP_CLUSTERS))
        option_addf(option, "clusters", "%u", topology->clusters);
    option_addf(option, "cores", "%u", topology->cores);
    option_addf(option, "threads", "%u", topology->threads);
    words_add_option(build->arguments, "-smp", option);
    return 0;
}

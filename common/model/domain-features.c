/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-features.h"

#include "xml/xml.h"

NAMES(hyperv_mode_names, NULL, "custom", "passthrough", "host-model");
NAMES(ioapic_driver_names, NULL, "qemu", "kvm");
NAMES(gic_version_names, NULL, "none", "host", "2", "3");
NAMES(hpt_resizing_names, NULL, "enabled", "disabled", "required");
NAMES(msrs_unknown_names, NULL, "ignore", "fault");
NAMES(mitigation_names, NULL, "broken", "workaround", "fixed");
NAMES(ibs_value_names, NULL, "broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na");
NAMES(capability_policy_names, NULL, "default", "allow", "deny");
NAMES(xen_passthrough_mode_names, NULL, "sync_pt", "share_pt");
NAMES(aia_value_names, NULL, "none", "aplic", "aplic-imsic");

#define STATE(element, member, about)                                                              \
    ROW_ON_OFF(element "/@state", member, about, .flags = XML_NEEDED | XML_ABI)

#define CUSTOM WHEN(mode, BIT(HYPERV_MODE_NONE) | BIT(HYPERV_MODE_CUSTOM) | BIT(HYPERV_MODE_HOST))
#define HYPERV(element, member, about)                                                             \
    ROW_ON_OFF(element "/@state", member, about, CUSTOM, .flags = XML_NEEDED | XML_ABI)
#define ROWS_OF struct features_hyperv
static const struct xml_row features_hyperv_rows[] = {
    ROW_ENUM("@mode", mode, hyperv_mode_names, "All that the host has, or those named",
             DEFAULT(HYPERV_MODE_CUSTOM), .flags = XML_ALWAYS | XML_ABI),
    HYPERV("relaxed", relaxed, "No time-outs of interrupts"),
    HYPERV("vapic", vapic, "Virtual APIC"),
    HYPERV("spinlocks", spinlocks, "Long spinning is told to the host"),
    ROW_NUMBER("spinlocks/@retries", spinlock_retries, "Spins before it is told, from 4095", CUSTOM,
               .flags = XML_ABI),
    HYPERV("vpindex", vpindex, "Index of the virtual processor"),
    HYPERV("runtime", runtime, "Time spent in the guest"),
    HYPERV("synic", synic, "Synthetic interrupt controller"),
    HYPERV("stimer", stimer, "Synthetic timers"),
    ROW_ON_OFF("stimer/direct/@state", stimer_direct, "Timers with interrupts of their own", CUSTOM,
               .flags = XML_EXPECTED | XML_ABI),
    HYPERV("reset", reset, "Reset by the guest"),
    HYPERV("vendor_id", vendor_id, "Name of the hypervisor"),
    ROW_STRING("vendor_id/@value", vendor_id_value, "The name", CUSTOM, .flags = XML_ABI),
    HYPERV("frequencies", frequencies, "Frequencies of TSC and APIC"),
    HYPERV("reenlightenment", reenlightenment, "Told of a changed TSC"),
    HYPERV("tlbflush", tlbflush, "TLB flushed by the host"),
    ROW_ON_OFF("tlbflush/direct/@state", tlbflush_direct, "Also for nested guests", CUSTOM,
               .flags = XML_EXPECTED | XML_ABI),
    ROW_ON_OFF("tlbflush/extended/@state", tlbflush_extended, "Of parts", CUSTOM,
               .flags = XML_EXPECTED | XML_ABI),
    HYPERV("ipi", ipi, "Interrupts between processors sent by the host"),
    HYPERV("evmcs", evmcs, "Enlightened VMCS"),
    HYPERV("avic", avic, "Works with AVIC and APICv"),
    HYPERV("emsr_bitmap", emsr_bitmap, "Enlightened MSR bitmap"),
    HYPERV("xmm_input", xmm_input, "Arguments of hypercalls in XMM registers"),
};
#undef ROWS_OF
XML_SCHEMA(features_hyperv, "hyperv", .doc = "What a Microsoft guest expects of its hypervisor",
           .spread = true);

#define ROWS_OF struct features_kvm
static const struct xml_row features_kvm_rows[] = {
    STATE("hidden", hidden, "The guest isn't told of KVM"),
    STATE("hint-dedicated", hint_dedicated, "Each vcpu has a CPU of its own"),
    STATE("poll-control", poll_control, "The guest polls instead of the host"),
    STATE("pv-ipi", pv_ipi, "Interrupts between processors sent by the host"),
    STATE("dirty-ring", dirty_ring, "Written pages are told by a ring"),
    ROW_NUMBER("dirty-ring/@size", dirty_ring_size, "Entries of the ring"),
};
#undef ROWS_OF
XML_SCHEMA(features_kvm, "kvm", .doc = "What a guest sees of KVM", .spread = true);

#define ROWS_OF struct features_xen
static const struct xml_row features_xen_rows[] = {
    STATE("e820_host", e820_host, "The host's memory map"),
    STATE("passthrough", passthrough, "Devices of the host"),
    ROW_ENUM("passthrough/@mode", passthrough_mode, xen_passthrough_mode_names, "Page tables"),
};
#undef ROWS_OF
XML_SCHEMA(features_xen, "xen", .doc = "Features of Xen guests", .spread = true);

#define CAPABILITY(word) STATE(#word, word, "CAP_" #word)
#define ROWS_OF struct features_capabilities
static const struct xml_row features_capabilities_rows[] = {
    ROW_ENUM("@policy", policy, capability_policy_names, "What those not named are",
             .flags = XML_EXPECTED),
    CAPABILITY(audit_control),
    CAPABILITY(audit_write),
    CAPABILITY(block_suspend),
    CAPABILITY(chown),
    CAPABILITY(dac_override),
    CAPABILITY(dac_read_search),
    CAPABILITY(fowner),
    CAPABILITY(fsetid),
    CAPABILITY(ipc_lock),
    CAPABILITY(ipc_owner),
    CAPABILITY(kill),
    CAPABILITY(lease),
    CAPABILITY(linux_immutable),
    CAPABILITY(mac_admin),
    CAPABILITY(mac_override),
    CAPABILITY(mknod),
    CAPABILITY(net_admin),
    CAPABILITY(net_bind_service),
    CAPABILITY(net_broadcast),
    CAPABILITY(net_raw),
    CAPABILITY(setgid),
    CAPABILITY(setfcap),
    CAPABILITY(setpcap),
    CAPABILITY(setuid),
    CAPABILITY(sys_admin),
    CAPABILITY(sys_boot),
    CAPABILITY(sys_chroot),
    CAPABILITY(sys_module),
    CAPABILITY(sys_nice),
    CAPABILITY(sys_pacct),
    CAPABILITY(sys_ptrace),
    CAPABILITY(sys_rawio),
    CAPABILITY(sys_resource),
    CAPABILITY(sys_time),
    CAPABILITY(sys_tty_config),
    CAPABILITY(syslog),
    CAPABILITY(wake_alarm),
};
#undef ROWS_OF
XML_SCHEMA(features_capabilities, "capabilities", .doc = "Capabilities of a container");

#define ROWS_OF struct features_hpt
static const struct xml_row features_hpt_rows[] = {
    ROW_ENUM("@resizing", resizing, hpt_resizing_names, "Whether it can grow", .flags = XML_ABI),
    ROW_SIZE("maxpagesize", maxpagesize, UNIT_KIB, "Largest page", .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(features_hpt, "hpt", .doc = "Hash page table of pseries");

#define ROWS_OF struct features_smm
static const struct xml_row features_smm_rows[] = {
    ROW_ON_OFF("@state", state, "System management mode", DEFAULT(TRISTATE_ON),
               .flags = XML_ALWAYS | XML_ABI),
    ROW_SIZE("tseg", tseg, UNIT_BYTES, "Size of its memory", .flags = XML_EXPECTED | XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(features_smm, "smm", .doc = "System management mode");

#define ROWS_OF struct features_tcg
static const struct xml_row features_tcg_rows[] = {
    ROW_SIZE("tb-cache", tb_cache, UNIT_KIB, "Cache of translated code"),
};
#undef ROWS_OF
XML_SCHEMA(features_tcg, "tcg", .doc = "Emulation without KVM");

/* An element whose state may be left out: then it is on. */
#define SWITCH(element, member, about)                                                             \
    ROW_FLAG(element, has_##member, about),                                                        \
        ROW_ON_OFF(element "/@state", member, about, .flags = XML_ABI)

#define ROWS_OF struct domain_features
static const struct xml_row domain_features_rows[] = {
    ROW_FLAG("acpi", acpi, "ACPI", .flags = XML_ABI),
    ROW_FLAG("apic", apic, "APIC", .flags = XML_ABI),
    ROW_ON_OFF("apic/@eoi", apic_eoi, "Cheap end of interrupt", .flags = XML_ABI),
    ROW_FLAG("pae", pae, "Physical address extension", .flags = XML_ABI),
    SWITCH("hap", hap, "Hardware assisted paging"),
    ROW_FLAG("viridian", viridian, "Hyper-V features of Xen", .flags = XML_ABI),
    ROW_FLAG("privnet", privnet, "A network namespace of its own (containers)", .flags = XML_ABI),
    ROW_CHILD("hyperv", hyperv, features_hyperv, "What a Microsoft guest expects",
              .flags = XML_ABI),
    ROW_CHILD("kvm", kvm, features_kvm, "What a guest sees of KVM", .flags = XML_ABI),
    SWITCH("pvspinlock", pvspinlock, "Paravirtualized spin locks"),
    ROW_CHILD("capabilities", capabilities, features_capabilities, "Capabilities of a container"),
    SWITCH("pmu", pmu, "Performance counters"),
    SWITCH("vmport", vmport, "VMware's I/O port"),
    ROW_FLAG("gic", gic, "Interrupt controller of ARM", .flags = XML_ABI),
    ROW_ENUM("gic/@version", gic_version, gic_version_names, "Its version", .flags = XML_ABI),
    ROW_CHILD("smm", smm, features_smm, "System management mode", .flags = XML_ABI),
    ROW_ENUM("ioapic/@driver", ioapic, ioapic_driver_names, "Who emulates the I/O APIC",
             .flags = XML_EXPECTED | XML_ABI),
    ROW_CHILD("hpt", hpt, features_hpt, "Hash page table of pseries", .flags = XML_ABI),
    SWITCH("vmcoreinfo", vmcoreinfo, "The guest tells how to read its memory dump"),
    STATE("htm", htm, "Transactional memory"),
    STATE("nested-hv", nested_hv, "Guests of the guest"),
    ROW_ENUM("msrs/@unknown", msrs, msrs_unknown_names, "What an unknown MSR does",
             .flags = XML_EXPECTED | XML_ABI),
    STATE("ccf-assist", ccf_assist, "Count cache flush"),
    ROW_CHILD("xen", xen, features_xen, "Features of Xen guests", .flags = XML_ABI),
    ROW_ENUM("cfpc/@value", cfpc, mitigation_names, "Cache flush on privilege change",
             .flags = XML_EXPECTED | XML_ABI),
    ROW_ENUM("sbbc/@value", sbbc, mitigation_names, "Speculation barrier bounds checking",
             .flags = XML_EXPECTED | XML_ABI),
    ROW_ENUM("ibs/@value", ibs, ibs_value_names, "Indirect branch speculation",
             .flags = XML_EXPECTED | XML_ABI),
    ROW_CHILD("tcg", tcg, features_tcg, "Emulation without KVM"),
    ROW_YES_NO("async-teardown/@enabled", async_teardown, "Memory is given back after the end"),
    STATE("ras", ras, "Reports of hardware errors"),
    STATE("ps2", ps2, "PS/2 controller"),
    ROW_ENUM("aia/@value", aia, aia_value_names, "Interrupt architecture of RISC-V",
             .flags = XML_ABI),
    ROW_FLAG("virtualization", virtualization, "Guests of the guest, on Arm", .flags = XML_ABI),
};
#undef ROWS_OF

static void switch_on(bool has, uint8_t *state)
{
    if (has && !*state)
        *state = TRISTATE_ON;
}

static int features_check(struct xml_at *at, void *object, GError **error)
{
    struct domain_features *features = object;

    if (features->capabilities &&
        xml_equal(&features_capabilities_schema, features->capabilities,
                  &(struct features_capabilities){.policy = CAPABILITY_POLICY_DEFAULT}))
        features->capabilities = NULL;
    if (features->hpt && xml_equal(&features_hpt_schema, features->hpt, &(struct features_hpt){0}))
        features->hpt = NULL;
    if (features->tcg && xml_equal(&features_tcg_schema, features->tcg, &(struct features_tcg){0}))
        features->tcg = NULL;
    switch_on(features->has_hap, &features->hap);
    switch_on(features->has_pmu, &features->pmu);
    switch_on(features->has_vmport, &features->vmport);
    switch_on(features->has_pvspinlock, &features->pvspinlock);
    switch_on(features->has_vmcoreinfo, &features->vmcoreinfo);
    return 0;
}
XML_SCHEMA(domain_features, "features", .doc = "Features of the machine", .check = features_check);

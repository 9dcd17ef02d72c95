/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml/schema.h"

/* Machine features: <features>. An unset member was not mentioned. */

enum hyperv_mode {
    HYPERV_MODE_NONE,
    HYPERV_MODE_CUSTOM,
    HYPERV_MODE_PASSTHROUGH,
    HYPERV_MODE_HOST
};
extern const struct names hyperv_mode_names;

enum ioapic_driver { IOAPIC_NONE, IOAPIC_QEMU, IOAPIC_KVM };
extern const struct names ioapic_driver_names;

enum gic_version { GIC_ABSENT, GIC_NONE, GIC_HOST, GIC_2, GIC_3 };
extern const struct names gic_version_names;

enum hpt_resizing { HPT_NONE, HPT_ENABLED, HPT_DISABLED, HPT_REQUIRED };
extern const struct names hpt_resizing_names;

enum msrs_unknown { MSRS_NONE, MSRS_IGNORE, MSRS_FAULT };
extern const struct names msrs_unknown_names;

enum mitigation { MITIGATION_NONE, MITIGATION_BROKEN, MITIGATION_WORKAROUND, MITIGATION_FIXED };
extern const struct names mitigation_names;

enum ibs_value {
    IBS_NONE,
    IBS_BROKEN,
    IBS_WORKAROUND,
    IBS_FIXED_IBS,
    IBS_FIXED_CCD,
    IBS_FIXED_NA,
};
extern const struct names ibs_value_names;

enum aia_value { AIA_ABSENT, AIA_NONE, AIA_APLIC, AIA_APLIC_IMSIC };
extern const struct names aia_value_names;

enum capability_policy {
    CAPABILITY_POLICY_NONE,
    CAPABILITY_POLICY_DEFAULT,
    CAPABILITY_POLICY_ALLOW,
    CAPABILITY_POLICY_DENY,
};
extern const struct names capability_policy_names;

enum xen_passthrough_mode {
    XEN_PASSTHROUGH_NONE,
    XEN_PASSTHROUGH_SYNC_PT,
    XEN_PASSTHROUGH_SHARE_PT,
};
extern const struct names xen_passthrough_mode_names;

/* Hyper-V enlightenments; all enum tristate */
struct features_hyperv {
    uint8_t mode; /* enum hyperv_mode */
    uint8_t relaxed;
    uint8_t vapic;
    uint8_t spinlocks;
    uint8_t vpindex;
    uint8_t runtime;
    uint8_t synic;
    uint8_t stimer;
    uint8_t stimer_direct;
    uint8_t reset;
    uint8_t vendor_id;
    uint8_t frequencies;
    uint8_t reenlightenment;
    uint8_t tlbflush;
    uint8_t tlbflush_direct;
    uint8_t tlbflush_extended;
    uint8_t ipi;
    uint8_t evmcs;
    uint8_t avic;
    uint8_t emsr_bitmap;
    uint8_t xmm_input;
    unsigned spinlock_retries;
    const char *vendor_id_value;
};

struct features_kvm {
    uint8_t hidden; /* enum tristate, all */
    uint8_t hint_dedicated;
    uint8_t poll_control;
    uint8_t pv_ipi;
    uint8_t dirty_ring;
    unsigned dirty_ring_size;
};

struct features_xen {
    uint8_t e820_host;        /* enum tristate */
    uint8_t passthrough;      /* enum tristate */
    uint8_t passthrough_mode; /* enum xen_passthrough_mode */
};

/* Capabilities that a container keeps or loses */
struct features_capabilities {
    uint8_t policy; /* enum capability_policy */
    uint8_t audit_control;
    uint8_t audit_write;
    uint8_t block_suspend;
    uint8_t chown;
    uint8_t dac_override;
    uint8_t dac_read_search;
    uint8_t fowner;
    uint8_t fsetid;
    uint8_t ipc_lock;
    uint8_t ipc_owner;
    uint8_t kill;
    uint8_t lease;
    uint8_t linux_immutable;
    uint8_t mac_admin;
    uint8_t mac_override;
    uint8_t mknod;
    uint8_t net_admin;
    uint8_t net_bind_service;
    uint8_t net_broadcast;
    uint8_t net_raw;
    uint8_t setgid;
    uint8_t setfcap;
    uint8_t setpcap;
    uint8_t setuid;
    uint8_t sys_admin;
    uint8_t sys_boot;
    uint8_t sys_chroot;
    uint8_t sys_module;
    uint8_t sys_nice;
    uint8_t sys_pacct;
    uint8_t sys_ptrace;
    uint8_t sys_rawio;
    uint8_t sys_resource;
    uint8_t sys_time;
    uint8_t sys_tty_config;
    uint8_t syslog;
    uint8_t wake_alarm;
};

struct features_hpt {
    uint8_t resizing;     /* enum hpt_resizing */
    uint64_t maxpagesize; /* KiB */
};

struct features_smm {
    uint8_t state;         /* enum tristate */
    struct opt_ulong tseg; /* bytes */
};

struct features_tcg {
    uint64_t tb_cache; /* KiB */
};

struct domain_features {
    bool pae;
    bool acpi;
    bool apic;
    bool viridian;
    bool privnet;
    bool gic;
    bool has_hap; /* the element was there: its state may be left out, and then is on */
    bool has_pmu;
    bool has_vmport;
    bool has_pvspinlock;
    bool has_vmcoreinfo;
    uint8_t apic_eoi; /* enum tristate */
    uint8_t hap;      /* enum tristate, as the next ones */
    uint8_t pmu;
    uint8_t vmport;
    uint8_t pvspinlock;
    uint8_t vmcoreinfo;
    uint8_t htm;
    uint8_t nested_hv;
    uint8_t ccf_assist;
    uint8_t ras;
    uint8_t ps2;
    uint8_t async_teardown;
    uint8_t aia;         /* enum aia_value */
    bool virtualization; /* of an Arm CPU */
    uint8_t gic_version; /* enum gic_version */
    uint8_t ioapic;      /* enum ioapic_driver */
    uint8_t msrs;        /* enum msrs_unknown */
    uint8_t cfpc;        /* enum mitigation */
    uint8_t sbbc;
    uint8_t ibs; /* enum ibs_value */
    struct features_hyperv *hyperv;
    struct features_kvm *kvm;
    struct features_xen *xen;
    struct features_capabilities *capabilities;
    struct features_hpt *hpt;
    struct features_smm *smm;
    struct features_tcg *tcg;
};

XML_SCHEMA_DECLARE(features_hyperv);
XML_SCHEMA_DECLARE(features_kvm);
XML_SCHEMA_DECLARE(features_xen);
XML_SCHEMA_DECLARE(features_capabilities);
XML_SCHEMA_DECLARE(features_hpt);
XML_SCHEMA_DECLARE(features_smm);
XML_SCHEMA_DECLARE(features_tcg);
XML_SCHEMA_DECLARE(domain_features);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-chardev.h"
#include "model/domain-clock.h"
#include "model/domain-controller.h"
#include "model/domain-cpu.h"
#include "model/domain-disk.h"
#include "model/domain-extra.h"
#include "model/domain-features.h"
#include "model/domain-filesystem.h"
#include "model/domain-graphics.h"
#include "model/domain-hostdev.h"
#include "model/domain-input.h"
#include "model/domain-memballoon.h"
#include "model/domain-memory.h"
#include "model/domain-net.h"
#include "model/domain-os.h"
#include "model/domain-panic.h"
#include "model/domain-redirdev.h"
#include "model/domain-rng.h"
#include "model/domain-security.h"
#include "model/domain-sound.h"
#include "model/domain-sysinfo.h"
#include "model/domain-tpm.h"
#include "model/domain-tune.h"
#include "model/domain-video.h"
#include "model/domain-watchdog.h"
#include "xml/definition.h"

/*
 * A guest, as its document says. Immutable once published; see "xml/definition.h". Lists are in the
 * order of the document. A member that is NULL, 0, or not .set was not given (after the defaults of
 * "model/domain-defaults.h" and of the driver: does not exist).
 */

enum domain_type {
    DOMAIN_TYPE_NONE,
    DOMAIN_TYPE_QEMU,
    DOMAIN_TYPE_KQEMU,
    DOMAIN_TYPE_KVM,
    DOMAIN_TYPE_XEN,
    DOMAIN_TYPE_LXC,
    DOMAIN_TYPE_UML,
    DOMAIN_TYPE_OPENVZ,
    DOMAIN_TYPE_TEST,
    DOMAIN_TYPE_VMWARE,
    DOMAIN_TYPE_HYPERV,
    DOMAIN_TYPE_VBOX,
    DOMAIN_TYPE_PHYP,
    DOMAIN_TYPE_PARALLELS,
    DOMAIN_TYPE_BHYVE,
    DOMAIN_TYPE_VZ,
    DOMAIN_TYPE_HVF,
};
extern const struct names domain_type_names;

enum lifecycle_action {
    LIFECYCLE_NONE,
    LIFECYCLE_DESTROY,
    LIFECYCLE_RESTART,
    LIFECYCLE_RENAME_RESTART,
    LIFECYCLE_PRESERVE,
    LIFECYCLE_COREDUMP_DESTROY, /* on_crash only, as the next ones */
    LIFECYCLE_COREDUMP_RESTART,
    LIFECYCLE_PRESERVE_RUNNING,
};
extern const struct names lifecycle_action_names;

enum lock_failure_action {
    LOCK_FAILURE_NONE,
    LOCK_FAILURE_POWEROFF,
    LOCK_FAILURE_RESTART,
    LOCK_FAILURE_PAUSE,
    LOCK_FAILURE_IGNORE,
};
extern const struct names lock_failure_action_names;

/* One <vcpu> of <vcpus> */
struct domain_vcpu {
    struct opt_uint id;
    uint8_t enabled;      /* enum tristate */
    uint8_t hotpluggable; /* enum tristate */
    unsigned order;       /* of plugging; 0: none */
};

struct domain_pm {
    uint8_t suspend_to_mem; /* enum tristate */
    uint8_t suspend_to_disk;
};

struct idmap_entry {
    struct opt_uint start;
    struct opt_uint target;
    unsigned count;
};

struct domain_idmap {
    LIST_OF(struct idmap_entry) uids;
    LIST_OF(struct idmap_entry) gids;
};

struct perf_event {
    const char *name;
    uint8_t enabled; /* enum tristate */
};

/* An argument or a variable passed through to the hypervisor: qemu:arg, qemu:env, xen:arg */
struct passthrough_env {
    const char *name;
    const char *value;
};

struct override_property {
    const char *name;
    const char *type; /* string, signed, unsigned, bool, remove */
    const char *value;
};

struct override_device {
    const char *alias;
    LIST_OF(struct override_property) frontend;
};

struct lxc_namespace {
    const char *type;
    const char *value;
};

struct domain_devices {
    const char *emulator;
    LIST_OF(struct domain_disk) disks;
    LIST_OF(struct domain_controller) controllers;
    LIST_OF(struct domain_lease) leases;
    LIST_OF(struct domain_filesystem) filesystems;
    LIST_OF(struct domain_net) nets;
    LIST_OF(struct domain_smartcard) smartcards;
    LIST_OF(struct domain_serial) serials;
    LIST_OF(struct domain_parallel) parallels;
    LIST_OF(struct domain_console) consoles;
    LIST_OF(struct domain_channel) channels;
    LIST_OF(struct domain_input) inputs;
    LIST_OF(struct domain_tpm) tpms;
    LIST_OF(struct domain_graphics) graphics;
    LIST_OF(struct domain_sound) sounds;
    LIST_OF(struct domain_audio) audios;
    LIST_OF(struct domain_video) videos;
    LIST_OF(struct domain_hostdev) hostdevs;
    LIST_OF(struct domain_redirdev) redirdevs;
    struct domain_redirfilter *redirfilter;
    LIST_OF(struct domain_hub) hubs;
    LIST_OF(struct domain_watchdog) watchdogs;
    struct domain_memballoon *memballoon;
    LIST_OF(struct domain_rng) rngs;
    struct domain_nvram *nvram;
    LIST_OF(struct domain_panic) panics;
    LIST_OF(struct domain_shmem) shmems;
    LIST_OF(struct domain_memory) memories;
    LIST_OF(struct domain_iommu) iommus;
    struct domain_vsock *vsock;
    LIST_OF(struct domain_crypto) cryptos;
    struct domain_pstore *pstore;
};

struct domain {
    struct definition definition;
    uint8_t type; /* enum domain_type */
    union {
        uint8_t uuid[16];
        struct opt_uuid given_uuid;
    };
    union {
        uint8_t genid[16];
        struct opt_uuid given_genid;
    };
    uint8_t hwuuid[16];     /* what the guest's devices say instead of uuid; zero: not given */
    bool has_genid;         /* <genid/> may be empty: one is to be made */
    uint8_t on_poweroff;    /* enum lifecycle_action */
    uint8_t on_reboot;      /* enum lifecycle_action */
    uint8_t on_crash;       /* enum lifecycle_action */
    uint8_t on_lockfailure; /* enum lock_failure_action */
    uint8_t dump_core;      /* enum tristate */
    uint8_t vcpu_placement; /* enum tune_placement */
    struct opt_int id;      /* of a running guest; live only */
    const char *name;
    const char *title;
    const char *description;
    const char *metadata;    /* the whole element */
    uint64_t memory;         /* KiB at boot, including memory devices */
    uint64_t current_memory; /* KiB: the balloon's target */
    uint64_t max_memory;     /* KiB, with memory_slots: what can be plugged */
    unsigned memory_slots;
    unsigned max_vcpus;
    unsigned current_vcpus; /* 0: all */
    struct cpuset *vcpu_cpuset;
    LIST_OF(struct domain_vcpu) vcpus; /* empty, or max_vcpus of them */
    unsigned iothread_count;
    LIST_OF(struct domain_iothread) iothreads;
    struct default_iothread *default_iothread;
    LIST_OF(struct disk_iotune) throttle_groups; /* each with its group_name */
    struct blkio_tune *blkio_tune;
    struct memory_tune *memory_tune;
    struct memory_backing *memory_backing;
    struct cpu_tune *cpu_tune;
    struct numa_tune *numa_tune;
    uint8_t iommufd;           /* enum tristate: of host devices that do not say it */
    const char *iommufd_group; /* of descriptors */
    struct domain_resource *resource;
    LIST_OF(struct domain_sysinfo) sysinfos;
    const char *bootloader; /* xen */
    const char *bootloader_arguments;
    struct domain_os os;
    struct domain_idmap *idmap;
    struct domain_features *features;
    struct domain_cpu *cpu;
    struct domain_cpu *asked_cpu; /* of a running guest: cpu is what it got. NULL: just that */
    struct domain_clock clock;
    struct domain_pm pm;
    LIST_OF(struct perf_event) perf_events;
    struct domain_devices devices;
    LIST_OF(struct domain_seclabel) seclabels;
    LIST_OF(struct keywrap_cipher) keywrap_ciphers;
    struct launch_security *launch_security;
    LIST_OF(const char) qemu_arguments;
    LIST_OF(struct passthrough_env) qemu_environment;
    LIST_OF(const char) qemu_capabilities_add;
    LIST_OF(const char) qemu_capabilities_del;
    LIST_OF(struct override_device) qemu_overrides;
    const char *qemu_deprecation_behavior;
    LIST_OF(const char) xen_arguments;
    LIST_OF(const char) bhyve_arguments;
    const char *vmware_datacenter;
    struct lxc_namespace *lxc_share_net;
    struct lxc_namespace *lxc_share_ipc;
    struct lxc_namespace *lxc_share_uts;
};

XML_SCHEMA_DECLARE(domain_vcpu);
XML_SCHEMA_DECLARE(idmap_entry);
XML_SCHEMA_DECLARE(domain_idmap);
XML_SCHEMA_DECLARE(perf_event);
XML_SCHEMA_DECLARE(passthrough_env);
XML_SCHEMA_DECLARE(override_property);
XML_SCHEMA_DECLARE(override_device);
XML_SCHEMA_DECLARE(lxc_namespace);
XML_SCHEMA_DECLARE(domain);
XML_SCHEMA_DECLARE(domain_devices);

/* Every schema that may stand alone as a device to attach, update or detach. */
extern const struct xml_schema *const domain_device_schemas[];
extern const unsigned domain_device_schema_count;

/* ---- Devices of all kinds ---- */

enum device_kind {
    DEVICE_NONE,
    DEVICE_DISK,
    DEVICE_CONTROLLER,
    DEVICE_LEASE,
    DEVICE_FILESYSTEM,
    DEVICE_NET,
    DEVICE_SMARTCARD,
    DEVICE_SERIAL,
    DEVICE_PARALLEL,
    DEVICE_CONSOLE,
    DEVICE_CHANNEL,
    DEVICE_INPUT,
    DEVICE_TPM,
    DEVICE_GRAPHICS,
    DEVICE_SOUND,
    DEVICE_AUDIO,
    DEVICE_VIDEO,
    DEVICE_HOSTDEV,
    DEVICE_REDIRDEV,
    DEVICE_HUB,
    DEVICE_WATCHDOG,
    DEVICE_MEMBALLOON,
    DEVICE_RNG,
    DEVICE_NVRAM,
    DEVICE_PANIC,
    DEVICE_SHMEM,
    DEVICE_MEMORY,
    DEVICE_IOMMU,
    DEVICE_VSOCK,
    DEVICE_CRYPTO,
    DEVICE_PSTORE,
    DEVICE_KINDS,
};
extern const struct names device_kind_names; /* the element's name */

/* One device; object is a struct domain_KIND. Devices without info (leases, audio) have NULL. */
struct device {
    enum device_kind kind;
    unsigned index; /* in the list of its kind */
    void *object;
    struct domain_device_info *info;
};

/* Every device in the order of the document; the caller frees the array (not what it points to).
 * Valid until a device is added or removed. The domain is const only if the caller's is. */
struct device *domain_list_devices(const struct domain *domain, unsigned *ret_count);

/* The kind that a schema of domain_device_schemas[] stands for. */
enum device_kind device_kind_of_schema(const struct xml_schema *schema);
const struct xml_schema *device_kind_schema(enum device_kind kind);

/* The host's end of a device that has one (serial port, channel, redirected USB, RNG of kind
 * egd...), else NULL. Borrowed. */
struct chardev_source *device_chardev_source(const struct device *device);

/* True if the kind has a struct domain_device_info. */
bool device_kind_has_info(enum device_kind kind);

/* Adds a device (allocated in the domain's arena) at the end of its kind; takes one away. The
 * domain must be under construction. -1: there can only be one of that kind, and there is. */
int domain_add_device(struct domain *domain, enum device_kind kind, void *object, GError **error);
void domain_remove_device(struct domain *domain, const struct device *device);

/* ---- Finding; borrowed, or NULL ---- */

struct domain_disk *domain_find_disk(const struct domain *domain, const char *target);

/* By target, or by the path of its source. */
struct domain_disk *domain_find_disk_or_path(const struct domain *domain, const char *name);

struct disk_iotune *domain_find_throttle_group(const struct domain *domain, const char *name);

struct domain_controller *domain_find_controller(const struct domain *domain,
                                                 enum controller_type type, unsigned index);

struct domain_graphics *domain_find_graphics(const struct domain *domain, enum graphics_type type);

struct domain_audio *domain_find_audio(const struct domain *domain, unsigned id);

/* Among the named ones. */
struct domain_iothread *domain_find_iothread(const struct domain *domain, unsigned id);

/* Any device by alias: false if there is none. */
bool domain_find_alias(const struct domain *domain, const char *alias, struct device *ret_device);

/* ---- Questions ---- */

/* Vcpus at start: current_vcpus, or all. */
unsigned domain_vcpus(const struct domain *domain);

/* Whether its processor is x86_64 or i686. */
bool domain_is_x86(const struct domain *domain);

/* Whether there is an I/O thread of this number, named or only counted: the defaults leave either
 * none or all of them named. */
bool domain_has_iothread(const struct domain *domain, unsigned id);

/* Whether other processes can map all of the guest's memory, as vhost-user devices need. */
bool domain_shares_memory(const struct domain *domain);

/* True if the type is one that virtqemud runs. */
bool domain_type_is_qemu(enum domain_type type);

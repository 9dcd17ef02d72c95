/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain.h"

#include "model/rows.h"
#include "model/text-types.h"

NAMES(domain_type_names, NULL, "qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test",
      "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve", "vz", "hvf");
NAMES(lifecycle_action_names, NULL, "destroy", "restart", "rename-restart", "preserve",
      "coredump-destroy", "coredump-restart", "preserve-running");
NAMES(lock_failure_action_names, NULL, "poweroff", "restart", "pause", "ignore");

static NAMES(property_type_names, NULL, "string", "signed", "unsigned", "bool", "remove");
static NAMES(deprecation_names, NULL, "none", "omit", "reject", "crash");

#define ROWS_OF struct domain_vcpu
static const struct xml_row domain_vcpu_rows[] = {
    ROW_NUMBER("@id", id, "Number, from 0", .flags = XML_REQUIRED),
    ROW_YES_NO("@enabled", enabled, "Plugged", .flags = XML_REQUIRED),
    ROW_YES_NO("@hotpluggable", hotpluggable, "Can be unplugged"),
    ROW_NUMBER("@order", order, "Turn of its plugging"),
};
#undef ROWS_OF
XML_SCHEMA(domain_vcpu, "vcpu", .doc = "One virtual CPU");

#define ROWS_OF struct idmap_entry
static const struct xml_row idmap_entry_rows[] = {
    ROW_NUMBER("@start", start, "First of the container", .flags = XML_REQUIRED),
    ROW_NUMBER("@target", target, "First of the host", .flags = XML_REQUIRED),
    ROW_NUMBER("@count", count, "How many", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(idmap_entry, "uid", .doc = "A range of users or groups");

#define ROWS_OF struct domain_idmap
static const struct xml_row domain_idmap_rows[] = {
    ROW_LIST("uid", uids, idmap_entry, "Users"),
    ROW_LIST("gid", gids, idmap_entry, "Groups"),
};
#undef ROWS_OF
XML_SCHEMA(domain_idmap, "idmap", .doc = "Users and groups of a container");

#define ROWS_OF struct perf_event
static const struct xml_row perf_event_rows[] = {
    ROW_STRING("@name", name, "Event", .flags = XML_REQUIRED),
    ROW_YES_NO("@enabled", enabled, "Counted", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(perf_event, "event", .doc = "A performance event of the host that is counted");

#define ROWS_OF struct passthrough_env
static const struct xml_row passthrough_env_rows[] = {
    ROW_STRING("@name", name, "Name", .flags = XML_REQUIRED),
    ROW_STRING("@value", value, "Value"),
};
#undef ROWS_OF
XML_SCHEMA(passthrough_env, "env", .doc = "A variable of QEMU's environment");

static const struct xml_namespace namespaces[] = {
    {"qemu", "http://libvirt.org/schemas/domain/qemu/1.0"},
    {"xen", "http://libvirt.org/schemas/domain/xen/1.0"},
    {"lxc", "http://libvirt.org/schemas/domain/lxc/1.0"},
    {"bhyve", "http://libvirt.org/schemas/domain/bhyve/1.0"},
    {"vmware", "http://libvirt.org/schemas/domain/vmware/1.0"},
    {NULL, NULL},
};

#define ROWS_OF struct override_property
static const struct xml_row override_property_rows[] = {
    ROW_STRING("@name", name, "Name", .flags = XML_REQUIRED),
    ROW_STRING("@type", type, "string, signed, unsigned, bool, remove", .flags = XML_REQUIRED,
               WORDS(property_type_names)),
    ROW_STRING("@value", value, "Value"),
};
#undef ROWS_OF
XML_SCHEMA(override_property, "property", .doc = "A property of a QEMU device");

#define ROWS_OF struct override_device
static const struct xml_row override_device_rows[] = {
    ROW_STRING("@alias", alias, "Alias of the device", .flags = XML_REQUIRED),
    ROW_LIST("qemu:frontend/qemu:property", frontend, override_property, "Property"),
};
#undef ROWS_OF
XML_SCHEMA(override_device, "device", .doc = "Properties of a device, as QEMU names them",
           .namespaces = namespaces);

#define ROWS_OF struct lxc_namespace
static const struct xml_row lxc_namespace_rows[] = {
    ROW_STRING("@type", type, "netns, name or pid", .flags = XML_REQUIRED),
    ROW_STRING("@value", value, "Name or number", .flags = XML_REQUIRED),
};
#undef ROWS_OF
XML_SCHEMA(lxc_namespace, "sharenet", .doc = "A namespace shared with another container");

#define ROWS_OF struct domain_devices
static const struct xml_row domain_devices_rows[] = {
    ROW_STRING("emulator", emulator, "Path of the program that runs the guest",
               FORM(absolute_path_type), .flags = XML_EXPECTED),
    ROW_LIST("disk", disks, domain_disk, "Disk", .flags = XML_ABI),
    ROW_LIST("controller", controllers, domain_controller, "Bus", .flags = XML_ABI),
    ROW_LIST("lease", leases, domain_lease, "Lease"),
    ROW_LIST("filesystem", filesystems, domain_filesystem, "Folder", .flags = XML_ABI),
    ROW_LIST("interface", nets, domain_net, "Network interface", .flags = XML_ABI),
    ROW_LIST("smartcard", smartcards, domain_smartcard, "Smart card", .flags = XML_ABI),
    ROW_LIST("serial", serials, domain_serial, "Serial port", .flags = XML_ABI),
    ROW_LIST("parallel", parallels, domain_parallel, "Parallel port", .flags = XML_ABI),
    ROW_LIST("console", consoles, domain_console, "Console", .flags = XML_ABI),
    ROW_LIST("channel", channels, domain_channel, "Channel", .flags = XML_ABI),
    ROW_LIST("input", inputs, domain_input, "Keyboard or pointer", .flags = XML_ABI),
    ROW_LIST("tpm", tpms, domain_tpm, "TPM", .flags = XML_ABI),
    ROW_LIST("graphics", graphics, domain_graphics, "Display"),
    ROW_LIST("sound", sounds, domain_sound, "Sound card", .flags = XML_ABI),
    ROW_LIST("audio", audios, domain_audio, "Audio of the host"),
    ROW_LIST("video", videos, domain_video, "Display adapter", .flags = XML_ABI),
    ROW_LIST("hostdev", hostdevs, domain_hostdev, "Device of the host", .flags = XML_ABI),
    ROW_LIST("redirdev", redirdevs, domain_redirdev, "USB device at the viewer", .flags = XML_ABI),
    ROW_CHILD("redirfilter", redirfilter, domain_redirfilter, "Which may be redirected",
              .flags = XML_ONCE | XML_ABI),
    ROW_LIST("hub", hubs, domain_hub, "USB hub", .flags = XML_ABI),
    ROW_LIST("watchdog", watchdogs, domain_watchdog, "Watchdog", .flags = XML_ABI),
    ROW_CHILD("memballoon", memballoon, domain_memballoon, "Balloon", .flags = XML_ONCE | XML_ABI),
    ROW_LIST("rng", rngs, domain_rng, "Random numbers", .flags = XML_ABI),
    ROW_CHILD("nvram", nvram, domain_nvram, "NVRAM of pseries", .flags = XML_ABI),
    ROW_LIST("panic", panics, domain_panic, "Panic device", .flags = XML_ABI),
    ROW_LIST("shmem", shmems, domain_shmem, "Shared memory", .flags = XML_ABI),
    ROW_LIST("memory", memories, domain_memory, "Memory module", .flags = XML_ABI),
    ROW_LIST("iommu", iommus, domain_iommu, "IOMMU", .flags = XML_ABI),
    ROW_CHILD("vsock", vsock, domain_vsock, "Sockets between guest and host",
              .flags = XML_ONCE | XML_ABI),
    ROW_LIST("crypto", cryptos, domain_crypto, "Cryptography accelerator", .flags = XML_ABI),
    ROW_CHILD("pstore", pstore, domain_pstore, "Where a kernel keeps its last words",
              .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(domain_devices, "devices", .doc = "The guest's devices");

#define ROWS_OF struct domain
static const struct xml_row domain_rows[] = {
    ROW_ENUM("@type", type, domain_type_names, "Hypervisor", WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("@id", id, "Number of the running guest", .flags = XML_LIVE),
    ROW_STRING("name", name, "Name, unique on the host", .flags = XML_REQUIRED | XML_ABI,
               .code = VIR_ERR_NO_NAME),
    ROW_OPT_UUID("uuid", given_uuid, "Identity, unique everywhere",
                 .flags = XML_EXPECTED | XML_ABI),
    ROW_UUID("hwuuid", hwuuid, "Identity that the guest sees instead", .flags = XML_ABI),
    ROW_FLAG("genid", has_genid, "Changes whenever the guest's past does",
             .flags = XML_ONCE | XML_ABI),
    ROW_OPT_UUID("genid", given_genid, "Its value", .flags = XML_ABI),
    ROW_STRING("title", title, "One line about the guest", .flags = XML_EXPECTED),
    ROW_STRING("description", description, "Any text about the guest"),
    ROW_RAW("metadata", metadata, "Elements of applications, in their own namespaces"),
    ROW_NUMBER("maxMemory/@slots", memory_slots, "Memory modules that can be plugged",
               .flags = XML_ABI),
    ROW_SIZE("maxMemory", max_memory, UNIT_KIB, "Most memory, with all modules", .flags = XML_ABI),
    ROW_ON_OFF("memory/@dumpCore", dump_core, "The guest's memory is in core dumps of QEMU"),
    ROW_SIZE("memory", memory, UNIT_KIB, "Memory", .flags = XML_ABI),
    ROW_SIZE("currentMemory", current_memory, UNIT_KIB, "Memory that the balloon leaves",
             .flags = XML_ABI),
    ROW_CHILD("blkiotune", blkio_tune, blkio_tune, "Share of block I/O"),
    ROW_CHILD("memtune", memory_tune, memory_tune, "Limits of memory"),
    ROW_CHILD("memoryBacking", memory_backing, memory_backing, "What memory is made of"),
    ROW_ENUM("vcpu/@placement", vcpu_placement, tune_placement_names, "auto: chosen by numad",
             DEFAULT(PLACEMENT_STATIC), .flags = XML_ALWAYS),
    ROW_CPUSET("vcpu/@cpuset", vcpu_cpuset, "CPUs of the host"),
    ROW_NUMBER("vcpu/@current", current_vcpus, "Plugged at start", FORM_RANGE(1, 65535)),
    ROW_NUMBER("vcpu", max_vcpus, "Most virtual CPUs", RANGE(1, 65535), DEFAULT(1),
               .flags = XML_EXPECTED | XML_ALWAYS | XML_ABI),
    ROW_LIST("vcpus/vcpu", vcpus, domain_vcpu, "One virtual CPU"),
    ROW_NUMBER("iothreads", iothread_count, "How many I/O threads", .flags = XML_EXPECTED),
    ROW_LIST("iothreadids/iothread", iothreads, domain_iothread, "I/O thread"),
    ROW_CHILD("defaultiothread", default_iothread, default_iothread, "The main loop"),
    ROW_CHILD("cputune", cpu_tune, cpu_tune, "What the guest may take of the CPUs"),
    ROW_CHILD("numatune", numa_tune, numa_tune, "NUMA nodes of the host", .flags = XML_ONCE),
    ROW_YES_NO("iommufd/@enabled", iommufd, "Devices of the host are passed by /dev/iommu"),
    ROW_STRING("iommufd/@fdgroup", iommufd_group, "Its descriptor comes from a client"),
    ROW_CHILD("resource", resource, domain_resource, "Groups of resources", .flags = XML_ONCE),
    ROW_LIST("sysinfo", sysinfos, domain_sysinfo, "What firmware tells about the machine",
             .flags = XML_ABI),
    ROW_STRING("bootloader", bootloader, "Program of the host that finds the kernel (xen)"),
    ROW_STRING("bootloader_args", bootloader_arguments, "Its arguments"),
    ROW_EMBED("os", os, domain_os),
    ROW_CHILD("idmap", idmap, domain_idmap, "Users and groups of a container"),
    ROW_LIST_AS("throttlegroups/throttlegroup", throttle_groups, struct disk_iotune, throttle_group,
                "Limits that filters of disks share"),
    ROW_CHILD("features", features, domain_features, "Features of the machine", .flags = XML_ABI),
    ROW_CHILD("cpu", cpu, domain_cpu, "The guest's CPU", .flags = XML_ABI),
    ROW_CHILD("askedCpu", asked_cpu, domain_cpu, "The CPU that was asked for", .flags = XML_STATUS),
    ROW_EMBED("clock", clock, domain_clock),
    ROW_ENUM("on_poweroff", on_poweroff, lifecycle_action_names, "When the guest switches off",
             DEFAULT(LIFECYCLE_DESTROY), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_EXPECTED | XML_ALWAYS),
    ROW_ENUM("on_reboot", on_reboot, lifecycle_action_names, "When the guest restarts itself",
             DEFAULT(LIFECYCLE_RESTART), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_EXPECTED | XML_ALWAYS),
    ROW_ENUM("on_crash", on_crash, lifecycle_action_names, "When the guest crashes",
             DEFAULT(LIFECYCLE_DESTROY), WRONG(VIR_ERR_CONFIG_UNSUPPORTED),
             .flags = XML_EXPECTED | XML_ALWAYS),
    ROW_ENUM("on_lockfailure", on_lockfailure, lock_failure_action_names, "When a lease is lost",
             WRONG(VIR_ERR_CONFIG_UNSUPPORTED), .flags = XML_EXPECTED),
    ROW_YES_NO("pm/suspend-to-mem/@enabled", pm.suspend_to_mem, "The guest can suspend to memory",
               .flags = XML_ABI),
    ROW_YES_NO("pm/suspend-to-disk/@enabled", pm.suspend_to_disk, "The guest can hibernate",
               .flags = XML_ABI),
    ROW_LIST("perf/event", perf_events, perf_event, "Performance event", .flags = XML_EXPECTED),
    ROW_ELEMENT("devices", "The guest's devices", .flags = XML_ALWAYS),
    ROW_EMBED("devices", devices, domain_devices),
    ROW_LIST("seclabel", seclabels, domain_seclabel, "Security label"),
    ROW_LIST("keywrap/cipher", keywrap_ciphers, keywrap_cipher, "Wrapping of keys on s390x",
             .flags = XML_EXPECTED),
    ROW_CHILD("launchSecurity", launch_security, launch_security, "Memory that the host can't read",
              .flags = XML_ABI),
    ROW_STRINGS("qemu:commandline/qemu:arg/@value", qemu_arguments, "Argument for QEMU"),
    ROW_LIST("qemu:commandline/qemu:env", qemu_environment, passthrough_env, "Variable for QEMU"),
    ROW_STRINGS("qemu:capabilities/qemu:add/@capability", qemu_capabilities_add,
                "Capability taken as there"),
    ROW_STRINGS("qemu:capabilities/qemu:del/@capability", qemu_capabilities_del,
                "Capability taken as missing"),
    ROW_STRING("qemu:deprecation/@behavior", qemu_deprecation_behavior,
               "What QEMU does with deprecated commands", WORDS(deprecation_names),
               .flags = XML_EXPECTED),
    ROW_LIST("qemu:override/qemu:device", qemu_overrides, override_device,
             "Properties of a device"),
    ROW_STRINGS("xen:commandline/xen:arg/@value", xen_arguments, "Argument for the device model"),
    ROW_STRINGS("bhyve:commandline/bhyve:arg/@value", bhyve_arguments, "Argument for bhyve"),
    ROW_STRING("vmware:datacenterpath", vmware_datacenter, "Path of the data center"),
    ROW_CHILD("lxc:namespace/lxc:sharenet", lxc_share_net, lxc_namespace, "Network namespace"),
    ROW_CHILD("lxc:namespace/lxc:shareipc", lxc_share_ipc, lxc_namespace, "IPC namespace"),
    ROW_CHILD("lxc:namespace/lxc:shareuts", lxc_share_uts, lxc_namespace, "UTS namespace"),
};
#undef ROWS_OF
XML_SCHEMA(domain, "domain", .doc = "A guest", .namespaces = namespaces);

bool domain_type_is_qemu(enum domain_type type)
{
    return type == DOMAIN_TYPE_QEMU || type == DOMAIN_TYPE_KVM || type == DOMAIN_TYPE_HVF;
}

unsigned domain_vcpus(const struct domain *domain)
{
    return domain->current_vcpus ? domain->current_vcpus : domain->max_vcpus;
}

bool domain_is_x86(const struct domain *domain)
{
    const char *arch = domain->os.arch;

    return arch && (strcmp(arch, "x86_64") == 0 || strcmp(arch, "i686") == 0);
}

bool domain_has_iothread(const struct domain *domain, unsigned id)
{
    if (domain->iothreads.count)
        return domain_find_iothread(domain, id);
    return id >= 1 && id <= domain->iothread_count;
}

bool domain_shares_memory(const struct domain *domain)
{
    const struct cpu_numa *numa = domain->cpu ? domain->cpu->numa : NULL;
    bool shared = domain->memory_backing && domain->memory_backing->access == MEMORY_ACCESS_SHARED;

    if (!numa || !numa->cells.count)
        return shared;
    LIST_EACH (cell, &numa->cells)
        if (cell->memory_access != MEMORY_ACCESS_SHARED && (cell->memory_access || !shared))
            return false;
    return true;
}

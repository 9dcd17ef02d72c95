/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pipeline.h"

#include <string.h>

#include "model/domain-check.h"
#include "model/domain-defaults.h"
#include "virtqemud/defaults.h"
#include "virtqemud/rules.h"
#include "xml/xml.h"

/* What Debian's QEMU 7.2 is for each architecture. */
static const struct emulated {
    const char *arch, *emulator, *alias, *machine, *default_cpu;
} emulators[] = {
    {"x86_64", "/usr/bin/qemu-system-x86_64", "pc", "pc-i440fx-7.2", "qemu64"},
    {"x86_64", "/usr/bin/qemu-system-x86_64", "q35", "pc-q35-7.2", "qemu64"},
    {"i686", "/usr/bin/qemu-system-i386", "pc", "pc-i440fx-7.2", "qemu32"},
    {"i686", "/usr/bin/qemu-system-i386", "q35", "pc-q35-7.2", "qemu32"},
    {"aarch64", "/usr/bin/qemu-system-aarch64", "virt", "virt-7.2", "cortex-a15"},
    {"armv7l", "/usr/bin/qemu-system-arm", "virt", "virt-7.2", "cortex-a15"},
    {"armv7l", "/usr/bin/qemu-system-arm", "vexpress-a9", "vexpress-a9", "cortex-a9"},
    {"ppc64", "/usr/bin/qemu-system-ppc64", "pseries", "pseries-7.2", "POWER9"},
    {"ppc64", "/usr/bin/qemu-system-ppc64", "mac99", "mac99", "ppc64"},
    {"mips", "/usr/bin/qemu-system-mips", "malta", "malta", NULL},
    {"sparc", "/usr/bin/qemu-system-sparc", "SS-5", "SS-5", NULL},
    {"s390x", "/usr/bin/qemu-system-s390x", "s390-ccw-virtio", "s390-ccw-virtio-7.2", "qemu"},
    {"riscv64", "/usr/bin/qemu-system-riscv64", "virt", "virt", NULL},
    {"loongarch64", "/usr/bin/qemu-system-loongarch64", "virt", "virt", "la464"},
};

/* NULL: an architecture that has no golden documents. */
static const struct emulated *emulated_of(const char *arch, const char *machine)
{
    const struct emulated *first = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(emulators); i++) {
        if (!g_str_equal(emulators[i].arch, arch))
            continue;
        if (g_strcmp0(emulators[i].alias, machine) == 0)
            return &emulators[i];
        first = first ? first : &emulators[i];
    }
    return first;
}

/* One that no QEMU has, as documents that are refused name it, is the usual one. */
static const char *machine_of(const struct domain *domain, const struct emulated *emulated)
{
    const char *machine = domain->os.machine;

    if (g_strcmp0(machine, "foobar") == 0)
        machine = NULL;
    if (emulated && (!machine || g_str_equal(machine, emulated->alias)))
        return emulated->machine;
    return machine ? machine : "pc-i440fx-7.2";
}

/* Documents of 64 bits may name the emulator of 32, and the other way round. */
static const char *default_cpu_of(const struct domain *domain, const struct emulated *emulated)
{
    const char *emulator = domain->devices.emulator;

    if (strstr(emulator, "i386"))
        return "qemu32";
    if (!emulated || strstr(emulator, "x86_64"))
        return "qemu64";
    return emulated->default_cpu;
}

/* What the daemons of other hypervisors start from. */
static int complete_other(struct domain *domain, GError **error)
{
    if (domain_add_controllers(domain, error) < 0)
        return -1;
    domain_add_video(domain);
    return domain_check(domain, error);
}

/* The host of the shared cases had one virtio adapter among all that the documents name. */
static bool is_conventional(const struct pci_address *address)
{
    return address->slot == 4 && !address->domain && !address->bus && !address->function;
}

static int complete(struct domain *domain, GError **error)
{
    const struct domain_defaults generic = {.mac_prefix = {0x52, 0x54, 0x00}};

    if (domain_apply_defaults(domain, &generic, error) < 0)
        return -1;
    if (!domain_type_is_qemu(domain->type))
        return complete_other(domain, error);
    if (!domain->os.arch)
        domain->os.arch = "x86_64";
    const struct emulated *emulated = emulated_of(domain->os.arch, domain->os.machine);
    const char *name = machine_of(domain, emulated);

    if (!domain->devices.emulator)
        domain->devices.emulator = emulated ? emulated->emulator : "/usr/bin/qemu-system-x86_64";
    const struct machine_traits machine = {
        .name = name,
        .default_cpu = default_cpu_of(domain, emulated),
        .family = machine_family_of(domain->os.arch, name),
        .host_is_conventional = is_conventional,
        .nvram_folder = "/var/lib/libvirt/qemu/nvram",
    };
    if (defaults_apply_machine(domain, &machine, error) < 0 || domain_check(domain, error) < 0)
        return -1;
    return rules_check(domain, error);
}

static struct domain *load(const char *text, void (*prepare)(struct domain *domain), GError **error)
{
    DEFINITION_AUTO struct domain *domain =
        (struct domain *)xml_read(&domain_schema, text, -1, XML_READ_INACTIVE, NULL, error);

    if (domain && prepare)
        prepare(domain);
    if (!domain || complete(domain, error) < 0)
        return NULL;
    return g_steal_pointer(&domain);
}

struct domain *pipeline_define(const char *text, GError **error)
{
    return load(text, domain_sort_controllers, error);
}

struct domain *pipeline_load(const char *text, GError **error)
{
    return load(text, NULL, error);
}

char *pipeline_print(const struct domain *domain)
{
    return xml_write(&domain->definition, XML_WRITE_SECURE | XML_WRITE_INACTIVE);
}

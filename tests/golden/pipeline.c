/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pipeline.h"

#include <string.h>

#include "model/domain-check.h"
#include "model/domain-defaults.h"
#include "virtqemud/defaults.h"
#include "virtqemud/rules.h"
#include "xml/xml.h"

static bool is_32bit(const struct domain *domain)
{
    return g_strcmp0(domain->os.arch, "i686") == 0;
}

static const char *machine_of(const struct domain *domain)
{
    const char *machine = domain->os.machine;

    if (!machine || g_str_equal(machine, "pc"))
        return "pc-i440fx-7.2";
    return g_str_equal(machine, "q35") ? "pc-q35-7.2" : machine;
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
    if (!domain->devices.emulator)
        domain->devices.emulator =
            is_32bit(domain) ? "/usr/bin/qemu-system-i386" : "/usr/bin/qemu-system-x86_64";
    const struct machine_traits machine = {
        .name = machine_of(domain),
        .default_cpu = strstr(domain->devices.emulator, "i386") ? "qemu32" : "qemu64",
        .family = machine_family_of(domain->os.arch, machine_of(domain)),
        .host_is_conventional = is_conventional,
        .nvram_folder = "/var/lib/libvirt/qemu/nvram",
    };
    if (defaults_apply_machine(domain, &machine, error) < 0 || domain_check(domain, error) < 0)
        return -1;
    return rules_check(domain, error);
}

struct domain *pipeline_define(const char *text, GError **error)
{
    DEFINITION_AUTO struct domain *domain =
        (struct domain *)xml_read(&domain_schema, text, -1, XML_READ_INACTIVE, NULL, error);

    if (!domain || complete(domain, error) < 0)
        return NULL;
    return g_steal_pointer(&domain);
}

char *pipeline_print(const struct domain *domain)
{
    return xml_write(&domain->definition, XML_WRITE_SECURE | XML_WRITE_INACTIVE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-capabilities.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/arena.h"
#include "base/error.h"

#include "cpu-names.h"
#include "domain-choices.h"
#include "firmware-descriptor.h"
#include "probe.h"

/* What wishes may name; those with no accelerator are for other daemons. */
static const struct {
    const char *name;
    int accelerator;
} virttypes[] = {
    {"qemu", ACCELERATOR_TCG},
    {"kvm", ACCELERATOR_KVM},
    {"xen", -1},
    {"lxc", -1},
    {"test", -1},
    {"openvz", -1},
    {"vmware", -1},
    {"hyperv", -1},
    {"vbox", -1},
    {"bhyve", -1},
    {"vz", -1},
    {"hvf", -1},
};

/* ---- whom to ask ---- */

static int find_accelerator(const struct emulator *emulator, const char *virttype,
                            enum accelerator *ret_accelerator, GError **error)
{
    if (!virttype) {
        *ret_accelerator =
            emulator_can_accelerate(emulator, ACCELERATOR_KVM) ? ACCELERATOR_KVM : ACCELERATOR_TCG;
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(virttypes); i++) {
        if (strcmp(virttypes[i].name, virttype) != 0)
            continue;
        if (virttypes[i].accelerator >= 0 &&
            emulator_can_accelerate(emulator, virttypes[i].accelerator)) {
            *ret_accelerator = virttypes[i].accelerator;
            return 0;
        }
        error_set(error, VIR_ERR_INVALID_ARG,
                  "the accel '%s' is not supported by '%s' on this host", virttype, emulator->path);
        return -1;
    }
    error_set(error, VIR_ERR_INVALID_ARG, "unknown virttype: %s", virttype);
    return -1;
}

static int find_emulator(struct probes *probes, const struct domain_capabilities_wish *wish,
                         struct emulator **ret_emulator, GError **error)
{
    struct utsname kernel;
    const char *arch = wish->arch;

    if (arch && !probe_knows_arch(arch)) {
        error_set(error, VIR_ERR_INVALID_ARG, "unknown architecture: %s", arch);
        return -1;
    }
    if (wish->emulator)
        return probe_get(probes, wish->emulator, ret_emulator, error);
    uname(&kernel);
    if (!arch)
        arch = kernel.machine;
    g_autofree char *path = probe_find(probes, arch);
    if (path)
        return probe_get(probes, path, ret_emulator, error);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "unable to find any emulator to serve '%s' architecture", arch);
    return -1;
}

static int check_arch(const struct emulator *emulator, const char *arch, GError **error)
{
    if (!arch || emulator_serves(emulator, arch))
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "emulator '%s' is for '%s', not for '%s'", emulator->path,
              emulator->arch, arch);
    return -1;
}

static int find_machine(const struct emulator *emulator, const char *name,
                        const struct emulator_machine **ret_machine, GError **error)
{
    const struct emulator_machine *machine = emulator_find_machine(emulator, name);

    if (machine) {
        *ret_machine = machine;
        return 0;
    }
    if (name)
        error_set(error, VIR_ERR_INVALID_ARG, "the machine '%s' is not supported by emulator '%s'",
                  name, emulator->path);
    else
        error_set(error, VIR_ERR_INVALID_ARG, "emulator '%s' has no default machine: name one",
                  emulator->path);
    return -1;
}

/* ---- <os> ---- */

struct firmware_choices {
    const char *interfaces[3]; /* NULL at the end, as the following */
    const char **loaders;
    const char *secure[3];
};

/* Secure means enforced: without SMM the guest could write to the variables behind its firmware. */
static bool is_secure(const struct firmware_descriptor *descriptor)
{
    return firmware_descriptor_has(descriptor, "secure-boot") &&
           firmware_descriptor_has(descriptor, "requires-smm");
}

static void find_firmware(const char *arch, const char *machine, struct arena *arena,
                          struct firmware_choices *choices)
{
    struct firmware_descriptor *items;
    unsigned count, loaders = 0, kinds = 0;
    bool bios = false, uefi = false, secure = false;

    firmware_descriptors_load(NULL, arena, &items, &count);
    choices->loaders = arena_array(arena, count + 1, sizeof(char *));
    for (unsigned i = 0; i < count; i++) {
        if (!firmware_descriptor_fits(&items[i], arch, machine))
            continue;
        bios |= firmware_descriptor_offers(&items[i], "bios");
        uefi |= firmware_descriptor_offers(&items[i], "uefi");
        secure |= is_secure(&items[i]);
        if (!g_strv_contains(choices->loaders, items[i].executable))
            choices->loaders[loaders++] = items[i].executable;
    }
    if (bios)
        choices->interfaces[kinds++] = "bios";
    if (uefi)
        choices->interfaces[kinds++] = "efi";
    choices->secure[0] = secure ? "yes" : "no";
    choices->secure[1] = secure ? "no" : NULL;
}

static void write_os(struct element_writer *writer, const char *arch, const char *machine)
{
    static const char *const types[] = {"rom", "pflash", NULL};
    static const char *const readonly[] = {"yes", "no", NULL};
    struct arena arena ARENA_AUTO = {0};
    struct firmware_choices firmware = {0};

    find_firmware(arch, machine, &arena, &firmware);
    element_begin(writer, "os", "supported", "yes", NULL);
    domain_choices_write_enum(writer, "firmware", firmware.interfaces);
    element_begin(writer, "loader", "supported", "yes", NULL);
    for (const char **loader = firmware.loaders; *loader; loader++)
        element_text(writer, "value", *loader, NULL);
    domain_choices_write_enum(writer, "type", types);
    domain_choices_write_enum(writer, "readonly", readonly);
    domain_choices_write_enum(writer, "secure", firmware.secure);
    element_end(writer, "loader");
    element_end(writer, "os");
}

/* ---- <cpu> ---- */

static void write_mode(struct element_writer *writer, const char *name, bool supported,
                       const char *migratable)
{
    static const char *const values[] = {"on", "off", NULL};

    if (!supported) {
        element_empty(writer, "mode", "name", name, "supported", "no", NULL);
        return;
    }
    element_begin(writer, "mode", "name", name, "supported", "yes", NULL);
    domain_choices_write_enum(writer, migratable, values);
    element_end(writer, "mode");
}

static void write_host_model(struct element_writer *writer, const struct emulator_host_model *host)
{
    if (!host->model) {
        element_empty(writer, "mode", "name", "host-model", "supported", "no", NULL);
        return;
    }
    element_begin(writer, "mode", "name", "host-model", "supported", "yes", NULL);
    element_text(writer, "model", host->model, "fallback", "forbid", NULL);
    element_text(writer, "vendor", host->vendor, NULL);
    for (unsigned i = 0; i < host->feature_count; i++)
        element_empty(writer, "feature", "policy", host->features[i].on ? "require" : "disable",
                      "name", host->features[i].name, NULL);
    element_end(writer, "mode");
}

static const char *usability(const struct emulator_cpu_model *model)
{
    return model->unknown ? "unknown" : model->usable ? "yes" : "no";
}

static void write_custom(struct element_writer *writer, const struct emulator_cpus *cpus)
{
    if (cpus->model_count == 0) {
        element_empty(writer, "mode", "name", "custom", "supported", "no", NULL);
        return;
    }
    element_begin(writer, "mode", "name", "custom", "supported", "yes", NULL);
    for (unsigned i = 0; i < cpus->model_count; i++) {
        const struct emulator_cpu_model *model = &cpus->models[i];
        if (cpu_model_is_listed(model->name))
            element_text(writer, "model", model->name, "usable", usability(model), "deprecated",
                         model->deprecated ? "yes" : NULL, "vendor", cpu_model_vendor(model->name),
                         NULL);
    }
    element_end(writer, "mode");
}

static void write_cpu(struct element_writer *writer, const struct domain_choices *choices)
{
    const struct emulator_cpus *cpus = &choices->emulator->cpus[choices->accelerator];

    element_begin(writer, "cpu", NULL);
    write_mode(writer, "host-passthrough", choices->accelerator == ACCELERATOR_KVM,
               "hostPassthroughMigratable");
    write_mode(writer, "maximum",
               emulator_find_cpu(choices->emulator, choices->accelerator, "max") != NULL,
               "maximumMigratable");
    write_host_model(writer, &cpus->host);
    write_custom(writer, cpus);
    element_end(writer, "cpu");
}

/* ---- the document ---- */

static char *write_document(const struct domain_choices *choices, const char *arch)
{
    struct element_writer writer = {g_string_new(NULL), 0};
    g_autofree char *cpus = g_strdup_printf("%u", choices->machine->max_cpus);
    bool kvm = choices->accelerator == ACCELERATOR_KVM;
    bool iothreads = emulator_has_type(choices->emulator, "iothread");

    element_begin(&writer, "domainCapabilities", NULL);
    element_text(&writer, "path", choices->emulator->path, NULL);
    element_text(&writer, "domain", kvm ? "kvm" : "qemu", NULL);
    element_text(&writer, "machine", choices->machine->name, NULL);
    element_text(&writer, "arch", arch, NULL);
    element_empty(&writer, "vcpu", "max", cpus, NULL);
    element_empty(&writer, "iothreads", "supported", iothreads ? "yes" : "no", NULL);
    write_os(&writer, arch, choices->machine->name);
    write_cpu(&writer, choices);
    domain_choices_write_memory(&writer, choices);
    domain_choices_write_devices(&writer, choices);
    domain_choices_write_features(&writer, choices);
    element_end(&writer, "domainCapabilities");
    return g_string_free(writer.text, FALSE);
}

int domain_capabilities_write(struct probes *probes, const struct domain_capabilities_wish *wish,
                              char **ret_xml, GError **error)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;
    struct domain_choices choices;

    if (find_emulator(probes, wish, &emulator, error) < 0 ||
        check_arch(emulator, wish->arch, error) < 0 ||
        find_accelerator(emulator, wish->virttype, &choices.accelerator, error) < 0 ||
        find_machine(emulator, wish->machine, &choices.machine, error) < 0)
        return -1;
    choices.emulator = emulator;
    *ret_xml = write_document(&choices, wish->arch ? wish->arch : emulator->arch);
    return 0;
}

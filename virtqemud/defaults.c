/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "defaults.h"

#include <sys/stat.h>

#include "model/domain-defaults.h"
#include "xml/xml.h"

#include "address.h"
#include "check.h"
#include "emulator.h"
#include "firmware.h"

/* ---- the machine and its CPU ---- */

static const char *text(struct domain *domain, const char *borrowed)
{
    return arena_strdup(&domain->definition.arena, borrowed);
}

/* QEMU's own choice, spelled out: it may be another one tomorrow. */
static void default_cpu(struct domain *domain, const struct machine_traits *machine)
{
    struct domain_cpu *cpu = domain->cpu;

    if (!machine->default_cpu) {
        if (cpu && xml_equal(&domain_cpu_schema, cpu, &(struct domain_cpu){.mode = cpu->mode}))
            domain->cpu = NULL;
        return;
    }
    if (!cpu)
        cpu = domain->cpu = arena_new(&domain->definition.arena, struct domain_cpu);
    cpu->mode = CPU_MODE_CUSTOM;
    cpu->match = CPU_MATCH_EXACT;
    cpu->check = CPU_CHECK_NONE;
    cpu->fallback = CPU_FALLBACK_FORBID;
    cpu->model = text(domain, machine->default_cpu);
}

/* A host's CPU is what it is, and an emulated one of a given name has what it can have. */
static bool is_checked(const struct domain *domain, const struct machine_traits *machine)
{
    uint8_t mode = domain->cpu->mode;

    return mode == CPU_MODE_HOST_MODEL ||
           (mode == CPU_MODE_CUSTOM && domain->type == DOMAIN_TYPE_KVM && machine_is_x86(machine));
}

static void cpu_defaults(struct domain *domain, const struct machine_traits *machine)
{
    struct domain_cpu *cpu = domain->cpu;

    if (!cpu || ((cpu->mode == CPU_MODE_NONE || cpu->mode == CPU_MODE_CUSTOM) && !cpu->model)) {
        default_cpu(domain, machine);
        return;
    }
    if (!cpu->check)
        cpu->check = is_checked(domain, machine) ? CPU_CHECK_PARTIAL : CPU_CHECK_NONE;
    if (cpu->mode == CPU_MODE_HOST_MODEL && cpu->model && !cpu->fallback)
        cpu->fallback = CPU_FALLBACK_ALLOW;
    if (cpu->mode == CPU_MODE_HOST_PASSTHROUGH && !cpu->migratable && machine_is_x86(machine))
        cpu->migratable = TRISTATE_ON;
}

/* What QEMU chooses without KVM, and what every host has with it. */
static void gic_defaults(struct domain *domain, const struct machine_traits *machine)
{
    if (machine->family != MACHINE_ARM_VIRT || (domain->features && domain->features->gic_version))
        return;
    if (!domain->features)
        domain->features = arena_new(&domain->definition.arena, struct domain_features);
    domain->features->gic = true;
    domain->features->gic_version = GIC_2;
}

void defaults_fill_nodes(struct domain *domain)
{
    struct cpu_numa *numa = domain->cpu ? domain->cpu->numa : NULL;

    if (!numa || !numa->cells.count)
        return;
    struct cpuset *first = numa->cells.items[0]->cpus;
    struct cpuset *rest = cpuset_new(&domain->definition.arena, domain->max_vcpus);
    for (unsigned cpu = 0; cpu < domain->max_vcpus; cpu++) {
        bool placed = false;

        LIST_EACH (cell, &numa->cells)
            placed |= cell->cpus && cpuset_has(cell->cpus, cpu);
        if (!placed || (first && cpuset_has(first, cpu)))
            cpuset_add(rest, cpu);
    }
    /* the first node may also name CPUs that the guest does not have: those stay */
    if (first && cpuset_next(first, domain->max_vcpus) >= 0)
        return;
    if (cpuset_next(rest, 0) >= 0)
        numa->cells.items[0]->cpus = rest;
}

/* The guest's own copy of the variables has a name before the first start only if the firmware
 * is known, and can't keep them itself. */
static void nvram_defaults(struct domain *domain, const struct machine_traits *machine)
{
    struct domain_os *os = &domain->os;

    if (os->nvram && xml_equal(&os_nvram_schema, os->nvram, &(struct os_nvram){0}))
        os->nvram = NULL;
    if (machine->nvram_folder && firmware_has_variables(domain) &&
        os->loader->readonly == TRISTATE_YES)
        firmware_name_nvram(domain, machine->nvram_folder);
}

/* A label of no model is of the host's first one, and that is "none". */
static void security_defaults(struct domain *domain)
{
    struct domain_seclabel *label =
        domain->seclabels.count == 1 ? domain->seclabels.items[0] : NULL;

    if (!label || label->model || label->type == SECLABEL_STATIC)
        return;
    label->type = SECLABEL_NONE;
    label->model = "none";
    label->relabel = TRISTATE_ABSENT;
}

/* The guest's choice is that of its devices that make none. */
static void iommufd_defaults(struct domain *domain)
{
    LIST_EACH (hostdev, &domain->devices.hostdevs)
        if (hostdev->type == HOSTDEV_PCI && !hostdev->iommufd)
            hostdev->iommufd = domain->iommufd;
}

/* ---- buses that every machine of a family has ---- */

static int ensure_root(struct domain *domain, enum controller_pci_model model, GError **error)
{
    const struct domain_controller *given = domain_find_controller(domain, CONTROLLER_PCI, 0);

    if (given && given->model != model) {
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR,
                       "The PCI controller with index='0' must be model='%s' for this machine "
                       "type, but model='%s' was found instead",
                       names_word(&controller_pci_model_names, model),
                       names_word(&controller_pci_model_names, given->model) ?: "(none)");
        return -1;
    }
    domain_ensure_controller(domain, CONTROLLER_PCI, 0)->model = (uint8_t)model;
    return 0;
}

/* The first of its kind is there whatever others the guest is given. */
static int machine_controllers(struct domain *domain, const struct machine_traits *machine,
                               GError **error)
{
    const struct machine_devices *has = machine_devices_of(machine->family);

    if (has->first_usb && !domain_find_controller(domain, CONTROLLER_USB, 0))
        domain_ensure_controller(domain, CONTROLLER_USB, 0)->model = has->first_usb;
    if (has->has_sata)
        domain_ensure_controller(domain, CONTROLLER_SATA, 0);
    return has->root ? ensure_root(domain, has->root, error) : 0;
}

/* ---- devices that guests have without asking ---- */

static bool has_input(const struct domain *domain, enum input_type type, enum input_bus bus)
{
    LIST_EACH (input, &domain->devices.inputs)
        if (input->type == type && input->bus == bus)
            return true;
    return false;
}

static void add_input(struct domain *domain, enum input_type type, enum input_bus bus)
{
    struct domain_input *input;

    if (has_input(domain, type, bus))
        return;
    input = arena_new(&domain->definition.arena, struct domain_input);
    input->type = (uint8_t)type;
    input->bus = (uint8_t)bus;
    LIST_APPEND(&domain->definition.arena, &domain->devices.inputs, input);
}

static void input_defaults(struct domain *domain, const struct machine_traits *machine)
{
    bool power = machine->family == MACHINE_PSERIES || machine->family == MACHINE_POWER;

    if (power && domain->devices.graphics.count) {
        add_input(domain, INPUT_KEYBOARD, INPUT_BUS_USB);
        if (!has_input(domain, INPUT_TABLET, INPUT_BUS_USB))
            add_input(domain, INPUT_MOUSE, INPUT_BUS_USB);
    }
    if (!machine_is_x86(machine) || (domain->features && domain->features->ps2 == TRISTATE_OFF))
        return;
    add_input(domain, INPUT_MOUSE, INPUT_BUS_PS2);
    add_input(domain, INPUT_KEYBOARD, INPUT_BUS_PS2);
}

static void add_memballoon(struct domain *domain)
{
    if (domain->devices.memballoon)
        return;
    domain->devices.memballoon = arena_new(&domain->definition.arena, struct domain_memballoon);
    domain->devices.memballoon->model = MEMBALLOON_VIRTIO;
}

static void add_panic(struct domain *domain, const struct machine_traits *machine)
{
    struct domain_panic *panic;

    if (domain->devices.panics.count)
        return;
    panic = arena_new(&domain->definition.arena, struct domain_panic);
    panic->model = machine_devices_of(machine->family)->panic;
    LIST_APPEND(&domain->definition.arena, &domain->devices.panics, panic);
}

/* Sound goes to the viewer where the viewer can play it: the last display that knows says so. SDL
 * plays by itself, and other displays say nothing. */
static enum audio_type default_audio(const struct domain *domain)
{
    static const uint8_t audio_of[] = {
        [GRAPHICS_VNC] = AUDIO_NONE,
        [GRAPHICS_SPICE] = AUDIO_SPICE,
        [GRAPHICS_SDL] = AUDIO_ABSENT,
    };
    enum audio_type type = domain->devices.graphics.count ? AUDIO_ABSENT : AUDIO_NONE;

    LIST_EACH (graphics, &domain->devices.graphics)
        if (graphics->type == GRAPHICS_VNC || graphics->type == GRAPHICS_SPICE ||
            graphics->type == GRAPHICS_SDL)
            type = audio_of[graphics->type];
    return type;
}

static void add_audio(struct domain *domain)
{
    enum audio_type type = default_audio(domain);
    struct domain_audio *audio;

    if (domain->devices.audios.count || type == AUDIO_ABSENT)
        return;
    audio = arena_new(&domain->definition.arena, struct domain_audio);
    audio->id = 1;
    audio->type = type;
    LIST_APPEND(&domain->definition.arena, &domain->devices.audios, audio);
}

static int implicit_devices(struct domain *domain, const struct machine_traits *machine,
                            GError **error)
{
    if (machine_controllers(domain, machine, error) < 0)
        return -1;
    input_defaults(domain, machine);
    domain_add_video(domain);
    if (machine_devices_of(machine->family)->has_balloon)
        add_memballoon(domain);
    if (machine_devices_of(machine->family)->has_panic)
        add_panic(domain, machine);
    add_audio(domain);
    return 0;
}

/* ---- all of it ---- */

static int device_defaults(struct domain *domain, const struct machine_traits *machine,
                           GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    for (unsigned i = 0; i < count; i++)
        if (defaults_apply_device(domain, machine, devices[i].kind, devices[i].object, error) < 0)
            return -1;
    return 0;
}

int defaults_apply_machine(struct domain *domain, const struct machine_traits *machine,
                           GError **error)
{
    domain->os.machine = text(domain, machine->name);
    cpu_defaults(domain, machine);
    gic_defaults(domain, machine);
    defaults_fill_nodes(domain);
    nvram_defaults(domain, machine);
    security_defaults(domain);
    iommufd_defaults(domain);
    if (device_defaults(domain, machine, error) < 0 ||
        implicit_devices(domain, machine, error) < 0 || domain_add_controllers(domain, error) < 0 ||
        device_defaults(domain, machine, error) < 0)
        return -1;
    return address_assign(domain, machine, error);
}

/* PCI Express devices have sixteen times as much to configure. */
static bool host_is_conventional(const struct pci_address *address)
{
    g_autofree char *name = pci_address_print(address);
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/devices/%s/config", name);
    struct stat config;

    return stat(path, &config) == 0 && config.st_size == 256;
}

int defaults_find_machine(const struct domain *domain, const struct emulator *emulator,
                          struct machine_traits *ret_machine, GError **error)
{
    const struct emulator_machine *machine = emulator_find_machine(emulator, domain->os.machine);

    if (!machine) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "os/type/@machine: emulator '%s' has no machine '%s'", emulator->path,
                  domain->os.machine ? domain->os.machine : "(its default)");
        return -1;
    }
    *ret_machine = (struct machine_traits){
        .name = machine->name,
        .default_cpu = machine->default_cpu,
        .family = machine_family_of(emulator->arch, machine->name),
        .host_is_conventional = host_is_conventional,
    };
    return 0;
}

int defaults_apply(struct domain *domain, const struct emulator *emulator, const char *nvram_folder,
                   GError **error)
{
    struct machine_traits machine;

    if (!domain->os.arch)
        domain->os.arch = text(domain, emulator->arch);
    if (!domain->devices.emulator)
        domain->devices.emulator = text(domain, emulator->path);
    if (defaults_find_machine(domain, emulator, &machine, error) < 0 ||
        check_machine(domain, emulator, error) < 0)
        return -1;
    machine.nvram_folder = nvram_folder;
    return defaults_apply_machine(domain, &machine, error);
}

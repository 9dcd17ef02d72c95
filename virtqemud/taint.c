/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "taint.h"

#include "dac.h"
#include "emulator.h"

void taint_note(struct guest *guest, enum taint taint)
{
    atomic_fetch_or(&guest->taints, 1U << taint);
}

static bool is_privileged(struct guest *guest, const struct domain *live)
{
    const struct qemu *qemu = qemu_of(&guest->object);

    return !qemu->driver->daemon->session && dac_is_root(live, &qemu->config);
}

static bool has_scripts(const struct domain *live)
{
    LIST_EACH (net, &live->devices.nets)
        if (net->script)
            return true;
    return false;
}

void taint_list(struct guest *guest, const struct domain *live, GPtrArray *words)
{
    unsigned noted = atomic_load(&guest->taints);
    const struct {
        bool is;
        const char *word;
    } rows[] = {
        {live->qemu_arguments.count || live->qemu_environment.count || live->qemu_overrides.count,
         "custom configuration parameters specified"},
        {live->qemu_capabilities_add.count || live->qemu_capabilities_del.count,
         "hypervisor feature autodetection override"},
        {noted & 1U << TAINT_MONITOR, "custom monitor control commands issued"},
        {is_privileged(guest, live), "running with undesirable elevated privileges"},
        {has_scripts(live), "network configuration using opaque shell scripts"},
        {live->cpu && live->cpu->mode == CPU_MODE_HOST_PASSTHROUGH,
         "potentially unsafe use of host CPU passthrough"},
        {live->os.dtb != NULL, "custom device tree blob used"},
        {noted & 1U << TAINT_AGENT, "custom guest agent control commands issued"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].is)
            g_ptr_array_add(words, g_strdup_printf("tainted: %s", rows[i].word));
}

void taint_list_deprecated(struct guest *guest, const struct domain *live, GPtrArray *words)
{
    struct emulator *emulator EMULATOR_AUTO = NULL;

    if (probe_get(qemu_of(&guest->object)->probes, live->devices.emulator, &emulator, NULL) < 0)
        return;
    const struct emulator_machine *machine = emulator_find_machine(emulator, live->os.machine);
    const struct emulator_cpu_model *model =
        live->cpu && live->cpu->model
            ? emulator_find_cpu(emulator,
                                live->type == DOMAIN_TYPE_KVM ? ACCELERATOR_KVM : ACCELERATOR_TCG,
                                live->cpu->model)
            : NULL;
    if (machine && machine->deprecated)
        g_ptr_array_add(words, g_strdup_printf("deprecated configuration: machine type '%s'",
                                               live->os.machine));
    if (model && model->deprecated)
        g_ptr_array_add(
            words, g_strdup_printf("deprecated configuration: CPU model '%s'", live->cpu->model));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

#include "base/error.h"

#include "arguments.h"
#include "check-limits.h"
#include "cpu-option.h"
#include "device-common.h"

static int check_architecture(const struct domain *live, const struct emulator *emulator,
                              GError **error)
{
    if (!live->os.arch || emulator_serves(emulator, live->os.arch))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "os/type/@arch: the emulator %s is for %s, not %s",
              emulator->path, emulator->arch, live->os.arch);
    return -1;
}

int check_accelerator(const struct domain *live, const struct emulator *emulator, GError **error)
{
    bool kvm = live->type == DOMAIN_TYPE_KVM;

    if (emulator_can_accelerate(emulator, kvm ? ACCELERATOR_KVM : ACCELERATOR_TCG))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "domain/@type: the emulator %s cannot use %s%s",
              emulator->path, kvm ? "KVM" : "TCG", kvm ? ": is there a /dev/kvm?" : "");
    return -1;
}

static int check_vcpus(const struct domain *live, const struct emulator *emulator, GError **error)
{
    const struct emulator_machine *machine = emulator_find_machine(emulator, live->os.machine);

    if (!machine || machine->max_cpus == 0 || live->max_vcpus <= machine->max_cpus)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "Maximum CPUs greater than specified machine type limit %u", machine->max_cpus);
    return -1;
}

/* A command line that opens nothing, and is thrown away: building it finds what is missing. */
static int check_arguments(const struct domain *live, const struct emulator *emulator,
                           const struct qemu_config *config, GError **error)
{
    const struct arguments_context context = {
        .config = config, .emulator = emulator, .folder = "/", .monitor_fd = -1, .plan = true};
    struct arguments arguments;

    if (arguments_build(live, &context, &arguments, error) < 0)
        return -1;
    arguments_clear(&arguments);
    return 0;
}

int check_machine(const struct domain *domain, const struct emulator *emulator, GError **error)
{
    if (check_architecture(domain, emulator, error) < 0)
        return -1;
    return check_vcpus(domain, emulator, error);
}

int check_domain(const struct domain *live, const struct emulator *emulator,
                 const struct qemu_config *config, GError **error)
{
    if (check_machine(live, emulator, error) < 0 || check_accelerator(live, emulator, error) < 0 ||
        cpu_option_check(live, emulator, error) < 0 || check_limits(live, error) < 0)
        return -1;
    return check_arguments(live, emulator, config, error);
}

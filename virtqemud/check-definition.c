/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

#include "device-common.h"
#include "faults.h"
#include "launch-security.h"

/* ---- the guest as a whole ---- */

static bool has_enclave(const struct domain *domain)
{
    LIST_EACH (memory, &domain->devices.memories)
        if (memory->model == MEMORY_MODEL_SGX_EPC)
            return true;
    return false;
}

static bool lacks_maximum(const struct domain *domain, const struct emulator *emulator)
{
    bool kvm = domain->type == DOMAIN_TYPE_KVM;

    return domain->cpu && domain->cpu->mode == CPU_MODE_MAXIMUM &&
           !emulator_find_cpu(emulator, kvm ? ACCELERATOR_KVM : ACCELERATOR_TCG, "max");
}

/* Of PCs, and of boards with one of their bridges. */
static bool can_sleep(const struct emulator *emulator)
{
    return emulator_has_type(emulator, "PIIX4_PM") || emulator_has_type(emulator, "ICH9-LPC");
}

static bool has_flash(const struct domain_os *os)
{
    return os->loader && os->loader->type == LOADER_PFLASH;
}

static int check_guest(const struct domain *domain, const struct emulator *emulator, GError **error)
{
    const struct domain_features none = {0}, *features = domain->features ?: &none;
    const struct domain_pm *pm = &domain->pm;
    const struct fault faults[] = {
        {features->async_teardown == TRISTATE_YES &&
             !emulator_has(emulator, EMULATOR_ASYNC_TEARDOWN),
         FAULT_QEMU, "it has no features/async-teardown"},
        {features->vmcoreinfo == TRISTATE_ON && !emulator_has_type(emulator, "vmcoreinfo"),
         FAULT_QEMU, "it has no features/vmcoreinfo"},
        {(pm->suspend_to_mem || pm->suspend_to_disk) && !can_sleep(emulator), FAULT_QEMU,
         "it has no pm: ACPI S3 and S4"},
        {domain_is_x86(domain) && has_flash(&domain->os) && !features->acpi, FAULT_QEMU,
         "it has no UEFI without features/acpi"},
        {lacks_maximum(domain, emulator), FAULT_QEMU, "it has no cpu of mode 'maximum'"},
        {has_enclave(domain) && !emulator_has_type(emulator, "memory-backend-epc"), FAULT_QEMU,
         "it has no memory of enclaves (SGX)"},
    };

    return FAULTS_CHECK(faults, error, "the emulator %s", emulator->path);
}

/* ---- its devices ---- */

/* Kinds that users know to be judged when they are defined. Others are when the guest starts. */
#define JUDGED                                                                                     \
    (BIT(DEVICE_REDIRDEV) | BIT(DEVICE_HUB) | BIT(DEVICE_RNG) | BIT(DEVICE_PANIC) |                \
     BIT(DEVICE_TPM) | BIT(DEVICE_SMARTCARD) | BIT(DEVICE_SHMEM) | BIT(DEVICE_MEMORY) |            \
     BIT(DEVICE_IOMMU) | BIT(DEVICE_VIDEO))

#define JUDGED_SCSI                                                                                \
    (BIT(CONTROLLER_SCSI_LSILOGIC) | BIT(CONTROLLER_SCSI_LSISAS1068) |                             \
     BIT(CONTROLLER_SCSI_LSISAS1078))

static bool is_judged(const struct device *device)
{
    const struct domain_controller *controller = device->object;
    const struct domain_disk *disk = device->object;
    const struct domain_input *input = device->object;

    if (device->kind == DEVICE_INPUT)
        return input->bus != INPUT_BUS_USB || input->type == INPUT_KEYBOARD;
    if (device->kind == DEVICE_DISK)
        return disk->bus == DISK_BUS_USB;
    if (device->kind == DEVICE_CONTROLLER)
        return controller->type == CONTROLLER_SATA ||
               (controller->type == CONTROLLER_SCSI && BIT(controller->model) & JUDGED_SCSI);
    return BIT(device->kind) & JUDGED;
}

int check_definition_device(const struct domain *domain, const struct device *device,
                            const struct emulator *emulator, GError **error)
{
    const struct arguments_context context = {
        .emulator = emulator, .folder = "/", .monitor_fd = -1, .plan = true};

    if (!is_judged(device))
        return 0;
    g_autofree char *missing = device_find_missing(domain, device, &context);
    if (!missing)
        return 0;
    return faults_fail(FAULT_QEMU, error, "devices/%s[%u]: the emulator %s has no device '%s'",
                       names_word(&device_kind_names, device->kind), device->index + 1,
                       emulator->path, missing);
}

int check_definition(const struct domain *domain, const struct emulator *emulator, GError **error)
{
    unsigned count;
    g_autofree struct device *devices = domain_list_devices(domain, &count);

    if (check_accelerator(domain, emulator, error) < 0 ||
        launch_security_check_emulator(domain, emulator, error) < 0 ||
        check_guest(domain, emulator, error) < 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        if (check_definition_device(domain, &devices[i], emulator, error) < 0)
            return -1;
    return 0;
}

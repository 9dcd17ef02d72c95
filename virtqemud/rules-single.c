/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "faults.h"
#include "machine.h"
#include "rules-parts.h"

/* Small devices: those that a guest has one of, and those with few members. */

static bool is_arch(const struct domain *domain, const char *arch)
{
    return domain->os.arch && g_str_has_prefix(domain->os.arch, arch);
}

/* ---- watchdogs, panics ---- */

static int check_watchdogs(const struct domain *domain, GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    unsigned own = 0;

    LIST_EACH (watchdog, &domain->devices.watchdogs) {
        uint8_t address = watchdog->info.address.type;

        own += watchdog->model != WATCHDOG_ITCO;
        const struct fault faults[] = {
            {watchdog->model == WATCHDOG_ITCO && family != MACHINE_Q35, FAULT_QEMU,
             "it is a part of q35 machines"},
            {watchdog->model == WATCHDOG_DIAG288 && !is_arch(domain, "s390"), FAULT_QEMU,
             "it is a part of s390x"},
            {watchdog->model == WATCHDOG_IB700 && address, FAULT_QEMU, "it has no address"},
            {watchdog->model == WATCHDOG_I6300ESB && address && address != ADDRESS_PCI, FAULT_QEMU,
             "its address is of type 'pci'"},
            {own > 1, FAULT_XML, "there can be one beside that of the machine (itco)"},
        };
        if (FAULTS_CHECK(faults, error, "watchdog '%s'",
                         names_word(&watchdog_model_names, watchdog->model)) < 0)
            return -1;
    }
    return 0;
}

static int check_panics(const struct domain *domain, GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    uint64_t models = 0;

    LIST_EACH (panic, &domain->devices.panics) {
        const struct fault known[] = {
            {models & BIT(panic->model), FAULT_XML, "Multiple panic devices with model '%s'"},
        };
        const char *model = names_word(&panic_model_names, panic->model);
        uint8_t address = panic->info.address.type;
        const struct fault faults[] = {
            {panic->model == PANIC_PSERIES && family != MACHINE_PSERIES, FAULT_QEMU,
             "it is of pseries machines"},
            {(panic->model == PANIC_ISA || panic->model == PANIC_HYPERV) && !domain_is_x86(domain),
             FAULT_QEMU, "it is of x86 machines"},
            {panic->model == PANIC_S390 && !is_arch(domain, "s390"), FAULT_QEMU,
             "it is of s390x machines"},
            {panic->model == PANIC_ISA && address && address != ADDRESS_ISA, FAULT_QEMU,
             "it has an address of type 'isa'"},
            {address && panic->model != PANIC_ISA && panic->model != PANIC_PVPANIC, FAULT_QEMU,
             "it has no address"},
        };
        if (FAULTS_SAY(known, error, model) < 0 ||
            FAULTS_CHECK(faults, error, "panic device '%s'", model) < 0)
            return -1;
        models |= BIT(panic->model);
    }
    return 0;
}

/* ---- IOMMU ---- */

static bool has_acpi(const struct domain *domain)
{
    return domain->features && domain->features->acpi;
}

static int check_iommu(const struct domain *domain, const struct domain_iommu *iommu,
                       GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    bool arm = family == MACHINE_ARM_VIRT, q35 = family == MACHINE_Q35;
    bool tuned =
        iommu->intremap || iommu->caching_mode || iommu->eim || iommu->iotlb || iommu->aw_bits;
    uint8_t ioapic = domain->features ? domain->features->ioapic : IOAPIC_NONE;
    const char *model = names_word(&iommu_model_names, iommu->model);
    uint8_t address = iommu->info.address.type;
    const struct fault known[] = {
        {(iommu->model == IOMMU_INTEL || iommu->model == IOMMU_AMD) && !q35, FAULT_QEMU,
         "IOMMU device: '%s' is only supported with Q35 machines"},
    };
    const struct fault faults[] = {
        {domain->devices.iommus.count > 1 && iommu->model != IOMMU_SMMUV3, FAULT_XML,
         "there can be only one"},
        {iommu->model == IOMMU_SMMUV3 && !arm, FAULT_QEMU, "it is of machines 'virt' of ARM"},
        {iommu->model == IOMMU_VIRTIO && !arm && !q35, FAULT_QEMU,
         "it is for machines q35, and 'virt' of ARM"},
        {iommu->model == IOMMU_VIRTIO && address && address != ADDRESS_PCI, FAULT_QEMU,
         "its address is of type 'pci'"},
        {(iommu->model == IOMMU_INTEL || iommu->model == IOMMU_SMMUV3) && address, FAULT_XML,
         "it has no address"},
        {iommu->model == IOMMU_VIRTIO && !has_acpi(domain), FAULT_QEMU,
         "it needs <features><acpi/>"},
        {(iommu->model == IOMMU_VIRTIO || iommu->model == IOMMU_SMMUV3) && tuned, FAULT_XML,
         "this model has no attributes of <driver>"},
        {iommu->intremap == TRISTATE_ON && iommu->model == IOMMU_INTEL && ioapic != IOAPIC_QEMU,
         FAULT_QEMU, "driver/@intremap needs <features><ioapic driver='qemu'/>"},
        {iommu->eim == TRISTATE_ON && iommu->intremap != TRISTATE_ON, FAULT_QEMU,
         "driver/@eim needs intremap='on'"},
    };

    if (FAULTS_SAY(known, error, model) < 0)
        return -1;
    return FAULTS_CHECK(faults, error, "iommu '%s'", model);
}

/* ---- input, smart cards, USB of others ---- */

/* Machines without the controller. */
#define WITHOUT_PS2                                                                                \
    (BIT(MACHINE_SPARC) | BIT(MACHINE_ARM_VIRT) | BIT(MACHINE_ARM_BOARD) |                         \
     BIT(MACHINE_ARM_EXPRESS) | BIT(MACHINE_ARM_VERSATILE) | BIT(MACHINE_RISCV_VIRT) |             \
     BIT(MACHINE_RISCV_BOARD) | BIT(MACHINE_LOONGARCH_VIRT) | BIT(MACHINE_S390_CCW))

static int check_input(const struct domain *domain, const struct domain_input *input,
                       GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    bool virtio = input->bus == INPUT_BUS_VIRTIO, ps2 = input->bus == INPUT_BUS_PS2;
    const struct fault faults[] = {
        {input->type == INPUT_PASSTHROUGH && !virtio, FAULT_QEMU,
         "type 'passthrough' is for bus 'virtio' alone"},
        {input->type == INPUT_TABLET && ps2, FAULT_XML, "bus 'ps2' has no tablets"},
        {ps2 && (WITHOUT_PS2 & BIT(family)), FAULT_QEMU, "the machine has no bus 'ps2'"},
        {input->bus == INPUT_BUS_XEN || input->bus == INPUT_BUS_PARALLELS, FAULT_XML,
         "bus 'xen' and 'parallels' are not of QEMU"},
        {input->grab && !g_str_equal(input->grab, "all"), FAULT_XML, "source/@grab is 'all'"},
        {input->model && !virtio, FAULT_QEMU, "@model is for bus 'virtio' alone"},
        {input->type == INPUT_EVDEV && input->bus && input->bus != INPUT_BUS_NONE, FAULT_QEMU,
         "type 'evdev' has no bus"},
    };

    return FAULTS_CHECK(faults, error, "input of type '%s'",
                        names_word(&input_type_names, input->type));
}

static int check_smartcard(const struct domain *domain, const struct domain_smartcard *card,
                           GError **error)
{
    uint8_t address = card->info.address.type;
    const struct fault faults[] = {
        {domain->devices.smartcards.count > 1, FAULT_QEMU, "there can be only one"},
        {card->mode == SMARTCARD_PASSTHROUGH && !card->source.type, FAULT_XML,
         "mode 'passthrough' needs a @type"},
        {card->database && *card->database != '/', FAULT_XML, "<database> is no absolute path"},
        {address && address != ADDRESS_CCID && address != ADDRESS_UNASSIGNED, FAULT_QEMU,
         "its address is of type 'ccid'"},
    };

    return FAULTS_CHECK(faults, error, "smartcard");
}

static int check_redirdevs(const struct domain *domain, GError **error)
{
    LIST_EACH (redirdev, &domain->devices.redirdevs) {
        const struct fault faults[] = {
            {g_strcmp0(redirdev->bus, "usb"), FAULT_GUEST, "@bus is 'usb'"},
            {!redirdev->source.type, FAULT_XML, "@type is missing"},
        };
        if (FAULTS_CHECK(faults, error, "redirdev") < 0)
            return -1;
    }
    LIST_EACH (hub, &domain->devices.hubs) {
        const struct fault faults[] = {
            {hub->type && !g_str_equal(hub->type, "usb"), FAULT_GUEST, "@type is 'usb'"},
        };
        if (FAULTS_CHECK(faults, error, "hub") < 0)
            return -1;
    }
    return 0;
}

static int check_inputs(const struct domain *domain, GError **error)
{
    LIST_EACH (input, &domain->devices.inputs)
        if (check_input(domain, input, error) < 0)
            return -1;
    LIST_EACH (card, &domain->devices.smartcards)
        if (check_smartcard(domain, card, error) < 0)
            return -1;
    return check_redirdevs(domain, error);
}

/* ---- TPM ---- */

static int check_tpm(const struct domain *domain, const struct domain_tpm *tpm, GError **error)
{
    const struct tpm_emulator *emulator = &tpm->emulator;
    bool banks = emulator->sha1 || emulator->sha256 || emulator->sha384 || emulator->sha512;
    bool spapr = tpm->model == TPM_MODEL_SPAPR || tpm->model == TPM_MODEL_SPAPR_PROXY;
    bool external = tpm->backend == TPM_BACKEND_EXTERNAL;
    const struct fault known[] = {
        {tpm->model == TPM_MODEL_CRB && tpm->version == TPM_VERSION_1_2, FAULT_QEMU,
         "Unsupported interface 'tpm-crb' for TPM 1.2"},
    };
    const struct fault faults[] = {
        {spapr && !is_arch(domain, "ppc64"), FAULT_QEMU, "this model is of pseries machines"},
        {banks && tpm->version == TPM_VERSION_1_2, FAULT_XML,
         "<active_pcr_banks> are of version 2.0"},
        {external && !tpm->external_type, FAULT_XML, "backend/source/@type is missing"},
        {external && g_strcmp0(tpm->external_type, "unix"), FAULT_GUEST,
         "backend/source/@type is 'unix'"},
        {external && g_strcmp0(tpm->external_mode ?: "connect", "connect"), FAULT_XML,
         "backend/source/@mode is 'connect'"},
        {external && !tpm->external_path, FAULT_XML, "backend/source/@path is missing"},
    };

    if (FAULTS_SAY(known, error, NULL) < 0)
        return -1;
    return FAULTS_CHECK(faults, error, "tpm '%s'", names_word(&tpm_model_names, tpm->model));
}

static int check_tpms(const struct domain *domain, GError **error)
{
    unsigned count = 0;

    LIST_EACH (tpm, &domain->devices.tpms) {
        count += tpm->model != TPM_MODEL_SPAPR_PROXY;
        if (check_tpm(domain, tpm, error) < 0)
            return -1;
    }
    const struct fault faults[] = {
        {count > 1, FAULT_QEMU, "only a single TPM non-proxy device is supported"},
    };
    return FAULTS_SAY(faults, error, NULL);
}

/* ---- shared memory ---- */

static int check_shmem(const struct domain_shmem *shmem, GError **error)
{
    bool doorbell = shmem->model == SHMEM_IVSHMEM_DOORBELL;
    const struct fault known[] = {
        {strchr(shmem->name, '/'), FAULT_QEMU, "shmem name cannot include '/' character"},
        {doorbell && !shmem->server, FAULT_QEMU,
         "shmem model 'ivshmem-doorbell' is supported only with server option enabled"},
        {shmem->model == SHMEM_IVSHMEM_PLAIN && shmem->server, FAULT_QEMU,
         "shmem model 'ivshmem-plain' is supported only with server option disabled"},
        {shmem->msi && !shmem->server, FAULT_XML, "msi option is only supported with a server"},
    };
    const struct fault faults[] = {
        {shmem->model == SHMEM_IVSHMEM, FAULT_QEMU, "QEMU has ivshmem-plain and ivshmem-doorbell"},
        {doorbell && shmem->size, FAULT_QEMU, "the server of ivshmem-doorbell says the size"},
    };

    if (FAULTS_SAY(known, error, NULL) < 0)
        return -1;
    return FAULTS_CHECK(faults, error, "shmem '%s'", shmem->name);
}

/* ---- the rest ---- */

enum { CID_LEAST = 3 };

static int check_rest(const struct domain *domain, GError **error)
{
    enum machine_family family = machine_family_of(domain->os.arch, domain->os.machine);
    const struct domain_memballoon *balloon = domain->devices.memballoon;
    const struct domain_vsock *vsock = domain->devices.vsock;
    const struct fault known[] = {
        {vsock && vsock->cid && vsock->cid < CID_LEAST, FAULT_QEMU, "guest CIDs must be >= 3"},
    };
    const struct fault faults[] = {
        {domain->devices.parallels.count &&
             (family == MACHINE_PSERIES || family == MACHINE_S390_CCW),
         FAULT_QEMU, "parallel: the machine has none"},
        {domain->devices.nvram && family != MACHINE_PSERIES, FAULT_QEMU,
         "nvram is of pseries machines alone"},
        {balloon && balloon->model == MEMBALLOON_XEN, FAULT_XML, "memballoon 'xen' is not of QEMU"},
    };

    if (FAULTS_SAY(known, error, NULL) < 0 || FAULTS_CHECK(faults, error, "devices") < 0)
        return -1;
    LIST_EACH (shmem, &domain->devices.shmems)
        if (check_shmem(shmem, error) < 0)
            return -1;
    return 0;
}

int rules_check_single(const struct domain *domain, GError **error)
{
    LIST_EACH (iommu, &domain->devices.iommus)
        if (check_iommu(domain, iommu, error) < 0)
            return -1;
    if (check_tpms(domain, error) < 0 || check_watchdogs(domain, error) < 0 ||
        check_panics(domain, error) < 0 || check_inputs(domain, error) < 0)
        return -1;
    return check_rest(domain, error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "base/error.h"

#include "device-common.h"

static int refuse(const struct domain_iommu *iommu, const char *reason, GError **error)
{
    return device_refuse(error, "iommu", names_word(&iommu_model_names, iommu->model), "%s",
                         reason);
}

static int check_intel(const struct domain *domain, const struct domain_iommu *iommu,
                       const struct arguments_context *context, GError **error)
{
    const struct domain_features *features = domain->features;

    if (!device_machine_is_q35(domain))
        return refuse(iommu, "IOMMU device: 'intel' is only supported with Q35 machines", error);
    if (iommu->intremap == TRISTATE_ON && !(features && features->ioapic == IOAPIC_QEMU))
        return refuse(iommu,
                      "IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')",
                      error);
    if (iommu->eim == TRISTATE_ON && iommu->intremap != TRISTATE_ON)
        return refuse(iommu, "IOMMU eim requires interrupt remapping to be enabled", error);
    if (iommu->aw_bits && !emulator_has(context->emulator, EMULATOR_INTEL_IOMMU_AW_BITS))
        return refuse(iommu, "the emulator has no aw_bits", error);
    return 0;
}

static struct json_object *build_intel(const struct domain_iommu *iommu)
{
    struct json_object *json =
        json_build("s:driver", "intel-iommu", "S:id", iommu->info.alias, NULL);

    device_add_on_off(json, "intremap", iommu->intremap);
    device_add_bool(json, "caching-mode", iommu->caching_mode);
    device_add_on_off(json, "eim", iommu->eim);
    device_add_bool(json, "device-iotlb", iommu->iotlb);
    if (iommu->aw_bits)
        json_add(json, "u:aw-bits", iommu->aw_bits, NULL);
    device_add_bool(json, "dma-translation", iommu->dma_translation);
    return json;
}

static struct json_object *build_amd(const struct domain_iommu *iommu)
{
    struct json_object *json = json_build("s:driver", "amd-iommu", "S:id", iommu->info.alias, NULL);

    device_add_on_off(json, "intremap", iommu->intremap);
    device_add_bool(json, "xtsup", iommu->xtsup);
    device_add_bool(json, "pt", iommu->passthrough);
    device_add_bool(json, "device-iotlb", iommu->iotlb);
    return json;
}

/* The option of the machine knows nothing of what the newer device can do. */
static int check_smmu(const struct domain_iommu *iommu, GError **error)
{
    if (iommu->pci_bus.set || iommu->accel || iommu->ats || iommu->ril || iommu->cmdqv ||
        iommu->oas || iommu->ssid_size.set)
        return refuse(iommu, "<driver> needs the device arm-smmuv3, which is not in this version",
                      error);
    return 0;
}

static int build_virtio(const struct domain *domain, const struct domain_iommu *iommu,
                        const struct arguments_context *context,
                        struct json_object **ret_properties, GError **error)
{
    g_autofree char *size = g_strdup_printf("%" PRIu64 "k", iommu->granule.value);
    bool asked = iommu->granule.set || iommu->granule_mode;

    if (asked && !emulator_has(context->emulator, EMULATOR_VIRTIO_IOMMU_GRANULE))
        return refuse(iommu, "the emulator has no granule", error);
    *ret_properties = json_build("s:driver", "virtio-iommu", "S:id", iommu->info.alias, NULL);
    if (asked)
        json_add(*ret_properties, "s:granule", iommu->granule_mode ? iommu->granule_mode : size,
                 NULL);
    device_add_place(*ret_properties, domain, &iommu->info);
    return 0;
}

int device_iommu_properties(const struct domain *domain, const struct domain_iommu *iommu,
                            const struct arguments_context *context,
                            struct json_object **ret_properties, GError **error)
{
    *ret_properties = NULL;
    if (iommu->model == IOMMU_INTEL && check_intel(domain, iommu, context, error) < 0)
        return -1;
    switch (iommu->model) {
    case IOMMU_SMMUV3: /* an option of the machine */
        return check_smmu(iommu, error);
    case IOMMU_INTEL:
        *ret_properties = build_intel(iommu);
        return 0;
    case IOMMU_AMD:
        *ret_properties = build_amd(iommu);
        return 0;
    default:
        return build_virtio(domain, iommu, context, ret_properties, error);
    }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"

/* Devices of few members: leases, shared memory, vsock, IOMMU, NVRAM, crypto, pstore. */

struct domain_lease {
    const char *lockspace;
    const char *key;
    const char *path;
    uint64_t offset;
};

enum shmem_model { SHMEM_NONE, SHMEM_IVSHMEM, SHMEM_IVSHMEM_PLAIN, SHMEM_IVSHMEM_DOORBELL };
extern const struct names shmem_model_names;

enum shmem_role { SHMEM_ROLE_NONE, SHMEM_ROLE_MASTER, SHMEM_ROLE_PEER };
extern const struct names shmem_role_names;

struct shmem_server {
    const char *path;
};

struct shmem_msi {
    unsigned vectors;
    uint8_t ioeventfd; /* enum tristate */
};

struct domain_shmem {
    struct domain_device_info info;
    const char *name;
    uint8_t role;  /* enum shmem_role */
    uint8_t model; /* enum shmem_model */
    uint64_t size; /* MiB */
    struct shmem_server *server;
    struct shmem_msi *msi;
};

struct domain_vsock {
    struct domain_device_info info;
    uint8_t model;    /* enum virtio_model */
    uint8_t auto_cid; /* enum tristate */
    unsigned cid;
    struct domain_virtio virtio;
};

enum iommu_model {
    IOMMU_NONE,
    IOMMU_INTEL,
    IOMMU_SMMUV3,
    IOMMU_VIRTIO,
    IOMMU_AMD,
};
extern const struct names iommu_model_names;

struct domain_iommu {
    struct domain_device_info info;
    uint8_t model;    /* enum iommu_model */
    uint8_t intremap; /* enum tristate, as the next ones */
    uint8_t caching_mode;
    uint8_t eim;
    uint8_t iotlb;
    uint8_t dma_translation;
    uint8_t xtsup;
    uint8_t passthrough;
    unsigned aw_bits;
    struct opt_uint pci_bus;
    uint8_t accel; /* smmuv3: enum tristate, as the next ones */
    uint8_t ats;
    uint8_t ril;
    uint8_t cmdqv;
    unsigned oas;
    struct opt_uint ssid_size;
    struct opt_ulong granule; /* virtio: KiB */
    const char *granule_mode; /* "host" */
};

struct domain_nvram {
    struct domain_device_info info;
};

struct domain_crypto {
    struct domain_device_info info;
    const char *model;   /* virtio */
    const char *type;    /* qemu */
    const char *backend; /* builtin, lkcf */
    unsigned queues;
    struct domain_virtio virtio;
};

struct domain_pstore {
    struct domain_device_info info;
    const char *backend; /* acpi-erst */
    const char *path;
    uint64_t size; /* KiB */
};

XML_SCHEMA_DECLARE(domain_lease);
XML_SCHEMA_DECLARE(shmem_server);
XML_SCHEMA_DECLARE(shmem_msi);
XML_SCHEMA_DECLARE(domain_shmem);
XML_SCHEMA_DECLARE(domain_vsock);
XML_SCHEMA_DECLARE(domain_iommu);
XML_SCHEMA_DECLARE(domain_nvram);
XML_SCHEMA_DECLARE(domain_crypto);
XML_SCHEMA_DECLARE(domain_pstore);

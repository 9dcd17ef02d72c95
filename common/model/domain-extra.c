/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-extra.h"

#include "model/rows.h"

NAMES(shmem_model_names, NULL, "ivshmem", "ivshmem-plain", "ivshmem-doorbell");
NAMES(shmem_role_names, NULL, "master", "peer");
static NAMES(crypto_model_names, NULL, "virtio");
static NAMES(crypto_type_names, NULL, "qemu");
static NAMES(crypto_backend_names, NULL, "builtin", "lkcf");
NAMES(iommu_model_names, NULL, "intel", "smmuv3", "virtio", "amd");

#define ROWS_OF struct domain_lease
static const struct xml_row domain_lease_rows[] = {
    ROW_ELEMENT("lockspace", "Lock space", .flags = XML_EXPECTED),
    ROW_STRING("lockspace", lockspace, "Lock space"),
    ROW_STRING("key", key, "Name of the lease", .flags = XML_REQUIRED),
    ROW_STRING("target/@path", path, "File of the lease", .flags = XML_REQUIRED),
    ROW_NUMBER("target/@offset", offset, "Byte in the file"),
};
#undef ROWS_OF
XML_SCHEMA(domain_lease, "lease", .doc = "A lease held while the guest runs");

#define ROWS_OF struct shmem_server
static const struct xml_row shmem_server_rows[] = {
    ROW_STRING("@path", path, "Socket of the server"),
};
#undef ROWS_OF
XML_SCHEMA(shmem_server, "server", .doc = "Server of shared memory with interrupts");

#define ROWS_OF struct shmem_msi
static const struct xml_row shmem_msi_rows[] = {
    ROW_NUMBER("@vectors", vectors, "Interrupt vectors", .flags = XML_ABI),
    ROW_ON_OFF("@ioeventfd", ioeventfd, "I/O is handled outside of the vcpu threads",
               .flags = XML_ABI),
};
#undef ROWS_OF
XML_SCHEMA(shmem_msi, "msi", .doc = "Interrupts of shared memory");

#define ROWS_OF struct domain_shmem
static const struct xml_row domain_shmem_rows[] = {
    ROW_STRING("@name", name, "Name of the memory", .flags = XML_REQUIRED),
    ROW_ENUM("@role", role, shmem_role_names, "Whether the memory migrates with the guest",
             .flags = XML_ABI),
    ROW_ENUM("model/@type", model, shmem_model_names, "Device", .flags = XML_EXPECTED | XML_ABI),
    ROW_SIZE_IN("size", size, UNIT_MIB, "M", "Size", .flags = XML_ABI),
    ROW_CHILD("server", server, shmem_server, "Server", .flags = XML_ABI),
    ROW_CHILD("msi", msi, shmem_msi, "Interrupts", .flags = XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_shmem, "shmem", .doc = "Memory shared with other guests");

#define ROWS_OF struct domain_vsock
static const struct xml_row domain_vsock_rows[] = {
    ROW_ENUM("@model", model, virtio_model_names, "Device", .flags = XML_ABI),
    ROW_YES_NO("cid/@auto", auto_cid, "The address is chosen at start"),
    ROW_NUMBER("cid/@address", cid, "Address, from 3"),
    ROW_EMBED(".", info, domain_device_info),
    ROW_EMBED("driver", virtio, domain_virtio),
};
#undef ROWS_OF
XML_SCHEMA(domain_vsock, "vsock", .doc = "Sockets between guest and host");

#define ROWS_OF struct domain_iommu
static const struct xml_row domain_iommu_rows[] = {
    ROW_ENUM("@model", model, iommu_model_names, "Device", .flags = XML_REQUIRED | XML_ABI),
    ROW_ON_OFF("driver/@intremap", intremap, "Interrupts are remapped", .flags = XML_ABI),
    ROW_ON_OFF("driver/@caching_mode", caching_mode, "Needed by devices of the host",
               .flags = XML_ABI),
    ROW_ON_OFF("driver/@eim", eim, "More than 255 CPUs", .flags = XML_ABI),
    ROW_ON_OFF("driver/@iotlb", iotlb, "Caching by devices", .flags = XML_ABI),
    ROW_NUMBER("driver/@aw_bits", aw_bits, "Address bits", .flags = XML_ABI, FORM_RANGE(0, 255)),
    ROW_ON_OFF("driver/@dma_translation", dma_translation, "Addresses are translated",
               .flags = XML_ABI),
    ROW_NUMBER("driver/@pciBus", pci_bus, "PCI bus", .flags = XML_ABI),
    ROW_ON_OFF("driver/@accel", accel, "Translated by the host's own SMMU", .flags = XML_ABI),
    ROW_ON_OFF("driver/@ats", ats, "Address translation service", .flags = XML_ABI),
    ROW_ON_OFF("driver/@ril", ril, "Ranges are invalidated at once", .flags = XML_ABI),
    ROW_NUMBER("driver/@ssidsize", ssid_size, "Bits of the numbers of address spaces", RANGE(0, 20),
               .flags = XML_ABI),
    ROW_NUMBER("driver/@oas", oas, "Bits of output addresses", .flags = XML_ABI),
    ROW_ON_OFF("driver/@cmdqv", cmdqv, "The host's queues of commands are passed (Tegra241)",
               .flags = XML_ABI),
    ROW_ON_OFF("driver/@xtsup", xtsup, "x2APIC", .flags = XML_ABI),
    ROW_ON_OFF("driver/@passthrough", passthrough, "Devices without it work", .flags = XML_ABI),
    ROW_SIZE("driver/granule/@size", granule, UNIT_KIB, "Smallest page that it translates",
             .flags = XML_ABI),
    ROW_STRING("driver/granule/@mode", granule_mode, "host: that of the host", .flags = XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_iommu, "iommu", .doc = "An IOMMU for the guest's own use");

#define ROWS_OF struct domain_nvram
static const struct xml_row domain_nvram_rows[] = {
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_nvram, "nvram", .doc = "NVRAM of pseries");

#define ROWS_OF struct domain_crypto
static const struct xml_row domain_crypto_rows[] = {
    ROW_STRING("@model", model, "virtio", .flags = XML_REQUIRED | XML_ABI,
               WORDS(crypto_model_names)),
    ROW_STRING("@type", type, "qemu", .flags = XML_REQUIRED, WORDS(crypto_type_names)),
    ROW_STRING("backend/@model", backend, "builtin or lkcf", .flags = XML_REQUIRED,
               WORDS(crypto_backend_names)),
    ROW_NUMBER("backend/@queues", queues, "Queues"),
    ROW_EMBED("driver", virtio, domain_virtio),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_crypto, "crypto", .doc = "A cryptography accelerator");

#define ROWS_OF struct domain_pstore
static const struct xml_row domain_pstore_rows[] = {
    ROW_STRING("@backend", backend, "acpi-erst", .flags = XML_REQUIRED | XML_ABI),
    ROW_STRING("path", path, "File of its contents"),
    ROW_SIZE("size", size, UNIT_KIB, "Size", .flags = XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_pstore, "pstore", .doc = "Where a guest's kernel keeps its last words");

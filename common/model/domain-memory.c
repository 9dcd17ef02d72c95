/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-memory.h"

#include "model/text-types.h"

NAMES(memory_model_names, NULL, "dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc");

#define VIRTIO_MEM WHEN(model, BIT(MEMORY_MODEL_VIRTIO_MEM))
#define VIRTIO WHEN(model, BIT(MEMORY_MODEL_VIRTIO_MEM) | BIT(MEMORY_MODEL_VIRTIO_PMEM))
#define NVDIMM WHEN(model, BIT(MEMORY_MODEL_NVDIMM))
#define PERSISTENT WHEN(model, BIT(MEMORY_MODEL_NVDIMM) | BIT(MEMORY_MODEL_VIRTIO_PMEM))
#define HOST_MEMORY                                                                                \
    WHEN(model, BIT(MEMORY_MODEL_DIMM) | BIT(MEMORY_MODEL_VIRTIO_MEM) | BIT(MEMORY_MODEL_SGX_EPC))
/* What only some models have is known, and ignored, of the others. */
#define ELSEWHERE(place, member, models)                                                           \
    ROW_SIZE(place, member, UNIT_KIB, "Without effect", WHEN(model, ~(uint64_t)(models)),          \
             .flags = XML_OUTPUT)
#define ROWS_OF struct domain_memory
static const struct xml_row domain_memory_rows[] = {
    ROW_ENUM("@model", model, memory_model_names, "Kind of module",
             .flags = XML_REQUIRED | XML_ABI),
    ROW_ENUM("@access", access, memory_access_names, "Whether others may share it"),
    ROW_YES_NO("@discard", discard, "Its contents are dropped when it is unplugged"),
    ROW_UUID("uuid", uuid, "Identity (nvdimm of pseries)", .flags = XML_EXPECTED | XML_ABI),
    ROW_EMBED("driver", virtio, domain_virtio, VIRTIO),
    ROW_CPUSET("source/nodemask", nodemask, "Nodes of the host", HOST_MEMORY,
               .flags = XML_EXPECTED),
    ROW_SIZE("source/pagesize", pagesize, UNIT_KIB, "Size of the host's pages", HOST_MEMORY),
    ROW_STRING("source/path", path, "File of its contents", PERSISTENT, FORM(absolute_path_type),
               .flags = XML_EXPECTED),
    ROW_STRING("source/path", path, "Without effect",
               WHEN(model, ~(BIT(MEMORY_MODEL_NVDIMM) | BIT(MEMORY_MODEL_VIRTIO_PMEM))),
               .flags = XML_OUTPUT),
    ROW_SIZE("source/alignsize", alignsize, UNIT_KIB, "Alignment", NVDIMM, .flags = XML_ABI),
    ELSEWHERE("source/alignsize", alignsize, BIT(MEMORY_MODEL_NVDIMM)),
    ROW_FLAG("source/pmem", pmem, "The file is on persistent memory", NVDIMM, .flags = XML_ABI),
    ROW_YES_NO("target/@dynamicMemslots", dynamic_memslots, "Slots are used as needed", VIRTIO_MEM),
    ROW_SIZE("target/size", size, UNIT_KIB, "Size", .flags = XML_REQUIRED | XML_ABI),
    ROW_NUMBER("target/node", node, "NUMA node of the guest", .flags = XML_ABI),
    ROW_ELEMENT("target/label/size", "Size of the label area", NVDIMM, .flags = XML_EXPECTED),
    ROW_SIZE("target/label/size", label_size, UNIT_KIB, "Size of the label area", NVDIMM,
             .flags = XML_ABI),
    ROW_SIZE("target/block", block_size, UNIT_KIB, "Smallest change", VIRTIO_MEM, .flags = XML_ABI),
    ELSEWHERE("target/block", block_size, BIT(MEMORY_MODEL_VIRTIO_MEM)),
    ROW_SIZE("target/requested", requested, UNIT_KIB, "How much the guest should use", VIRTIO_MEM,
             .flags = XML_ABI),
    ELSEWHERE("target/requested", requested, BIT(MEMORY_MODEL_VIRTIO_MEM)),
    ROW_SIZE("target/current", current, UNIT_KIB, "How much the guest uses", VIRTIO_MEM,
             .flags = XML_LIVE),
    ELSEWHERE("target/current", current, BIT(MEMORY_MODEL_VIRTIO_MEM)),
    ROW_FLAG("target/readonly", readonly, "The guest can't write", NVDIMM, .flags = XML_ABI),
    ROW_HEX("target/address/@base", base, 1, "Guest physical address", VIRTIO, .flags = XML_ABI),
    ROW_EMBED(".", info, domain_device_info),
};
#undef ROWS_OF
XML_SCHEMA(domain_memory, "memory", .doc = "Memory that can be plugged");

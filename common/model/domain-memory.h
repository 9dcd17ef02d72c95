/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain-device.h"
#include "model/domain-tune.h"

/* Memory that can be plugged. */

enum memory_model {
    MEMORY_MODEL_NONE,
    MEMORY_MODEL_DIMM,
    MEMORY_MODEL_NVDIMM,
    MEMORY_MODEL_VIRTIO_PMEM,
    MEMORY_MODEL_VIRTIO_MEM,
    MEMORY_MODEL_SGX_EPC,
};
extern const struct names memory_model_names;

struct domain_memory {
    struct domain_device_info info;
    struct domain_virtio virtio; /* virtio-mem, virtio-pmem */
    uint8_t model;               /* enum memory_model */
    uint8_t access;              /* enum memory_access */
    uint8_t discard;             /* enum tristate */
    uint8_t dynamic_memslots;    /* enum tristate */
    bool pmem;
    bool readonly;
    uint8_t uuid[16];
    struct cpuset *nodemask;
    uint64_t pagesize; /* KiB, as all sizes here */
    uint64_t alignsize;
    const char *path;
    uint64_t size;
    struct opt_uint node;
    uint64_t label_size;
    uint64_t block_size;
    struct opt_ulong requested;
    struct opt_ulong current;
    struct opt_ulong base; /* virtio-mem, virtio-pmem: guest address */
};

XML_SCHEMA_DECLARE(domain_memory);

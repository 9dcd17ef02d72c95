/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "faults.h"
#include "rules-parts.h"

enum { LABEL_LEAST = 128 /* KiB */ };

static int check_sizes(const struct domain_memory *memory, GError **error)
{
    uint64_t block = memory->block_size, requested = memory->requested.value;
    bool virtio_mem = memory->model == MEMORY_MODEL_VIRTIO_MEM;
    const struct fault faults[] = {
        {virtio_mem && block & (block - 1), FAULT_DETAIL, "target/block must be a power of two"},
        {virtio_mem && requested > memory->size, FAULT_DETAIL,
         "target/requested is more than target/size"},
        {virtio_mem && block && requested % block, FAULT_DETAIL,
         "target/requested must be a multiple of target/block"},
        {memory->label_size && memory->label_size < LABEL_LEAST, FAULT_XML,
         "target/label/size is at least 128 KiB"},
        {memory->label_size && memory->label_size >= memory->size, FAULT_XML,
         "target/label/size is not less than that of all"},
    };

    return FAULTS_CHECK(faults, error, "memory of model '%s'",
                        names_word(&memory_model_names, memory->model));
}

static int check_kind(const struct domain_memory *memory, GError **error)
{
    bool pmem = memory->model == MEMORY_MODEL_VIRTIO_PMEM;
    bool of_file = pmem || memory->model == MEMORY_MODEL_NVDIMM;
    const struct fault faults[] = {
        {of_file && !memory->path, FAULT_DETAIL, "source/path is missing"},
        {pmem && memory->node.set, FAULT_QEMU, "it belongs to no node: target/node"},
        {pmem && memory->access == MEMORY_ACCESS_PRIVATE, FAULT_QEMU, "it needs access='shared'"},
    };

    return FAULTS_CHECK(faults, error, "memory of model '%s'",
                        names_word(&memory_model_names, memory->model));
}

static const struct dimm_address *dimm_of(const struct domain_memory *memory)
{
    return memory->info.address.type == ADDRESS_DIMM ? &memory->info.address.dimm : NULL;
}

static int check_place(const struct domain *domain, unsigned index, GError **error)
{
    const struct dimm_address *at = dimm_of(domain->devices.memories.items[index]);
    bool same_slot = false, same_base = false;

    for (unsigned i = 0; at && i < index; i++) {
        const struct dimm_address *other = dimm_of(domain->devices.memories.items[i]);

        if (!other)
            continue;
        same_slot |= at->slot.set && other->slot.set && at->slot.value == other->slot.value;
        same_base |= at->base.set && at->base.value && other->base.set &&
                     at->base.value == other->base.value;
    }
    const struct fault faults[] = {
        {at && at->slot.set && at->slot.value >= domain->memory_slots, FAULT_QEMU,
         "address/@slot: <maxMemory slots=''> has fewer"},
        {same_slot, FAULT_QEMU, "address/@slot is that of another one"},
        {same_base, FAULT_QEMU, "address/@base is that of another one"},
    };
    return FAULTS_CHECK(faults, error, "devices/memory[%u]", index + 1);
}

int rules_check_memories(const struct domain *domain, GError **error)
{
    LIST_EACH (memory, &domain->devices.memories)
        if (check_sizes(memory, error) < 0 || check_kind(memory, error) < 0 ||
            check_place(domain, memory_i, error) < 0)
            return -1;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/uuid.h"

#include "faults.h"
#include "machine.h"
#include "rules-parts.h"

/* ---- what the guest's memory is made of ---- */

static unsigned count_default_pages(const struct memory_backing *backing)
{
    unsigned count = 0;

    if (backing && backing->hugepages)
        LIST_EACH (page, &backing->hugepages->pages)
            count += !page->nodeset;
    return count;
}

static int check_backing(const struct domain *domain, GError **error)
{
    const struct memory_backing *backing = domain->memory_backing;
    const struct numa_memory_tune *numa = domain->numa_tune ? domain->numa_tune->memory : NULL;
    unsigned nodes = domain->numa_tune ? domain->numa_tune->nodes.count : 0;
    const struct fault known[] = {
        {backing && backing->hugepages && backing->source == MEMORY_SOURCE_ANONYMOUS, FAULT_QEMU,
         "hugepages are not allowed with anonymous memory source"},
        {domain->memory_tune && domain->memory_tune->min_guarantee.value, FAULT_QEMU,
         "Parameter 'min_guarantee' not supported by QEMU."},
        {numa && numa->placement != PLACEMENT_AUTO && !numa->nodeset, FAULT_QEMU,
         "nodeset for NUMA memory tuning must be set if 'placement' is 'static'"},
    };
    const struct fault faults[] = {
        {numa && nodes && numa->placement == PLACEMENT_AUTO, FAULT_GUEST,
         "numatune/memnode and placement='auto' exclude each other"},
        {count_default_pages(backing) > 1, FAULT_DETAIL,
         "memoryBacking/hugepages: two pages are for all nodes"},
    };

    return FAULTS_SAY(known, error, NULL) < 0 ? -1 : FAULTS_CHECK(faults, error, "domain");
}

/* ---- memory as a device ---- */

enum { LABEL_LEAST = 128 /* KiB */ };

static int check_sizes(const struct domain_memory *memory, GError **error)
{
    uint64_t block = memory->block_size, requested = memory->requested.value;
    bool virtio_mem = memory->model == MEMORY_MODEL_VIRTIO_MEM;
    const struct fault faults[] = {
        {virtio_mem && (!block || block & (block - 1)), FAULT_DETAIL,
         "target/block must be a power of two"},
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

static bool lacks_node(const struct domain *domain, const struct domain_memory *memory)
{
    bool cells = domain->cpu && domain->cpu->numa && domain->cpu->numa->cells.count > 0;

    return cells && !memory->node.set && memory->model != MEMORY_MODEL_VIRTIO_PMEM &&
           memory->model != MEMORY_MODEL_SGX_EPC;
}

static int check_kind(const struct domain *domain, const struct domain_memory *memory,
                      GError **error)
{
    const struct fault known[] = {
        {lacks_node(domain, memory), FAULT_QEMU,
         "target NUMA node needs to be specified for memory device"},
    };
    bool pmem = memory->model == MEMORY_MODEL_VIRTIO_PMEM;
    bool pseries = machine_family_of(domain->os.arch, domain->os.machine) == MACHINE_PSERIES;
    bool of_file = pmem || memory->model == MEMORY_MODEL_NVDIMM;
    const struct fault faults[] = {
        {of_file && !memory->path, FAULT_DETAIL, "source/path is missing"},
        {memory->model == MEMORY_MODEL_NVDIMM && uuid_is_valid(memory->uuid) && !pseries,
         FAULT_QEMU, "<uuid> is of pseries machines"},
        {pmem && memory->node.set, FAULT_QEMU, "it belongs to no node: target/node"},
        {pmem && memory->access == MEMORY_ACCESS_PRIVATE, FAULT_QEMU, "it needs access='shared'"},
    };

    if (FAULTS_SAY(known, error, NULL) < 0)
        return -1;
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
    if (check_backing(domain, error) < 0)
        return -1;
    LIST_EACH (memory, &domain->devices.memories)
        if (check_sizes(memory, error) < 0 || check_kind(domain, memory, error) < 0 ||
            check_place(domain, memory_i, error) < 0)
            return -1;
    return 0;
}

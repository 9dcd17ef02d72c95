/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "base/uuid.h"

#include "device-common.h"
#include "device-parts.h"
#include "host-nodes.h"
#include "memory-backend.h"

#define KIB 1024

static const char *const drivers[] = {
    [MEMORY_MODEL_NONE] = "pc-dimm",
    [MEMORY_MODEL_DIMM] = "pc-dimm",
    [MEMORY_MODEL_NVDIMM] = "nvdimm",
    [MEMORY_MODEL_VIRTIO_PMEM] = "virtio-pmem-pci",
    [MEMORY_MODEL_VIRTIO_MEM] = "virtio-mem-pci",
};

static int refuse(const struct domain_memory *memory, const char *reason, GError **error)
{
    return device_refuse(error, "memory", memory->info.alias, "%s", reason);
}

static bool is_persistent(const struct domain_memory *memory)
{
    return memory->model == MEMORY_MODEL_NVDIMM || memory->model == MEMORY_MODEL_VIRTIO_PMEM;
}

static bool is_huge(const struct domain *domain, const struct domain_memory *memory)
{
    int cell = memory->node.set ? (int)memory->node.value : -1;

    return !is_persistent(memory) && memory_backend_is_huge(domain, cell, memory->pagesize);
}

/* ---- its object ---- */

/* Enclaves' memory is no memory that QEMU could map otherwise. */
static struct json_object *build_enclave(const struct domain_memory *memory, const char *id)
{
    return json_build("s:qom-type", "memory-backend-epc", "s:id", id, "b:prealloc", true, "U:size",
                      memory->size * KIB, NULL);
}

struct json_object *memory_object(const struct domain *domain, const struct domain_memory *memory,
                                  const struct arguments_context *context)
{
    g_autofree char *id = g_strdup_printf("mem%s", memory->info.alias);
    const struct memory_request request = {
        .id = id,
        .cell = memory->node.set ? (int)memory->node.value : -1,
        .size = memory->size,
        .access = memory->access,
        .discard = memory->discard,
        .page_size = memory->pagesize,
        .path = memory->path,
        .nodes = memory->nodemask,
        .deferred = memory->model == MEMORY_MODEL_VIRTIO_MEM,
        .whole = memory->model == MEMORY_MODEL_NVDIMM && !memory->pmem,
    };

    if (memory->model == MEMORY_MODEL_SGX_EPC)
        return build_enclave(memory, id);
    struct json_object *json = memory_backend_build(domain, context, &request);
    if (memory->alignsize)
        json_add(json, "U:align", memory->alignsize * KIB, NULL);
    if (memory->pmem)
        json_add(json, "b:pmem", true, NULL);
    if (memory->readonly && memory->model == MEMORY_MODEL_VIRTIO_PMEM)
        json_add(json, "b:readonly", true, NULL);
    return json;
}

/* ---- the device ---- */

static int check_memory(const struct domain *domain, const struct domain_memory *memory,
                        const struct arguments_context *context, GError **error)
{
    bool pluggable = memory->model != MEMORY_MODEL_SGX_EPC;

    if (pluggable && !domain->max_memory)
        return refuse(memory, "the domain has no <maxMemory>, the room for it", error);
    if (is_persistent(memory) && !memory->path)
        return refuse(memory, "its <source> has no <path>", error);
    if (memory->pmem && !emulator_has(context->emulator, EMULATOR_MEMORY_PMEM))
        return refuse(memory, "the emulator has no <pmem/>", error);
    if (memory->model == MEMORY_MODEL_VIRTIO_MEM &&
        !emulator_has(context->emulator, EMULATOR_MEMORY_RESERVE))
        return refuse(memory, "the emulator cannot give virtio-mem its memory bit by bit", error);
    if (memory->dynamic_memslots == TRISTATE_YES &&
        !emulator_has(context->emulator, EMULATOR_MEM_DYNAMIC_MEMSLOTS))
        return refuse(memory, "the emulator has no dynamicMemslots", error);
    if (!pluggable && !emulator_has_type(context->emulator, "memory-backend-epc"))
        return refuse(memory, "the emulator has no memory of enclaves (SGX)", error);
    return context->plan ? 0 : host_nodes_check(memory->nodemask, error);
}

static void add_virtio(struct json_object *json, const struct domain *domain,
                       const struct domain_memory *memory)
{
    if (memory->block_size)
        json_add(json, "U:block-size", memory->block_size * KIB, NULL);
    if (memory->requested.set)
        json_add(json, "U:requested-size", memory->requested.value * KIB, NULL);
    device_add_bool(json, "dynamic-memslots", memory->dynamic_memslots);
    if (is_huge(domain, memory) || (domain->memory_backing && domain->memory_backing->allocation ==
                                                                  MEMORY_ALLOCATION_IMMEDIATE))
        json_add(json, "b:prealloc", true, NULL);
}

static void add_dimm(struct json_object *json, const struct domain_memory *memory)
{
    char uuid[UUID_TEXT];

    if (memory->label_size)
        json_add(json, "U:label-size", memory->label_size * KIB, NULL);
    if (uuid_is_valid(memory->uuid))
        json_add(json, "s:uuid", uuid_format(memory->uuid, uuid), NULL);
    if (memory->readonly)
        json_add(json, "b:unarmed", true, NULL);
}

static void add_place(struct json_object *json, const struct domain *domain,
                      const struct domain_memory *memory)
{
    const struct dimm_address *at = &memory->info.address.dimm;

    if (memory->info.address.type == ADDRESS_DIMM) {
        if (at->slot.set)
            json_add(json, "u:slot", at->slot.value, NULL);
        if (at->base.set && at->base.value)
            json_add(json, "U:addr", at->base.value, NULL);
        return;
    }
    if (memory->base.set)
        json_add(json, "U:memaddr", memory->base.value, NULL);
    device_add_place(json, domain, &memory->info);
}

int device_memory_properties(const struct domain *domain, const struct domain_memory *memory,
                             const struct arguments_context *context,
                             struct json_object **ret_properties, GError **error)
{
    g_autofree char *backend = g_strdup_printf("mem%s", memory->info.alias);

    *ret_properties = NULL;
    if (check_memory(domain, memory, context, error) < 0)
        return -1;
    if (memory->model == MEMORY_MODEL_SGX_EPC)
        return 0;
    struct json_object *json = json_build("s:driver", drivers[memory->model], NULL);
    if (memory->node.set)
        json_add(json, "u:node", memory->node.value, NULL);
    if (memory->model == MEMORY_MODEL_VIRTIO_MEM)
        add_virtio(json, domain, memory);
    else
        add_dimm(json, memory);
    json_add(json, "s:memdev", backend, "S:id", memory->info.alias, NULL);
    device_add_virtio(json, &memory->virtio);
    add_place(json, domain, memory);
    *ret_properties = json;
    return 0;
}

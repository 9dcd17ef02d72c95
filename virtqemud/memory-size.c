/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory-size.h"

#include "device-common.h"
#include "machine.h"

#define KIB_PER_MIB 1024

static uint64_t round_up(uint64_t kib, uint64_t unit)
{
    return (kib + unit - 1) / unit * unit;
}

static bool is_pseries(const struct domain *live)
{
    return machine_family_of(live->os.arch, live->os.machine) == MACHINE_PSERIES;
}

static uint64_t memory_unit(const struct domain *live)
{
    return (is_pseries(live) ? 256 : 1) * KIB_PER_MIB;
}

/* Guests plug memory in blocks: of large pages, or as large as firmware says. */
static uint64_t module_unit(const struct domain *live)
{
    return (is_pseries(live) ? 256 : 2) * KIB_PER_MIB;
}

void memory_size_round_module(const struct domain *live, struct domain_memory *memory)
{
    if (memory->model != MEMORY_MODEL_SGX_EPC)
        memory->size = round_up(memory->size, module_unit(live));
}

/* By how much the guest's nodes grow, or the one that it is without any. */
static uint64_t round_nodes(struct domain *live, uint64_t modules)
{
    struct cpu_numa *numa = live->cpu ? live->cpu->numa : NULL;
    uint64_t unit = memory_unit(live), boot = live->memory - modules, growth = 0;

    if (!numa || !numa->cells.count)
        return round_up(boot, unit) - boot;
    LIST_EACH (cell, &numa->cells) {
        uint64_t size = round_up(cell->memory, unit);

        growth += size - cell->memory;
        cell->memory = size;
    }
    return growth;
}

void memory_size_round(struct domain *live)
{
    uint64_t before = 0, after = 0;
    bool all = live->current_memory == live->memory;

    LIST_EACH (memory, &live->devices.memories) {
        before += memory->size;
        memory_size_round_module(live, memory);
        after += memory->size;
    }
    live->memory += round_nodes(live, MIN(before, live->memory)) + after - before;
    live->max_memory = round_up(live->max_memory, memory_unit(live));
    if (all)
        live->current_memory = live->memory;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tune-parts.h"

struct cpu_tune *tune_make_cpu(struct domain *domain)
{
    if (!domain->cpu_tune)
        domain->cpu_tune = arena_new(&domain->definition.arena, struct cpu_tune);
    return domain->cpu_tune;
}

struct memory_tune *tune_make_memory(struct domain *domain)
{
    if (!domain->memory_tune)
        domain->memory_tune = arena_new(&domain->definition.arena, struct memory_tune);
    return domain->memory_tune;
}

struct blkio_tune *tune_make_blkio(struct domain *domain)
{
    if (!domain->blkio_tune)
        domain->blkio_tune = arena_new(&domain->definition.arena, struct blkio_tune);
    return domain->blkio_tune;
}

void tune_name_iothreads(struct domain *domain)
{
    struct arena *arena = &domain->definition.arena;

    if (domain->iothreads.count)
        return;
    for (unsigned id = 1; id <= domain->iothread_count; id++) {
        struct domain_iothread *thread = arena_new(arena, struct domain_iothread);

        thread->id = id;
        LIST_APPEND(arena, &domain->iothreads, thread);
    }
}

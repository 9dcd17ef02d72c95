/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/domain-defaults.h"

#define LOCAL_DISTANCE 10

/* ---- what is not said of the distances between nodes ---- */

static const struct numa_distance *find_distance(const struct numa_cell *cell, unsigned to)
{
    LIST_EACH (distance, &cell->distances)
        if (distance->id.value == to)
            return distance;
    return NULL;
}

static void add_distance(struct arena *arena, struct numa_cell *cell, unsigned to, unsigned value)
{
    struct numa_distance *distance = arena_new(arena, struct numa_distance);

    distance->id = OPT_UINT(to);
    distance->value = value;
    LIST_APPEND(arena, &cell->distances, distance);
}

/* As far as it is back, unless that is said. */
static void add_way_back(struct arena *arena, struct cpu_numa *numa, struct numa_cell *from)
{
    LIST_EACH (distance, &from->distances)
        LIST_EACH (cell, &numa->cells)
            if (cell != from && cell->id.value == distance->id.value &&
                !find_distance(cell, from->id.value))
                add_distance(arena, cell, from->id.value, distance->value);
}

static void sort_distances(struct numa_cell *cell)
{
    for (unsigned i = 1; i < cell->distances.count; i++)
        for (unsigned j = i; j > 0; j--) {
            struct numa_distance **pair = cell->distances.items + j - 1;
            struct numa_distance *lower = pair[0];

            if (lower->id.value <= pair[1]->id.value)
                break;
            pair[0] = pair[1];
            pair[1] = lower;
        }
}

static void distance_defaults(struct arena *arena, struct cpu_numa *numa)
{
    LIST_EACH (cell, &numa->cells)
        add_way_back(arena, numa, cell);
    LIST_EACH (cell, &numa->cells) {
        if (!cell->distances.count)
            continue;
        if (!find_distance(cell, cell->id.value))
            add_distance(arena, cell, cell->id.value, LOCAL_DISTANCE);
        sort_distances(cell);
    }
}

void domain_defaults_numa(struct domain *domain)
{
    struct cpu_numa *numa = domain->cpu ? domain->cpu->numa : NULL;

    if (!numa)
        return;
    LIST_EACH (cell, &numa->cells)
        if (!cell->id.set)
            cell->id = OPT_UINT(cell_i);
    distance_defaults(&domain->definition.arena, numa);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/cache.h"

#include <string.h>

#include "base/arena.h"
#include "base/cpuset.h"
#include "base/file.h"
#include "base/units.h"

#define CPU_FOLDER "/sys/devices/system/cpu"
#define INDEXES_MAX 16 /* of one CPU */

NAMES(cache_scope_names, "both", "code", "data");

static uint64_t number_of(const char *text)
{
    return text ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static enum cache_scope scope_of(const char *type)
{
    if (g_strcmp0(type, "Data") == 0)
        return CACHE_DATA;
    return g_strcmp0(type, "Instruction") == 0 ? CACHE_CODE : CACHE_BOTH;
}

/* False: the CPU has no cache of this index. The first CPU of those that share one tells it. */
static bool add_bank(GArray *banks, int cpu, unsigned index)
{
    g_autofree char *level = file_read_value(CPU_FOLDER "/cpu%d/cache/index%u/level", cpu, index);
    g_autofree char *id = file_read_value(CPU_FOLDER "/cpu%d/cache/index%u/id", cpu, index);
    g_autofree char *cpus =
        file_read_value(CPU_FOLDER "/cpu%d/cache/index%u/shared_cpu_list", cpu, index);

    if (!level || !id || !cpus || number_of(cpus) != (unsigned)cpu)
        return level != NULL;

    g_autofree char *type = file_read_value(CPU_FOLDER "/cpu%d/cache/index%u/type", cpu, index);
    g_autofree char *size = file_read_value(CPU_FOLDER "/cpu%d/cache/index%u/size", cpu, index);
    struct cache_bank bank = {
        .id = (unsigned)number_of(id),
        .level = (unsigned)number_of(level),
        .scope = scope_of(type),
        .size = number_of(size) * UNIT_KIB, /* "32768K" */
        .cpus = g_steal_pointer(&cpus),
    };
    g_array_append_val(banks, bank);
    return true;
}

static void bank_clear(gpointer data)
{
    g_free(((struct cache_bank *)data)->cpus);
}

GArray *cache_list(void)
{
    GArray *banks = g_array_new(FALSE, FALSE, sizeof(struct cache_bank));
    struct arena arena ARENA_AUTO = {0};
    g_autofree char *text = file_read_value(CPU_FOLDER "/online");
    const struct cpuset *cpus = cpuset_parse(&arena, text ? text : "0");

    g_array_set_clear_func(banks, bank_clear);
    for (int cpu = cpus ? cpuset_next(cpus, 0) : -1; cpu >= 0;
         cpu = cpuset_next(cpus, (unsigned)cpu + 1))
        for (unsigned index = 0; index < INDEXES_MAX && add_bank(banks, cpu, index); index++)
            ;
    return banks;
}

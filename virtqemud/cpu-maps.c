/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu-maps.h"

#include <string.h>

#include "host/node.h"
#include "protocol/remote.h"

int cpu_maps_check_room(int count, int maplen, GError **error)
{
    if (count >= 0 && maplen >= 0 && (int64_t)count * maplen <= REMOTE_CPUMAPS_MAX &&
        count <= REMOTE_VCPUINFO_MAX)
        return 0;
    error_set(error, VIR_ERR_INVALID_ARG, "%d maps of %d bytes are too many", count, maplen);
    return -1;
}

int cpu_maps_fill(const struct cpuset *set, char *map, size_t length, GError **error)
{
    struct node_cpus cpus;

    if (set) {
        cpuset_to_map(set, (uint8_t *)map, length);
        return 0;
    }
    if (node_read_cpus(&cpus, error) < 0)
        return -1;
    memcpy(map, cpus.map->data, MIN(length, cpus.map->len));
    g_byte_array_unref(cpus.map);
    return 0;
}

int cpu_maps_fill_vcpus(const struct domain *domain, unsigned count, size_t maplen, char *maps,
                        GError **error)
{
    for (unsigned i = 0; i < count; i++)
        if (cpu_maps_fill(placement_cpus(domain, ROLE_VCPU, i), maps + i * maplen, maplen, error) <
            0)
            return -1;
    return 0;
}

int cpu_maps_read(const char *map, size_t length, struct arena *arena, struct cpuset **ret_set,
                  GError **error)
{
    struct cpuset *set =
        length <= CPUSET_MAX / 8 ? cpuset_from_map(arena, (const uint8_t *)map, length) : NULL;

    if (!set) {
        error_set(error, VIR_ERR_INVALID_ARG, "a map of %zu bytes is too long", length);
        return -1;
    }
    *ret_set = set;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "placement.h"

/*
 * CPUs as the wire has them: bit strings of a client's length. Pure but for a look at which CPUs
 * the host has. Any thread.
 */

/* Is there room for count maps of maplen bytes in a reply? VIR_ERR_INVALID_ARG. */
int cpu_maps_check_room(int count, int maplen, GError **error);

/* One map of length bytes; set NULL: all CPUs that there are. */
int cpu_maps_fill(const struct cpuset *set, char *map, size_t length, GError **error);

/* Maps of the first count vcpus, one after the other. */
int cpu_maps_fill_vcpus(const struct domain *domain, unsigned count, size_t maplen, char *maps,
                        GError **error);

/* The set of a map, in the arena. VIR_ERR_INVALID_ARG if it is too long. */
int cpu_maps_read(const char *map, size_t length, struct arena *arena, struct cpuset **ret_set,
                  GError **error);

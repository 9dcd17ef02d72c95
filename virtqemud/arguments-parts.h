/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "arguments.h"

/* The parts of a command line, in the order in which arguments.c joins them. */

struct build {
    const struct domain *domain;
    const struct arguments_context *context;
    struct arguments *arguments;
};

/* -machine, -accel, -cpu, firmware; -smp */
int arguments_add_machine(const struct build *build, GError **error);
int arguments_add_topology(const struct build *build, GError **error);

/* -m, -object for memory, -overcommit; makes the folder of memory in files. -object for threads.
 * -numa: cells with their memory, distances, what is known of latencies and bandwidths. */
int arguments_add_memory(const struct build *build, GError **error);
int arguments_add_iothreads(const struct build *build, GError **error);
void arguments_add_numa(const struct build *build);

/* True if the guest's CPUs and memory are divided (NUMA). */
bool arguments_has_cells(const struct domain *domain);

/* True if latencies, bandwidths or caches of cells are described (HMAT). */
bool arguments_has_heterogeneous_memory(const struct domain *domain);

/* "pc.ram" where the machine takes its memory from an object of ours; else NULL. Borrowed. */
const char *arguments_memory_id(const struct build *build);

/* -smbios, -fw_cfg, vmgenid */
int arguments_add_tables(const struct build *build, GError **error);

/* -rtc and clocks of the machine, power management, what happens on reboot */
int arguments_add_clock(const struct build *build, GError **error);
void arguments_add_power(const struct build *build);

/* -boot, -kernel and friends. VIR_ERR_CONFIG_UNSUPPORTED. */
int arguments_add_boot(const struct build *build, GError **error);

/* -object for the limits that disks' filters share. */
void arguments_add_throttle_groups(const struct build *build);

/* -blockdev for nodes and -object for what they need, before the first of which that is a secret
 * comes the key of secrets. Takes them out of the array (of struct json_object *). */
void arguments_add_nodes(GPtrArray *nodes, const struct arguments_context *context,
                         struct arguments *arguments);

/* Everything with a bus, in an order in which each finds its own. */
int arguments_add_devices(const struct build *build, GError **error);

/* One of these alone, with what it needs: words are an option and its value by turns. */
int arguments_add_device(const struct build *build, const struct device *device, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine.h"

struct emulator;

/*
 * What QEMU guests have though their documents do not say so: the machine's full name, CPU, buses,
 * keyboard and mouse, display adapter, balloon, models; then addresses (address.h). Changes a
 * domain under construction that domain_apply_defaults() has completed; changes nothing when called
 * again, so that a guest keeps its hardware.
 */

/* For the machine that the document names, or the emulator's default, which is then named.
 * nvram_folder is where variables of firmware are kept. VIR_ERR_CONFIG_UNSUPPORTED: there is no
 * such machine. Does not block. */
int defaults_apply(struct domain *domain, const struct emulator *emulator, const char *nvram_folder,
                   GError **error);

/* The same when the machine is known. */
int defaults_apply_machine(struct domain *domain, const struct machine_traits *machine,
                           GError **error);

/* One device of a kind, after domain_device_defaults(), for devices that are attached. */
int defaults_apply_device(struct domain *domain, const struct machine_traits *machine,
                          enum device_kind kind, void *object, GError **error);

/* The traits of a domain that has a machine. The text is borrowed from the emulator. */
int defaults_find_machine(const struct domain *domain, const struct emulator *emulator,
                          struct machine_traits *ret_machine, GError **error);

/* Every vcpu has a NUMA node, if there are any: those that the document forgot go to the first. */
void defaults_fill_nodes(struct domain *domain);

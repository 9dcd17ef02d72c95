/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "config.h"
#include "device.h"
#include "emulator.h"

/*
 * Whether an emulator can do what a live definition asks for, before it is started: machine,
 * accelerator, CPU, displays, every device. Opens nothing; does not block.
 * VIR_ERR_CONFIG_UNSUPPORTED (a CPU: VIR_ERR_CPU_INCOMPATIBLE) names the element and what is
 * missing.
 */
int check_domain(const struct domain *live, const struct emulator *emulator,
                 const struct qemu_config *config, GError **error);

/* What no start could mend, and is refused at once: another architecture, more vcpus than the
 * machine has room for. VIR_ERR_CONFIG_UNSUPPORTED. */
int check_machine(const struct domain *domain, const struct emulator *emulator, GError **error);

/* Whether the emulator has KVM, or can do without, as the type wants it.
 * VIR_ERR_CONFIG_UNSUPPORTED. */
int check_accelerator(const struct domain *domain, const struct emulator *emulator, GError **error);

/*
 * What is told to who makes a document rather than at its start: the accelerator, features, memory
 * or devices that the emulator has not at all. Not for what is stored already: it stays while the
 * host lacks them. Pure. VIR_ERR_CONFIG_UNSUPPORTED.
 */
int check_definition(const struct domain *domain, const struct emulator *emulator, GError **error);

/* The part about one device, which is among those of the domain: it is being added. */
int check_definition_device(const struct domain *domain, const struct device *device,
                            const struct emulator *emulator, GError **error);

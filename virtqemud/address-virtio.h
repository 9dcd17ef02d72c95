/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine.h"

/* The part of address.h about virtio devices that are not on PCI: the channel subsystem of s390x,
 * and slots in memory on arm and riscv. Before PCI's, which leaves them alone then.
 * VIR_ERR_CONFIG_UNSUPPORTED: there is no number left. */
int address_assign_virtio(struct domain *domain, const struct machine_traits *machine,
                          GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "capabilities.h"
#include "element.h"
#include "emulator.h"

/* The parts of <host>, from /proc and /sys; what the kernel does not tell is left out. native: the
 * emulator for guests like the host, or NULL. Blocks on /proc and /sys only. */
void capabilities_write_cpu(struct element_writer *writer, const struct emulator *native);
void capabilities_write_power(struct element_writer *writer);
void capabilities_write_iommu(struct element_writer *writer);
void capabilities_write_topology(struct element_writer *writer);
/* Caches, memory bandwidth and energy, with what resctrl can do of them. */
void capabilities_write_caches(struct element_writer *writer);

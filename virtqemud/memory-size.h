/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * Sizes as QEMU and guests' kernels want them: memory in whole MiB, modules in whole blocks that
 * can come and go. What a document says otherwise is rounded up in the live definition, so that it
 * tells what the guest has. Pure.
 */
void memory_size_round(struct domain *live);

/* The same for a module that is to be plugged, before it counts in the domain's memory. */
void memory_size_round_module(const struct domain *live, struct domain_memory *memory);

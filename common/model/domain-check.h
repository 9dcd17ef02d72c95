/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * The rules between members and between devices that hold whatever the driver: checked after
 * defaults. Rules inside one element are checked by its table's check function while reading.
 * VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED.
 */
int domain_check(const struct domain *domain, GError **error);

/* Its part about memory and NUMA nodes. */
int domain_check_memory(const struct domain *domain, GError **error);

/* One module of it: how much of it the guest should use. */
int domain_check_memory_module(const struct domain_memory *memory, GError **error);

/*
 * Whether a guest that runs as source could go on as target: after a save, on another host, with an
 * edited document. What it sees must be the same; what only its host knows may differ. Both are
 * complete: defaults, controllers, addresses. VIR_ERR_CONFIG_UNSUPPORTED names the first path that
 * differs, and both values. Redefining a guest needs none of this: it changes the next start. Pure.
 */
int domain_check_abi(const struct domain *source, const struct domain *target, GError **error);

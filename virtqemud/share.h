/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * Shares of the host's caches and memory bandwidth as a document has them: what it says of the same
 * vcpus in several elements is one. What is made of them: shares.h.
 */
struct share {
    const struct cpuset *vcpus;
    const struct cache_tune *cache;                /* NULL: none */
    const struct memory_bandwidth_tune *bandwidth; /* same */
    const struct energy_tune *energy;              /* same */
};

enum share_monitor_kind {
    SHARE_MONITOR_CACHE,
    SHARE_MONITOR_BANDWIDTH,
    SHARE_MONITOR_ENERGY,
    SHARE_MONITORS
};

/* struct share, the caller's; borrows from the document. Pure. */
GArray *share_list(const struct domain *domain);

/* struct cache_monitor of the document, in an array of the caller's; those of no vcpu are left out.
 * Pure. */
GPtrArray *share_list_monitors(const struct share *share, enum share_monitor_kind kind);

/* "0-3", the caller's. */
char *share_format_vcpus(const struct cpuset *vcpus);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * Where QEMU's threads run, how they are scheduled, and how much of the CPUs they get: each by its
 * role. Which thread has which is told by the names that QEMU gives them, so that a guest that
 * hangs can be moved as well.
 */
enum thread_role { ROLE_EMULATOR, ROLE_VCPU, ROLE_IOTHREAD, THREAD_ROLES };

#define ROLE_BIT(role) (1U << (role))
#define ROLES_ALL (ROLE_BIT(THREAD_ROLES) - 1)

/* The CPUs that the document gives a role; NULL: all. id: of the vcpu or I/O thread. Borrowed. */
const struct cpuset *placement_cpus(const struct domain *domain, enum thread_role role,
                                    unsigned id);

/* Where struct cpu_tune has the quota of each thread of a role. */
struct placement_bandwidth {
    size_t period, quota;
};
extern const struct placement_bandwidth placement_bandwidths[THREAD_ROLES];

/* Puts the threads of some roles (ROLE_BIT()) onto their CPUs. Blocks on the kernel alone. */
int placement_apply_cpus(struct guest *guest, const struct domain *live, unsigned roles,
                         GError **error);

/* Gives the threads of some roles their quota; no limit where live has none. */
int placement_apply_quota(struct guest *guest, const struct domain *live, unsigned roles,
                          GError **error);

/* Nanoseconds that all vcpus together used of each CPU of the host; the caller frees. NULL: the
 * host keeps no such account. */
uint64_t *placement_read_vcpus(struct guest *guest, const struct domain *live, unsigned *ret_count);

/* Once QEMU runs: all that the document says, nothing where it says nothing, and the account of
 * what vcpus use. */
int placement_apply_all(struct guest *guest, const struct domain *live, GError **error);

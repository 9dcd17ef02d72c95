/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/process.h"

#include "guest.h"

/*
 * What QEMU's process may use, from qemu.conf and the definition: resource limits and a cgroup of
 * its own.
 */
#define LIMITS_MAX 4

struct limits {
    struct process_limit values[LIMITS_MAX];
    unsigned count;
    int cgroup_procs; /* descriptor of the guest's cgroup.procs; -1: none */
};

#define LIMITS_INIT                                                                                \
    {                                                                                              \
        .cgroup_procs = -1                                                                         \
    }
#define LIMITS_AUTO __attribute__((cleanup(limits_clear)))

/* Makes the cgroup and fills the members of spec; limits must outlive process_start(). */
int limits_apply(struct limits *limits, struct guest *guest, const struct domain *live,
                 struct process_spec *spec, GError **error);
void limits_clear(struct limits *limits);

/* Removes the cgroup of a guest whose QEMU has gone. Idempotent. */
void limits_remove(struct guest *guest);

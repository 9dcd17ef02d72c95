/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/process.h"

#include "guest.h"

/*
 * What QEMU's process may use, from qemu.conf: resource limits, and a control group of its own.
 */
#define RESOURCE_LIMITS_MAX 5

struct resource_limits {
    struct process_limit values[RESOURCE_LIMITS_MAX];
    unsigned count;
};

/* Fills the members of spec, which borrow from limits. VIR_ERR_CONFIG_UNSUPPORTED: rawio='yes'
 * wants a right that the daemon has not itself. */
int resource_limits_apply(struct resource_limits *limits, const struct qemu_config *config,
                          const struct domain *live, struct process_spec *spec, GError **error);

/* Whether QEMU has the right that a device wants which is plugged in: it can't be given later.
 * VIR_ERR_OPERATION_UNSUPPORTED. */
int resource_limits_check_device(struct guest *guest, const struct device *device, GError **error);

/* With a job: what a device that is plugged in wants to stay in memory, in a live definition that
 * has it. VIR_ERR_SYSTEM_ERROR. */
int resource_limits_lock_memory(struct guest *guest, const struct domain *live, GError **error);

/* Makes the guest's control group, in a scope of systemd's (guest-scope.h) or below the daemon's
 * own, with the limits of its document; moves QEMU there. */
int resource_limits_make_group(struct guest *guest, const struct domain *live, GError **error);
int resource_limits_enter_group(struct guest *guest, const struct domain *live, GError **error);

/* Removes the group of a guest whose QEMU has gone. Idempotent. */
void resource_limits_remove_group(struct guest *guest);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest.h"

/*
 * Where systemd manages the host, a guest of the system has a scope of its own in machine.slice,
 * which machined knows: whatever is done to the daemon's service is not done to the guest. All with
 * a job; they block on D-Bus, with deadlines.
 */
#define GUEST_SCOPE_PARTITION "/machine"

/* Writes down the partition of one that names none. VIR_ERR_CONFIG_UNSUPPORTED: it is no path. */
int guest_scope_choose_partition(struct qemu *qemu, struct domain *live, GError **error);

/* Makes the scope, kept by a process of ours until QEMU is in it, and in it the guest's control
 * group, as cgroup_make() does. Errors say why there is none; *ret_folders NULL: there need not be.
 */
int guest_scope_make(struct guest *guest, const struct domain *live, char ***ret_folders,
                     GError **error);

/* QEMU is in it: machined is told, and our own process ends. */
void guest_scope_hand_over(struct guest *guest, const struct domain *live);

/* Ends our own process, where there is one yet: a scope that nobody is in goes. Idempotent. */
void guest_scope_release(struct guest *guest);

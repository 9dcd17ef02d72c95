/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "share.h"

/*
 * Shares of the host's caches and memory bandwidth that some vcpus have, and what is measured of
 * them: groups of resctrl. Their names follow from the guest's, its id and the vcpus, so that what
 * a killed daemon has made is found by the document alone. Any thread; blocks as host/resctrl.h.
 */
/* Makes the groups of a guest that is about to start, and notes their names in live.
 * VIR_ERR_CONFIG_UNSUPPORTED: the host can't, or has not enough left. What was made is
 * shares_remove()'s. */
int shares_make(struct domain *live, GError **error);

/* Puts the thread of a vcpu into its groups. Idempotent. VIR_ERR_SYSTEM_ERROR. */
int shares_enter(const struct domain *live, unsigned vcpu, pid_t thread, GError **error);

/* Removes the groups of a guest whose QEMU has gone, or never came. Idempotent. */
void shares_remove(const struct domain *live);

/* One of what is measured. */
struct share_monitor {
    char *name;  /* "vcpus_0-3" */
    char *vcpus; /* "0-3" */
    char *group; /* path of resctrl.h */
};

/* Those of a running guest: struct share_monitor, the caller's. Pure. */
GArray *shares_list_monitors(const struct domain *live, enum share_monitor_kind kind);

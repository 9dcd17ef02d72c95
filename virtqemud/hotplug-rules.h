/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * What of a guest can be changed device by device: which kinds can be added to, taken from, or
 * changed in a running guest and a stored definition, and which of them can be there once only.
 * Pure. Codes and words are those that clients know: VIR_ERR_OPERATION_UNSUPPORTED names the kind.
 */

/* Can such devices be attached at all? */
int hotplug_rules_check_attach(const struct device *device, bool live, GError **error);

/* Is there room for it beside the domain's devices? Defaults have been filled in, and it may be one
 * of them already. */
int hotplug_rules_check_room(const struct domain *domain, const struct device *device, bool live,
                             GError **error);

/* Can such devices be detached at all? */
int hotplug_rules_check_detach_kind(const struct device *device, bool live, GError **error);

/* Can this one of the domain's devices be taken away? VIR_ERR_OPERATION_FAILED: others are on it.
 */
int hotplug_rules_check_detach(const struct domain *domain, const struct device *device, bool live,
                               GError **error);

/* Can such devices be changed? */
int hotplug_rules_check_update(const struct device *device, bool live, GError **error);

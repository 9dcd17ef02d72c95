/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/* An interface by its MAC address - the first one, if several have it - or the name of its device
 * on the host. Borrowed. VIR_ERR_INVALID_ARG: there is none. */
struct domain_net *bandwidth_find_net(const struct domain *domain, const char *name,
                                      GError **error);

/* VIR_ERR_CONFIG_UNSUPPORTED: an interface of a type that never has a device on the host. Pure. */
int bandwidth_check(const struct domain_net *net, GError **error);

/* Has the host limit an interface as it says, or not at all. Blocks for a program.
 * VIR_ERR_CONFIG_UNSUPPORTED: an interface that has no device on the host; else those of
 * "host/traffic.h". */
int bandwidth_apply(const struct domain_net *net, GError **error);

/* At the start: those of all interfaces that are limited. */
int bandwidth_apply_all(const struct domain *live, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * What QEMU of any version refuses when it is started, and documents may say all the same: limits
 * of its devices, places that are taken, what goes with nothing. For a live definition, with its
 * addresses. Pure. VIR_ERR_CONFIG_UNSUPPORTED names the element.
 */
int check_limits(const struct domain *live, GError **error);

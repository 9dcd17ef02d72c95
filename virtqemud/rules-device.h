/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/* The part of rules_check() about single devices, shares and features. Pure. Mostly
 * VIR_ERR_CONFIG_UNSUPPORTED; VIR_ERR_XML_ERROR where something is missing. */
int rules_check_devices(const struct domain *domain, GError **error);

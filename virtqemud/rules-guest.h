/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/* The part of rules_check() about what stands outside of <devices>: features and their machines,
 * CPU, timers, what the host gives. Pure. Mostly VIR_ERR_CONFIG_UNSUPPORTED; VIR_ERR_XML_ERROR
 * where something is missing, VIR_ERR_XML_DETAIL where a value has the wrong form. */
int rules_check_guest(const struct domain *domain, GError **error);

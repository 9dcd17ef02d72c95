/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

/*
 * What no QEMU can do, whatever its version: checked when a document is defined, after
 * domain_check(). What depends on the emulator is in check.h. Pure. VIR_ERR_CONFIG_UNSUPPORTED.
 */
int rules_check(const struct domain *domain, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/* What -cpu takes: model, features, and all that QEMU counts as the CPU's though documents have it
 * elsewhere: Hyper-V's and KVM's paravirtualization, clocks, the PMU. */

/* "Skylake-Client,vmx=off,hv-time=on", the caller's; NULL: nothing to say. Errors:
 * VIR_ERR_CONFIG_UNSUPPORTED. */
int cpu_option_build(const struct domain *domain, const struct arguments_context *context,
                     char **ret_option, GError **error);

/* Whether this emulator, and with KVM this host, has the CPU. VIR_ERR_CONFIG_UNSUPPORTED, or
 * VIR_ERR_CPU_INCOMPATIBLE naming the features that are missing. */
int cpu_option_check(const struct domain *domain, const struct emulator *emulator, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * Limits of an interface of the host, by the kernel's traffic control: the program tc does it.
 */

/* KiB a second; burst in KiB; 0: not given. No average: no limit. */
struct traffic_rate {
    uint64_t average, peak, burst;
};

/* What leaves the host through the interface, and what comes in; replaces what there was. Blocks
 * for the program. VIR_ERR_OPERATION_FAILED quotes it; VIR_ERR_SYSTEM_ERROR: it is not there. */
int traffic_limit(const char *name, const struct traffic_rate *out, const struct traffic_rate *in,
                  GError **error);

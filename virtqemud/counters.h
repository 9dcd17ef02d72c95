/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/perf.h"

#include "guest.h"

/*
 * The kernel's counters of a running guest (<perf>), as its live definition has them enabled. They
 * count from when they were opened, by this daemon.
 */

/* What a document says of one: enabled? */
bool counters_enabled(const struct domain *domain, enum perf_kind kind);

/* Opens and closes them so that they are as live says; with a job. Those that can't be opened are
 * VIR_ERR_SYSTEM_ERROR or VIR_ERR_ARGUMENT_UNSUPPORTED. */
int counters_apply(struct guest *guest, const struct domain *live, GError **error);

/* False: it is not counted. Any thread. */
bool counters_read(struct guest *guest, enum perf_kind kind, uint64_t *ret_count);

/* Closes all; with a job, or when nobody else has the guest. */
void counters_close(struct guest *guest);

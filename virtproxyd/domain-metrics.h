/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct exposition;
struct remote_domain_stats_record;

/* Adds the statistics of one domain of a daemon. Pure. */
void domain_metrics_add(struct exposition *exposition, const char *daemon,
                        const struct remote_domain_stats_record *record);

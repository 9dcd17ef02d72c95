/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

struct daemon;

/*
 * The metrics endpoint: OpenMetrics text by HTTP, on unix sockets and loopback addresses that the
 * configuration names. Threads and a loop of its own: a scrape holds up no client.
 */
struct metrics;

/* Listens at each of the addresses, NULL at the end: "/run/...", "127.0.0.1:9177", "[::1]:9177".
 * VIR_ERR_CONFIG_UNSUPPORTED for others, VIR_ERR_SYSTEM_ERROR when one can't be had. */
struct metrics *metrics_new(const struct daemon *daemon, char *const *addresses, GError **error);

/* Waits for scrapes that are under way. Accepts NULL. */
void metrics_free(struct metrics *metrics);

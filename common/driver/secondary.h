/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

struct client;
struct request;

/*
 * Calls about networks, storage, devices of the host, interfaces, filters and secrets that arrive
 * at a hypervisor's daemon: they belong to daemons of their own, and go there as they came
 * ("daemon/forward.h"), over links that each client has for itself from the first such call on. A
 * link whose daemon has gone is made anew by the next call. Loop thread only.
 */

/* True if another daemon is to serve it. */
bool secondary_owns(const struct client *client, const struct request *request);

/* Passes it on, and ends it. */
void secondary_serve(struct client *client, struct request *request);

/* The client has gone. */
void secondary_close(struct client *client);

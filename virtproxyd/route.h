/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Which daemon serves a URI. Knows names alone; whether the daemon is there is found out by
 * connecting to it.
 */
struct route {
    const char *daemon; /* "virtqemud"; borrowed */
    char *path;         /* of its socket in the runtime folder; the caller frees */
};

/* uri is what CONNECT_OPEN names, NULL or "" for whichever hypervisor's daemon is there first, or
 * in a session could be started. Errors: VIR_ERR_NO_CONNECT when no daemon serves such URIs, or
 * none is there; blocks for a look at the folder at most. */
int route_find(const char *uri, const char *runtime, bool session, bool readonly,
               struct route *ret_route, GError **error);

/* The scheme of a daemon's URIs if it is a hypervisor's, or NULL. Borrowed. */
const char *route_hypervisor(const char *daemon);

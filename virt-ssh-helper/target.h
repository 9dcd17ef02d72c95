/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Where a URI leads to on this host, as a local client would find it.
 */
struct target {
    char *daemon;   /* "virtqemud", or "virtproxyd" for the socket that serves all */
    char *path;     /* of the socket */
    bool autostart; /* a session's, which whoever comes first starts */
};

/* Looks at which sockets there are; blocks for that at most. VIR_ERR_INVALID_ARG: the URI. */
int target_find(const char *uri, bool readonly, struct target *ret_target, GError **error);
void target_clear(struct target *target);

/* Connects, starting a session's daemon when it does not run: a non-blocking socket, or -1.
 * VIR_ERR_SYSTEM_ERROR, VIR_ERR_OPERATION_TIMEOUT. */
int target_connect(const struct target *target, GError **error);

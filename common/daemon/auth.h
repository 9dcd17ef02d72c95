/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Who may talk on a unix socket. The kernel has checked the socket's mode when the peer connected;
 * that and the peer's credentials decide, so that AUTH_LIST answers "none". Pure functions.
 */

/* For the value of auth_unix_ro or auth_unix_rw: VIR_ERR_CONFIG_UNSUPPORTED for ways of
 * authentication that this build can't do. Serving without them would let in whom the administrator
 * keeps out. */
int auth_check_setting(const char *key, const char *value, GError **error);

/* A session daemon is for its owner and root: VIR_ERR_AUTH_FAILED for all others. */
int auth_check_peer(bool session, uid_t owner, uid_t peer, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Ways of authentication, and what the credentials that the kernel has of a local peer decide by
 * themselves. Pure functions.
 */
enum auth_method {
    AUTH_METHOD_NONE, /* the socket's mode, or the certificate, is enough */
    AUTH_METHOD_SASL,
    AUTH_METHOD_POLKIT, /* of unix sockets; root is not asked about */
};

/* The value of auth_unix_ro, auth_unix_rw, auth_tcp or auth_tls; local: of a unix socket.
 * VIR_ERR_CONFIG_UNSUPPORTED for a way that there is not. */
int auth_method_read(const char *key, const char *value, bool local, enum auth_method *ret,
                     GError **error);

/* A session daemon is for its owner and root: VIR_ERR_AUTH_FAILED for all others. */
int auth_check_peer(bool session, uid_t owner, uid_t peer, GError **error);

/* True if no pattern is given, or one is like the user's name. */
bool auth_allows_user(char *const *patterns, const char *user);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Who may talk on a unix socket. The kernel has checked the socket's mode before; here the peer's
 * credentials and the configured way of authentication decide. Numbers are AUTH_LIST's.
 */
enum auth_type {
    AUTH_NONE = 0,
    AUTH_SASL = 1,
    AUTH_POLKIT = 2,
};

/* The value of auth_unix_ro or auth_unix_rw. VIR_ERR_CONFIG_UNSUPPORTED for what this build can't
 * do. */
int auth_read_type(const char *key, const char *text, enum auth_type *ret_type, GError **error);

/* What AUTH_LIST answers to a peer: uid 0 is never asked. */
enum auth_type auth_type_for(enum auth_type configured, uid_t peer);

/* A session daemon is for its own user and root: VIR_ERR_AUTH_FAILED for all others. */
int auth_check_peer(bool session, uid_t owner, uid_t peer, GError **error);

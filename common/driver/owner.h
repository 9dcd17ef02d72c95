/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "protocol/protocol.h"

struct daemon;

/* The daemons beside a hypervisor's: who serves what, as URIs and sockets name them. Constant. */
struct owner {
    const char *scheme; /* "network" */
    const char *daemon; /* "virtnetworkd" */
    bool system_only;   /* there is none for a user's session */
};

/* The owner, or NULL: no daemon beside the hypervisor's own. */
const struct owner *owner_find(enum protocol_owner owner);

/* "network:///system", or the session's, as daemon is; its socket: the reading one of readonly. The
 * caller frees. */
char *owner_uri(const struct owner *owner, const struct daemon *daemon);
char *owner_socket(const struct owner *owner, const struct daemon *daemon, bool readonly);

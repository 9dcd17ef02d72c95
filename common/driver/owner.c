/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/owner.h"

#include <glib.h>

#include "daemon/daemon.h"

static const struct owner owners[PROTOCOL_OWNER_LAST] = {
    [PROTOCOL_OWNER_NETWORK] = {"network", "virtnetworkd"},
    [PROTOCOL_OWNER_STORAGE] = {"storage", "virtstoraged"},
    [PROTOCOL_OWNER_NODEDEV] = {"nodedev", "virtnodedevd"},
    [PROTOCOL_OWNER_INTERFACE] = {"interface", "virtinterfaced"},
    [PROTOCOL_OWNER_NWFILTER] = {"nwfilter", "virtnwfilterd", .system_only = true},
    [PROTOCOL_OWNER_SECRET] = {"secret", "virtsecretd"},
};

const struct owner *owner_find(enum protocol_owner owner)
{
    return owner < PROTOCOL_OWNER_LAST && owners[owner].daemon ? &owners[owner] : NULL;
}

char *owner_uri(const struct owner *owner, const struct daemon *daemon)
{
    return g_strdup_printf("%s:///%s", owner->scheme, daemon->session ? "session" : "system");
}

/* A session has no socket for readers. */
char *owner_socket(const struct owner *owner, const struct daemon *daemon, bool readonly)
{
    return g_strdup_printf("%s/%s-sock%s", daemon->paths.runtime, owner->daemon,
                           readonly && !daemon->session ? "-ro" : "");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "route.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/autostart.h"

/* What each daemon's URIs begin with. Hypervisors come first, in the order in which clients that
 * name none are used to find them. */
static const struct row {
    const char *scheme, *daemon;
    bool hypervisor;
} rows[] = {
    {"xen", "virtxend", true},   {"qemu", "virtqemud", true},     {"lxc", "virtlxcd", true},
    {"vbox", "virtvboxd", true}, {"bhyve", "virtbhyved", true},   {"ch", "virtchd", true},
    {"vz", "virtvzd", true},     {"network", "virtnetworkd"},     {"storage", "virtstoraged"},
    {"nodedev", "virtnodedevd"}, {"interface", "virtinterfaced"}, {"nwfilter", "virtnwfilterd"},
    {"secret", "virtsecretd"},
};

static char *socket_path(const struct row *row, const char *runtime, bool readonly)
{
    return g_strdup_printf("%s/%s-sock%s", runtime, row->daemon, readonly ? "-ro" : "");
}

/* "qemu" of "qemu:///system" and "qemu+unix:///system". */
static const struct row *find_row(const char *uri)
{
    size_t length = strcspn(uri, "+:");

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strlen(rows[i].scheme) == length && strncmp(rows[i].scheme, uri, length) == 0)
            return &rows[i];
    return NULL;
}

/* The first that runs; in a session else the first that can be started. */
static const struct row *probe(const char *runtime, bool session, bool readonly)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows) && rows[i].hypervisor; i++) {
        g_autofree char *path = socket_path(&rows[i], runtime, readonly);

        if (access(path, F_OK) == 0)
            return &rows[i];
    }
    for (size_t i = 0; session && i < G_N_ELEMENTS(rows) && rows[i].hypervisor; i++)
        if (autostart_can(rows[i].daemon))
            return &rows[i];
    return NULL;
}

const char *route_hypervisor(const char *daemon)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows) && rows[i].hypervisor; i++)
        if (strcmp(rows[i].daemon, daemon) == 0)
            return rows[i].scheme;
    return NULL;
}

int route_find(const char *uri, const char *runtime, bool session, bool readonly,
               struct route *ret_route, GError **error)
{
    bool named = uri && *uri;
    const struct row *row = named ? find_row(uri) : probe(runtime, session, readonly);

    if (row) {
        *ret_route = (struct route){row->daemon, socket_path(row, runtime, readonly)};
        return 0;
    }
    if (named)
        error_set(error, VIR_ERR_NO_CONNECT, "no daemon serves %s", uri);
    else
        error_set(error, VIR_ERR_NO_CONNECT,
                  "no URI is given, and no daemon of a hypervisor has a socket in %s", runtime);
    return -1;
}

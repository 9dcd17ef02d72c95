/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/autostart.h"
#include "daemon/paths.h"
#include "wire/socket.h"

#define LEGACY "virtproxyd"
#define LEGACY_STEM "libvirt"

enum mode {
    MODE_AUTO,
    MODE_DIRECT,
    MODE_LEGACY,
};

/* What counts of "qemu+ssh://host/session?mode=auto&socket=/path". */
struct parts {
    char *driver; /* "qemu"; "" if the URI names none */
    bool session; /* the user's own, not the host's */
    char *socket; /* NULL: to be found */
    enum mode mode;
};

static void parts_clear(struct parts *parts)
{
    g_free(parts->driver);
    g_free(parts->socket);
}

static int read_mode(const char *text, enum mode *ret_mode, GError **error)
{
    static const char *const names[] = {
        [MODE_AUTO] = "auto", [MODE_DIRECT] = "direct", [MODE_LEGACY] = "legacy"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], text) == 0) {
            *ret_mode = (enum mode)i;
            return 0;
        }
    error_set(error, VIR_ERR_INVALID_ARG, "mode=%s: it can be auto, direct or legacy", text);
    return -1;
}

static int read_query(const char *query, struct parts *parts, GError **error)
{
    GUriParamsIter each;
    char *name, *value;
    int status = 0;

    g_uri_params_iter_init(&each, query, -1, "&;", G_URI_PARAMS_NONE);
    while (status == 0 && g_uri_params_iter_next(&each, &name, &value, NULL)) {
        if (strcmp(name, "mode") == 0)
            status = read_mode(value, &parts->mode, error);
        else if (strcmp(name, "socket") == 0) {
            g_free(parts->socket);
            parts->socket = g_strdup(value);
        }
        g_free(name);
        g_free(value);
    }
    return status;
}

static int read_uri(const char *text, struct parts *ret, GError **error)
{
    struct parts parts = {0};
    g_autoptr(GUri) uri = *text ? g_uri_parse(text, G_URI_FLAGS_PARSE_RELAXED, NULL) : NULL;

    if (*text && !uri) {
        error_set(error, VIR_ERR_INVALID_ARG, "'%s' is not a URI", text);
        return -1;
    }
    if (uri && g_uri_get_query(uri) && read_query(g_uri_get_query(uri), &parts, error) < 0) {
        parts_clear(&parts);
        return -1;
    }
    parts.driver =
        uri ? g_strndup(g_uri_get_scheme(uri), strcspn(g_uri_get_scheme(uri), "+")) : g_strdup("");
    parts.session = geteuid() != 0 && (!uri || strcmp(g_uri_get_path(uri), "/session") == 0);
    *ret = parts;
    return 0;
}

/* ---- the socket ---- */

static char *socket_path(const char *folder, const char *stem, bool readonly)
{
    return g_strdup_printf("%s/%s-sock%s", folder, stem, readonly ? "-ro" : "");
}

/* A URI without a driver leads to the first hypervisor that is there. */
static void guess_driver(struct parts *parts, const char *folder, bool readonly)
{
    static const char *const drivers[] = {"xen", "qemu", "lxc", "vbox", "bhyve", "ch", "vz"};

    if (*parts->driver)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        g_autofree char *stem = g_strdup_printf("virt%sd", drivers[i]);
        g_autofree char *path = socket_path(folder, stem, readonly);

        if (access(path, F_OK) == 0) {
            g_free(parts->driver);
            parts->driver = g_strdup(drivers[i]);
            return;
        }
    }
    parts->mode = MODE_LEGACY;
}

static bool leads_to_legacy(const struct parts *parts, const char *direct, const char *legacy)
{
    if (parts->mode != MODE_AUTO)
        return parts->mode == MODE_LEGACY;
    return access(direct, F_OK) < 0 && access(legacy, F_OK) == 0;
}

/* Sessions have no read-only sockets. */
static void choose(struct parts *parts, const char *folder, bool readonly, struct target *target)
{
    bool ro = readonly && !parts->session;

    guess_driver(parts, folder, ro);
    g_autofree char *daemon = g_strdup_printf("virt%sd", parts->driver);
    g_autofree char *direct = socket_path(folder, daemon, ro);
    g_autofree char *legacy = socket_path(folder, LEGACY_STEM, ro);
    bool is_legacy = leads_to_legacy(parts, direct, legacy);

    target->daemon = is_legacy ? g_strdup(LEGACY) : g_steal_pointer(&daemon);
    target->path = is_legacy ? g_steal_pointer(&legacy) : g_steal_pointer(&direct);
}

int target_find(const char *uri, bool readonly, struct target *ret_target, GError **error)
{
    struct target target = {0};
    struct paths paths;
    struct parts parts;

    if (read_uri(uri, &parts, error) < 0)
        return -1;
    if (paths_find("", parts.session, &paths, error) < 0) {
        parts_clear(&parts);
        return -1;
    }
    target.autostart = parts.session && !parts.socket;
    if (parts.socket)
        target.path = g_steal_pointer(&parts.socket);
    else
        choose(&parts, paths.runtime, readonly, &target);
    paths_clear(&paths);
    parts_clear(&parts);
    *ret_target = target;
    return 0;
}

void target_clear(struct target *target)
{
    g_clear_pointer(&target->daemon, g_free);
    g_clear_pointer(&target->path, g_free);
}

/* ---- connecting ---- */

int target_connect(const struct target *target, GError **error)
{
    if (target->autostart)
        return autostart_connect(target->daemon, target->path, error);
    return socket_connect(target->path, -1, error);
}

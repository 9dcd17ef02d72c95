/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/secondary.h"

#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "daemon/autostart.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/forward.h"
#include "driver/client.h"
#include "driver/owner.h"
#include "protocol/remote.h"

/* One client's link to one daemon. */
struct secondary {
    struct client *client;
    unsigned owner;
    struct forward *forward;
};

bool secondary_owns(const struct client *client, const struct request *request)
{
    const struct driver *driver = client->driver;
    const struct owner *owner = owner_find(request->method->owner);

    return owner && driver->registries[PROTOCOL_OBJECT_DOMAIN] &&
           !driver_find_method(driver, request->method) &&
           !(owner->system_only && driver->daemon->session);
}

static void drop(struct secondary *secondary)
{
    secondary->client->secondaries[secondary->owner] = NULL;
    forward_free(secondary->forward);
    g_free(secondary);
}

static void opened(struct forward *forward, const GError *error, void *data)
{
    if (error)
        drop(data);
}

static void closed(struct forward *forward, void *data)
{
    struct secondary *secondary = data;

    log_warn("%s has gone: what its clients had registered there is to be registered again",
             owner_find(secondary->owner)->daemon);
    drop(secondary);
}

static const struct forward_handlers forward_handlers = {.opened = opened, .closed = closed};

static void identity_args(struct client *client, struct arena *arena,
                          struct remote_connect_set_identity_args *ret_args)
{
    struct identity *identity = client_get_identity(client);
    struct identity_param params[IDENTITY_PARAMS];
    unsigned count = identity_to_params(identity, params);
    struct remote_typed_param *values = arena_array(arena, count, sizeof(*values));

    for (unsigned i = 0; i < count; i++) {
        values[i].field = (char *)params[i].field;
        values[i].value.type = params[i].type;
        if (params[i].text)
            values[i].value.s = arena_strdup(arena, params[i].text);
        else
            values[i].value.ul = params[i].number;
    }
    *ret_args =
        (struct remote_connect_set_identity_args){.params_val = values, .params_len = count};
    identity_unref(identity);
}

static bool is_readonly(struct client *client)
{
    struct identity *identity = client_get_identity(client);
    bool readonly = identity_values(identity)->readonly;

    identity_unref(identity);
    return readonly;
}

/* A daemon that is not on this host is to clients as a driver that does not exist: they then go on
 * without what it serves. */
static int check_there(const struct daemon *own, const struct request *request, const char *path,
                       GError **error)
{
    const char *daemon = owner_find(request->method->owner)->daemon;

    if (access(path, F_OK) == 0 || errno != ENOENT || (own->session && autostart_can(daemon)))
        return 0;
    error_set(error, VIR_ERR_NO_SUPPORT,
              "%s: %s serves it, and is not here: see 'systemctl start %s.socket'",
              protocol_method_word(request->method), daemon, daemon);
    return -1;
}

static struct secondary *connect_to(struct client *client, const struct request *request,
                                    GError **error)
{
    unsigned number = request->method->owner;
    const struct owner *owner = owner_find(number);
    const struct daemon *daemon = client->driver->daemon;
    bool readonly = is_readonly(client);
    g_autofree char *uri = owner_uri(owner, daemon);
    g_autofree char *path = owner_socket(owner, daemon, readonly);
    struct arena arena ARENA_AUTO = {0};
    struct remote_connect_set_identity_args identity;
    struct forward_target target = {.daemon = owner->daemon, .path = path};
    if (check_there(daemon, request, path, error) < 0)
        return NULL;
    struct secondary *secondary = g_new0(struct secondary, 1);

    /* a daemon believes root alone who somebody else is */
    if (daemon->privileged) {
        identity_args(client, &arena, &identity);
        target.identity = &identity;
    }
    *secondary = (struct secondary){.client = client, .owner = number};
    secondary->forward = forward_new(client->driver->daemon, client->connection, &target,
                                     &forward_handlers, secondary, error);
    if (!secondary->forward) {
        g_free(secondary);
        return NULL;
    }
    forward_open_uri(secondary->forward, uri, readonly);
    return secondary;
}

void secondary_serve(struct client *client, struct request *request)
{
    struct secondary **secondary = &client->secondaries[request->method->owner];
    g_autoptr(GError) error = NULL;

    if (!*secondary)
        *secondary = connect_to(client, request, &error);
    if (*secondary)
        forward_request((*secondary)->forward, request);
    else
        request_fail(request, error);
}

void secondary_close(struct client *client)
{
    for (unsigned i = 0; i < PROTOCOL_OWNER_LAST; i++)
        if (client->secondaries[i])
            drop(client->secondaries[i]);
}

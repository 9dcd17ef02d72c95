/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/connect.h"

#include <string.h>
#include <unistd.h>

#include "daemon/feature.h"
#include "driver/client.h"
#include "driver/params.h"
#include "object/access.h"
#include "protocol/remote-handlers.h"

#define COMMON_FEATURES                                                                            \
    (1U << FEATURE_FD_PASSING | 1U << FEATURE_TYPED_PARAM_STRING |                                 \
     1U << FEATURE_PROGRAM_KEEPALIVE | 1U << FEATURE_REMOTE_EVENT_CALLBACK |                       \
     1U << FEATURE_REMOTE_CLOSE_CALLBACK | 1U << FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER)

static const struct settings *settings_of(struct call *call)
{
    return &call->client->driver->daemon->settings;
}

/* The path of "qemu:///system?x=y": what follows the authority, without the parameters. */
static char *uri_path(const char *after_scheme)
{
    const char *path = strchr(after_scheme, '/');

    return path ? g_strndup(path, strcspn(path, "?#")) : g_strdup("");
}

static int check_path(struct driver *driver, const char *path, GError **error)
{
    const char *own = driver->daemon->session ? "/session" : "/system";

    /* root's session is the system: there is one daemon of root's */
    if (strcmp(path, own) == 0 || (!driver->daemon->session && strcmp(path, "/session") == 0))
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "unexpected %s URI path '%s', try %s",
              driver->spec->type, path, driver->uri);
    return -1;
}

/* An empty name lets the daemon choose, and it has one choice. */
static int check_uri(struct driver *driver, const char *name, GError **error)
{
    if (!name || !*name)
        return 0;
    const char *rest = strstr(name, "://");
    size_t length = rest ? (size_t)(rest - name) : 0;

    if (!rest || length != strlen(driver->spec->scheme) ||
        strncmp(name, driver->spec->scheme, length) != 0) {
        error_set(error, VIR_ERR_NO_CONNECT, "%s serves %s, not %s", driver->daemon->spec->name,
                  driver->uri, name);
        return -1;
    }
    g_autofree char *path = uri_path(rest + strlen("://"));
    return check_path(driver, path, error);
}

int connect_open(struct call *call, const struct remote_connect_open_args *args, void *ret,
                 GError **error)
{
    struct client *client = call->client;

    if (client_is_open(client)) {
        error_set_from(error, VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR, "connection already open");
        return -1;
    }
    if (check_uri(client->driver, args->name, error) < 0)
        return -1;
    client_note_login(client);
    client_open(client, args->flags & VIR_CONNECT_RO);
    return 0;
}

static void close_client(struct client *client, int64_t unused)
{
    client_close(client);
    connection_finish(client->connection, 5000);
}

int connect_close(struct call *call, const void *args, void *ret, GError **error)
{
    call_after_reply(call, close_client, 0);
    return 0;
}

int connect_supports_feature(struct call *call,
                             const struct remote_connect_supports_feature_args *args,
                             struct remote_connect_supports_feature_ret *ret, GError **error)
{
    const struct settings *settings = settings_of(call);
    uint32_t features = COMMON_FEATURES | call->client->driver->spec->features;

    if (args->feature == FEATURE_PROGRAM_KEEPALIVE) {
        connection_enable_keepalive(call->client->connection,
                                    (int64_t)settings->keepalive_interval * 1000,
                                    settings->keepalive_count);
    } else if (!client_is_open(call->client)) {
        error_set_from(error, VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR,
                       "hypervisor connection not open");
        return -1;
    }
    ret->supported = args->feature > 0 && args->feature < 32 && (features >> args->feature & 1);
    return 0;
}

int connect_get_type(struct call *call, const void *args, struct remote_connect_get_type_ret *ret,
                     GError **error)
{
    ret->type = (char *)call->client->driver->spec->type;
    return 0;
}

int connect_get_lib_version(struct call *call, const void *args,
                            struct remote_connect_get_lib_version_ret *ret, GError **error)
{
    ret->lib_ver = LIBVIR_VERSION_NUMBER;
    return 0;
}

int connect_get_hostname(struct call *call, const void *args,
                         struct remote_connect_get_hostname_ret *ret, GError **error)
{
    ret->hostname = call->client->driver->hostname;
    return 0;
}

int connect_get_uri(struct call *call, const void *args, struct remote_connect_get_uri_ret *ret,
                    GError **error)
{
    ret->uri = call->client->driver->uri;
    return 0;
}

/* Nobody else can read what goes through a unix socket. */
int connect_is_secure(struct call *call, const void *args, struct remote_connect_is_secure_ret *ret,
                      GError **error)
{
    ret->secure = 1;
    return 0;
}

/* The callback tells of a lost link between daemon and hypervisor; here there is none to lose. */
int connect_register_close_callback(struct call *call, const void *args, void *ret, GError **error)
{
    return 0;
}

int connect_unregister_close_callback(struct call *call, const void *args, void *ret,
                                      GError **error)
{
    return 0;
}

static int identity_params(const struct remote_connect_set_identity_args *args,
                           struct identity_param ret_params[IDENTITY_PARAMS], GError **error)
{
    if (args->params_len > IDENTITY_PARAMS) {
        error_set(error, VIR_ERR_INVALID_ARG, "%u identity values, at most %d are known",
                  args->params_len, IDENTITY_PARAMS);
        return -1;
    }
    for (uint32_t i = 0; i < args->params_len; i++) {
        const struct remote_typed_param_value *value = &args->params_val[i].value;
        bool is_text = value->type == VIR_TYPED_PARAM_STRING;

        ret_params[i] = (struct identity_param){
            .field = args->params_val[i].field,
            .type = value->type,
            .number = is_text ? 0 : value->ul,
            .text = is_text ? value->s : NULL,
        };
    }
    return 0;
}

/* Only a daemon that runs as root, or as this daemon's own user, may vouch for another. */
static bool may_vouch(struct call *call)
{
    const struct transport_peer *peer = connection_peer(call->client->connection);

    return peer->local && (peer->uid == 0 || peer->uid == geteuid());
}

int connect_set_identity(struct call *call, const struct remote_connect_set_identity_args *args,
                         void *ret, GError **error)
{
    struct identity_param params[IDENTITY_PARAMS] = {0};
    struct identity *identity;
    struct identity *old = client_get_identity(call->client);
    bool readonly = identity_values(old)->readonly;

    identity_unref(old);
    if (!may_vouch(call)) {
        error_set(error, VIR_ERR_ACCESS_DENIED, "only root may speak for other users");
        return -1;
    }
    if (identity_params(args, params, error) < 0 ||
        identity_from_params(params, args->params_len, readonly, &identity, error) < 0)
        return -1;
    /* what the one who vouches was allowed in CONNECT_OPEN says nothing of this one */
    int result = access_check(identity, ACCESS_OBJECT_CONNECT, ACCESS_PERM_GETATTR, NULL,
                              protocol_method_word(call->request->method), error);
    if (result == 0)
        client_set_identity(call->client, identity);
    identity_unref(identity);
    return result;
}

static const struct method rows[] = {
    {.binding = HANDLER(remote, connect_open),
     .flags = UINT64_MAX, /* bits that only the client's library minds come along */
     .thread = METHOD_INLINE,
     .unopened = true},
    {.binding = HANDLER(remote, connect_close), .thread = METHOD_INLINE, .unopened = true},
    {.binding = HANDLER(remote, connect_supports_feature),
     .thread = METHOD_INLINE,
     .unopened = true},
    {.binding = HANDLER(remote, connect_set_identity),
     .thread = METHOD_INLINE,
     .checks_access = true},
    {.binding = HANDLER(remote, connect_get_type), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_get_lib_version), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_get_hostname), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_get_uri), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_is_secure), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_register_close_callback), .thread = METHOD_INLINE},
    {.binding = HANDLER(remote, connect_unregister_close_callback), .thread = METHOD_INLINE},
};

const struct driver_methods connect_methods = DRIVER_METHODS(rows);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy.h"

#include "base/arena.h"
#include "base/error.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/feature.h"
#include "daemon/forward.h"
#include "protocol/remote.h"
#include "wire/codec.h"
#include "wire/connection.h"
#include "wire/server.h"

#include "route.h"

/* How long a client may take to read its last replies. */
#define FINISH_MILLISECONDS 5000

struct proxy_client {
    struct daemon *daemon;
    struct server_client *client;
    struct forward *forward; /* NULL: nothing is open */
};

/* ---- the link to the daemon ---- */

static void opened(struct forward *forward, const GError *error, void *data)
{
    struct proxy_client *proxy = data;

    if (error)
        forward_free(g_steal_pointer(&proxy->forward));
}

/* What the client has there, handles and registrations, has gone with it: it must begin anew, once
 * it has read what is under way to it. */
static void closed(struct forward *forward, void *data)
{
    struct proxy_client *proxy = data;

    forward_free(g_steal_pointer(&proxy->forward));
    connection_finish(proxy->client->connection, FINISH_MILLISECONDS);
}

static const struct forward_handlers forward_handlers = {.opened = opened, .closed = closed};

static struct forward *connect_to(struct proxy_client *proxy, const struct route *route,
                                  GError **error)
{
    struct remote_connect_set_identity_args identity;
    struct arena arena ARENA_AUTO = {0};
    struct forward_target target = {.daemon = route->daemon, .path = route->path};

    /* a daemon believes root alone who somebody else is */
    if (proxy->daemon->privileged) {
        forward_identity_of(connection_peer(proxy->client->connection), &arena, &identity);
        target.identity = &identity;
    }
    return forward_new(proxy->daemon, proxy->client->connection, &target, &forward_handlers, proxy,
                       error);
}

/* ---- the calls that are about the link ---- */

static int decode(struct request *request, struct arena *arena, void *ret_args, GError **error)
{
    const struct frame *frame = request->frame;

    return codec_decode(request->method->args, frame->payload, frame->payload_size, arena, ret_args,
                        error);
}

static int begin_open(struct proxy_client *proxy, struct request *request, GError **error)
{
    struct arena arena ARENA_AUTO = {0};
    struct remote_connect_open_args args;
    struct route route;

    if (proxy->forward) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "connection already open");
        return -1;
    }
    if (decode(request, &arena, &args, error) < 0 ||
        route_find(args.name, proxy->daemon->paths.runtime, proxy->daemon->session,
                   proxy->client->service->read_only, &route, error) < 0)
        return -1;
    proxy->forward = connect_to(proxy, &route, error);
    g_free(route.path);
    return proxy->forward ? 0 : -1;
}

static void serve_open(struct proxy_client *proxy, struct request *request)
{
    g_autoptr(GError) error = NULL;

    if (begin_open(proxy, request, &error) < 0)
        request_fail(request, error);
    else
        forward_open(proxy->forward, request);
}

static void serve_other(struct proxy_client *proxy, struct request *request)
{
    g_autoptr(GError) error = NULL;

    if (proxy->forward) {
        forward_request(proxy->forward, request);
        return;
    }
    error_set(&error, VIR_ERR_INTERNAL_ERROR, "hypervisor connection not open");
    request_fail(request, error);
}

/* Keepalive is between neighbours; other features are those of the daemon that is open. */
static void serve_feature(struct proxy_client *proxy, struct request *request)
{
    const struct settings *settings = &proxy->daemon->settings;
    struct remote_connect_supports_feature_ret ret = {.supported = 1};
    struct remote_connect_supports_feature_args args;
    struct arena arena ARENA_AUTO = {0};
    g_autoptr(GError) error = NULL;

    if (decode(request, &arena, &args, &error) < 0) {
        request_fail(request, error);
    } else if (args.feature != FEATURE_PROGRAM_KEEPALIVE) {
        serve_other(proxy, request);
    } else {
        connection_enable_keepalive(request->connection,
                                    (int64_t)settings->keepalive_interval * 1000,
                                    settings->keepalive_count);
        request_reply(request, &ret, NULL, 0);
    }
}

/* The other daemon takes the proxy's word: so nobody whom it would not trust may have it given. */
static void serve_identity(struct proxy_client *proxy, struct request *request)
{
    const struct transport_peer *peer = connection_peer(request->connection);
    g_autoptr(GError) error = NULL;

    if (peer->local && peer->uid == 0) {
        serve_other(proxy, request);
        return;
    }
    error_set(&error, VIR_ERR_ACCESS_DENIED, "only root may speak for other users");
    request_fail(request, error);
}

/* The other daemon's reply ends its link, and by that this one. */
static void serve_close(struct proxy_client *proxy, struct request *request)
{
    struct connection *connection = request->connection;

    if (proxy->forward) {
        forward_request(proxy->forward, request);
        return;
    }
    request_reply(request, NULL, NULL, 0);
    connection_finish(connection, FINISH_MILLISECONDS);
}

static void serve(struct request *request)
{
    static const struct {
        uint32_t number;
        void (*serve)(struct proxy_client *proxy, struct request *request);
    } rows[] = {
        {REMOTE_PROC_CONNECT_OPEN, serve_open},
        {REMOTE_PROC_CONNECT_CLOSE, serve_close},
        {REMOTE_PROC_CONNECT_SUPPORTS_FEATURE, serve_feature},
        {REMOTE_PROC_CONNECT_SET_IDENTITY, serve_identity},
    };
    bool is_remote = request->frame->header.program == REMOTE_PROGRAM;

    for (size_t i = 0; is_remote && i < G_N_ELEMENTS(rows); i++)
        if (request->method->number == rows[i].number) {
            rows[i].serve(request->client, request);
            return;
        }
    serve_other(request->client, request);
}

static enum dispatch_lane lane(struct request *request)
{
    return DISPATCH_INLINE;
}

/* ---- clients ---- */

void proxy_connected(struct daemon *daemon, struct server_client *client)
{
    struct proxy_client *proxy = g_new0(struct proxy_client, 1);

    proxy->daemon = daemon;
    proxy->client = client;
    client->data = proxy;
}

void proxy_frame(struct daemon *daemon, struct server_client *client, struct frame *frame)
{
    static const struct protocol_program *const programs[] = {&remote_program, &qemu_program,
                                                              &lxc_program, NULL};
    static const struct dispatch_table table = {programs, lane, serve};

    dispatch_frame(daemon, &table, client, frame);
}

void proxy_disconnected(struct daemon *daemon, struct server_client *client, const GError *reason)
{
    struct proxy_client *proxy = client->data;

    client->data = NULL;
    forward_free(proxy->forward);
    g_free(proxy);
}

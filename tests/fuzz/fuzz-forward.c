/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client, and the daemon that its calls are forwarded to, who both send anything: pieces of a
 * letter, two bytes of length, and bytes for the client's end (c) or the other daemon's (d).
 * Neither may break the daemon between them, and nothing of either may be left.
 */
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/workers.h"
#include "daemon/authenticate.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "daemon/forward.h"
#include "fuzz.h"
#include "wire/connection.h"
#include "wire/listener.h"
#include "wire/server.h"

enum {
    ROUNDS = 8,
    PIECE_HEAD = 3,
};

static struct listener target = {.fd = -1};

/* ---- the daemon between them ---- */

static void opened(struct forward *forward, const GError *error, void *data)
{
    struct server_client *client = data;

    if (error)
        forward_free(g_steal_pointer(&client->data));
}

static void closed(struct forward *forward, void *data)
{
    struct server_client *client = data;

    forward_free(g_steal_pointer(&client->data));
    connection_finish(client->connection, 1000);
}

static void begin_open(struct request *request, struct server_client *client)
{
    static const struct forward_handlers handlers = {.opened = opened, .closed = closed};
    const struct remote_connect_set_identity_args identity = {0};
    const struct forward_target there = {"target", target.path, &identity};
    g_autoptr(GError) error = NULL;

    client->data =
        forward_new(request->daemon, client->connection, &there, &handlers, client, &error);
    if (client->data)
        forward_open(client->data, request);
    else
        request_fail(request, error);
}

static struct server_client *current;

static void serve(struct request *request)
{
    bool opens = request->frame->header.program == REMOTE_PROGRAM &&
                 request->method->number == REMOTE_PROC_CONNECT_OPEN;
    g_autoptr(GError) error = NULL;

    if (!current->data && opens) {
        begin_open(request, current);
        return;
    }
    if (current->data && !opens) {
        forward_request(current->data, request);
        return;
    }
    error_set(&error, VIR_ERR_INTERNAL_ERROR, "not now");
    request_fail(request, error);
}

static enum dispatch_lane lane(struct request *request)
{
    return DISPATCH_INLINE;
}

static void handle_frame(struct server_client *client, struct frame *frame, void *data)
{
    static const struct protocol_program *const programs[] = {&remote_program, &qemu_program,
                                                              &lxc_program, NULL};
    static const struct dispatch_table table = {programs, lane, serve};

    current = client;
    dispatch_frame(data, &table, client, frame);
}

static void handle_begin(struct server_client *client, void *data)
{
    server_client_set_authenticated(client);
}

static void handle_end(struct server_client *client, const GError *reason, void *data)
{
    authenticate_end(client);
    forward_free(g_steal_pointer(&client->data));
}

static void remove_target(void)
{
    g_autofree char *folder = g_path_get_dirname(target.path);

    listener_close(&target);
    rmdir(folder);
}

static void make_target(void)
{
    g_autofree char *folder = g_dir_make_tmp("fuzz-forward-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "sock", NULL);

    g_assert_cmpint(listener_open(path, 0700, (gid_t)-1, 16, &target, NULL), ==, 0);
    atexit(remove_target);
}

static struct daemon *daemon_get(void)
{
    static const struct server_handlers handlers = {
        .connected = handle_begin, .frame = handle_frame, .disconnected = handle_end};
    static const struct daemon_spec spec = {.name = "fuzz", .error_from = VIR_FROM_RPC};
    static struct daemon daemon = {.spec = &spec};
    struct server_limits limits;

    if (daemon.loop)
        return &daemon;
    make_target();
    daemon.settings.auth_unix_rw = "none";
    daemon.loop = loop_new(NULL);
    server_limits_init(&limits);
    daemon.server = server_new(daemon.loop, "fuzz", &limits, &handlers, &daemon);
    return &daemon;
}

/* ---- the two ends ---- */

struct ends {
    int client, daemon; /* -1: not there (any more) */
};

static void drain(int fd)
{
    uint8_t bytes[4096];

    while (fd >= 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
}

/* What is read, what follows from it, and what the two ends get. */
static void run(struct daemon *daemon, struct ends *ends)
{
    for (int i = 0; i < ROUNDS; i++) {
        loop_step(daemon->loop, 0);
        if (ends->daemon < 0)
            ends->daemon = accept4(target.fd, NULL, NULL, SOCK_CLOEXEC);
        drain(ends->client);
        drain(ends->daemon);
    }
}

/* The next piece, at most what is left. */
static size_t send_piece(struct ends *ends, const uint8_t *data, size_t size)
{
    size_t length = MIN((size_t)data[1] << 8 | data[2], size - PIECE_HEAD);
    int *fd = data[0] == 'd' ? &ends->daemon : &ends->client;

    if (data[0] == 'x') /* the other daemon goes */
        fd_clear(&ends->daemon);
    else if (*fd >= 0)
        send(*fd, data + PIECE_HEAD, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return PIECE_HEAD + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct server_service service = {.name = "rw"};
    struct daemon *daemon = daemon_get();
    struct ends ends = {-1, -1};
    int pair[2];

    if (size > 100000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    server_add_client(daemon->server, &service, pair[0], NULL);
    ends.client = pair[1];
    while (size > PIECE_HEAD) {
        size_t taken = send_piece(&ends, data, size);

        data += taken;
        size -= taken;
        run(daemon, &ends);
    }
    fd_clear(&ends.client);
    for (struct server_client *left; (left = server_first_client(daemon->server));) {
        connection_close(left->connection, NULL);
        run(daemon, &ends);
    }
    fd_clear(&ends.daemon);
    run(daemon, &ends);
    fd_clear(&ends.daemon);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stranger who sends anything to a daemon that asks for a password: bytes go into the socket as
 * they are. Nothing may be served, and nobody may be let in.
 */
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/workers.h"
#include "daemon/authenticate.h"
#include "daemon/daemon.h"
#include "daemon/dispatch.h"
#include "fuzz.h"
#include "wire/connection.h"
#include "wire/server.h"

enum {
    ROUNDS = 6,
    STEP_MILLISECONDS = 5000,
};

static enum dispatch_lane lane(struct request *request)
{
    g_assert_not_reached(); /* a call of a stranger would be served */
    return DISPATCH_INLINE;
}

static void serve(struct request *request)
{
    g_assert_not_reached();
}

static void handle_frame(struct server_client *client, struct frame *frame, void *data)
{
    static const struct protocol_program *const programs[] = {&remote_program, &qemu_program,
                                                              &lxc_program, NULL};
    static const struct dispatch_table table = {programs, lane, serve};

    dispatch_frame(data, &table, client, frame);
    g_assert_false(client->authenticated);
    g_assert_false(connection_is_authenticated(client->connection));
}

static void handle_end(struct server_client *client, const GError *reason, void *data)
{
    authenticate_end(client);
}

static struct daemon *daemon_get(void)
{
    static const struct server_handlers handlers = {.frame = handle_frame,
                                                    .disconnected = handle_end};
    static const struct daemon_spec spec = {.name = "fuzz", .error_from = VIR_FROM_RPC};
    static const struct workers_limits threads = {1, 1, 0};
    static struct daemon daemon = {.spec = &spec};
    struct server_limits limits;

    if (daemon.loop)
        return &daemon;
    g_setenv("SASL_CONF_PATH", "/nonexistent", TRUE);
    daemon.settings.auth_unix_rw = "sasl";
    daemon.loop = loop_new(NULL);
    daemon.workers = daemon.patient = workers_new("worker", &threads);
    server_limits_init(&limits);
    daemon.server = server_new(daemon.loop, "fuzz", &limits, &handlers, &daemon);
    return &daemon;
}

/* What is read, what workers make of it, and what follows from that. */
static void run(struct daemon *daemon)
{
    for (int i = 0; i < ROUNDS; i++) {
        loop_step(daemon->loop, 0);
        workers_drain(daemon->patient, STEP_MILLISECONDS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct server_service service = {.name = "rw"};
    struct daemon *daemon = daemon_get();
    int pair[2];

    if (size > 100000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    server_add_client(daemon->server, &service, pair[0], NULL);
    while (size) {
        ssize_t count = send(pair[1], data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (count < 0)
            break;
        data += count;
        size -= (size_t)count;
        run(daemon);
    }
    run(daemon);
    close(pair[1]);
    for (struct server_client *left; (left = server_first_client(daemon->server));) {
        connection_close(left->connection, NULL);
        run(daemon);
    }
    return 0;
}

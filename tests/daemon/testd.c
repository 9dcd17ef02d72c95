/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon with nothing of its own, for test-daemon.py: what it can do are the procedures below.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/workers.h"
#include "daemon/daemon.h"
#include "wire/message.h"
#include "wire/server.h"

enum procedure {
    ECHO = 1,     /* its payload */
    SLEEP = 2,    /* the same, after as many milliseconds as its first word says, on a worker */
    GREETING = 3, /* the configured one */
    RELOADS = 4,  /* how many there were, as text */
    BEGIN_WORK = 5,
    END_WORK = 6,
    SERVICE = 7, /* name of the client's socket */
    PID = 8,     /* the process's, as text */
};

struct extra {
    char *greeting;
    bool start_fails;
};

static const struct config_row extra_rows[] = {
    {"greeting", CONFIG_STRING, offsetof(struct extra, greeting), "\"hello\"", .doc = "Words."},
    {"start_fails", CONFIG_BOOL, offsetof(struct extra, start_fails), .doc = ""},
};

static unsigned reloads;

struct sleeper {
    struct connection *connection;
    struct frame *frame;
};

static void reply(struct connection *connection, const struct frame *frame, const void *payload,
                  size_t size)
{
    struct frame_header header = message_reply_header(&frame->header, FRAME_REPLY, FRAME_OK);

    connection_send(connection, message_new_with(&header, payload, size));
}

static void sleep_on_worker(void *data)
{
    struct sleeper *sleeper = data;
    unsigned milliseconds = frame_read_u32(sleeper->frame->payload);
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    while (nanosleep(&time, &time) < 0 && errno == EINTR)
        continue;
    reply(sleeper->connection, sleeper->frame, sleeper->frame->payload,
          sleeper->frame->payload_size);
    connection_call_end(sleeper->connection);
    connection_unref(sleeper->connection);
    frame_free(sleeper->frame);
    g_free(sleeper);
}

static void start_sleep(struct daemon *daemon, struct connection *connection, struct frame *frame)
{
    struct sleeper *sleeper = g_new(struct sleeper, 1);

    *sleeper = (struct sleeper){connection_ref(connection), frame};
    connection_call_begin(connection);
    workers_push(daemon->workers, sleep_on_worker, sleeper, false);
}

static void answer(struct daemon *daemon, struct server_client *client, const struct frame *frame)
{
    const struct extra *extra = daemon->extra;
    g_autofree char *count = g_strdup_printf("%u", reloads);
    g_autofree char *pid = g_strdup_printf("%d", getpid());

    switch (frame->header.procedure) {
    case GREETING:
        reply(client->connection, frame, extra->greeting, strlen(extra->greeting));
        return;
    case RELOADS:
        reply(client->connection, frame, count, strlen(count));
        return;
    case SERVICE:
        reply(client->connection, frame, client->service->name, strlen(client->service->name));
        return;
    case PID:
        reply(client->connection, frame, pid, strlen(pid));
        return;
    case BEGIN_WORK:
        daemon_begin_work(daemon);
        break;
    case END_WORK:
        daemon_end_work(daemon);
        break;
    }
    reply(client->connection, frame, frame->payload, frame->payload_size);
}

static void serve(struct daemon *daemon, struct server_client *client, struct frame *frame)
{
    if (frame->header.procedure == SLEEP && frame->payload_size >= 4) {
        start_sleep(daemon, client->connection, frame);
        return;
    }
    answer(daemon, client, frame);
    frame_free(frame);
}

static void connected(struct daemon *daemon, struct server_client *client)
{
    server_client_set_authenticated(client);
}

static int start(struct daemon *daemon, GError **error)
{
    const struct extra *extra = daemon->extra;

    if (!extra->start_fails)
        return 0;
    error_set(error, VIR_ERR_INTERNAL_ERROR, "as configured");
    return -1;
}

static int reload(struct daemon *daemon, GError **error)
{
    reloads++;
    return 0;
}

static void stop(struct daemon *daemon)
{
    log_info("stopped");
}

static const struct daemon_spec spec = {
    .name = "testd",
    .error_from = VIR_FROM_RPC,
    .session_allowed = true,
    .extra_keys = {extra_rows, G_N_ELEMENTS(extra_rows)},
    .extra_size = sizeof(struct extra),
    .start = start,
    .reload = reload,
    .stop = stop,
    .connected = connected,
    .frame = serve,
};

int main(int argc, char **argv)
{
    return daemon_main(&spec, argc, argv);
}

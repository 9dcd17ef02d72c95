/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the wire layer costs: echo calls over a unix socket, answered on the loop thread, beside a
 * bare echo of as many bytes by a thread that does read and write and nothing else.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/connection.h"
#include "wire/outbox.h"

enum {
    CALLS = 100000,
    WARM_UP = 2000,
    PACKET = 64,
};

static double times[CALLS];

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sends packets and reads the echoes, one at a time: microseconds of the middle one. */
static double measure(int fd, const uint8_t *packet, const char *name)
{
    uint8_t bytes[PACKET];
    gint64 start = g_get_monotonic_time();

    for (int i = -WARM_UP; i < CALLS; i++) {
        struct timespec before, after;

        clock_gettime(CLOCK_MONOTONIC, &before);
        if (write(fd, packet, PACKET) != PACKET || recv(fd, bytes, PACKET, MSG_WAITALL) != PACKET)
            abort();
        clock_gettime(CLOCK_MONOTONIC, &after);
        if (i >= 0)
            times[i] = (double)(after.tv_sec - before.tv_sec) * 1e6 +
                       (double)(after.tv_nsec - before.tv_nsec) / 1e3;
    }
    qsort(times, CALLS, sizeof(times[0]), compare);
    printf("%-22s p50 %6.2f us  p99 %6.2f us  %8.0f/s\n", name, times[CALLS / 2],
           times[CALLS * 99 / 100],
           (double)(CALLS + WARM_UP) / ((double)(g_get_monotonic_time() - start) / 1e6));
    return times[CALLS / 2];
}

static void *echo_bytes(void *data)
{
    uint8_t bytes[PACKET];
    int fd = *(int *)data;
    ssize_t count;

    while ((count = read(fd, bytes, sizeof(bytes))) > 0)
        if (write(fd, bytes, count) != count)
            abort();
    return NULL;
}

static double bench_bare(const uint8_t *packet)
{
    GThread *thread;
    double median;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        abort();
    thread = g_thread_new("echo", echo_bytes, &pair[0]);
    median = measure(pair[1], packet, "bare echo");
    close(pair[1]);
    g_thread_join(thread);
    close(pair[0]);
    return median;
}

static void echo_call(struct connection *connection, struct frame *frame, void *data)
{
    struct frame_header header = message_reply_header(&frame->header, FRAME_REPLY, FRAME_OK);

    connection_send(connection, message_new_with(&header, frame->payload, frame->payload_size));
    frame_free(frame);
}

static void stop(struct connection *connection, const GError *reason, void *data)
{
    loop_quit(data);
}

static void *run_loop(void *data)
{
    loop_run(data);
    return NULL;
}

static double bench_wire(const uint8_t *packet)
{
    static const struct connection_handlers handlers = {echo_call, stop};
    struct loop *loop = loop_new(NULL);
    struct connection *connection;
    GThread *thread;
    double median;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        abort();
    connection = connection_new(loop, transport_new_unix(pair[0], NULL), CONNECTION_SERVER,
                                &connection_default_limits, &handlers, loop, NULL);
    thread = g_thread_new("loop", run_loop, loop);
    median = measure(pair[1], packet, "calls, inline");
    close(pair[1]);
    g_thread_join(thread);
    connection_unref(connection);
    loop_free(loop);
    return median;
}

int main(void)
{
    struct frame_header header = {.program = 0x20008086, .version = 1, .procedure = 1};
    uint8_t payload[PACKET - FRAME_LENGTH_MIN] = {0};
    struct message *call = message_new_with(&header, payload, sizeof(payload));
    double bare = bench_bare(call->bytes->data);
    double wire = bench_wire(call->bytes->data);

    printf("%-22s %.2f\n", "ratio of p50", wire / bare);
    message_free(call);
    return 0;
}

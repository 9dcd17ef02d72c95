/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/socket.h>

#include "../unit/qmp-peer.h"
#include "base/arena.h"
#include "fuzz.h"
#include "virtqemud/cpu-live.h"
#include "virtqemud/json.h"
#include "virtqemud/qmp-commands.h"
#include "virtqemud/qmp-events.h"
#include "xml/xml.h"

/*
 * The input is what QEMU says after the handshake, with three commands on their way. Replies are
 * decoded by every table, and taken for what it says of a CPU; events by theirs. Whatever it says:
 * each command is answered, the connection ends once, nothing is kept.
 */
#define COMMANDS 3

struct input {
    const uint8_t *bytes;
    size_t length;
};

static const struct qmp_query *const queries[] = {
    &qmp_query_status,     &qmp_query_balloon,       &qmp_query_dirty_rate,
    &qmp_query_blockstats, &qmp_query_block,         &qmp_query_named_block_nodes,
    &qmp_query_cpus_fast,  &qmp_query_chardev,       &qmp_query_iothreads,
    &qmp_query_stats,      &qmp_query_stats_schemas, &qmp_query_balloon_stats,
};

static void say(int fd, void *user)
{
    const struct input *input = user;

    qmp_peer_greet(fd);
    for (unsigned i = 0; i < COMMANDS; i++)
        g_free(qmp_peer_read(fd));
    qmp_peer_write(fd, input->bytes, input->length);
    shutdown(fd, SHUT_WR);
    qmp_peer_drain(fd);
}

static void on_event(struct qmp *qmp, const char *name, struct json_object *data, int64_t seconds,
                     unsigned micros, void *user)
{
    struct qmp_event event;

    qmp_event_decode(name, data, seconds, micros, &event, NULL);
}

static void on_closed(struct qmp *qmp, const GError *reason, void *user)
{
    g_async_queue_push(user, user);
}

static const struct qmp_ops ops = {.event = on_event, .closed = on_closed};

static void try_tables(struct json_object *result)
{
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        struct arena arena ARENA_AUTO = {0};
        struct qmp_list list;
        if (queries[i]->list)
            qmp_decode_list(queries[i]->shape, result, "reply", &arena, &list.items, &list.count,
                            NULL);
        else
            qmp_decode_struct(queries[i]->shape, result, "reply", &arena,
                              arena_alloc(&arena, queries[i]->shape->size), NULL);
    }
}

static void try_cpu(struct json_object *result)
{
    static char *known[] = {"aes", "pcid", NULL};
    static const struct emulator emulator = {.arch = "x86_64",
                                             .cpus = {[ACCELERATOR_TCG] = {.known = known}}};
    DEFINITION_AUTO struct domain *domain = (struct domain *)xml_read(
        &domain_schema,
        "<domain type='qemu'><name>g</name><memory>1</memory><os><type "
        "arch='x86_64'>hvm</type></os>"
        "<cpu check='full'><model>m</model><feature policy='force' name='aes'/></cpu></domain>",
        -1, 0, NULL, NULL);

    cpu_live_settle(domain, &emulator, json_member(result, "expansion"),
                    json_member(result, "unavailable"), NULL);
}

static void on_reply(struct qmp *qmp, struct json_object *result, const GError *error, void *user)
{
    if (!error) {
        try_tables(result);
        try_cpu(result);
    }
    g_async_queue_push(user, user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qmp_bench bench;
    struct qmp_settings settings = {.who = "guest 'x'"};
    g_autoptr(GAsyncQueue) done = g_async_queue_new();
    struct input input = {data, size};
    struct qmp *qmp;
    int fd;

    if (!bench.loop)
        qmp_bench_begin(&bench);
    struct qmp_peer *peer = qmp_peer_start(say, &input, &fd);
    if (qmp_open(bench.loop, fd, &settings, &ops, done, &qmp, NULL) < 0)
        FAIL("no handshake");
    for (unsigned i = 0; i < COMMANDS; i++)
        qmp_send(qmp, "query-status", NULL, 0, on_reply, done);
    for (unsigned i = 0; i < COMMANDS + 1; i++)
        g_async_queue_pop(done);
    qmp_close(qmp);
    qmp_peer_join(peer);
    return 0;
}

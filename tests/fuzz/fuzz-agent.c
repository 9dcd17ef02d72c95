/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/socket.h>

#include "../unit/qmp-peer.h"
#include "base/arena.h"
#include "fuzz.h"
#include "virtqemud/agent-replies.h"
#include "virtqemud/json.h"

/*
 * The input is what a guest's agent says when it is asked something. What is taken for an answer is
 * decoded by every table. Whatever it says: the command ends, and so does the connection.
 */
struct input {
    const uint8_t *bytes;
    size_t length;
};

static const struct qmp_query *const queries[] = {
    &agent_query_os,         &agent_query_timezone, &agent_query_hostname,    &agent_query_load,
    &agent_query_keys,       &agent_query_users,    &agent_query_filesystems, &agent_query_disks,
    &agent_query_interfaces, &agent_query_cpus,     &agent_query_devices,
};

static void say(int fd, void *user)
{
    const struct input *input = user;

    g_free(qmp_peer_read(fd));
    qmp_peer_write(fd, input->bytes, input->length);
    shutdown(fd, SHUT_WR);
    qmp_peer_drain(fd);
}

static void try_tables(struct json_object *result)
{
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        struct arena arena ARENA_AUTO = {0};
        struct qmp_list list;
        void *ret = queries[i]->list ? (void *)&list : arena_alloc(&arena, queries[i]->shape->size);

        agent_decode(queries[i], result, &arena, ret, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct qmp_ops no_ops = {0};
    static struct qmp_bench bench;
    struct qmp_settings settings = {.who = "guest 'x'"};
    struct input input = {data, size};
    struct json_object *result JSON_AUTO = NULL;
    int fd;

    if (!bench.loop)
        qmp_bench_begin(&bench);
    struct qmp_peer *peer = qmp_peer_start(say, &input, &fd);
    struct qmp *qmp = qmp_open_agent(bench.loop, fd, &settings, &no_ops, NULL);
    if (qmp_execute(qmp, "guest-ping", NULL, 0, &result, NULL) == 0)
        try_tables(result);
    qmp_close(qmp);
    qmp_peer_join(peer);
    return 0;
}

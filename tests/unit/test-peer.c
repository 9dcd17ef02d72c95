/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "daemon/daemon.h"
#include "driver/owner.h"
#include "driver/peer.h"
#include "wire/error-message.h"
#include "wire/server.h"

enum {
    PATIENCE = 20, /* seconds */
};

/* A daemon's loop, in a thread of its own; on it, what is served for another daemon. */
struct fixture {
    struct daemon daemon;
    GThread *thread;
    char *folder;
    struct server *server;
    struct peer *peer;

    GMutex lock; /* of all below */
    GCond changed;
    unsigned posted, opened, linked, lost, events, clients, ignored;
    bool needed;

    gint mute;            /* the server answers nobody */
    gint slow;            /* ask_slow() has had its time */
    bool asks;            /* it wants to be authenticated to */
    bool refuses_handler; /* linked() fails */
};

static void change(struct fixture *fixture, unsigned *counter, unsigned by)
{
    g_mutex_lock(&fixture->lock);
    *counter += by;
    g_cond_broadcast(&fixture->changed);
    g_mutex_unlock(&fixture->lock);
}

static void wait_for(struct fixture *fixture, const unsigned *counter, unsigned value)
{
    int64_t end = g_get_monotonic_time() + PATIENCE * G_TIME_SPAN_SECOND;

    g_mutex_lock(&fixture->lock);
    while (*counter != value && g_cond_wait_until(&fixture->changed, &fixture->lock, end))
        ;
    g_assert_cmpuint(*counter, ==, value);
    g_mutex_unlock(&fixture->lock);
}

/* ---- the served side ---- */

static void reply(struct connection *connection, const struct frame *frame, const void *ret)
{
    const struct protocol_method *method =
        protocol_method_find(&remote_program, (uint32_t)frame->header.procedure);
    struct frame_header header = message_reply_header(&frame->header, FRAME_REPLY, FRAME_OK);
    struct message *message = message_new(&header);

    g_assert_cmpint(codec_encode(method->ret, ret, message->bytes, NULL), ==, 0);
    g_assert_cmpint(message_finish(message, NULL), ==, 0);
    connection_send(connection, message);
}

static void refuse(struct connection *connection, const struct frame *frame)
{
    g_autoptr(GError) error = NULL;

    error_set(&error, VIR_ERR_NO_NETWORK, "no network 'x'");
    connection_send(connection, error_message_new(&frame->header, error, VIR_FROM_NETWORK));
}

static void send_event(struct connection *connection)
{
    struct frame_header header = {.program = remote_program.number,
                                  .version = remote_program.version,
                                  .procedure = REMOTE_PROC_NETWORK_EVENT_LIFECYCLE,
                                  .type = FRAME_MESSAGE};

    connection_send(connection, message_new_with(&header, "abcd", 4));
}

static void serve(struct server_client *client, struct frame *frame, void *data)
{
    static const struct remote_connect_num_of_networks_ret seven = {.num = 7};
    struct fixture *fixture = data;
    struct connection *connection = client->connection;
    int type = fixture->asks ? REMOTE_AUTH_POLKIT : REMOTE_AUTH_NONE;
    struct remote_auth_list_ret types = {.types_val = (void *)&type, .types_len = 1};

    switch (g_atomic_int_get(&fixture->mute) ? 0 : frame->header.procedure) {
    case REMOTE_PROC_AUTH_LIST:
        reply(connection, frame, &types);
        break;
    case REMOTE_PROC_CONNECT_OPEN:
        change(fixture, &fixture->opened, 1);
        reply(connection, frame, NULL);
        break;
    case REMOTE_PROC_CONNECT_NUM_OF_NETWORKS:
        reply(connection, frame, &seven);
        break;
    case REMOTE_PROC_CONNECT_NUM_OF_DEFINED_NETWORKS:
        refuse(connection, frame);
        break;
    case REMOTE_PROC_CONNECT_NUM_OF_INTERFACES:
        connection_close(connection, NULL);
        break;
    case REMOTE_PROC_CONNECT_NUM_OF_SECRETS:
        send_event(connection);
        reply(connection, frame, &(struct remote_connect_num_of_secrets_ret){.num = 1});
        break;
    default:
        change(fixture, &fixture->ignored, 1);
        break;
    }
    frame_free(frame);
}

static void served_connected(struct server_client *client, void *data)
{
    struct fixture *fixture = data;

    change(fixture, &fixture->clients, 1);
}

static void served_gone(struct server_client *client, const GError *reason, void *data)
{
    struct fixture *fixture = data;

    change(fixture, &fixture->clients, -1U);
}

static const struct server_handlers serving = {served_connected, serve, served_gone};

static void begin_serving(void *data)
{
    static const struct server_service service = {.name = "rw"};
    struct fixture *fixture = data;
    g_autofree char *path = g_build_filename(fixture->folder, "virtnetworkd-sock", NULL);
    struct server_limits limits;
    g_autoptr(GError) error = NULL;

    server_limits_init(&limits);
    fixture->server = server_new(fixture->daemon.loop, "far", &limits, &serving, fixture);
    server_listen(fixture->server, &service, path, 0600, (gid_t)-1, &error);
    g_assert_no_error(error);
    change(fixture, &fixture->posted, 1);
}

static void end_serving(void *data)
{
    struct fixture *fixture = data;

    server_free(fixture->server);
    fixture->server = NULL;
    change(fixture, &fixture->posted, 1);
}

/* ---- the calling side ---- */

static int linked(struct peer *peer, void *data, GError **error)
{
    struct fixture *fixture = data;
    struct remote_connect_num_of_secrets_ret ret;
    struct arena arena ARENA_AUTO = {0};

    if (fixture->refuses_handler)
        return peer_call(peer, REMOTE_PROC_CONNECT_NUM_OF_DEFINED_NETWORKS, NULL, NULL, NULL,
                         error);
    if (peer_call(peer, REMOTE_PROC_CONNECT_NUM_OF_SECRETS, NULL, &arena, &ret, error) < 0)
        return -1;
    change(fixture, &fixture->linked, 1);
    return 0;
}

static void event(struct peer *peer, const struct frame *frame, void *data)
{
    struct fixture *fixture = data;

    g_assert_cmpint(frame->header.procedure, ==, REMOTE_PROC_NETWORK_EVENT_LIFECYCLE);
    change(fixture, &fixture->events, 1);
}

static void lost(struct peer *peer, void *data)
{
    struct fixture *fixture = data;

    change(fixture, &fixture->lost, 1);
}

static bool needed(struct peer *peer, void *data)
{
    struct fixture *fixture = data;
    bool answer;

    g_mutex_lock(&fixture->lock);
    answer = fixture->needed;
    g_mutex_unlock(&fixture->lock);
    return answer;
}

static const struct peer_handlers handlers = {linked, event, lost, needed};

/* ---- the whole ---- */

static void on_loop(struct fixture *fixture, loop_function function)
{
    unsigned before = fixture->posted;

    loop_post(fixture->daemon.loop, function, fixture);
    wait_for(fixture, &fixture->posted, before + 1);
}

static void make_peer(void *data)
{
    struct fixture *fixture = data;

    fixture->peer = peer_new(&fixture->daemon, PROTOCOL_OWNER_NETWORK, &handlers, fixture);
    change(fixture, &fixture->posted, 1);
}

static void free_peer(void *data)
{
    struct fixture *fixture = data;

    peer_free(g_steal_pointer(&fixture->peer));
    change(fixture, &fixture->posted, 1);
}

static void quit(void *data)
{
    struct fixture *fixture = data;

    loop_quit(fixture->daemon.loop);
}

static void *run_loop(void *data)
{
    loop_run(data);
    return NULL;
}

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->folder = g_dir_make_tmp("peer-XXXXXX", NULL);
    fixture->daemon.paths.runtime = fixture->folder;
    fixture->daemon.loop = loop_new(NULL);
    fixture->thread = g_thread_new("loop", run_loop, fixture->daemon.loop);
    on_loop(fixture, make_peer);
    return fixture;
}

static struct fixture *fixture_serving(void)
{
    struct fixture *fixture = fixture_new();

    on_loop(fixture, begin_serving);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    on_loop(fixture, free_peer);
    if (fixture->server) {
        wait_for(fixture, &fixture->clients, 0);
        on_loop(fixture, end_serving);
    }
    loop_post(fixture->daemon.loop, quit, fixture);
    g_thread_join(fixture->thread);
    loop_free(fixture->daemon.loop);
    g_assert_cmpint(rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture);
}

static int ask(struct fixture *fixture, enum remote_procedure procedure, GError **error)
{
    struct remote_connect_num_of_networks_ret ret = {0};
    struct arena arena ARENA_AUTO = {0};

    if (peer_call(fixture->peer, procedure, NULL, &arena, &ret, error) < 0)
        return -1;
    g_assert_cmpint(ret.num, ==, 7);
    return 0;
}

static void expect(struct fixture *fixture, enum remote_procedure procedure, enum error_code code,
                   const char *part)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(ask(fixture, procedure, &error), ==, -1);
    g_test_message("%s", error->message);
    g_assert_cmpint(error_code_of(error), ==, code);
    g_assert_nonnull(strstr(error->message, part));
}

static void expect_answer(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;

    ask(fixture, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, &error);
    g_assert_no_error(error);
}

/* ---- tests ---- */

static void test_call(void)
{
    struct fixture *fixture = fixture_serving();

    g_assert_false(peer_is_linked(fixture->peer));
    for (int i = 0; i < 10; i++)
        expect_answer(fixture);
    g_assert_true(peer_is_linked(fixture->peer));
    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_DEFINED_NETWORKS, VIR_ERR_NO_NETWORK,
           "Network not found: no network 'x'");
    g_assert_cmpuint(fixture->opened, ==, 1);
    g_assert_cmpuint(fixture->linked, ==, 1);
    wait_for(fixture, &fixture->events, 1);
    g_assert_cmpuint(fixture->lost, ==, 0);
    fixture_free(fixture);
}

static void test_absent(void)
{
    struct fixture *fixture = fixture_new();

    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, VIR_ERR_NO_CONNECT,
           "virtnetworkd is needed and can't be reached; start it with 'systemctl start "
           "virtnetworkd.socket'");
    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, VIR_ERR_NO_CONNECT, "/virtnetworkd-sock");
    on_loop(fixture, begin_serving); /* and then it is there */
    expect_answer(fixture);
    fixture_free(fixture);
}

static void test_lost(void)
{
    struct fixture *fixture = fixture_serving();

    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_INTERFACES, VIR_ERR_NO_CONNECT,
           "the connection to virtnetworkd");
    wait_for(fixture, &fixture->lost, 1);
    for (unsigned i = 2; i < 10; i++) {
        expect_answer(fixture);
        on_loop(fixture, end_serving); /* a restart is not seen by who asks nothing meanwhile */
        on_loop(fixture, begin_serving);
        wait_for(fixture, &fixture->lost, i);
    }
    expect_answer(fixture);
    g_assert_cmpuint(fixture->linked, ==, 10);
    fixture_free(fixture);
}

static void *ask_slow(void *data)
{
    struct fixture *fixture = data;

    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NWFILTERS, VIR_ERR_NO_CONNECT, "did not answer");
    g_atomic_int_set(&fixture->slow, 1);
    return NULL;
}

static void test_silent(void)
{
    struct fixture *fixture = fixture_serving();
    struct peer_times times = {.open = 100, .call = 100, .idle = 60000};

    peer_set_times(fixture->peer, &times);
    g_atomic_int_set(&fixture->mute, 1);
    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, VIR_ERR_NO_CONNECT,
           "did not answer within 1 s: look at its log, or restart it with: systemctl restart "
           "virtnetworkd");
    g_assert_cmpuint(fixture->lost, ==, 0); /* it never was */
    g_atomic_int_set(&fixture->mute, 0);
    times.open = 10000;
    peer_set_times(fixture->peer, &times);
    expect_answer(fixture);
    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NWFILTERS, VIR_ERR_NO_CONNECT, "did not answer");
    wait_for(fixture, &fixture->lost, 1); /* nothing was heard of it meanwhile */
    expect_answer(fixture);
    GThread *thread = g_thread_new("asker", ask_slow, fixture);
    while (g_atomic_int_get(&fixture->slow) == 0)
        expect_answer(fixture); /* a call that takes long does not end the others' link */
    g_thread_join(thread);
    expect_answer(fixture);
    g_assert_cmpuint(fixture->opened, ==, 2);
    fixture_free(fixture);
}

static void *ask_silent(void *data)
{
    expect(data, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, VIR_ERR_NO_CONNECT, "did not answer");
    return NULL;
}

/* All wait for one opener, not each for those before it. */
static void test_silent_to_many(void)
{
    struct fixture *fixture = fixture_serving();
    struct peer_times times = {.open = 1000, .call = 1000, .idle = 60000};
    int64_t begin = g_get_monotonic_time();
    GThread *threads[20];

    peer_set_times(fixture->peer, &times);
    g_atomic_int_set(&fixture->mute, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("asker", ask_silent, fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 10 * G_TIME_SPAN_SECOND);
    fixture_free(fixture);
}

static void *ask_many(void *data)
{
    for (int i = 0; i < 100; i++)
        expect_answer(data);
    return NULL;
}

static void test_threads(void)
{
    struct fixture *fixture = fixture_serving();
    GThread *threads[8];

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("asker", ask_many, fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(fixture->opened, ==, 1);
    fixture_free(fixture);
}

static void test_refused(void)
{
    struct fixture *fixture = fixture_serving();

    fixture->asks = true;
    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, VIR_ERR_AUTH_FAILED, "virtnetworkd");
    fixture->asks = false;
    fixture->refuses_handler = true;
    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, VIR_ERR_NO_NETWORK, "no network 'x'");
    g_assert_cmpuint(fixture->lost, ==, 0);
    fixture->refuses_handler = false;
    expect_answer(fixture);
    fixture_free(fixture);
}

static void test_idle(void)
{
    struct fixture *fixture = fixture_serving();
    struct peer_times times = {.open = 10000, .call = 10000, .idle = 20};

    peer_set_times(fixture->peer, &times);
    expect_answer(fixture);
    wait_for(fixture, &fixture->lost, 1);
    wait_for(fixture, &fixture->clients, 0);
    fixture->needed = true;
    expect_answer(fixture);
    g_usleep(100000); /* several times as long as the other link was let be */
    g_assert_true(peer_is_linked(fixture->peer));
    g_mutex_lock(&fixture->lock);
    fixture->needed = false;
    g_mutex_unlock(&fixture->lock);
    wait_for(fixture, &fixture->lost, 2);
    fixture_free(fixture);
}

static void end_peer(void *data)
{
    struct fixture *fixture = data;

    peer_end(fixture->peer);
    change(fixture, &fixture->posted, 1);
}

static void *ask_for_ever(void *data)
{
    struct fixture *fixture = data;

    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NWFILTERS, VIR_ERR_NO_CONNECT, "is lost");
    return NULL;
}

static void test_end(void)
{
    struct fixture *fixture = fixture_serving();
    GThread *thread;

    expect_answer(fixture);
    thread = g_thread_new("asker", ask_for_ever, fixture);
    wait_for(fixture, &fixture->ignored, 1);
    on_loop(fixture, end_peer);
    g_thread_join(thread); /* long before its deadline */
    expect(fixture, REMOTE_PROC_CONNECT_NUM_OF_NETWORKS, VIR_ERR_OPERATION_ABORTED, "ends");
    fixture_free(fixture);
}

static void test_owners(void)
{
    struct daemon daemon = {.session = true, .paths.runtime = (char *)"/run/x"};
    const struct owner *owner = owner_find(PROTOCOL_OWNER_STORAGE);
    g_autofree char *uri = owner_uri(owner, &daemon), *path = owner_socket(owner, &daemon, true);

    g_assert_cmpstr(uri, ==, "storage:///session");
    g_assert_cmpstr(path, ==, "/run/x/virtstoraged-sock");
    g_assert_null(owner_find(PROTOCOL_OWNER_HYPERVISOR));
    g_assert_null(owner_find(PROTOCOL_OWNER_LAST));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/peer/call", test_call);
    g_test_add_func("/peer/absent", test_absent);
    g_test_add_func("/peer/lost", test_lost);
    g_test_add_func("/peer/silent", test_silent);
    g_test_add_func("/peer/silent-to-many", test_silent_to_many);
    g_test_add_func("/peer/threads", test_threads);
    g_test_add_func("/peer/refused", test_refused);
    g_test_add_func("/peer/idle", test_idle);
    g_test_add_func("/peer/end", test_end);
    g_test_add_func("/peer/owners", test_owners);
    return g_test_run();
}

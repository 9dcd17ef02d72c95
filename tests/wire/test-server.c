/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "wire/connection.h"
#include "wire/server.h"
#include "wire/socket.h"

/* A server in a folder of its own; every call is answered at once, and authenticates. */
struct house {
    struct loop *loop;
    struct server *server;
    char *folder, *path;
    unsigned connected, disconnected, calls;
};

static const struct server_service service = {.name = "rw"};

static void note_connected(struct server_client *client, void *data)
{
    struct house *house = data;

    house->connected++;
    g_assert_cmpstr(client->service->name, ==, "rw");
    g_assert_cmpuint(connection_peer(client->connection)->uid, ==, getuid());
    g_assert_cmpint(connection_peer(client->connection)->pid, ==, getpid());
}

static void answer(struct server_client *client, struct frame *frame, void *data)
{
    struct house *house = data;
    struct frame_header header = message_reply_header(&frame->header, FRAME_REPLY, FRAME_OK);

    house->calls++;
    server_client_set_authenticated(client);
    connection_send(client->connection, message_new_with(&header, NULL, 0));
    frame_free(frame);
}

static void note_disconnected(struct server_client *client, const GError *reason, void *data)
{
    struct house *house = data;

    house->disconnected++;
}

static const struct server_handlers handlers = {note_connected, answer, note_disconnected};

static struct server_limits small_limits(void)
{
    struct server_limits limits;

    server_limits_init(&limits);
    return limits;
}

static void listen_at(struct house *house)
{
    g_autoptr(GError) error = NULL;

    server_listen(house->server, &service, house->path, 0640, getgid(), &error);
    g_assert_no_error(error);
}

static struct house *house_new(const struct server_limits *limits)
{
    struct house *house = g_new0(struct house, 1);

    house->folder = g_dir_make_tmp("modvirt-server-XXXXXX", NULL);
    house->path = g_build_filename(house->folder, "sock", NULL);
    house->loop = loop_new(NULL);
    house->server = server_new(house->loop, "test", limits, &handlers, house);
    listen_at(house);
    return house;
}

static void house_free(struct house *house)
{
    server_free(house->server);
    g_assert_cmpuint(house->connected, ==, house->disconnected);
    g_assert_false(g_file_test(house->path, G_FILE_TEST_EXISTS));
    loop_free(house->loop);
    g_assert_cmpint(rmdir(house->folder), ==, 0);
    g_free(house->path);
    g_free(house->folder);
    g_free(house);
}

static void run(struct house *house)
{
    for (int i = 0; i < 30; i++)
        loop_step(house->loop, i == 29 ? 5 : 0);
}

static bool has_reply(int fd);

static void run_until_reply(struct house *house, int fd)
{
    gint64 deadline = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    while (!has_reply(fd)) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        loop_step(house->loop, 5);
    }
}

static int join_house(struct house *house)
{
    g_autoptr(GError) error = NULL;
    int fd = socket_connect(house->path, 0, &error);

    g_assert_no_error(error);
    return fd;
}

static void send_call(int fd)
{
    struct frame_header header = {.program = 1, .version = 1, .procedure = 1};
    MESSAGE_AUTO struct message *message = message_new_with(&header, NULL, 0);

    g_assert_cmpint(write(fd, message->bytes->data, message->bytes->len), ==, 28);
}

/* True if a whole reply is there. */
static bool has_reply(int fd)
{
    uint8_t bytes[28];

    return recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) == sizeof(bytes);
}

static bool is_cut(int fd)
{
    uint8_t byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* the file */

static void test_file(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    struct stat status;

    g_assert_cmpint(stat(house->path, &status), ==, 0);
    g_assert_true(S_ISSOCK(status.st_mode));
    g_assert_cmpint(status.st_mode & 07777, ==, 0640);
    house_free(house);
}

static void expect_refused(struct house *house, const char *part)
{
    struct server *other = server_new(house->loop, "other",
                                      &(struct server_limits){.max_queued = 1}, &handlers, house);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(server_listen(other, &service, house->path, 0600, (gid_t)-1, &error), ==, -1);
    g_assert_nonnull(strstr(error->message, part));
    server_free(other);
}

static void test_stale(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    g_autofree char *saved = g_strconcat(house->path, "-saved", NULL);
    int fd;

    expect_refused(house, "another process listens");
    run(house); /* the question whether somebody listens was a client, too */
    g_assert_cmpint(rename(house->path, saved), ==, 0); /* what a killed daemon leaves */
    g_assert_cmpuint(server_withdraw(house->server), ==, 0);
    g_assert_cmpint(rename(saved, house->path), ==, 0);
    listen_at(house);
    fd = join_house(house);
    run(house);
    g_assert_cmpuint(house->connected, ==, 2);
    close(fd);
    run(house);
    house_free(house);
}

static void test_in_the_way(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);

    server_withdraw(house->server);
    g_assert_true(g_file_set_contents(house->path, "precious", -1, NULL));
    expect_refused(house, "not a socket");
    g_assert_true(g_file_test(house->path, G_FILE_TEST_EXISTS));
    g_unlink(house->path);
    house_free(house);
}

/* Another daemon's file at our path is not ours to remove. */
static void test_foreign_file(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);

    g_assert_cmpint(g_unlink(house->path), ==, 0);
    g_assert_true(g_file_set_contents(house->path, "theirs", -1, NULL));
    server_withdraw(house->server);
    g_assert_true(g_file_test(house->path, G_FILE_TEST_EXISTS));
    g_unlink(house->path);
    house_free(house);
}

static void test_long_path(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    g_autofree char *path = g_strnfill(200, 'x');
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(server_listen(house->server, &service, path, 0600, (gid_t)-1, &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INVALID_ARG));
    house_free(house);
}

static void test_adopt(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    g_autoptr(GError) error = NULL;
    struct sockaddr_un address;
    int pair[2], fd = socket(AF_UNIX, SOCK_STREAM, 0), peer;

    server_withdraw(house->server);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    g_assert_cmpint(server_adopt(house->server, &service, pair[0], &error), ==, -1);
    g_assert_true(error_is(error, VIR_ERR_INVALID_ARG));
    close(pair[1]);
    g_assert_cmpint(socket_set_path(house->path, &address, NULL), ==, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(fd, 5), ==, 0);
    g_assert_cmpint(server_adopt(house->server, &service, fd, NULL), ==, 0);
    peer = join_house(house);
    run(house);
    g_assert_cmpuint(house->connected, ==, 1);
    g_assert_cmpuint(server_withdraw(house->server), ==, 1);
    g_assert_true(g_file_test(house->path, G_FILE_TEST_EXISTS)); /* its maker's */
    close(peer);
    g_unlink(house->path);
    house_free(house);
}

/* limits */

static void test_max_clients(void)
{
    struct server_limits limits = small_limits();
    struct server_stats stats;
    struct house *house;
    int fds[8];

    limits.max_clients = 5;
    house = house_new(&limits);
    for (int i = 0; i < 8; i++) {
        fds[i] = join_house(house);
        send_call(fds[i]);
    }
    run(house);
    g_assert_cmpuint(house->connected, ==, 5);
    server_get_stats(house->server, &stats);
    g_assert_false(stats.accepting);
    g_assert_false(has_reply(fds[5]));
    close(fds[0]);
    close(fds[1]);
    run(house);
    g_assert_cmpuint(house->connected, ==, 7); /* who waited is served, not refused */
    g_assert_true(has_reply(fds[5]));
    g_assert_true(has_reply(fds[6]));
    limits.max_clients = 100;
    server_set_limits(house->server, &limits);
    run(house);
    g_assert_true(has_reply(fds[7]));
    for (int i = 2; i < 8; i++)
        close(fds[i]);
    run(house);
    house_free(house);
}

/* 200 that say half a header and stop: an honest one comes in, before and after. */
static void test_half_open(void)
{
    enum { IDLERS = 200 };
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    struct server_stats stats;
    int idlers[IDLERS], first = join_house(house), last;

    send_call(first);
    run(house);
    for (int i = 0; i < IDLERS; i++) {
        idlers[i] = join_house(house);
        g_assert_cmpint(write(idlers[i], "\0\0\0\x1c\x20", 5), ==, 5);
        if (i % 10 == 0)
            run(house);
    }
    last = join_house(house);
    send_call(last);
    g_test_timer_start();
    run_until_reply(house, last);
    /* the idlers have lingered in groups as large as the limit allows */
    g_assert_cmpfloat(g_test_timer_elapsed(), <, 2.0 * IDLERS / limits.max_anonymous / 10);
    g_assert_true(has_reply(first));
    g_assert_false(is_cut(first));
    server_get_stats(house->server, &stats);
    g_assert_cmpuint(stats.anonymous, <=, limits.max_anonymous);
    g_assert_cmpuint(stats.evicted, >=, IDLERS - limits.max_anonymous);
    g_assert_true(is_cut(idlers[0]));
    g_assert_false(is_cut(idlers[IDLERS - 1]));
    for (int i = 0; i < IDLERS; i++)
        close(idlers[i]);
    close(first);
    close(last);
    run(house);
    house_free(house);
}

/* Out of descriptors: the loop sleeps, and the client is served when there is one again. */
static void test_out_of_fds(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    struct rlimit old, none;
    int fd = join_house(house), rounds = 0, highest = dup(fd);
    int64_t end;

    close(highest);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
    none = old;
    none.rlim_cur = (rlim_t)highest;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    for (end = g_get_monotonic_time() + 200000; g_get_monotonic_time() < end; rounds++)
        loop_step(house->loop, 50);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
    g_assert_cmpuint(house->connected, ==, 0);
    g_assert_cmpint(rounds, <, 20);
    for (end = g_get_monotonic_time() + 5000000; !house->connected && g_get_monotonic_time() < end;)
        loop_step(house->loop, 100);
    g_assert_cmpuint(house->connected, ==, 1);
    close(fd);
    run(house);
    house_free(house);
}

/* the end */

static void test_withdraw(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    g_autoptr(GError) error = NULL;
    int waiting = join_house(house); /* in the backlog: nobody has accepted it */

    g_assert_cmpuint(server_withdraw(house->server), ==, 1);
    g_assert_cmpint(socket_connect(house->path, 0, &error), ==, -1);
    send_call(waiting);
    listen_at(house); /* there is a client: go on */
    run(house);
    g_assert_true(has_reply(waiting));
    close(waiting);
    run(house);
    g_assert_cmpuint(server_withdraw(house->server), ==, 0);
    house_free(house);
}

static void test_shutdown(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    struct frame_header header = {.type = FRAME_MESSAGE};
    g_autofree uint8_t *bytes = g_malloc0(1000000);
    size_t received = 0;
    int reader = join_house(house), idle = join_house(house);

    run(house);
    connection_send(server_first_client(house->server)->connection,
                    message_new_with(&header, bytes, 1000000));
    server_shutdown(house->server, 3000);
    g_assert_false(g_file_test(house->path, G_FILE_TEST_EXISTS));
    for (int i = 0; i < 100 && received < 1000028; i++) {
        ssize_t count = recv(reader, bytes, 100000, MSG_DONTWAIT);

        received += MAX(count, 0);
        run(house);
    }
    run(house);
    g_assert_cmpuint(received, ==, 1000028);
    g_assert_true(is_cut(reader));
    g_assert_true(is_cut(idle));
    g_assert_cmpuint(house->disconnected, ==, 2);
    close(reader);
    close(idle);
    house_free(house);
}

static void test_find(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    int fds[3];
    uint64_t id = 1;

    for (int i = 0; i < 3; i++)
        fds[i] = join_house(house);
    run(house);
    for (struct server_client *client = server_first_client(house->server); client;
         client = client->newer)
        g_assert_cmpuint(client->id, ==, id++);
    g_assert_cmpuint(id, ==, 4);
    connection_close(server_find_client(house->server, 2)->connection, NULL);
    run(house);
    g_assert_true(is_cut(fds[1]));
    g_assert_null(server_find_client(house->server, 2));
    g_assert_cmpuint(server_first_client(house->server)->newer->id, ==, 3);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    run(house);
    house_free(house);
}

/* A thousand come, call and go; two hundred stay beside. */
static void test_churn(void)
{
    struct server_limits limits = small_limits();
    struct house *house = house_new(&limits);
    int stay[200];

    for (int i = 0; i < 200; i++) {
        stay[i] = join_house(house);
        send_call(stay[i]);
        loop_step(house->loop, 0);
    }
    run(house);
    for (int i = 0; i < 1000; i++) {
        int fd = join_house(house);

        if (i % 3)
            send_call(fd);
        for (int wait = 0; i % 3 == 1 && wait < 1000 && !has_reply(fd); wait++)
            loop_step(house->loop, 10);
        close(fd);
        loop_step(house->loop, 0);
    }
    run(house);
    g_assert_cmpuint(house->connected, ==, 1200);
    g_assert_cmpuint(house->disconnected, ==, 1000);
    for (int i = 0; i < 200; i++) {
        g_assert_true(has_reply(stay[i]));
        close(stay[i]);
    }
    run(house);
    house_free(house);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/server/file", test_file);
    g_test_add_func("/server/stale", test_stale);
    g_test_add_func("/server/in-the-way", test_in_the_way);
    g_test_add_func("/server/foreign-file", test_foreign_file);
    g_test_add_func("/server/long-path", test_long_path);
    g_test_add_func("/server/adopt", test_adopt);
    g_test_add_func("/server/max-clients", test_max_clients);
    g_test_add_func("/server/half-open", test_half_open);
    g_test_add_func("/server/out-of-fds", test_out_of_fds);
    g_test_add_func("/server/withdraw", test_withdraw);
    g_test_add_func("/server/shutdown", test_shutdown);
    g_test_add_func("/server/find", test_find);
    g_test_add_func("/server/churn", test_churn);
    return g_test_run();
}

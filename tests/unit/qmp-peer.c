/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-peer.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct qmp_peer {
    GThread *thread;
    void (*function)(int fd, void *data);
    void *data;
    int fd;
};

static gpointer run_loop(gpointer data)
{
    loop_run(data);
    return NULL;
}

void qmp_bench_begin(struct qmp_bench *bench)
{
    bench->loop = loop_new(NULL);
    g_assert_nonnull(bench->loop);
    bench->thread = g_thread_new("monitors", run_loop, bench->loop);
}

static void quit(void *data)
{
    loop_quit(data);
}

/* Through the loop's own queue: what was posted before, closing sockets among it, has run then. */
void qmp_bench_end(struct qmp_bench *bench)
{
    loop_post(bench->loop, quit, bench->loop);
    g_thread_join(bench->thread);
    loop_free(bench->loop);
}

void mailbox_put(struct mailbox *mailbox, void *letter)
{
    g_mutex_lock(&mailbox->lock);
    g_queue_push_tail(&mailbox->letters, letter);
    g_cond_signal(&mailbox->arrived);
    g_mutex_unlock(&mailbox->lock);
}

void *mailbox_take(struct mailbox *mailbox)
{
    int64_t until = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
    void *letter;

    g_mutex_lock(&mailbox->lock);
    while (!(letter = g_queue_pop_head(&mailbox->letters)))
        g_assert_true(g_cond_wait_until(&mailbox->arrived, &mailbox->lock, until));
    g_mutex_unlock(&mailbox->lock);
    return letter;
}

static gpointer run_peer(gpointer data)
{
    struct qmp_peer *peer = data;

    peer->function(peer->fd, peer->data);
    close(peer->fd);
    return NULL;
}

struct qmp_peer *qmp_peer_start(void (*function)(int fd, void *data), void *data, int *ret_fd)
{
    struct qmp_peer *peer = g_new0(struct qmp_peer, 1);
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    peer->function = function;
    peer->data = data;
    peer->fd = pair[1];
    *ret_fd = pair[0];
    peer->thread = g_thread_new("peer", run_peer, peer);
    return peer;
}

void qmp_peer_join(struct qmp_peer *peer)
{
    g_thread_join(peer->thread);
    g_free(peer);
}

bool qmp_peer_write(int fd, const void *bytes, size_t length)
{
    const char *next = bytes;

    while (length > 0) {
        ssize_t sent = send(fd, next, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        next += sent;
        length -= sent;
    }
    return true;
}

void qmp_peer_say(int fd, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *line = g_strconcat(text, "\r\n", NULL);
    qmp_peer_write(fd, line, strlen(line));
}

char *qmp_peer_read(int fd)
{
    GString *line = g_string_new(NULL);
    char c;

    while (recv(fd, &c, 1, 0) == 1) {
        if (c == '\n')
            return g_string_free(line, FALSE);
        g_string_append_c(line, c);
    }
    g_string_free(line, TRUE);
    return NULL;
}

void qmp_peer_greet(int fd)
{
    qmp_peer_say(fd,
                 "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 1, \"minor\": 2, \"major\": 7}, "
                 "\"package\": \"\"}, \"capabilities\": [\"oob\"]}}");
    g_autofree char *line = qmp_peer_read(fd);
    g_assert_cmpstr(line, ==, "{\"execute\":\"qmp_capabilities\",\"id\":1}");
    qmp_peer_say(fd, "{\"return\": {}, \"id\": 1}");
}

void qmp_peer_drain(int fd)
{
    char bytes[4096];

    while (recv(fd, bytes, sizeof(bytes), 0) > 0)
        continue;
}

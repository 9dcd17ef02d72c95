/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times one packet's way to a server and back, many times, from many clients at once.
 *
 *   pingpong call SOCKET CLIENTS SECONDS GREETING PACKET   each client greets once, then asks on
 *   pingpong open SOCKET CLIENTS SECONDS GREETING PACKET   connects and greets anew each time
 *   pingpong echo SOCKET                                   a server that sends back what it gets
 *
 * GREETING and PACKET are files of whole packets, each a length word that counts itself and its
 * bytes. A packet is answered by one packet; a line of JSON tells the microseconds.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_PACKET (1 << 20)
#define MAX_SAMPLES (1 << 20)

struct bytes {
    char *data;
    size_t length;
};

struct client {
    pthread_t thread;
    uint32_t *samples; /* nanoseconds */
    size_t n_samples;
};

static const char *socket_path;
static struct bytes greeting, packet;
static double seconds;
static bool anew;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static struct bytes load(const char *path)
{
    struct bytes bytes = {calloc(1, MAX_PACKET), 0};
    FILE *file = fopen(path, "rb");

    if (!file || !bytes.data)
        fail(path);
    bytes.length = fread(bytes.data, 1, MAX_PACKET, file);
    fclose(file);
    return bytes;
}

static int connect_server(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail(socket_path);
    return fd;
}

static void receive(int fd, char *buffer, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = read(fd, buffer + done, length - done);
        if (n <= 0)
            fail("read");
        done += (size_t)n;
    }
}

/* One packet out, one packet back. Replies up to a page come in one read. */
static void ask(int fd, const char *data, size_t length, char *buffer)
{
    uint32_t word;
    ssize_t got;

    if (write(fd, data, length) != (ssize_t)length)
        fail("write");
    got = read(fd, buffer, MAX_PACKET);
    if (got < 4)
        fail("read");
    memcpy(&word, buffer, sizeof(word));
    if (ntohl(word) > (size_t)got)
        receive(fd, buffer, ntohl(word) - (size_t)got);
}

static void greet(int fd, char *buffer)
{
    for (size_t at = 0; at < greeting.length;) {
        uint32_t word;

        memcpy(&word, greeting.data + at, sizeof(word));
        ask(fd, greeting.data + at, ntohl(word), buffer);
        at += ntohl(word);
    }
}

static void *run_client(void *opaque)
{
    struct client *client = opaque;
    char *buffer = malloc(MAX_PACKET);
    uint64_t end = now() + (uint64_t)(seconds * 1e9);
    int fd = -1;

    while (now() < end && client->n_samples < MAX_SAMPLES) {
        uint64_t start = now();
        if (fd < 0) {
            fd = connect_server();
            greet(fd, buffer);
            if (!anew)
                start = now();
        }
        ask(fd, packet.data, packet.length, buffer);
        if (anew) {
            close(fd);
            fd = -1;
        }
        client->samples[client->n_samples++] = (uint32_t)(now() - start);
    }
    if (fd >= 0)
        close(fd);
    free(buffer);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void report(struct client *clients, unsigned count)
{
    size_t total = 0;
    uint32_t *all;

    for (unsigned i = 0; i < count; i++)
        total += clients[i].n_samples;
    all = calloc(total, sizeof(*all));
    if (!all || total == 0)
        fail("no samples");
    for (size_t i = 0, at = 0; i < count; at += clients[i++].n_samples)
        memcpy(all + at, clients[i].samples, clients[i].n_samples * sizeof(*all));
    qsort(all, total, sizeof(*all), compare);
    printf("{\"p50\": %.2f, \"p99\": %.2f, \"per_second\": %.1f}\n", all[total / 2] / 1e3,
           all[total * 99 / 100] / 1e3, (double)total / seconds);
}

static int measure(unsigned count)
{
    struct client *clients = calloc(count, sizeof(*clients));

    for (unsigned i = 0; i < count; i++) {
        clients[i].samples = calloc(MAX_SAMPLES, sizeof(uint32_t));
        if (!clients[i].samples ||
            pthread_create(&clients[i].thread, NULL, run_client, &clients[i]))
            fail("client");
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(clients[i].thread, NULL);
    report(clients, count);
    return 0;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 1024) < 0)
        fail(path);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
}

static void echo(void)
{
    static char buffer[MAX_PACKET];
    int listener = listen_at(socket_path), epoll = epoll_create1(0);

    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(epoll, events, 64, -1);

        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            ssize_t got;

            if (fd == listener) {
                watch(epoll, accept(listener, NULL, NULL));
                continue;
            }
            got = read(fd, buffer, sizeof(buffer));
            if (got <= 0 || write(fd, buffer, (size_t)got) != got)
                close(fd);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr,
                "usage: pingpong call|open|echo SOCKET [CLIENTS SECONDS GREETING PACKET]\n");
        return 2;
    }
    socket_path = argv[2];
    if (strcmp(argv[1], "echo") == 0)
        echo();
    if (argc != 7)
        return 2;
    anew = strcmp(argv[1], "open") == 0;
    seconds = atof(argv[4]);
    greeting = load(argv[5]);
    packet = load(argv[6]);
    return measure((unsigned)atoi(argv[3]));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times packets' way to a server and back, from many clients at once, and streams.
 *
 *   pingpong call ADDRESS GREETING PACKET CLIENTS SECONDS  each client greets once, then asks on
 *   pingpong open ADDRESS GREETING PACKET CLIENTS SECONDS  connects and greets anew each time
 *   pingpong take ADDRESS GREETING PACKET   the packet's call sends a stream: reads it to its end
 *   pingpong give ADDRESS GREETING PACKET BYTES   the packet's call takes one: sends that much
 *   pingpong hold ADDRESS GREETING CLIENTS  greets, says "held", and closes when its input ends
 *   pingpong echo ADDRESS [PROCEDURE BYTES] a server that sends back what it gets; streams too:
 *                                           behind the call of that number, and what it is given
 *   pingpong relay ADDRESS SOCKET           a server that passes bytes to another and back: the
 *                                           least that anything in between costs
 *
 * ADDRESS is what link.h says. GREETING and PACKET are files of whole packets, each a length word
 * that counts itself and its bytes. A packet is answered by one packet; a line of JSON tells the
 * microseconds, or the MiB per second.
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
#include <time.h>
#include <unistd.h>

#include "link.h"

#define MAX_PACKET (1 << 20)
#define MAX_SAMPLES (1 << 20)
#define MIB (1024.0 * 1024.0)

/* Words of a packet's head. */
enum { WORD_LENGTH, WORD_PROCEDURE = 3, WORD_TYPE = 4, WORD_STATUS = 6, WORDS };
enum { HEAD_SIZE = WORDS * 4, STREAM_DATA = 262120, TYPE_STREAM = 3 };
enum { STATUS_OK, STATUS_ERROR, STATUS_CONTINUE };

struct bytes {
    char *data;
    size_t length;
};

struct client {
    pthread_t thread;
    uint32_t *samples; /* nanoseconds */
    size_t n_samples;
};

static const char *address;
static struct bytes greeting, packet;
static double seconds;
static bool anew;
static pthread_barrier_t all_greeted; /* time begins then */

static void fail(const char *what)
{
    fprintf(stderr, "pingpong: %s\n", what);
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

static uint32_t get_word(const char *head, int index)
{
    uint32_t word;

    memcpy(&word, head + index * 4, sizeof(word));
    return ntohl(word);
}

static void set_word(char *head, int index, uint32_t value)
{
    value = htonl(value);
    memcpy(head + index * 4, &value, sizeof(value));
}

/* One packet out, one packet back, and nothing behind it. Replies up to a page come in one read. */
static void ask(struct link *link, const char *data, size_t length, char *buffer)
{
    size_t got;

    link_write(link, data, length);
    got = link_read(link, buffer, MAX_PACKET);
    if (got < HEAD_SIZE)
        fail("no whole head of a packet");
    if (get_word(buffer, WORD_LENGTH) > got)
        link_read_all(link, buffer + got, get_word(buffer, WORD_LENGTH) - got);
    if (get_word(buffer, WORD_STATUS) != STATUS_OK)
        fail("refused");
}

static void greet(struct link *link, char *buffer)
{
    for (size_t at = 0; at < greeting.length; at += get_word(greeting.data + at, WORD_LENGTH))
        ask(link, greeting.data + at, get_word(greeting.data + at, WORD_LENGTH), buffer);
}

static void connect_and_greet(struct link *link, char *buffer)
{
    link_connect(address, link);
    greet(link, buffer);
}

/* ---- calls ---- */

static void *run_client(void *opaque)
{
    struct client *client = opaque;
    char *buffer = malloc(MAX_PACKET);
    struct link link = {.fd = -1};
    uint64_t end;

    if (!anew)
        connect_and_greet(&link, buffer);
    pthread_barrier_wait(&all_greeted);
    end = now() + (uint64_t)(seconds * 1e9);
    while (now() < end && client->n_samples < MAX_SAMPLES) {
        uint64_t start = now();
        if (anew)
            connect_and_greet(&link, buffer);
        ask(&link, packet.data, packet.length, buffer);
        if (anew)
            link_close(&link);
        client->samples[client->n_samples++] = (uint32_t)(now() - start);
    }
    if (link.fd >= 0)
        link_close(&link);
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

    pthread_barrier_init(&all_greeted, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        clients[i].samples = calloc(MAX_SAMPLES, sizeof(uint32_t));
        if (!clients[i].samples ||
            pthread_create(&clients[i].thread, NULL, run_client, &clients[i]))
            fail("no client");
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(clients[i].thread, NULL);
    report(clients, count);
    return 0;
}

static int hold(unsigned count)
{
    struct link *links = calloc(count, sizeof(*links));
    char *buffer = malloc(MAX_PACKET);

    for (unsigned i = 0; i < count; i++)
        connect_and_greet(&links[i], buffer);
    puts("held");
    fflush(stdout);
    getchar();
    for (unsigned i = 0; i < count; i++)
        link_close(&links[i]);
    return 0;
}

/* ---- streams ---- */

static void send_stream(struct link *link, const char *call, char *buffer, size_t size,
                        uint32_t status)
{
    memcpy(buffer, call, HEAD_SIZE);
    set_word(buffer, WORD_LENGTH, (uint32_t)(HEAD_SIZE + size));
    set_word(buffer, WORD_TYPE, TYPE_STREAM);
    set_word(buffer, WORD_STATUS, status);
    link_write(link, buffer, HEAD_SIZE + size);
}

static void send_data(struct link *link, const char *call, char *buffer, uint64_t total)
{
    while (total) {
        size_t part = total < STREAM_DATA ? (size_t)total : STREAM_DATA;

        send_stream(link, call, buffer, part, STATUS_CONTINUE);
        total -= part;
    }
}

/* The bytes behind the head of the next packet; nothing else is read. */
static size_t receive_packet(struct link *link, char *buffer)
{
    size_t size;

    link_read_all(link, buffer, HEAD_SIZE);
    size = get_word(buffer, WORD_LENGTH) - HEAD_SIZE;
    if (size > MAX_PACKET - HEAD_SIZE)
        fail("a packet that is too long");
    link_read_all(link, buffer + HEAD_SIZE, size);
    if (get_word(buffer, WORD_STATUS) == STATUS_ERROR)
        fail("refused");
    return size;
}

static int stream(bool takes, uint64_t total)
{
    char *buffer = malloc(MAX_PACKET);
    struct link link;
    uint64_t start;

    connect_and_greet(&link, buffer);
    start = now();
    link_write(&link, packet.data, packet.length);
    receive_packet(&link, buffer);
    if (takes)
        for (size_t part; (part = receive_packet(&link, buffer)) > 0; total += part)
            ;
    else
        send_data(&link, packet.data, buffer, total);
    send_stream(&link, packet.data, buffer, 0, STATUS_OK);
    receive_packet(&link, buffer);
    printf("{\"mib_per_second\": %.1f, \"bytes\": %lu}\n",
           (double)total / MIB / ((double)(now() - start) / 1e9), (unsigned long)total);
    link_close(&link);
    return 0;
}

/* ---- the server ---- */

struct peer {
    struct link link;
    bool shaken;
    size_t have, skip; /* bytes of packet; of stream data that is still to come */
    char packet[4096];
    struct peer *other; /* of a relay */
};

static uint32_t stream_procedure;
static uint64_t stream_bytes;
static const char *relay_target; /* NULL: we answer ourselves */

static void answer(struct peer *peer)
{
    static char buffer[MAX_PACKET];

    link_write(&peer->link, peer->packet, peer->have);
    if (stream_bytes && get_word(peer->packet, WORD_PROCEDURE) == stream_procedure &&
        get_word(peer->packet, WORD_TYPE) != TYPE_STREAM) {
        send_data(&peer->link, peer->packet, buffer, stream_bytes);
        send_stream(&peer->link, peer->packet, buffer, 0, STATUS_CONTINUE);
    }
    peer->have = 0;
}

/* Takes what is at bytes, up to the end of a packet; returns how many. */
static size_t take(struct peer *peer, const char *bytes, size_t size)
{
    size_t wanted = peer->have < HEAD_SIZE ? HEAD_SIZE : get_word(peer->packet, WORD_LENGTH);

    if (peer->skip) {
        size = size < peer->skip ? size : peer->skip;
        peer->skip -= size;
        return size;
    }
    size = size < wanted - peer->have ? size : wanted - peer->have;
    if (peer->have + size > sizeof(peer->packet))
        fail("a call that is too long");
    memcpy(peer->packet + peer->have, bytes, size);
    peer->have += size;
    if (peer->have < HEAD_SIZE)
        return size;
    if (get_word(peer->packet, WORD_STATUS) == STATUS_CONTINUE) {
        peer->skip = get_word(peer->packet, WORD_LENGTH) - HEAD_SIZE;
        peer->have = 0;
    } else if (peer->have == get_word(peer->packet, WORD_LENGTH)) {
        answer(peer);
    }
    return size;
}

static void watch(int epoll, int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
}

/* The link that the peer's bytes go to; made when the first come. */
static struct link *find_other(struct peer *peer, int epoll)
{
    if (!peer->other) {
        peer->other = calloc(1, sizeof(*peer));
        peer->other->shaken = true;
        peer->other->other = peer;
        link_connect(relay_target, &peer->other->link);
        watch(epoll, peer->other->link.fd, peer->other);
    }
    return &peer->other->link;
}

static void take_all(struct peer *peer, const char *bytes, size_t size)
{
    for (size_t at = 0; at < size;)
        at += take(peer, bytes + at, size - at);
}

static bool serve(struct peer *peer, int epoll)
{
    static char buffer[MAX_PACKET];

    if (!peer->shaken) {
        int status = link_shake(&peer->link);

        peer->shaken = status > 0;
        if (status <= 0)
            return status == 0;
        if (!link_pending(&peer->link) && peer->link.session)
            return true;
    }
    do {
        size_t got = link_read(&peer->link, buffer, sizeof(buffer));

        if (!got)
            return false;
        if (relay_target)
            link_write(find_other(peer, epoll), buffer, got);
        else
            take_all(peer, buffer, got);
    } while (link_pending(&peer->link));
    return true;
}

/* The other end of a relay is told, and goes when it has answered that. */
static void drop(struct peer *peer)
{
    if (peer->other) {
        shutdown(peer->other->link.fd, SHUT_RDWR);
        peer->other->other = NULL;
    }
    link_close(&peer->link);
    free(peer);
}

static void run_server(void)
{
    int listener = link_listen(address), epoll = epoll_create1(0);

    watch(epoll, listener, NULL);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(epoll, events, 64, -1);

        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;

            if (!peer) {
                peer = calloc(1, sizeof(*peer));
                link_accept(listener, &peer->link);
                watch(epoll, peer->link.fd, peer);
            } else if (!serve(peer, epoll)) {
                drop(peer);
            }
        }
    }
}

static int usage(void)
{
    fprintf(stderr, "usage: pingpong call|open ADDRESS GREETING PACKET CLIENTS SECONDS\n"
                    "       pingpong take|give ADDRESS GREETING PACKET [BYTES]\n"
                    "       pingpong hold ADDRESS GREETING CLIENTS\n"
                    "       pingpong echo ADDRESS [PROCEDURE BYTES]\n"
                    "       pingpong relay ADDRESS SOCKET\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *what = argc < 3 ? "" : argv[1];

    address = argv[2];
    if (strcmp(what, "echo") == 0) {
        stream_procedure = argc == 5 ? (uint32_t)atoi(argv[3]) : 0;
        stream_bytes = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;
        run_server();
    }
    if (strcmp(what, "relay") == 0 && argc == 4) {
        relay_target = argv[3];
        run_server();
    }
    if (argc < 5)
        return usage();
    greeting = load(argv[3]);
    if (strcmp(what, "hold") == 0)
        return hold((unsigned)atoi(argv[4]));
    packet = load(argv[4]);
    if (strcmp(what, "take") == 0)
        return stream(true, 0);
    if (strcmp(what, "give") == 0 && argc == 6)
        return stream(false, strtoull(argv[5], NULL, 10));
    if (argc != 7)
        return usage();
    anew = strcmp(what, "open") == 0;
    seconds = atof(argv[6]);
    return measure((unsigned)atoi(argv[5]));
}

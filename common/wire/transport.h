/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "wire/frame.h"

/*
 * How bytes move: unix sockets here; TCP, TLS and SASL layers fill in the same ops. A transport is
 * used by the loop thread alone and never blocks.
 */
struct transport;

/* Who is at the other end. Strings may be NULL. */
struct transport_peer {
    bool local; /* a unix socket: pid, uid and gid are valid */
    pid_t pid;  /* 0 if it is outside our pid namespace */
    uid_t uid;
    gid_t gid;
    uint64_t start_time;  /* of the process, in clock ticks since boot; 0 when unknown */
    char *selinux;        /* security context of the socket's peer */
    char *address;        /* "127.0.0.1;0" for unix sockets, else host;port */
    char *own_address;    /* of our end, for other than unix sockets; the same form */
    char *x509_name;      /* distinguished name of a verified TLS client */
    char *sasl_user;      /* who has authenticated by SASL; set once */
    unsigned cipher_bits; /* of the key that TLS encrypts with; 0: it does not */
};

struct transport_ops {
    const char *name; /* "unix", "tcp", "tls": shown by the admin interface */

    /* One step: 1 done, 0 wait for events(), -1 refused. NULL: there is none. */
    int (*handshake)(struct transport *transport, GError **error);

    /* Epoll events that the handshake waits for. */
    uint32_t (*handshake_events)(struct transport *transport);

    /* Bytes read, 0 at the end, or -errno. Descriptors that came along are appended to fds, which
     * has room for FRAME_FDS_MAX more than *fd_count; surplus ones are closed. */
    ssize_t (*read)(struct transport *transport, void *bytes, size_t size, int *fds,
                    unsigned *fd_count);

    /* Bytes written or -errno. */
    ssize_t (*write)(struct transport *transport, const struct iovec *parts, int count);

    /* Sends one descriptor with one dummy byte: 0 or -errno; fd stays the caller's. NULL: this
     * transport cannot. */
    int (*send_fd)(struct transport *transport, int fd);

    /* True when bytes are held inside the transport that epoll does not know of. NULL: never. */
    bool (*pending)(struct transport *transport);

    /* Frees the layer's own state; the base closes fd. NULL: nothing to free. */
    void (*close)(struct transport *transport);
};

struct transport_layered; /* transport-layer.c's own */

struct transport {
    const struct transport_ops *ops;
    int fd; /* non-blocking, owned */
    struct transport_peer peer;
    struct transport_layered *layered; /* NULL: no layer */
};

/* Takes a connected unix socket (on failure too). Reads the peer's credentials, security context
 * and, for users other than root, start time. */
struct transport *transport_new_unix(int fd, GError **error);

/* Takes a connected TCP socket (on failure too). */
struct transport *transport_new_tcp(int fd, GError **error);

/* The server's end of TLS over one, with what tls says, of which a reference is kept: handshake,
 * check of the client's certificate, and the byte that tells the client that it passed. */
struct tls;
struct transport *transport_new_tls(int fd, struct tls *tls, GError **error);

/* What SASL lays over the bytes of a link that is up. Results stay the layer's, until the next call
 * of the same function; false: the link is to be dropped. */
struct transport_layer {
    bool (*encode)(void *data, const void *bytes, unsigned size, const char **ret_bytes,
                   unsigned *ret_size);
    bool (*decode)(void *data, const void *bytes, unsigned size, const char **ret_bytes,
                   unsigned *ret_size);
    void (*free)(void *data);
    unsigned size_max; /* that encode takes at a time */
};

/* From now on for what is read, and for what is written behind the next plain_bytes; data is taken.
 * Without descriptors. */
void transport_add_layer(struct transport *transport, const struct transport_layer *layer,
                         void *data, size_t plain_bytes);

/* For transports that encode: the first bytes of parts, at most size. Returns how many. */
size_t transport_gather(const struct iovec *parts, int count, void *bytes, size_t size);

/* Closes the socket; peer stays readable. */
void transport_shut(struct transport *transport);

/* Accepts NULL. */
void transport_free(struct transport *transport);

/* The start time of a process from /proc, or 0 when there is no such process. May be called by any
 * thread; not meant for the peer of a running connection, whose pid may have been given away. */
uint64_t transport_process_start_time(pid_t pid);

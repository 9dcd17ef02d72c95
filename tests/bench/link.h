/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One end of a connection, for programs that measure: a unix socket, or TLS over TCP. An address is
 * the path of a socket, or tls:HOST:PORT:FOLDER, where FOLDER has cacert.pem, and cert.pem with
 * key.pem of this end. What fails ends the program.
 */
struct link {
    int fd;
    gnutls_session_t session; /* NULL: no TLS */
};

/* Blocks until the other end may be spoken to. */
void link_connect(const char *address, struct link *ret);
void link_close(struct link *link);

/* Bytes read, at most size; 0 at the end. Bytes that gnutls holds already count as readable. */
size_t link_read(struct link *link, void *bytes, size_t size);
void link_read_all(struct link *link, void *bytes, size_t size);
void link_write(struct link *link, const void *bytes, size_t size);

/* True when there is something to read that epoll does not know of. */
int link_pending(const struct link *link);

/* The serving end: a listening socket; a link that has not shaken hands; a step of that, 1 when it
 * is done, -1 when it failed. No session is resumed. */
int link_listen(const char *address);
void link_accept(int listener, struct link *ret);
int link_shake(struct link *link);

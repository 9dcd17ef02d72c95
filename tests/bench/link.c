/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define PATH_SIZE 4096

/* The byte by which a server says that it has accepted the certificate. */
static const char welcome[] = "\1";

/* Loaded by the first address that wants them. */
static pthread_mutex_t credentials_lock = PTHREAD_MUTEX_INITIALIZER;
static gnutls_certificate_credentials_t credentials;

struct address {
    bool tls;
    struct sockaddr_storage socket;
    socklen_t size;
    char folder[PATH_SIZE];
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void check_tls(const char *what, ssize_t status)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, gnutls_strerror((int)status));
    exit(1);
}

static void load_credentials_locked(const char *folder)
{
    gnutls_certificate_credentials_t loaded;
    char authority[PATH_SIZE + 16], own[PATH_SIZE + 16], key[PATH_SIZE + 16];

    if (credentials)
        return;
    snprintf(authority, sizeof(authority), "%s/cacert.pem", folder);
    snprintf(own, sizeof(own), "%s/cert.pem", folder);
    snprintf(key, sizeof(key), "%s/key.pem", folder);
    gnutls_certificate_allocate_credentials(&loaded);
    check_tls(authority,
              gnutls_certificate_set_x509_trust_file(loaded, authority, GNUTLS_X509_FMT_PEM));
    check_tls(own, gnutls_certificate_set_x509_key_file(loaded, own, key, GNUTLS_X509_FMT_PEM));
    credentials = loaded;
}

static void load_credentials(const char *folder)
{
    pthread_mutex_lock(&credentials_lock);
    load_credentials_locked(folder);
    pthread_mutex_unlock(&credentials_lock);
}

static void parse(const char *text, struct address *ret)
{
    struct sockaddr_in *inet = (struct sockaddr_in *)&ret->socket;
    struct sockaddr_un *local = (struct sockaddr_un *)&ret->socket;
    char host[64];
    unsigned port;

    memset(ret, 0, sizeof(*ret));
    ret->tls = strncmp(text, "tls:", 4) == 0;
    if (!ret->tls) {
        local->sun_family = AF_UNIX;
        snprintf(local->sun_path, sizeof(local->sun_path), "%s", text);
        ret->size = sizeof(*local);
        return;
    }
    if (sscanf(text, "tls:%63[^:]:%u:%4095s", host, &port, ret->folder) != 3 ||
        inet_pton(AF_INET, host, &inet->sin_addr) != 1) {
        fprintf(stderr, "%s: not tls:HOST:PORT:FOLDER\n", text);
        exit(2);
    }
    inet->sin_family = AF_INET;
    inet->sin_port = htons((uint16_t)port);
    ret->size = sizeof(*inet);
    load_credentials(ret->folder);
}

static void set_nodelay(int fd)
{
    const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void begin_session(struct link *link, unsigned flags)
{
    check_tls("session", gnutls_init(&link->session, flags | GNUTLS_NO_SIGNAL));
    gnutls_set_default_priority(link->session);
    gnutls_credentials_set(link->session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(link->session, link->fd);
    set_nodelay(link->fd);
}

static void shake_as_client(struct link *link)
{
    char byte;
    int status;

    begin_session(link, GNUTLS_CLIENT);
    gnutls_session_set_verify_cert(link->session, NULL, 0);
    do
        status = gnutls_handshake(link->session);
    while (status < 0 && !gnutls_error_is_fatal(status));
    check_tls("handshake", status);
    link_read_all(link, &byte, 1);
}

void link_connect(const char *text, struct link *ret)
{
    struct address address;

    parse(text, &address);
    *ret = (struct link){.fd = socket(address.socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (ret->fd < 0 || connect(ret->fd, (struct sockaddr *)&address.socket, address.size) < 0)
        fail(text);
    if (address.tls)
        shake_as_client(ret);
}

void link_close(struct link *link)
{
    if (link->session)
        gnutls_deinit(link->session);
    close(link->fd);
    *link = (struct link){.fd = -1};
}

size_t link_read(struct link *link, void *bytes, size_t size)
{
    ssize_t count;

    do
        count = link->session ? gnutls_record_recv(link->session, bytes, size)
                              : read(link->fd, bytes, size);
    while (link->session && (count == GNUTLS_E_AGAIN || count == GNUTLS_E_INTERRUPTED));
    return count > 0 ? (size_t)count : 0;
}

void link_read_all(struct link *link, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t count = link_read(link, (char *)bytes + done, size - done);

        if (!count)
            fail("read");
        done += count;
    }
}

void link_write(struct link *link, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const char *at = (const char *)bytes + done;
        ssize_t count = link->session ? gnutls_record_send(link->session, at, size - done)
                                      : write(link->fd, at, size - done);

        if (link->session && (count == GNUTLS_E_AGAIN || count == GNUTLS_E_INTERRUPTED))
            continue;
        if (count <= 0)
            fail("write");
        done += (size_t)count;
    }
}

int link_pending(const struct link *link)
{
    return link->session && gnutls_record_check_pending(link->session) > 0;
}

int link_listen(const char *text)
{
    const int on = 1;
    struct address address;
    int fd;

    parse(text, &address);
    if (!address.tls)
        unlink(text);
    fd = socket(address.socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address.socket, address.size) < 0 ||
        listen(fd, BACKLOG) < 0)
        fail(text);
    return fd;
}

void link_accept(int listener, struct link *ret)
{
    *ret = (struct link){.fd = accept(listener, NULL, NULL)};
    if (ret->fd < 0)
        fail("accept");
    if (!credentials)
        return;
    fcntl(ret->fd, F_SETFL, O_NONBLOCK);
    begin_session(ret, GNUTLS_SERVER | GNUTLS_NONBLOCK);
    gnutls_certificate_server_set_request(ret->session, GNUTLS_CERT_REQUIRE);
}

int link_shake(struct link *link)
{
    unsigned wrong = 0;
    int status = link->session ? gnutls_handshake(link->session) : 0;

    if (status < 0)
        return gnutls_error_is_fatal(status) ? -1 : 0;
    if (!link->session)
        return 1;
    if (gnutls_certificate_verify_peers2(link->session, &wrong) < 0 || wrong)
        return -1;
    fcntl(link->fd, F_SETFL, 0);
    link_write(link, welcome, 1);
    return 1;
}

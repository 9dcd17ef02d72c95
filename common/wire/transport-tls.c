/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "wire/tls.h"
#include "wire/transport.h"

#define RECORD_MAX 16384
#define NAME_MAX_BYTES 1024
/* Clients read it before they say anything: their certificate has been accepted. */
#define WELCOME "\1"

struct tls_transport {
    struct transport base;
    struct tls *tls;
    gnutls_session_t session;
    bool shaken; /* the handshake proper is over, and the client's certificate is good */
    bool unsent; /* gnutls holds a record that the socket did not take */
    int fault;   /* of reading, behind bytes that were good; 0: none */
};

static struct tls_transport *of(struct transport *transport)
{
    return (struct tls_transport *)transport;
}

/* ---- handshake ---- */

static int refuse(struct tls_transport *self, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static int refuse(struct tls_transport *self, GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    error_set(error, VIR_ERR_AUTH_FAILED, "TLS client %s: %s", self->base.peer.address, text);
    gnutls_alert_send(self->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
    return -1;
}

/* The distinguished name in the words that tls_allowed_dn_list has always been compared with. */
static char *read_name(gnutls_session_t session)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t certificate;
    char name[NAME_MAX_BYTES];
    size_t size = sizeof(name);
    int status;

    if (!chain || !count || gnutls_x509_crt_init(&certificate) < 0)
        return NULL;
    status = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER);
    if (status >= 0)
        status = gnutls_x509_crt_get_dn(certificate, name, &size);
    gnutls_x509_crt_deinit(certificate);
    return status < 0 ? NULL : g_strdup(name);
}

static int refuse_status(struct tls_transport *self, unsigned status, GError **error)
{
    gnutls_datum_t text = {0};

    if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
        return refuse(self, error, "its certificate is not trusted");
    refuse(self, error, "%s", text.data);
    gnutls_free(text.data);
    return -1;
}

static int check_certificate(struct tls_transport *self, GError **error)
{
    gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID,
                                     (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0};
    unsigned status = 0;
    g_autofree char *name = NULL;

    if (!tls_wants_certificates(self->tls))
        return 0;
    if (gnutls_certificate_verify_peers(self->session, &purpose, 1, &status) < 0)
        return refuse(self, error, "it sent no certificate");
    if (status)
        return refuse_status(self, status, error);
    name = read_name(self->session);
    if (!name)
        return refuse(self, error, "its certificate has no distinguished name that can be read");
    if (!tls_allows_name(self->tls, name))
        return refuse(self, error, "'%s' is not in tls_allowed_dn_list", name);
    self->base.peer.x509_name = g_steal_pointer(&name);
    return 0;
}

/* 1 done, 0 wait, -1 refused. */
static int shake(struct tls_transport *self, GError **error)
{
    int status = gnutls_handshake(self->session);

    if (status == GNUTLS_E_AGAIN || status == GNUTLS_E_INTERRUPTED ||
        (status < 0 && !gnutls_error_is_fatal(status)))
        return 0;
    if (status < 0) {
        error_set(error, VIR_ERR_AUTH_FAILED, "TLS client %s: the handshake failed: %s",
                  self->base.peer.address, gnutls_strerror(status));
        gnutls_alert_send_appropriate(self->session, status);
        return -1;
    }
    if (check_certificate(self, error) < 0)
        return -1;
    self->base.peer.cipher_bits =
        (unsigned)gnutls_cipher_get_key_size(gnutls_cipher_get(self->session)) * 8;
    return 1;
}

static int tls_handshake(struct transport *transport, GError **error)
{
    struct tls_transport *self = of(transport);
    ssize_t sent;

    if (!self->shaken) {
        int status = shake(self, error);

        if (status <= 0)
            return status;
        self->shaken = true;
    }
    sent = self->unsent ? gnutls_record_send(self->session, NULL, 0)
                        : gnutls_record_send(self->session, WELCOME, 1);
    self->unsent = sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED;
    if (self->unsent)
        return 0;
    if (sent > 0)
        return 1;
    error_set(error, VIR_ERR_RPC, "TLS client %s: %s", transport->peer.address,
              gnutls_strerror((int)sent));
    return -1;
}

static uint32_t tls_handshake_events(struct transport *transport)
{
    return gnutls_record_get_direction(of(transport)->session) ? EPOLLOUT : EPOLLIN;
}

/* ---- bytes ---- */

/* A client that begins a renegotiation is refused by this too: a server gains nothing from one. */
static int to_errno(ssize_t status)
{
    switch (status) {
    case GNUTLS_E_AGAIN:
    case GNUTLS_E_INTERRUPTED:
        return EAGAIN;
    case GNUTLS_E_PUSH_ERROR:
    case GNUTLS_E_PULL_ERROR:
        return ECONNRESET;
    default:
        return EPROTO;
    }
}

/* As many records as there is room for. What ended that is told by the next call: pending() says
 * that there is something to tell, as the socket may never do so again. */
static ssize_t read_records(struct tls_transport *self, char *bytes, size_t size)
{
    size_t done = 0;
    ssize_t count;

    do {
        count = gnutls_record_recv(self->session, bytes + done, size - done);
        done += MAX(count, 0);
    } while (count > 0 && size - done >= RECORD_MAX);
    if (!done)
        return count;
    if (count <= 0 && to_errno(count) != EAGAIN)
        self->fault = count < 0 ? (int)count : GNUTLS_E_PREMATURE_TERMINATION;
    return (ssize_t)done;
}

static ssize_t tls_read(struct transport *transport, void *bytes, size_t size, int *fds,
                        unsigned *fd_count)
{
    struct tls_transport *self = of(transport);
    ssize_t count = self->fault ? self->fault : read_records(self, bytes, size);

    if (count == GNUTLS_E_PREMATURE_TERMINATION)
        return 0;
    return count < 0 ? -to_errno(count) : count;
}

static bool tls_pending(struct transport *transport)
{
    struct tls_transport *self = of(transport);

    return self->fault || gnutls_record_check_pending(self->session) > 0;
}

/* Small messages share a record. One that the socket did not take is held by gnutls; its bytes are
 * asked to be written again, and counted when they are out. */
static ssize_t tls_write(struct transport *transport, const struct iovec *parts, int count)
{
    struct tls_transport *self = of(transport);
    char bytes[RECORD_MAX];
    ssize_t sent;

    if (self->unsent)
        sent = gnutls_record_send(self->session, NULL, 0);
    else if (parts[0].iov_len >= RECORD_MAX)
        sent = gnutls_record_send(self->session, parts[0].iov_base, RECORD_MAX);
    else
        sent = gnutls_record_send(self->session, bytes,
                                  transport_gather(parts, count, bytes, sizeof(bytes)));
    self->unsent = sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED;
    return sent < 0 ? -to_errno(sent) : sent;
}

static void tls_close(struct transport *transport)
{
    struct tls_transport *self = of(transport);

    if (self->shaken && !self->unsent)
        gnutls_bye(self->session, GNUTLS_SHUT_WR);
    gnutls_deinit(self->session);
    tls_unref(self->tls);
}

static const struct transport_ops tls_ops = {
    .name = "tls",
    .handshake = tls_handshake,
    .handshake_events = tls_handshake_events,
    .read = tls_read,
    .write = tls_write,
    .pending = tls_pending,
    .close = tls_close,
};

static int begin_session(struct tls_transport *self, GError **error)
{
    int status = gnutls_init(&self->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

    if (status < 0) {
        error_set(error, VIR_ERR_NO_MEMORY, "a TLS session: %s", gnutls_strerror(status));
        return -1;
    }
    gnutls_priority_set(self->session, tls_priority(self->tls));
    gnutls_credentials_set(self->session, GNUTLS_CRD_CERTIFICATE, tls_credentials(self->tls));
    if (tls_wants_certificates(self->tls))
        gnutls_certificate_server_set_request(self->session, GNUTLS_CERT_REQUEST);
    gnutls_transport_set_int(self->session, self->base.fd);
    return 0;
}

struct transport *transport_new_tls(int fd, struct tls *tls, GError **error)
{
    struct transport *plain = transport_new_tcp(fd, error);
    struct tls_transport *self;

    if (!plain)
        return NULL;
    self = g_new0(struct tls_transport, 1);
    self->base = *plain;
    g_free(plain);
    self->tls = tls_ref(tls);
    if (begin_session(self, error) < 0) {
        tls_unref(self->tls);
        transport_free(&self->base); /* still plain TCP */
        return NULL;
    }
    self->base.ops = &tls_ops;
    return &self->base;
}

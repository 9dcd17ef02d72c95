/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/tls-check.h"

#include <string.h>
#include <time.h>

#include "base/error.h"

#define PURPOSE_MAX 128
#define KEY_ID_MAX 64

int tls_certificates_read(const char *path, const char *text, size_t length,
                          struct tls_certificates *ret, GError **error)
{
    const gnutls_datum_t data = {(unsigned char *)text, (unsigned)length};
    struct tls_certificates certificates = {.path = path};
    int status = gnutls_x509_crt_list_import2(&certificates.list, &certificates.count, &data,
                                              GNUTLS_X509_FMT_PEM, 0);

    if (status < 0) {
        error_set(
            error, VIR_ERR_CONFIG_UNSUPPORTED,
            "%s: no certificate can be read from it (%s): it must be in PEM format, beginning "
            "with '-----BEGIN CERTIFICATE-----'",
            path, gnutls_strerror(status));
        return -1;
    }
    *ret = certificates;
    return 0;
}

void tls_certificates_clear(struct tls_certificates *certificates)
{
    for (unsigned i = 0; i < certificates->count; i++)
        gnutls_x509_crt_deinit(certificates->list[i]);
    gnutls_free(certificates->list);
    *certificates = (struct tls_certificates){0};
}

static char *write_time(time_t time)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(time);

    return date ? g_date_time_format(date, "%Y-%m-%d %H:%M:%S UTC") : g_strdup("unknown");
}

static int check_times(const char *path, gnutls_x509_crt_t certificate, GError **error)
{
    time_t now = time(NULL);
    time_t begin = gnutls_x509_crt_get_activation_time(certificate);
    time_t end = gnutls_x509_crt_get_expiration_time(certificate);

    if (begin > now) {
        g_autofree char *when = write_time(begin);
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "%s: 'not before' is %s, so the certificate is not yet valid: set this host's "
                  "clock, or wait",
                  path, when);
        return -1;
    }
    if (end != (time_t)-1 && end < now) {
        g_autofree char *when = write_time(end);
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "%s: 'not after' is %s, so the certificate has expired: issue a new one", path,
                  when);
        return -1;
    }
    return 0;
}

/* A certificate that says nothing of its usage may be used for all. */
static int check_usage(const char *path, gnutls_x509_crt_t certificate, unsigned wanted,
                       const char *fix, GError **error)
{
    unsigned usage = 0, critical = 0;
    int status = gnutls_x509_crt_get_key_usage(certificate, &usage, &critical);

    if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE || (status >= 0 && (usage & wanted)))
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "%s: 'key usage' does not allow this: issue a certificate with %s", path, fix);
    return -1;
}

static int check_purpose(const char *path, gnutls_x509_crt_t certificate, GError **error)
{
    char purpose[PURPOSE_MAX];
    int status = 0;

    for (unsigned i = 0; status >= 0; i++) {
        size_t size = sizeof(purpose);

        status = gnutls_x509_crt_get_key_purpose_oid(certificate, i, purpose, &size, NULL);
        if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE && i == 0)
            return 0; /* it does not say */
        if (status >= 0 &&
            (strcmp(purpose, GNUTLS_KP_TLS_WWW_SERVER) == 0 || strcmp(purpose, GNUTLS_KP_ANY) == 0))
            return 0;
    }
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "%s: 'extended key usage' does not have TLS web server: issue a certificate with it "
              "('tls_www_server' in a template of certtool)",
              path);
    return -1;
}

static int check_authority(const char *path, gnutls_x509_crt_t certificate, GError **error)
{
    if (gnutls_x509_crt_get_ca_status(certificate, NULL) <= 0) {
        error_set(
            error, VIR_ERR_CONFIG_UNSUPPORTED,
            "%s: 'basic constraints' do not say that it is an authority's certificate: put the "
            "certificate here that has signed those of clients ('ca' in a template of certtool)",
            path);
        return -1;
    }
    if (check_usage(path, certificate, GNUTLS_KEY_KEY_CERT_SIGN,
                    "signing of certificates ('cert_signing_key' in a template of certtool)",
                    error) < 0)
        return -1;
    return check_times(path, certificate, error);
}

int tls_check_authorities(const struct tls_certificates *authorities, GError **error)
{
    for (unsigned i = 0; i < authorities->count; i++)
        if (check_authority(authorities->path, authorities->list[i], error) < 0)
            return -1;
    return 0;
}

static int check_key(const struct tls_certificates *server, const char *key_path,
                     gnutls_x509_privkey_t key, GError **error)
{
    unsigned char of_key[KEY_ID_MAX], of_certificate[KEY_ID_MAX];
    size_t key_size = sizeof(of_key), certificate_size = sizeof(of_certificate);

    if (gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &key_size) >= 0 &&
        gnutls_x509_crt_get_key_id(server->list[0], GNUTLS_KEYID_USE_SHA256, of_certificate,
                                   &certificate_size) >= 0 &&
        key_size == certificate_size && memcmp(of_key, of_certificate, key_size) == 0)
        return 0;
    error_set(
        error, VIR_ERR_CONFIG_UNSUPPORTED,
        "%s: 'public key' is not the one of the private key in %s: the two files must be of one "
        "pair",
        server->path, key_path);
    return -1;
}

/* Times have been looked at before, with better words. */
static int check_signature(const struct tls_certificates *server,
                           const struct tls_certificates *authorities, GError **error)
{
    unsigned status = 0;
    const unsigned flags = GNUTLS_VERIFY_DISABLE_TIME_CHECKS;

    if (gnutls_x509_crt_list_verify(server->list, server->count, authorities->list,
                                    authorities->count, NULL, 0, flags, &status) >= 0 &&
        status == 0)
        return 0;
    g_autofree char *issuer = NULL;
    size_t size = 0;
    gnutls_x509_crt_get_issuer_dn(server->list[0], NULL, &size);
    issuer = g_malloc0(size + 1);
    gnutls_x509_crt_get_issuer_dn(server->list[0], issuer, &size);
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
              "%s: 'issuer' is '%s', which is no authority in %s: clients that trust those would "
              "refuse it; let one of them sign it, or add its authority there",
              server->path, issuer, authorities->path);
    return -1;
}

int tls_check_server(const struct tls_certificates *server, const char *key_path,
                     gnutls_x509_privkey_t key, const struct tls_certificates *authorities,
                     GError **error)
{
    gnutls_x509_crt_t own = server->list[0];

    if (gnutls_x509_crt_get_ca_status(own, NULL) > 0) {
        error_set(
            error, VIR_ERR_CONFIG_UNSUPPORTED,
            "%s: 'basic constraints' say that it is an authority's certificate: a server needs "
            "one of its own",
            server->path);
        return -1;
    }
    if (check_times(server->path, own, error) < 0 ||
        check_usage(
            server->path, own, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT,
            "digital signature and key encipherment ('signing_key' and 'encryption_key' in a "
            "template of certtool)",
            error) < 0 ||
        check_purpose(server->path, own, error) < 0 || check_key(server, key_path, key, error) < 0)
        return -1;
    return check_signature(server, authorities, error);
}

int tls_check_revoked(const char *path, const char *text, size_t length, GError **error)
{
    const gnutls_datum_t data = {(unsigned char *)text, (unsigned)length};
    gnutls_x509_crl_t list;
    time_t end;

    gnutls_x509_crl_init(&list);
    int status = gnutls_x509_crl_import(list, &data, GNUTLS_X509_FMT_PEM);
    end = status < 0 ? -1 : gnutls_x509_crl_get_next_update(list);
    gnutls_x509_crl_deinit(list);
    if (status < 0) {
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "%s: no list of revoked certificates can be read from it (%s)", path,
                  gnutls_strerror(status));
        return -1;
    }
    if (end != (time_t)-1 && end < time(NULL)) {
        g_autofree char *when = write_time(end);
        error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                  "%s: 'next update' is %s, so the list is out of date and no client would be "
                  "trusted: issue a new one",
                  path, when);
        return -1;
    }
    return 0;
}

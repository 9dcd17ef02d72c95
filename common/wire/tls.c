/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/tls.h"

#include <gnutls/gnutls.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/file.h"
#include "wire/tls-check.h"

#define FILE_MAX (4 * 1024 * 1024)

struct tls {
    atomic_uint references;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    char **allowed; /* NULL: all */
    bool anybody;
};

struct tls *tls_ref(struct tls *tls)
{
    atomic_fetch_add(&tls->references, 1);
    return tls;
}

void tls_unref(struct tls *tls)
{
    if (!tls || atomic_fetch_sub(&tls->references, 1) != 1)
        return;
    gnutls_certificate_free_credentials(tls->credentials);
    if (tls->priority)
        gnutls_priority_deinit(tls->priority);
    g_strfreev(tls->allowed);
    g_free(tls);
}

static int read_file(const char *path, gnutls_datum_t *ret, GError **error)
{
    char *text;
    size_t length;

    if (file_read_all(path, FILE_MAX, &text, &length, error) < 0)
        return -1;
    *ret = (gnutls_datum_t){(unsigned char *)text, (unsigned)length};
    return 0;
}

/* What gnutls itself says against a file that the checks had nothing against. */
static int check_status(int status, const char *path, GError **error)
{
    if (status >= 0)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "%s: %s", path, gnutls_strerror(status));
    return -1;
}

static int add_authorities(struct tls *tls, const struct tls_settings *settings,
                           struct tls_certificates *ret, GError **error)
{
    gnutls_datum_t data;
    int status = -1;

    if (read_file(settings->authorities, &data, error) < 0)
        return -1;
    if (tls_certificates_read(settings->authorities, (char *)data.data, data.size, ret, error) ==
            0 &&
        (settings->unchecked || tls_check_authorities(ret, error) == 0))
        status = check_status(
            gnutls_certificate_set_x509_trust_mem(tls->credentials, &data, GNUTLS_X509_FMT_PEM),
            settings->authorities, error);
    g_free(data.data);
    return status;
}

static int add_revoked(struct tls *tls, const struct tls_settings *settings, GError **error)
{
    const char *path = settings->revoked;
    gnutls_datum_t data;
    int status = -1;

    if (!path)
        return 0;
    if (read_file(path, &data, error) < 0)
        return -1;
    if (settings->unchecked || tls_check_revoked(path, (char *)data.data, data.size, error) == 0)
        status = check_status(
            gnutls_certificate_set_x509_crl_mem(tls->credentials, &data, GNUTLS_X509_FMT_PEM), path,
            error);
    g_free(data.data);
    return status;
}

static int read_key(const char *path, const gnutls_datum_t *data, gnutls_x509_privkey_t *ret,
                    GError **error)
{
    gnutls_x509_privkey_t key;
    int status;

    gnutls_x509_privkey_init(&key);
    status = gnutls_x509_privkey_import2(key, data, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
    if (status < 0) {
        error_set(
            error, VIR_ERR_CONFIG_UNSUPPORTED,
            "%s: no private key can be read from it (%s): it must be in PEM format and without "
            "a passphrase",
            path, gnutls_strerror(status));
        gnutls_x509_privkey_deinit(key);
        return -1;
    }
    *ret = key;
    return 0;
}

static int check_pair(const struct tls_settings *settings, const struct tls_pair *pair,
                      const gnutls_datum_t *certificate, const gnutls_datum_t *secret,
                      const struct tls_certificates *authorities, GError **error)
{
    struct tls_certificates own;
    gnutls_x509_privkey_t key;
    int status = 0;

    if (tls_certificates_read(pair->certificate, (char *)certificate->data, certificate->size, &own,
                              error) < 0)
        return -1;
    if (read_key(pair->key, secret, &key, error) < 0) {
        tls_certificates_clear(&own);
        return -1;
    }
    if (!settings->unchecked)
        status = tls_check_server(&own, pair->key, key, authorities, error);
    gnutls_x509_privkey_deinit(key);
    tls_certificates_clear(&own);
    return status;
}

static int add_pair(struct tls *tls, const struct tls_settings *settings,
                    const struct tls_pair *pair, const struct tls_certificates *authorities,
                    GError **error)
{
    gnutls_datum_t certificate, secret;
    int status = -1;

    if (read_file(pair->certificate, &certificate, error) < 0)
        return -1;
    if (read_file(pair->key, &secret, error) < 0) {
        g_free(certificate.data);
        return -1;
    }
    if (check_pair(settings, pair, &certificate, &secret, authorities, error) == 0)
        status = check_status(gnutls_certificate_set_x509_key_mem(tls->credentials, &certificate,
                                                                  &secret, GNUTLS_X509_FMT_PEM),
                              pair->certificate, error);
    gnutls_memset(secret.data, 0, secret.size);
    g_free(secret.data);
    g_free(certificate.data);
    return status;
}

static int set_priority(struct tls *tls, const char *text, GError **error)
{
    const char *at = text;
    int status = gnutls_priority_init(&tls->priority, text, &at);

    if (status >= 0)
        return 0;
    error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "tls_priority: not understood from '%s' on: %s",
              at, gnutls_strerror(status));
    return -1;
}

static int fill(struct tls *tls, const struct tls_settings *settings,
                struct tls_certificates *authorities, GError **error)
{
    if (set_priority(tls, settings->priority, error) < 0 ||
        add_authorities(tls, settings, authorities, error) < 0 ||
        add_revoked(tls, settings, error) < 0)
        return -1;
    for (unsigned i = 0; i < settings->pair_count; i++)
        if (add_pair(tls, settings, &settings->pairs[i], authorities, error) < 0)
            return -1;
    return 0;
}

struct tls *tls_new(const struct tls_settings *settings, GError **error)
{
    struct tls_certificates authorities = {0};
    struct tls *tls = g_new0(struct tls, 1);
    int status;

    atomic_init(&tls->references, 1);
    gnutls_certificate_allocate_credentials(&tls->credentials);
    tls->allowed = g_strdupv((char **)settings->allowed);
    tls->anybody = settings->anybody;
    status = fill(tls, settings, &authorities, error);
    tls_certificates_clear(&authorities);
    if (status < 0) {
        tls_unref(tls);
        return NULL;
    }
    return tls;
}

gnutls_certificate_credentials_t tls_credentials(const struct tls *tls)
{
    return tls->credentials;
}

gnutls_priority_t tls_priority(const struct tls *tls)
{
    return tls->priority;
}

bool tls_wants_certificates(const struct tls *tls)
{
    return !tls->anybody;
}

bool tls_allows_name(const struct tls *tls, const char *name)
{
    for (char **pattern = tls->allowed; pattern && *pattern; pattern++)
        if (g_pattern_match_simple(*pattern, name))
            return true;
    return !tls->allowed;
}

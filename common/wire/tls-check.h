/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <gnutls/x509.h>

/* Certificates of one file, in its order. */
struct tls_certificates {
    const char *path; /* borrowed */
    gnutls_x509_crt_t *list;
    unsigned count;
};

/* Decodes what was read from the file at path; at least one. VIR_ERR_CONFIG_UNSUPPORTED. */
int tls_certificates_read(const char *path, const char *text, size_t length,
                          struct tls_certificates *ret, GError **error);
void tls_certificates_clear(struct tls_certificates *certificates);

/* Pure checks; VIR_ERR_CONFIG_UNSUPPORTED names file, field and what helps. The first: of
 * authorities, that they are, and are valid now. The second: of a server's certificate, that it may
 * be one, is valid now, belongs to the key, and is signed by one of the authorities. */
int tls_check_authorities(const struct tls_certificates *authorities, GError **error);
int tls_check_server(const struct tls_certificates *server, const char *key_path,
                     gnutls_x509_privkey_t key, const struct tls_certificates *authorities,
                     GError **error);

/* That a list of revoked certificates is current. */
int tls_check_revoked(const char *path, const char *text, size_t length, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * A server's certificates and what it demands of clients. Read from files once, checked then, and
 * immutable: reading them again makes another, and links that are up keep theirs. References may
 * be taken and dropped by any thread.
 */
struct tls;

struct tls_pair {
    char *certificate, *key; /* paths; the certificate may be followed by its chain */
};

/* Paths are named in errors. */
struct tls_settings {
    const char *authorities; /* of the certificates that we trust in clients' */
    const char *revoked;     /* list of certificates that are not to be trusted; NULL: none */
    const struct tls_pair *pairs;
    unsigned pair_count;
    const char *priority;       /* ciphers and versions, in gnutls' words; NULL: its default */
    const char *const *allowed; /* patterns of clients' distinguished names; NULL: all */
    bool anybody;               /* clients need no certificate */
    bool unchecked;             /* certificates are taken as they are */
};

/*
 * Reads and checks. Blocks on the disk. VIR_ERR_CONFIG_UNSUPPORTED names the file, what is wrong in
 * it, and what helps.
 */
struct tls *tls_new(const struct tls_settings *settings, GError **error);

/* Any thread. */
struct tls *tls_ref(struct tls *tls);
void tls_unref(struct tls *tls);

/* What transport-tls.c needs of it; borrowed. */
struct gnutls_certificate_credentials_st *tls_credentials(const struct tls *tls);
struct gnutls_priority_st *tls_priority(const struct tls *tls);
bool tls_wants_certificates(const struct tls *tls);
bool tls_allows_name(const struct tls *tls, const char *name);

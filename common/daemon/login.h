/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "wire/transport.h"

/*
 * One client's authentication by SASL, and then the encryption that it has brought. Functions may
 * block (on name service, data base, key server) and belong to one thread at a time.
 */
struct login;

struct login_link {
    const char *address, *own_address; /* "host;port"; NULL: a unix socket */
    bool is_local;                     /* nobody else can read it */
    unsigned cipher_bits;              /* of TLS below; 0: none */
    unsigned least_ssf; /* bits that SASL must encrypt with where nothing else does */
};

/* A token of the exchange; bytes NULL: none, which is not the same as an empty one. */
struct login_token {
    const char *bytes;
    unsigned size;
};

/* VIR_ERR_AUTH_FAILED: SASL can't be used, and why. */
struct login *login_new(const struct login_link *link, GError **error);
void login_free(struct login *login);

/* At the end of the process, when there are no logins and no other threads. */
void login_shut_down(void);

/* Names of the mechanisms that are strong enough for the link, with commas between; borrowed.
 * VIR_ERR_AUTH_FAILED if there is none. */
int login_mechanisms(struct login *login, const char **ret_names, GError **error);

/* The first step of the mechanism, or with NULL the next one. The answer is the login's until the
 * next step. VIR_ERR_AUTH_FAILED says no more than that to the client. */
int login_step(struct login *login, const char *mechanism, const struct login_token *token,
               struct login_token *ret_answer, bool *ret_complete, GError **error);

/* When complete: who it is (borrowed); whether what follows is encrypted. */
const char *login_user(struct login *login);
bool login_encrypts(struct login *login);

/* The encryption; its data is the login. */
extern const struct transport_layer login_layer;

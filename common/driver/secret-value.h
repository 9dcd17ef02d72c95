/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/peer.h"
#include "model/domain-source.h"
#include "model/secret.h"

/* The value of a secret: memory of ours, overwritten by secret_value_clear(). */
struct secret_value {
    uint8_t *bytes;
    size_t length;
};

/* Asks virtsecretd, private ones included; the secret must be for such a use, or for none in
 * particular. Workers only; blocks. Errors: peer.h; VIR_ERR_NO_SECRET: there is none, or it has no
 * value; VIR_ERR_INVALID_ARG: it is for another use. */
int secret_value_get(struct peer *secrets, const struct domain_secret *secret,
                     enum secret_usage_type use, struct secret_value *ret_value, GError **error);
void secret_value_clear(struct secret_value *value);

/* struct secret_value value SECRET_VALUE_AUTO = {0}; */
#define SECRET_VALUE_AUTO __attribute__((cleanup(secret_value_clear)))

/* A pipe from which the value can be read once; the caller closes it. VIR_ERR_SYSTEM_ERROR. */
int secret_value_open(const struct secret_value *value, int *ret_fd, GError **error);

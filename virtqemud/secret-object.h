/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/secret-value.h"

#include "arguments.h"

struct json_object;

/*
 * Secrets as QEMU gets them: objects whose data are encrypted with a key of the run (AES-256-CBC),
 * so that neither its log nor its command line has them. The key is in a file in the folder of the
 * run, made when it is first needed.
 */
#define SECRET_KEY_ID "masterKey0"

/* The object of the key: before all others, and once in a QEMU. */
struct json_object *secret_object_key(const struct arguments_context *context);

/* Appends the object, called id, of the value of a secret. In a plan nobody is asked, and data are
 * not there. Errors: driver/secret-value.h; VIR_ERR_SYSTEM_ERROR. Blocks. */
int secret_object_add(const struct domain_secret *secret, enum secret_usage_type use,
                      const char *id, const struct arguments_context *context, GPtrArray *objects,
                      GError **error);

/* The same of a value that is not a secret of virtsecretd's. */
int secret_object_add_value(const struct secret_value *value, const char *id,
                            const struct arguments_context *context, GPtrArray *objects,
                            GError **error);

/* The value encrypted with key, of SECRET_KEY_BYTES, as base64; the caller frees.
 * VIR_ERR_INTERNAL_ERROR. */
#define SECRET_KEY_BYTES 32
#define SECRET_IV_BYTES 16
int secret_object_encrypt(const struct secret_value *value, const uint8_t key[SECRET_KEY_BYTES],
                          const uint8_t iv[SECRET_IV_BYTES], char **ret_data, GError **error);

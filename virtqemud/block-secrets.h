/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

struct json_object;

/*
 * What QEMU needs to know to read an image that is not open to everybody: credentials for its
 * server, passphrases of its encryption. Each is an object of its own (secret-object.h), which goes
 * before the node that names it. Errors: secret-object.h.
 */

/* What no emulator can do, and what this one can't: VIR_ERR_CONFIG_UNSUPPORTED; VIR_ERR_XML_ERROR:
 * cookies that are none; VIR_ERR_INTERNAL_ERROR: an encryption without a secret. Pure. */
int block_secrets_check(const struct domain_source *source, GError **error);
int block_secrets_check_emulator(const struct domain_source *source,
                                 const struct emulator *emulator, GError **error);

/* QEMU's driver for its format where the encryption decides that: "luks"; else NULL. */
const char *block_secrets_driver(const struct domain_source *source);

/* Adds the credentials to the node that reaches the image by the network, called name, and
 * passphrases to one whose server's library decrypts. */
int block_secrets_add_network(const struct domain_source *source, const char *name,
                              const struct arguments_context *context, struct json_object *node,
                              GPtrArray *objects, GError **error);

/* Adds the passphrase to the node that knows the format, called name. */
int block_secrets_add_format(const struct domain_source *source, const char *name,
                             const struct arguments_context *context, struct json_object *node,
                             GPtrArray *objects, GError **error);

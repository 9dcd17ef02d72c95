/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/*
 * TLS of the connections that QEMU itself makes and takes: certificates in the folders that
 * qemu.conf names. Only QEMU's user reads them.
 */

/* Writes down what qemu.conf says of streams and disks that leave it open whether they are
 * encrypted; of all devices, or one. */
void tls_creds_choose(struct domain *live, const struct qemu_config *config);
void tls_creds_choose_device(struct domain *live, const struct device *device,
                             const struct qemu_config *config);

/* Appends the object of the credentials, called id, and before it that of the key's passphrase, if
 * there is one, called secret_id. VIR_ERR_CONFIG_UNSUPPORTED names the certificate that is missing;
 * secret-object.h for the passphrase. Blocks. */
int tls_creds_add(enum qemu_tls_use use, bool server, const char *id, const char *secret_id,
                  const struct arguments_context *context, GPtrArray *objects, GError **error);

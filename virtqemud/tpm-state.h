/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "driver/secret-value.h"
#include "model/domain.h"

#include "qemu.h"

/* What an emulated TPM keeps while its guest is off: /var/lib/libvirt/swtpm/UUID/tpm2, of swtpm's
 * user alone. */

/* For the program that runs it; owned. */
struct tpm_state {
    char *place; /* "dir=/var/lib/libvirt/swtpm/UUID/tpm2,mode=0600", as swtpm takes it */
    char *log;
};
void tpm_state_clear(struct tpm_state *state);

/* Of encrypted state, in swtpm's words. */
#define TPM_STATE_CIPHER "aes-256-cbc"

/* TPM 2.0, unless the document says 1.2. */
bool tpm_state_is_2(const struct domain_tpm *tpm);

/* Makes folder (or file) and log; what has no state yet is manufactured by swtpm_setup, which takes
 * seconds; then the banks of the document are switched on. All of it encrypted, unless the
 * passphrase is empty. Blocks. VIR_ERR_CONFIG_UNSUPPORTED: swtpm_setup
 * is missing; VIR_ERR_OPERATION_FAILED quotes it. */
int tpm_state_prepare(struct qemu *qemu, const struct domain *domain, const struct domain_tpm *tpm,
                      const struct secret_value *passphrase, struct tpm_state *ret_state,
                      GError **error);

/* Removes the state of a domain that is gone for good. Flags: VIR_DOMAIN_UNDEFINE_TPM and
 * _KEEP_TPM; without them it stays where the document says persistent_state. */
void tpm_state_remove(struct qemu *qemu, const struct domain *domain, unsigned flags);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "config.h"

/* The guest's firmware and the file of its variables. */

/*
 * Completes <os>: with firmware='...' chooses loader, format and template of the variables by the
 * descriptors of the host (folders; NULL: the usual ones), with a loader alone its template by
 * qemu.conf or descriptors; names the file of the variables (nvram_folder/NAME_VARS.fd). Changes a
 * domain under construction; idempotent. Blocks on the disk. VIR_ERR_OPERATION_FAILED: no firmware
 * fits.
 */
int firmware_select(struct domain *domain, const struct qemu_config *config,
                    const char *nvram_folder, const char *const *folders, GError **error);

/* Makes the file of the variables from its template if there is none, or in any case with reset; it
 * belongs to QEMU's user. Nothing for a guest without one. Blocks on the disk. */
int firmware_make_nvram(const struct domain *live, const struct qemu_config *config, bool reset,
                        GError **error);

/* True if the guest has a file of variables beside its firmware, as far as its document says. */
bool firmware_has_variables(const struct domain *domain);

/* Names that file, nvram_folder/NAME_VARS.fd, where the document does not. Changes a domain under
 * construction. */
void firmware_name_nvram(struct domain *domain, const char *nvram_folder);

/* The path of the file of variables, in whichever form the document has it, or NULL. Borrowed. */
const char *firmware_nvram_path(const struct domain *domain);

/* The same for a stored domain, whose variables may have got their name when it was started; the
 * caller frees. NULL: it has none. */
char *firmware_stored_nvram(const struct domain *domain, const char *nvram_folder);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/domain.h"

#include "arguments.h"

/* Adds -tpmdev, called "tpm-" + alias: on the host's own TPM, which is opened here unless in a
 * plan, or on the stream of an emulator. VIR_ERR_SYSTEM_ERROR names what can't be opened. */
int tpm_add_backend(const struct domain_tpm *tpm, const struct arguments_context *context,
                    struct arguments *arguments, GError **error);

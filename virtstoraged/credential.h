/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/storage-pool.h"

/* What a pool logs in with, asked of virtsecretd: text, which credential_clear() overwrites; a key
 * of Ceph is bytes, and comes in base64. Blocks; workers only. Errors: driver/peer.h;
 * VIR_ERR_NO_SECRET: there is none, or it has no value; VIR_ERR_INVALID_ARG: it is for another use,
 * or a password that is no text. */
int credential_get(const struct storage_auth *auth, char **ret_password, GError **error);
void credential_clear(char **password);
#define CREDENTIAL_AUTO __attribute__((cleanup(credential_clear)))

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/storage-volume.h"

/* Passphrases of encrypted volumes: virtsecretd has them. */

/* Can such a volume be made? Pure. VIR_ERR_CONFIG_UNSUPPORTED names what can't be,
 * VIR_ERR_XML_ERROR that there is more than one secret. */
int volume_key_check(const struct storage_volume *definition, GError **error);

/* A pipe from which the passphrase of a volume that is to be made can be read, once; the caller
 * closes it. -1: it is not encrypted. Blocks. VIR_ERR_XML_ERROR: no secret is named; those of
 * virtsecretd, which may not be there. */
int volume_key_open(const struct storage_volume *definition, int *ret_fd, GError **error);

/* The same of a volume that is there, whose secret is the one for the path of the volume. */
int volume_key_find(const struct storage_volume *definition, int *ret_fd, GError **error);
